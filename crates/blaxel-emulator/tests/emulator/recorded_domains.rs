//! The recorder and previews on custom domains, with an emulator as the platform.

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::recording::{Proxied, named};
use crate::support::get;

/// Creates a preview of the sandbox `dev` and returns its address.
async fn preview(proxied: &Proxied, name: &str, more: &Value) -> String {
    let mut spec = json!({"port": 443, "public": true});
    let members = more.as_object().unwrap().clone();
    spec.as_object_mut().unwrap().extend(members);
    let body = named(name, &spec);
    let path = "/sandboxes/dev/previews";
    let made = proxied.send(Method::POST, path, Some(&body)).await;
    made.expect(200)["spec"]["url"].as_str().unwrap().to_owned()
}

async fn with_sandbox() -> Proxied {
    let platform = Emulator::start().await.unwrap();
    platform.add("sandboxes", "dev").unwrap();
    Proxied::start(platform).await
}

#[tokio::test]
async fn calls_of_previews_on_custom_domains_are_recorded() {
    let proxied = with_sandbox().await;
    for (name, more, host) in [
        (
            "web",
            json!({"customDomain": "example.com"}),
            "web.example.com",
        ),
        (
            "shop",
            json!({"customDomain": "*.example.org", "prefixUrl": "buy"}),
            "buy.example.org",
        ),
    ] {
        let url = preview(&proxied, name, &more).await;
        assert_eq!(url, format!("{}/_hosts/{host}", proxied.origin()));
        let called = get(format!("{url}/health")).over_socket().await.unwrap();
        called.expect(200);
        let (path, _) = proxied.recorded().pop().unwrap();
        assert_eq!(path, format!("/_hosts/{host}/health"));
    }
    let calls = proxied.platform.journal();
    let calls = calls.iter().filter_map(|entry| entry.operation.as_deref());
    assert_eq!(calls.filter(|name| *name == "CallPreview").count(), 2);
    // What a client sends back has the address of the platform.
    let env = json!({"runtime": {"envs": [
        {"name": "SHOP", "value": format!("{}/_hosts/buy.example.org/a?b=c", proxied.origin())},
        {"name": "OTHER", "value": "https://www.example.org/a"},
    ]}});
    let sent = named("bot", &env);
    proxied
        .send(Method::POST, "/agents", Some(&sent))
        .await
        .expect(200);
    let own = get("/agents/bot").bare(&proxied.platform.service()).await;
    let own = &own.expect(200)["spec"]["runtime"]["envs"];
    assert_eq!(own[0]["value"], "https://buy.example.org/a?b=c");
    assert_eq!(own[1]["value"], "https://www.example.org/a");
    let shown = proxied.send(Method::GET, "/agents/bot", None).await;
    assert_eq!(
        shown.expect(200)["spec"]["runtime"]["envs"],
        env["runtime"]["envs"]
    );
}

#[tokio::test]
async fn a_host_that_no_preview_has_is_not_called() {
    let proxied = with_sandbox().await;
    let uri = format!("{}/_hosts/web.example.com/health", proxied.origin());
    let call = async || get(&uri).over_socket().await.unwrap();
    call().await.expect(404);
    let spec = json!({"customDomain": "example.com"});
    preview(&proxied, "web", &spec).await;
    call().await.expect(200);
    let other = format!("{}/_hosts/www.example.com/health", proxied.origin());
    get(other).over_socket().await.unwrap().expect(404);
}
