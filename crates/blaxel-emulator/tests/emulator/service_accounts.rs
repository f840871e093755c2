//! Service accounts, their secrets and API keys.

use std::time::Duration;

use blaxel_emulator::{CredentialKind, Emulator};
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, post};

const ALL: &str = "/service_accounts";

async fn account(emulator: &Emulator) -> Value {
    let sent = json!({"name": "ci", "description": "Builds", "client_secret": "mine"});
    post(ALL, &sent).on(emulator).await.expect(200)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

/// Returns the status of a request with a bearer credential.
async fn admitted(emulator: &Emulator, credential: &str) -> u16 {
    let bearer = format!("Bearer {credential}");
    let request = get("/agents").header("authorization", &bearer);
    request.on(emulator).await.status.as_u16()
}

async fn token(emulator: &Emulator, body: Value) -> (u16, Value) {
    let reply = post("/oauth/token", &body).on(emulator).await;
    (reply.status.as_u16(), reply.json())
}

fn credentials(account: &Value) -> Value {
    json!({"grant_type": "client_credentials", "client_id": account["client_id"],
        "client_secret": account["client_secret"]})
}

#[tokio::test]
async fn a_secret_is_shown_once() {
    let emulator = Emulator::offline();
    let made = account(&emulator).await;
    assert_eq!(
        (&made["name"], &made["description"]),
        (&json!("ci"), &json!("Builds"))
    );
    assert_eq!(made["created_at"], emulator.clock().now().as_str());
    assert!(text(&made, "client_secret").len() >= 32);
    let mut shown = made.clone();
    shown.as_object_mut().unwrap().remove("client_secret");
    assert_eq!(get(ALL).on(&emulator).await.expect(200), json!([shown]));

    let one = format!("{ALL}/{}", text(&made, "client_id"));
    let put = |sent: Value| ask(Method::PUT, &one).json(&sent);
    let changed = put(json!({"description": "Deploys"}))
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(
        (&changed["name"], &changed["description"]),
        (&json!("ci"), &json!("Deploys"))
    );
    assert!(changed.get("client_secret").is_none());
    put(json!({"name": 7}))
        .on(&emulator)
        .await
        .control_error(400);
    assert_eq!(
        ask(Method::DELETE, &one).on(&emulator).await.expect(200),
        changed
    );
    let missing = put(json!({})).on(&emulator).await;
    assert_eq!(missing.control_error(404), "Service account not found");
    for bad in [json!({}), json!({"name": ""}), json!({"name": 7})] {
        post(ALL, &bad).on(&emulator).await.control_error(400);
    }
}

#[tokio::test]
async fn a_secret_gets_tokens_while_its_account_exists() {
    let emulator = Emulator::offline();
    let made = account(&emulator).await;
    let (status, given) = token(&emulator, credentials(&made)).await;
    assert_eq!(status, 200);
    let access = text(&given, "access_token");
    assert_eq!(admitted(&emulator, access).await, 200);
    let mut wrong = credentials(&made);
    wrong["client_secret"] = "wrong".into();
    assert_eq!(token(&emulator, wrong).await.1["error"], "invalid_client");

    let bearer = format!("Bearer {access}");
    let agent = json!({"metadata": {"name": "a"}, "spec": {}});
    let agent = post("/agents", &agent)
        .header("authorization", &bearer)
        .on(&emulator)
        .await;
    assert_eq!(
        agent.expect(200)["metadata"]["createdBy"],
        made["client_id"]
    );

    let one = format!("{ALL}/{}", text(&made, "client_id"));
    ask(Method::DELETE, one).on(&emulator).await.expect(200);
    assert_eq!(admitted(&emulator, access).await, 401);
    assert_eq!(
        token(&emulator, credentials(&made)).await.1["error"],
        "invalid_client"
    );
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": given["refresh_token"]});
    assert_eq!(token(&emulator, refresh).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn a_key_is_valid_until_it_expires_or_is_revoked() {
    let emulator = Emulator::offline();
    let client = account(&emulator).await;
    let client = text(&client, "client_id");
    let all = format!("{ALL}/{client}/api_keys");
    let brief = json!({"name": "brief", "expires_in": "1h"});
    let brief = post(&all, &brief).on(&emulator).await.expect(200);
    assert_eq!(
        (&brief["sub"], &brief["sub_type"]),
        (&json!(client), &json!("service_account"))
    );
    assert_eq!(
        (&brief["name"], &brief["expires_in"]),
        (&json!("brief"), &json!("1h"))
    );
    let lasting = post(&all, &json!({})).on(&emulator).await.expect(200);
    let (first, second) = (text(&brief, "apiKey"), text(&lasting, "apiKey"));
    assert_ne!(first, second);
    emulator.clear_journal();
    assert_eq!(admitted(&emulator, first).await, 200);
    assert_eq!(emulator.journal()[0].credential, CredentialKind::ApiKey);

    let list = get(&all).on(&emulator).await.expect(200);
    let keys: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["apiKey"])
        .collect();
    assert_eq!(keys, ["****", "****"]);
    emulator.clock().advance(Duration::from_secs(3600));
    assert_eq!(admitted(&emulator, first).await, 401);
    assert_eq!(admitted(&emulator, second).await, 200);
    let one = format!("{all}/{}", text(&lasting, "id"));
    ask(Method::DELETE, &one).on(&emulator).await.expect(200);
    assert_eq!(admitted(&emulator, second).await, 401);
    assert_eq!(
        ask(Method::DELETE, &one)
            .on(&emulator)
            .await
            .control_error(404),
        "API key not found"
    );
}

#[tokio::test]
async fn a_key_is_deleted_with_its_account_and_lasts_at_most_ten_years() {
    let emulator = Emulator::offline();
    let client = account(&emulator).await;
    let one = format!("{ALL}/{}", text(&client, "client_id"));
    let all = format!("{one}/api_keys");
    let key = post(&all, &json!({"expires_in": "520w"}))
        .on(&emulator)
        .await
        .expect(200);
    for bad in ["530w", "soon", "0d", "-1h"] {
        let reply = post(&all, &json!({"expires_in": bad})).on(&emulator).await;
        assert_eq!(reply.control_error(400), "Bad Request", "{bad}");
    }
    ask(Method::DELETE, &one).on(&emulator).await.expect(200);
    assert_eq!(admitted(&emulator, text(&key, "apiKey")).await, 401);
    assert_eq!(
        get(&all).on(&emulator).await.control_error(404),
        "Service account not found"
    );
}
