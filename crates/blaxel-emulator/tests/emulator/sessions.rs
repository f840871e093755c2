//! Sessions: previews of the sandbox API.

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::json;

use crate::support::{Ask, ask, get, post};

/// Creates a session and returns its URL and its token.
async fn session(emulator: &Emulator) -> (String, String) {
    emulator.add("sandboxes", "sb").unwrap();
    let all = "/sandboxes/sb/previews";
    let spec = json!({"port": 443, "public": false});
    let sent = json!({"metadata": {"name": "session-1"}, "spec": spec});
    let preview = post(all, &sent).on(emulator).await.expect(200);
    let sent = json!({"metadata": {"name": "token-1"}, "spec": {}});
    let token = post(format!("{all}/session-1/tokens"), &sent);
    let token = token.on(emulator).await.expect(200);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    (text(&preview["spec"]["url"]), text(&token["spec"]["token"]))
}

#[tokio::test]
async fn a_session_may_use_files_and_processes_and_nothing_else() {
    let emulator = Emulator::offline();
    let service = emulator.service().verbatim();
    let (url, token) = session(&emulator).await;
    let with_token = |ask: Ask| ask.header("X-Blaxel-Preview-Token", &token);
    let write = ask(Method::PUT, format!("{url}/filesystem/%2Ftmp%2Ffile"));
    let write = with_token(write.json(&json!({"content": "hello"})));
    write.bare(&service).await.expect(200);
    let sent = json!({"command": "cat /tmp/file", "waitForCompletion": true});
    let ran = with_token(post(format!("{url}/process"), &sent))
        .bare(&service)
        .await;
    assert_eq!(ran.expect(200)["logs"], "hello");
    let watch = with_token(get(format!("{url}/watch/filesystem/%2Ftmp")));
    assert_eq!(watch.begin(&service).await.unwrap().status(), 200);
    with_token(get(&url)).bare(&service).await.expect(200);

    let mount = json!({"driveName": "d", "mountPath": "/d"});
    for request in [
        post(format!("{url}/drives/mount"), &mount),
        post(format!("{url}/upgrade"), &json!({})),
        get(format!("{url}/port/3000/")),
        post(
            format!("{url}/filesystem-multipart/initiate/%2Fbig"),
            &json!({}),
        ),
    ] {
        let refused = with_token(request).bare(&service).await;
        refused.gateway(401, "AUTHENTICATION_REQUIRED");
    }
    // With the credential of the workspace it may do everything.
    let listed = with_token(get(format!("{url}/drives/mount")));
    listed.bare(&emulator.service()).await.expect(200);
    let none = get(format!("{url}/process")).bare(&service).await;
    none.gateway(401, "AUTHENTICATION_REQUIRED");
}
