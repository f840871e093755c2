//! Secrets of the workspace.

use std::time::Duration;

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, post};

async fn set(emulator: &Emulator, name: &str, value: &str) -> Value {
    let body = json!({"name": name, "value": value});
    post("/secrets", &body).on(emulator).await.expect(200)
}

async fn listed(emulator: &Emulator) -> Vec<Value> {
    let list = get("/secrets").on(emulator).await.expect(200);
    list.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_secret_gets_a_version_each_time_and_never_shows_its_value() {
    let emulator = Emulator::offline();
    assert!(listed(&emulator).await.is_empty());
    let first = set(&emulator, "KEY", "canary-1").await;
    emulator.clock().advance(Duration::from_secs(60));
    let second = set(&emulator, "KEY", "canary-2").await;
    assert_eq!(first["createdAt"], first["updatedAt"]);
    assert_eq!(second["createdAt"], first["createdAt"]);
    assert_ne!(second["updatedAt"], first["updatedAt"]);
    // Names are case-sensitive.
    set(&emulator, "key", "canary-3").await;
    let all = listed(&emulator).await;
    assert_eq!(all.len(), 2);
    assert!(all.contains(&second));
    for shown in [&first, &second, &Value::from(all)] {
        assert!(!shown.to_string().contains("canary"), "{shown}");
    }
    assert_eq!(emulator.secret_values("KEY"), ["canary-1", "canary-2"]);
    assert_eq!(emulator.secret_values("key"), ["canary-3"]);
}

#[tokio::test]
async fn a_secret_is_deleted_by_path_or_by_query() {
    let emulator = Emulator::offline();
    for (name, uri) in [
        ("A", "/secrets/A"),
        ("b/c", "/secrets/b%2Fc"),
        ("d e", "/secrets?name=d%20e"),
    ] {
        set(&emulator, name, "v").await;
        let delete = || ask(Method::DELETE, uri);
        assert_eq!(delete().on(&emulator).await.expect(200)["name"], name);
        assert_eq!(
            delete().on(&emulator).await.control_error(404),
            "Secret not found"
        );
        assert!(emulator.secret_values(name).is_empty());
    }
    ask(Method::DELETE, "/secrets")
        .on(&emulator)
        .await
        .control_error(400);
}

#[tokio::test]
async fn a_secret_needs_a_name_and_a_value() {
    let emulator = Emulator::offline();
    for bad in [
        json!({}),
        json!({"name": "", "value": "v"}),
        json!({"name": "A"}),
        json!({"name": "A", "value": 1}),
        json!({"value": "v"}),
    ] {
        post("/secrets", &bad)
            .on(&emulator)
            .await
            .control_error(400);
    }
    assert!(listed(&emulator).await.is_empty());
}

#[tokio::test]
async fn the_last_hundred_versions_are_kept() {
    let emulator = Emulator::offline();
    for number in 0..105 {
        set(&emulator, "KEY", &number.to_string()).await;
    }
    let values = emulator.secret_values("KEY");
    assert_eq!((values.len(), values[0].as_str()), (100, "5"));
}
