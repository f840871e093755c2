//! The users of the workspace.

use std::time::Duration;

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, post};

async fn users(emulator: &Emulator) -> Vec<Value> {
    get("/users")
        .on(emulator)
        .await
        .expect(200)
        .as_array()
        .unwrap()
        .clone()
}

#[tokio::test]
async fn the_holder_of_the_api_key_is_the_first_user() {
    let emulator = Emulator::offline();
    let users = users(&emulator).await;
    let [owner] = users.as_slice() else {
        panic!("{users:?}")
    };
    assert_eq!(
        (&owner["role"], &owner["accepted"]),
        (&json!("admin"), &json!(true))
    );
    let agent = json!({"metadata": {"name": "a"}, "spec": {}});
    let agent = post("/agents", &agent).on(&emulator).await.expect(200);
    assert_eq!(agent["metadata"]["createdBy"], owner["email"]);
    assert!(owner["sub"].is_string());
}

#[tokio::test]
async fn an_invitation_is_pending_until_it_expires() {
    let emulator = Emulator::offline();
    let sent = json!({"email": "new@example.com"});
    let invitation = post("/users", &sent).on(&emulator).await.expect(200);
    assert_eq!(
        (&invitation["email"], &invitation["role"]),
        (&sent["email"], &json!("member"))
    );
    assert_eq!(invitation["workspace"], "demo");
    let newest = users(&emulator).await[0].clone();
    assert_eq!(
        (&newest["accepted"], &newest["expired"]),
        (&json!(false), &json!(false))
    );
    assert!(newest.get("sub").is_none() && newest.get("invitedUntil").is_none());
    emulator.clock().advance(Duration::from_secs(7 * 24 * 3600));
    assert_eq!(users(&emulator).await[0]["expired"], true);
    // A pending user is invited again, an existing one is not.
    post("/users", &sent).on(&emulator).await.expect(200);
    assert_eq!(users(&emulator).await.len(), 2);
    let there = json!({"email": "developer@example.com"});
    assert_eq!(
        post("/users", &there)
            .on(&emulator)
            .await
            .control_error(409),
        "User already exists"
    );
    for bad in [
        "",
        "new",
        "new@",
        "@example.com",
        "a@b@example.com",
        "a b@example.com",
        "a@b",
    ] {
        let reply = post("/users", &json!({"email": bad})).on(&emulator).await;
        assert_eq!(reply.control_error(400), "Bad Request", "{bad}");
    }
}

#[tokio::test]
async fn a_user_is_known_by_address_or_identifier() {
    let emulator = Emulator::offline();
    let owner = users(&emulator).await[0].clone();
    for (key, role) in [(&owner["sub"], "member"), (&owner["email"], "admin")] {
        let uri = format!("/users/{}", key.as_str().unwrap());
        let put = |role: &str| ask(Method::PUT, &uri).json(&json!({"role": role}));
        let changed = put(role).on(&emulator).await.expect(200);
        assert_eq!(
            (&changed["role"], &changed["email"]),
            (&json!(role), &owner["email"])
        );
        put("king").on(&emulator).await.control_error(400);
    }
    post("/users", &json!({"email": "new@example.com"}))
        .on(&emulator)
        .await
        .expect(200);
    let removed = ask(Method::DELETE, "/users/new@example.com")
        .on(&emulator)
        .await;
    removed.expect(200);
    let again = ask(Method::DELETE, "/users/new@example.com")
        .on(&emulator)
        .await;
    assert_eq!(again.control_error(404), "User not found");
    assert_eq!(users(&emulator).await.len(), 1);
}
