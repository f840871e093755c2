//! The journal: contents, timing, identities, counts, assertions and exports.

use std::panic::AssertUnwindSafe;
use std::process::Command;
use std::time::Duration;

use blaxel_emulator::{CredentialKind, Emulator, Entry, Fault};
use futures_util::FutureExt as _;
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::support::{as_client, ask, get, in_sandbox, post};

fn agent(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {}})
}

fn last(emulator: &Emulator) -> Entry {
    emulator.journal().pop().unwrap()
}

/// Returns the message of the panic of an assertion.
fn failure(assertion: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(AssertUnwindSafe(assertion)).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

#[tokio::test]
async fn contents_are_kept_on_request_only_and_in_bounds() {
    let emulator = Emulator::offline();
    get("/models").on(&emulator).await.expect(200);
    let entry = last(&emulator);
    assert_eq!((entry.request, entry.response), (None, None));

    let emulator = Emulator::builder().journal_contents(20).build();
    post("/agents", &agent("a")).on(&emulator).await.expect(200);
    let entry = last(&emulator);
    let (request, response) = (entry.request.unwrap(), entry.response.unwrap());
    let sent = agent("a").to_string();
    assert_eq!(request.body, sent.as_bytes()[..20]);
    assert_eq!(request.size, sent.len() as u64);
    assert!(!request.is_whole);
    assert_eq!(request.headers["content-type"], "application/json");
    assert!(response.size > 20 && response.body.len() == 20);

    let emulator = Emulator::builder().journal_contents(1 << 20).build();
    post("/agents", &agent("a")).on(&emulator).await.expect(200);
    let entry = last(&emulator);
    let (request, response) = (entry.request.unwrap(), entry.response.unwrap());
    assert!(request.is_whole && response.is_whole);
    assert_eq!(request.body, sent);
    let shown: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(shown["metadata"]["name"], "a");
    assert_eq!(response.headers["x-request-id"], entry.request_id.as_str());
}

#[tokio::test]
async fn all_bodies_together_are_bounded() {
    let emulator = Emulator::builder().journal_contents(16 << 20).build();
    emulator.add("sandboxes", "dev").unwrap();
    let file = in_sandbox(&emulator, "dev", "/filesystem/tmp/a");
    let content = "x".repeat(4 << 20);
    for _ in 0..20 {
        let write = ask(Method::PUT, &file).json(&json!({"content": content}));
        write.bare(&emulator.service()).await.expect(200);
    }
    let journal = emulator.journal();
    let kept = |entry: &Entry| entry.request.as_ref().unwrap().body.len();
    let total: usize = journal.iter().map(kept).sum();
    assert!(total <= 64 << 20 && total > 48 << 20, "{total}");
    let (oldest, newest) = (&journal[0], &journal[19]);
    assert_eq!(kept(oldest), 0);
    assert!(!oldest.request.as_ref().unwrap().is_whole);
    assert!(newest.request.as_ref().unwrap().is_whole);
}

/// The canary must not be in anything that is kept or exported, whatever a client does with it.
#[tokio::test]
async fn secrets_are_masked_wherever_they_are() {
    const CANARY: &str = "canary-5b1f6c";
    let emulator = Emulator::builder()
        .api_key(CANARY)
        .client("me", "canary-secret")
        .journal_contents(1 << 20)
        .build();
    let service = emulator.service();
    let form = "grant_type=client_credentials&client_id=me&client_secret=canary-secret";
    let token = ask(Method::POST, "https://emulator.invalid/v0/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .bytes(form);
    token.bare(&service).await;
    let asked = json!({"grant_type": "client_credentials", "client_id": "me",
        "client_secret": "canary-secret"});
    let token = post("/oauth/token", &asked)
        .bare(&service)
        .await
        .expect(200);
    let token = token["access_token"].as_str().unwrap().to_owned();
    let by_token = get("/models").header("authorization", &format!("Bearer {token}"));
    by_token.bare(&service).await.expect(200);
    for path in [
        format!("/models?api_key={CANARY}"),
        format!("/models?q={token}"),
        format!("/agents/{CANARY}"),
    ] {
        get(path).bare(&service).await;
    }
    let mut sandbox = agent("s");
    sandbox["spec"] = json!({"runtime": {"image": "blaxel/base-image:latest", "envs":
        [{"name": "A", "value": "canary-env", "secret": true}]}});
    post("/sandboxes", &sandbox).bare(&service).await;
    let secret = json!({"name": "PAYMENTS", "value": "canary-value"});
    post("/secrets", &secret).bare(&service).await;
    let shown = format!(
        "{:?} {} {:?}",
        emulator.journal(),
        emulator.har(),
        emulator.curl_commands()
    );
    for hidden in ["canary", token.as_str()] {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
    let leaked: Vec<_> = emulator
        .journal()
        .into_iter()
        .filter_map(|entry| entry.secret_in_url)
        .collect();
    let expected = [
        "the query parameter `api_key`",
        "the query parameter `q`",
        "the path",
    ];
    assert_eq!(leaked, expected);
}

#[tokio::test]
async fn a_call_has_the_times_of_both_clocks() {
    let emulator = Emulator::offline();
    let before = std::time::SystemTime::now();
    emulator
        .fault("ListModels", Fault::delay(Duration::from_millis(20)), 1)
        .unwrap();
    get("/models").on(&emulator).await.expect(200);
    let entry = last(&emulator);
    let (head, end) = (entry.head.unwrap(), entry.end.unwrap());
    assert!(entry.started >= before && entry.started <= std::time::SystemTime::now());
    assert!(head.after >= Duration::from_millis(20) && end.after >= head.after);
    assert_eq!(head.at, emulator.clock().since_epoch());
    assert!(!entry.is_cut);
}

#[tokio::test]
async fn a_call_that_is_cut_by_either_side_is_marked() {
    let emulator = Emulator::offline();
    let service = emulator.service();
    emulator
        .fault("ListModels", Fault::disconnect(), 1)
        .unwrap();
    get("/models").begin(&service).await.unwrap_err();
    let entry = last(&emulator);
    assert!(entry.is_cut && entry.end.is_some() && entry.head.is_none());

    emulator.fault("ListModels", Fault::cut(10), 1).unwrap();
    let response = get("/models").begin(&service).await.unwrap();
    response.into_body().collect().await.unwrap_err();
    let entry = last(&emulator);
    assert!(entry.is_cut && entry.status == Some(200));

    // The client drops the response.
    emulator.add_agent("a");
    let call = post(
        format!("{}/demo/agents/a", emulator.run_url()),
        &json!({"inputs": "a b c"}),
    )
    .header("accept", "text/event-stream");
    let response = call.begin(&service).await.unwrap();
    assert_eq!(last(&emulator).end, None);
    drop(response);
    assert!(last(&emulator).is_cut);

    // The client goes before there is a response.
    emulator
        .fault("ListModels", Fault::delay(Duration::from_secs(60)), 1)
        .unwrap();
    let call = get("/models").begin(&service);
    assert!(
        tokio::time::timeout(Duration::from_millis(10), call)
            .await
            .is_err()
    );
    let entry = last(&emulator);
    assert!(entry.is_cut && entry.status.is_none() && entry.times_processed == 0);
}

#[tokio::test]
async fn the_identity_of_a_credential_is_kept_without_the_secret() {
    let emulator = Emulator::offline();
    let service = emulator.service();
    get("/models").on(&emulator).await.expect(200);
    let entry = last(&emulator);
    assert_eq!(entry.caller.as_deref(), Some("developer@example.com"));
    assert_eq!(
        (entry.credential, entry.credential_id),
        (CredentialKind::ApiKey, None)
    );

    let account = post("/service_accounts", &json!({"name": "ci"}));
    let account = account.bare(&service).await.expect(200);
    let id = account["client_id"].as_str().unwrap().to_owned();
    let key = post(
        format!("/service_accounts/{id}/api_keys"),
        &json!({"name": "k"}),
    );
    let key = key.bare(&service).await.expect(200);
    let secret = format!("Bearer {}", key["apiKey"].as_str().unwrap());
    get("/models")
        .header("authorization", &secret)
        .bare(&service)
        .await
        .expect(200);
    let entry = last(&emulator);
    assert_eq!(entry.caller.as_deref(), Some(id.as_str()));
    assert_eq!(entry.credential_id.as_deref(), key["id"].as_str());

    let asked = json!({"grant_type": "client_credentials", "client_id": emulator.client_id(),
        "client_secret": emulator.client_secret()});
    let token = post("/oauth/token", &asked)
        .bare(&service)
        .await
        .expect(200);
    let token = format!("Bearer {}", token["access_token"].as_str().unwrap());
    get("/models")
        .header("authorization", &token)
        .bare(&service)
        .await
        .expect(200);
    let entry = last(&emulator);
    assert_eq!(entry.credential, CredentialKind::AccessToken);
    assert_eq!(entry.caller.as_deref(), Some(emulator.client_id()));
    assert!(entry.credential_id.unwrap().parse::<u64>().is_ok());

    get("/models")
        .header("authorization", "Bearer wrong")
        .bare(&service)
        .await
        .expect(401);
    let entry = last(&emulator);
    assert_eq!((entry.caller, entry.credential_id), (None, None));
}

#[tokio::test]
async fn an_operation_took_place_if_it_was_not_refused_before() {
    let emulator = Emulator::offline();
    let service = emulator.service();
    let create = |name: &str| post("/agents", &agent(name)).begin(&service);
    let count = |operation| {
        let count = emulator.operation_count(operation).unwrap();
        (count.requests, count.processed)
    };
    emulator.assert_times("CreateAgent", 0);
    emulator
        .fault("CreateAgent", Fault::html(StatusCode::BAD_GATEWAY), 1)
        .unwrap();
    create("a").await.unwrap();
    assert_eq!(count("CreateAgent"), (1, 0));
    let lost = Fault::disconnect().after_processing();
    emulator.fault("CreateAgent", lost, 1).unwrap();
    create("a").await.unwrap_err();
    assert_eq!(count("CreateAgent"), (2, 1));
    emulator.assert_exactly_once("CreateAgent");
    // There is one of this name.
    assert_eq!(create("a").await.unwrap().status(), 409);
    emulator.assert_exactly_once("CreateAgent");
    emulator.fault("InvokeAgent", Fault::twice(), 1).unwrap();
    let url = format!("{}/demo/agents/a", emulator.run_url());
    post(&url, &json!({"inputs": "x"}))
        .bare(&service)
        .await
        .expect(200);
    assert_eq!(count("InvokeAgent"), (1, 2));
    assert_eq!(last(&emulator).times_processed, 2);
    emulator.operation_count("CreateKite").unwrap_err();
    emulator.clear_journal();
    assert_eq!(count("CreateAgent"), (0, 0));
}

#[tokio::test]
async fn a_failed_assertion_shows_the_calls_and_the_caller() {
    let emulator = Emulator::offline();
    let service = emulator.service();
    let message = failure(|| emulator.assert_exactly_once("CreateAgent"));
    assert!(
        message.contains("not at all") && message.contains("no request"),
        "{message}"
    );
    for name in ["a", "b"] {
        post("/agents", &agent(name))
            .bare(&service)
            .await
            .expect(200);
    }
    post("/agents", &agent("a"))
        .bare(&service)
        .await
        .expect(409);
    let message = failure(|| emulator.assert_exactly_once("CreateAgent"));
    let expected = "expected CreateAgent to take place once, but it took place 2 times, in 3 requests\n  \
        emu-00000001 CreateAgent POST /v0/agents -> 200\n  \
        emu-00000002 CreateAgent POST /v0/agents -> 200\n  \
        emu-00000003 CreateAgent POST /v0/agents -> 409, not processed";
    assert_eq!(message, expected);
    assert!(failure(|| emulator.assert_exactly_once("CreateKite")).contains("CreateKite"));
    emulator.assert_no_secret_in_url();
    get("/models?apiKey=x").bare(&service).await;
    let message = failure(|| emulator.assert_no_secret_in_url());
    assert!(
        message.contains("apiKey=****") && !message.contains("apiKey=x"),
        "{message}"
    );
}

#[tokio::test]
async fn open_connections_are_waited_for_and_named() {
    let emulator = Emulator::builder().start().await.unwrap();
    emulator.add_agent("a");
    emulator.assert_no_open_connections(Duration::ZERO).await;
    let call = post(
        format!("{}/demo/agents/a", emulator.run_url()),
        &json!({"inputs": "a b"}),
    )
    .header("accept", "text/event-stream");
    let response = as_client(call, &emulator).open().await.unwrap();
    let assertion = emulator.assert_no_open_connections(Duration::from_millis(50));
    let panic = AssertUnwindSafe(assertion)
        .catch_unwind()
        .await
        .unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    for expected in ["1 are open", "POST /run/demo/agents/a", "journal.rs:"] {
        assert!(message.contains(expected), "{expected} in {message}");
    }
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(response);
    });
    emulator
        .assert_no_open_connections(Duration::from_secs(10))
        .await;
}

#[tokio::test]
async fn the_control_makes_the_same_assertions() {
    let emulator = Emulator::builder().start().await.unwrap();
    let origin = emulator.url().replace("/v0", "");
    let assert = async |body: Value| {
        let request = post(format!("{origin}/_emulator/assertions"), &body);
        let reply = request.over_socket().await.unwrap();
        let error = match reply.status.as_u16() {
            204 => String::new(),
            _ => reply.json()["error"].as_str().unwrap().to_owned(),
        };
        (reply.status.as_u16(), error)
    };
    let once = json!({"exactly_once": "CreateAgent"});
    assert_eq!(assert(once.clone()).await.0, 409);
    let create = post(format!("{}/agents", emulator.url()), &agent("a"));
    let created = as_client(create, &emulator).over_socket().await.unwrap();
    assert_eq!(created.status, 200);
    assert_eq!(assert(once).await, (204, String::new()));
    let twice = json!({"times": {"operation": "CreateAgent", "times": 2}});
    let (status, error) = assert(twice).await;
    assert!(
        status == 409 && error.contains("POST /v0/agents -> 200"),
        "{error}"
    );
    assert_eq!(assert(json!({"no_secret_in_url": true})).await.0, 204);
    assert_eq!(
        assert(json!({"no_open_connections": {"within": 5}}))
            .await
            .0,
        204
    );
    for (bad, status) in [
        (json!({}), 400),
        (json!({"exactly_once": "CreateKite"}), 400),
        (
            json!({"exactly_once": "ListAgents", "no_secret_in_url": true}),
            400,
        ),
        (json!({"at_least_once": "ListAgents"}), 422),
    ] {
        assert_eq!(assert(bad.clone()).await.0, status, "{bad}");
    }
    let counts = get(format!("{origin}/_emulator/journal/counts"));
    let counts = counts.over_socket().await.unwrap().expect(200);
    let expected = json!({"operations": {"CreateAgent": {"requests": 1, "processed": 1}}});
    assert_eq!(counts, expected);
}

/// The members that the specification of HAR 1.2 requires.
#[tokio::test]
async fn the_archive_has_the_shape_of_har() {
    let emulator = Emulator::builder().journal_contents(1 << 20).build();
    let service = emulator.service();
    post("/agents?a=1&b=%20c", &agent("a")).bare(&service).await;
    emulator
        .fault("ListModels", Fault::disconnect(), 1)
        .unwrap();
    get("/models").begin(&service).await.unwrap_err();
    let archive = emulator.har();
    let log = &archive["log"];
    assert_eq!(log["version"], "1.2");
    assert!(log["creator"]["name"].is_string() && log["creator"]["version"].is_string());
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    for entry in entries {
        assert!(entry["startedDateTime"].as_str().unwrap().ends_with('Z'));
        let timings = &entry["timings"];
        let parts = ["send", "wait", "receive"].map(|name| timings[name].as_f64().unwrap());
        let sum: f64 = parts.iter().sum();
        assert!(
            (sum - entry["time"].as_f64().unwrap()).abs() < 1e-6
                && parts.iter().all(|it| *it >= 0.0)
        );
        let (request, response) = (&entry["request"], &entry["response"]);
        for (message, texts) in [
            (request, ["method", "url", "httpVersion"]),
            (response, ["statusText", "httpVersion", "redirectURL"]),
        ] {
            assert!(
                texts.iter().all(|name| message[name].is_string()),
                "{message}"
            );
            for name in ["cookies", "headers"] {
                assert!(message[name].is_array(), "{name} in {message}");
            }
            assert!(message["headersSize"].is_i64() && message["bodySize"].is_i64());
        }
        assert!(request["queryString"].is_array() && response["status"].is_u64());
        assert!(
            response["content"]["mimeType"].is_string() && response["content"]["size"].is_u64()
        );
        assert!(entry["cache"].is_object());
    }
    let first = &entries[0]["request"];
    let query = json!([{"name": "a", "value": "1"}, {"name": "b", "value": " c"}]);
    assert_eq!(first["queryString"], query);
    assert_eq!(first["postData"]["text"], agent("a").to_string());
    assert_eq!(
        first["url"],
        format!("{}/agents?a=1&b=%20c", emulator.url())
    );
    assert_eq!(entries[1]["response"]["status"], 0);
    assert!(entries[1]["_error"].is_string());
}

/// A shell runs each command with a program in place of `curl` that prints its arguments.
#[tokio::test]
async fn a_shell_reads_the_commands_as_they_are_meant() {
    let emulator = Emulator::builder().journal_contents(1 << 20).build();
    let service = emulator.service();
    let text = "it's \"quoted\" $HOME `x` \\ \n é *";
    let strange = json!({"metadata": {"name": text}, "spec": {}});
    post("/agents?q=%27[1]&a=$(x)", &strange)
        .header("x-empty", "")
        .bare(&service)
        .await;
    let binary = ask(Method::POST, "/agents").bytes(&b"\0a%\\\xff\n"[..]);
    binary.bare(&service).await;
    ask(Method::HEAD, "/models").bare(&service).await;
    let commands = emulator.curl_commands();
    assert_eq!(commands.len(), 3);
    let run = |command: &str| {
        let script = format!(
            "curl() {{ for word; do printf '%s\\0' \"$word\"; done; case \"$*\" in *@-) cat;; esac; }}\n{command}"
        );
        let output = Command::new("sh")
            .args(["-c", &script])
            .env("BL_API_KEY", "the key")
            .output()
            .unwrap();
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{command}: {output:?}"
        );
        output.stdout
    };
    let words = |command: &str| -> Vec<String> {
        let printed = String::from_utf8(run(command)).unwrap();
        printed.split_terminator('\0').map(str::to_owned).collect()
    };
    let first = words(&commands[0]);
    let has = |word: &str| first.iter().any(|other| other == word);
    let url = format!("{}/agents?q=%27[1]&a=$(x)", emulator.url());
    let body = strange.to_string();
    for word in [
        "-X",
        "POST",
        "--globoff",
        &url,
        "x-blaxel-authorization: Bearer the key",
        "x-empty;",
        "--data-raw",
        &body,
    ] {
        assert!(has(word), "{word} in {first:?}");
    }
    assert!(run(&commands[1]).ends_with(b"@-\0\0a%\\\xff\n"));
    assert!(words(&commands[2]).contains(&"--head".to_owned()));
    // Without contents, a command has what a request needs.
    let emulator = Emulator::offline();
    get("/models").on(&emulator).await.expect(200);
    let commands = emulator.curl_commands();
    let words = words(&commands[0]);
    assert!(
        words.contains(&"authorization: Bearer the key".to_owned()),
        "{words:?}"
    );
    assert!(
        words.contains(&"x-blaxel-workspace: demo".to_owned()),
        "{words:?}"
    );
}
