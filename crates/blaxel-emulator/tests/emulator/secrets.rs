//! Secrets: masked when they are read, and kept when the mask is sent back.

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, post};

const MASK: &str = "****";

async fn read(emulator: &Emulator, path: &str) -> Value {
    get(path).on(emulator).await.expect(200)
}

async fn revealed(emulator: &Emulator, path: &str) -> Value {
    read(emulator, &format!("{path}?show_secrets=true")).await
}

async fn put(emulator: &Emulator, path: &str, document: &Value) -> Value {
    let reply = ask(Method::PUT, path).json(document).on(emulator).await;
    reply.expect(200)
}

fn with_variables(name: &str, variables: &Value) -> Value {
    json!({"metadata": {"name": name}, "spec": {"runtime": {"image": "team/i", "memory": 1, "envs": variables}}})
}

/// Returns the values of the environment variables, by name.
fn values(document: &Value) -> Vec<(&str, &str)> {
    let variables = document["spec"]["runtime"]["envs"].as_array().unwrap();
    let pairs = variables.iter().map(|variable| {
        let member = |name: &str| variable[name].as_str().unwrap();
        (member("name"), member("value"))
    });
    pairs.collect()
}

#[tokio::test]
async fn secret_variables_are_masked_unless_requested() {
    let emulator = Emulator::offline();
    let variables = json!([
        {"name": "KEY", "value": "canary", "secret": true},
        {"name": "LEVEL", "value": "info", "secret": false},
        {"name": "MODE", "value": "fast"},
    ]);
    let masked = [("KEY", MASK), ("LEVEL", "info"), ("MODE", "fast")];
    let whole = [("KEY", "canary"), ("LEVEL", "info"), ("MODE", "fast")];
    for collection in ["agents", "functions", "jobs", "sandboxes"] {
        let all = format!("/{collection}");
        let one = format!("{all}/a");
        let made = post(&all, &with_variables("a", &variables))
            .on(&emulator)
            .await;
        assert_eq!(values(&made.expect(200)), masked, "{collection}");
        assert_eq!(values(&read(&emulator, &one).await), masked);
        assert_eq!(values(&revealed(&emulator, &one).await), whole);
        assert_eq!(
            values(&read(&emulator, &format!("{one}?show_secrets=false")).await),
            masked
        );
        let page = read(&emulator, &all).await;
        assert_eq!(values(&page["data"][0]), masked);
        let deleted = ask(Method::DELETE, &one).on(&emulator).await;
        assert_eq!(values(&deleted.expect(200)), masked);
    }
}

/// Clients read a document, change a member, and send it back with the mask.
#[tokio::test]
async fn a_mask_that_is_sent_back_keeps_the_secret() {
    let emulator = Emulator::offline();
    let variables = json!([
        {"name": "ONE", "value": "first", "secret": true},
        {"name": "TWO", "value": "second", "secret": true},
    ]);
    let sent = with_variables("a", &variables);
    post("/agents", &sent).on(&emulator).await.expect(200);

    let mut document = read(&emulator, "/agents/a").await;
    let list = document["spec"]["runtime"]["envs"].as_array_mut().unwrap();
    // Variables are identified by name, not by position.
    list.reverse();
    list.insert(0, json!({"name": "NEW", "value": MASK, "secret": true}));
    put(&emulator, "/agents/a", &document).await;
    let now = revealed(&emulator, "/agents/a").await;
    assert_eq!(
        values(&now),
        [("NEW", MASK), ("TWO", "second"), ("ONE", "first")]
    );

    document["spec"]["runtime"]["envs"] = json!([
        {"name": "ONE", "value": "changed", "secret": true},
        // The variable is no longer secret, but the mask does not reveal the value.
        {"name": "TWO", "value": MASK, "secret": false},
    ]);
    let answered = put(&emulator, "/agents/a", &document).await;
    assert_eq!(values(&answered), [("ONE", MASK), ("TWO", MASK)]);
    let now = revealed(&emulator, "/agents/a").await;
    assert_eq!(values(&now), [("ONE", "changed"), ("TWO", MASK)]);
}

#[tokio::test]
async fn a_round_trip_makes_no_new_revision() {
    let emulator = Emulator::offline();
    let variables = json!([{"name": "KEY", "value": "canary", "secret": true}]);
    let sent = with_variables("a", &variables);
    post("/agents", &sent).on(&emulator).await.expect(200);
    let document = read(&emulator, "/agents/a").await;
    put(&emulator, "/agents/a", &document).await;
    let revisions = read(&emulator, "/agents/a/revisions").await;
    assert_eq!(revisions.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_secrets_of_a_connection_are_never_shown() {
    let emulator = Emulator::offline();
    let sent = json!({
        "metadata": {"name": "c"},
        "spec": {"integration": "x", "config": {"url": "u"}, "secret": {"a": "canary-1", "b": "canary-2"}},
    });
    let path = "/integrations/connections/c";
    let made = post("/integrations/connections", &sent).on(&emulator).await;
    assert_eq!(
        made.expect(200)["spec"]["secret"],
        json!({"a": MASK, "b": MASK})
    );
    let shown = revealed(&emulator, path).await;
    assert_eq!(shown["spec"]["secret"], json!({"a": MASK, "b": MASK}));
    assert_eq!(shown["spec"]["config"], json!({"url": "u"}));
    put(&emulator, path, &shown).await;
    let list = read(&emulator, "/integrations/connections").await;
    assert_eq!(list[0]["spec"]["secret"], json!({"a": MASK, "b": MASK}));
}

#[tokio::test]
async fn the_secrets_of_a_proxy_are_never_shown() {
    let emulator = Emulator::offline();
    let target = json!({
        "destinations": ["api.example.com"],
        "headers": {"Authorization": "Bearer {{SECRET:key}}"},
        "secrets": {"key": "canary"},
    });
    let sent = json!({
        "metadata": {"name": "s"},
        "spec": {"network": {"proxy": {"routing": [target]}}},
    });
    let made = post("/sandboxes", &sent).on(&emulator).await.expect(200);
    for document in [
        made,
        read(&emulator, "/sandboxes/s").await,
        revealed(&emulator, "/sandboxes/s").await,
        read(&emulator, "/sandboxes").await["data"][0].clone(),
    ] {
        let target = &document["spec"]["network"]["proxy"]["routing"][0];
        assert_eq!(
            target["headers"],
            sent["spec"]["network"]["proxy"]["routing"][0]["headers"]
        );
        assert_eq!(target.get("secrets"), None);
    }
}

fn triggers(triggers: &Value) -> Value {
    json!({"metadata": {"name": "a"}, "spec": {"triggers": triggers}})
}

fn callback_secret(document: &Value, trigger: usize) -> Option<&str> {
    document["spec"]["triggers"][trigger]["configuration"]
        .get("callbackSecret")
        .map(|secret| secret.as_str().unwrap())
}

#[tokio::test]
async fn a_callback_secret_is_generated_and_shown_once() {
    let emulator = Emulator::offline();
    let calls_back = |id: &str, url: &str| {
        json!({"id": id, "type": "http-async", "configuration":
            {"callbackUrl": url, "callbackSecret": "the client's"}})
    };
    let plain =
        json!({"id": "p", "type": "http", "configuration": {"callbackUrl": "https://x.example"}});
    let quiet = json!({"id": "q", "type": "http-async", "configuration": {"timeout": 900}});
    let first = calls_back("f", "https://a.example");
    let sent = triggers(&json!([first, plain, quiet]));
    let made = post("/agents", &sent).on(&emulator).await.expect(200);
    let secret = callback_secret(&made, 0).unwrap().to_owned();
    assert_eq!(secret.len(), 32);
    assert_eq!(
        (callback_secret(&made, 1), callback_secret(&made, 2)),
        (None, None)
    );
    let masked = read(&emulator, "/agents/a").await;
    assert_eq!(callback_secret(&masked, 0), Some(MASK));
    let shown = revealed(&emulator, "/agents/a").await;
    assert_eq!(callback_secret(&shown, 0), Some(secret.as_str()));

    // Another trigger gets its own secret, which is shown; the first keeps its secret, which is
    // not.
    let second = calls_back("s", "https://b.example");
    let both = triggers(&json!([second, first]));
    let answered = put(&emulator, "/agents/a", &both).await;
    assert_eq!(callback_secret(&answered, 1), Some(MASK));
    let other = callback_secret(&answered, 0).unwrap();
    assert!(other != MASK && other != secret && other != "the client's");
    let shown = revealed(&emulator, "/agents/a").await;
    assert_eq!(callback_secret(&shown, 1), Some(secret.as_str()));
    assert_eq!(callback_secret(&shown, 0), Some(other));
}
