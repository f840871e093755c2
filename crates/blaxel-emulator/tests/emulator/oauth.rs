//! The token endpoint.

use std::time::Duration;

use base64::prelude::*;
use blaxel_emulator::Emulator;
use serde_json::{Value, json};

use crate::support::{Ask, Reply, ask, get, post};

fn token(body: &Value) -> Ask {
    post("/oauth/token", body)
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

async fn granted(emulator: &Emulator) -> Value {
    let header = basic(emulator.client_id(), emulator.client_secret());
    let body = json!({"grant_type": "client_credentials"});
    token(&body)
        .header("authorization", &header)
        .on(emulator)
        .await
        .expect(200)
}

async fn admitted(emulator: &Emulator, token: &Value) -> u16 {
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    get("/models")
        .header("authorization", &bearer)
        .on(emulator)
        .await
        .status
        .as_u16()
}

#[tokio::test]
async fn client_credentials_are_accepted_in_the_header_or_the_body() {
    let emulator = Emulator::builder().client("id-1", "s3cret").build();
    let by_body = json!({
        "grant_type": "client_credentials", "client_id": "id-1", "client_secret": "s3cret",
    });
    for answer in [
        granted(&emulator).await,
        token(&by_body).on(&emulator).await.expect(200),
    ] {
        let members: Vec<_> = answer.as_object().unwrap().keys().collect();
        assert_eq!(
            members,
            ["access_token", "expires_in", "refresh_token", "token_type"]
        );
        assert_eq!(answer["expires_in"], 7200);
        assert_eq!(answer["token_type"], "Bearer");
        assert_eq!(admitted(&emulator, &answer).await, 200);

        let token = answer["access_token"].as_str().unwrap();
        let parts: Vec<_> = token.split('.').collect();
        assert_eq!(parts.len(), 3);
        let claims = BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let (issued, expires) = (
            claims["iat"].as_i64().unwrap(),
            claims["exp"].as_i64().unwrap(),
        );
        assert_eq!(expires - issued, 7200);
        assert_eq!(emulator.clock().now().unix().unwrap().0, issued);
    }
}

#[tokio::test]
async fn a_token_expires_after_two_hours() {
    let emulator = Emulator::offline();
    let first = granted(&emulator).await;
    emulator.clock().advance(Duration::from_secs(7199));
    assert_eq!(admitted(&emulator, &first).await, 200);
    emulator.clock().advance(Duration::from_secs(1));
    assert_eq!(admitted(&emulator, &first).await, 401);
    assert_eq!(admitted(&emulator, &granted(&emulator).await).await, 200);
}

#[tokio::test]
async fn a_refresh_token_can_be_used_repeatedly() {
    let emulator = Emulator::offline();
    let first = granted(&emulator).await;
    let body = json!({
        "grant_type": "refresh_token", "refresh_token": first["refresh_token"],
        "device_code": "d", "client_id": "blaxel",
    });
    let mut seen = vec![first["access_token"].clone()];
    for _ in 0..2 {
        emulator.clock().advance(Duration::from_secs(100_000));
        let next = token(&body).on(&emulator).await.expect(200);
        assert_eq!(next.as_object().unwrap().len(), 4);
        assert_eq!(admitted(&emulator, &next).await, 200);
        assert!(!seen.contains(&next["access_token"]));
        seen.push(next["access_token"].clone());
    }
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token() {
    let emulator = Emulator::offline();
    let first = granted(&emulator).await;
    let swapped = json!({"access_token": first["refresh_token"]});
    assert_eq!(admitted(&emulator, &swapped).await, 401);
    let body = json!({"grant_type": "refresh_token", "refresh_token": first["access_token"]});
    assert_eq!(
        token(&body).on(&emulator).await.expect(400)["error"],
        "invalid_grant"
    );
}

#[tokio::test]
async fn every_bad_token_request_is_400_with_a_reason() {
    let emulator = Emulator::offline();
    let (id, secret) = (emulator.client_id(), emulator.client_secret());
    let good = json!({"grant_type": "client_credentials"});
    let form = || ask(http::Method::POST, "/oauth/token").bytes("grant_type=client_credentials");
    let cases: Vec<(Ask, &str, &str)> = vec![
        (token(&json!({})), "invalid_request", "grant_type"),
        (token(&json!([])), "invalid_request", "JSON"),
        (
            token(&json!({"grant_type": "password"})),
            "unsupported_grant_type",
            "grant_type",
        ),
        (token(&good), "invalid_client", "client_id"),
        (
            token(&json!({"grant_type": "client_credentials", "client_id": id})),
            "invalid_client",
            "client_secret",
        ),
        (
            token(&good).header("authorization", &basic(id, "wrong")),
            "invalid_client",
            "client_secret",
        ),
        (
            token(&good).header("authorization", &basic("wrong", secret)),
            "invalid_client",
            "client_id",
        ),
        (
            token(&good).header("authorization", "Basic ?"),
            "invalid_request",
            "Authorization",
        ),
        (
            token(&json!({"grant_type": "refresh_token"})),
            "invalid_request",
            "refresh_token",
        ),
        (
            token(&json!({"grant_type": "refresh_token", "refresh_token": "x.y.z"})),
            "invalid_grant",
            "refresh_token",
        ),
        (form(), "invalid_request", "JSON"),
        (
            form().header("content-type", "application/x-www-form-urlencoded"),
            "invalid_request",
            "JSON",
        ),
    ];
    for (index, (request, error, named)) in cases.into_iter().enumerate() {
        let reply: Reply = request.on(&emulator).await;
        let body = reply.expect(400);
        assert_eq!(body["error"], error, "case {index}: {body}");
        let description = body["error_description"].as_str().unwrap();
        assert!(description.contains(named), "case {index}: {description}");
        assert_eq!(body.as_object().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn the_case_of_a_media_type_does_not_count() {
    let emulator = Emulator::builder().client("me", "it").build();
    let body =
        json!({"grant_type": "client_credentials", "client_id": "me", "client_secret": "it"});
    for kind in ["Application/JSON", "APPLICATION/JSON ; charset=UTF-8"] {
        let asked = ask(http::Method::POST, "/oauth/token").header("content-type", kind);
        let granted = asked.bytes(body.to_string()).on(&emulator).await;
        assert!(granted.expect(200)["access_token"].is_string(), "{kind}");
    }
}

#[tokio::test]
async fn tokens_of_another_emulator_are_rejected() {
    let one = Emulator::builder().client("a", "b").build();
    let other = Emulator::builder().client("a", "c").build();
    assert_eq!(admitted(&other, &granted(&one).await).await, 401);
}

async fn begin(emulator: &Emulator) -> Value {
    let body = json!({"client_id": "blaxel", "scope": "offline_access"});
    post("/login/device", &body).on(emulator).await.expect(200)
}

fn poll(begun: &Value) -> Ask {
    token(&json!({
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": "blaxel",
        "device_code": begun["device_code"],
    }))
}

#[tokio::test]
async fn a_device_login_is_approved_after_a_time_and_used_once() {
    let emulator = Emulator::builder()
        .approve_device_logins_after(Duration::from_secs(5))
        .build();
    let begun = begin(&emulator).await;
    let user_code = begun["user_code"].as_str().unwrap();
    assert_eq!((user_code.len(), &user_code[4..5]), (9, "-"));
    let page = begun["verification_uri"].as_str().unwrap();
    assert!(page.starts_with("https://"), "{page}");
    assert_eq!(
        begun["verification_uri_complete"],
        format!("{page}?user_code={user_code}")
    );
    assert_eq!(
        (&begun["expires_in"], &begun["interval"]),
        (&json!(180), &json!(3))
    );
    emulator.clock().advance(Duration::from_secs(4));
    for _ in 0..2 {
        let pending = poll(&begun).on(&emulator).await.expect(202);
        assert_eq!(pending["error"], "authorization_pending");
    }
    emulator.clock().advance(Duration::from_secs(1));
    let granted = poll(&begun).on(&emulator).await.expect(200);
    assert_eq!(granted.as_object().unwrap().len(), 4);
    assert_eq!(admitted(&emulator, &granted).await, 200);
    let again = poll(&begun).on(&emulator).await.expect(400);
    assert_eq!(again["error"], "invalid_grant");

    let refresh = json!({
        "grant_type": "refresh_token", "client_id": "blaxel",
        "refresh_token": granted["refresh_token"], "device_code": begun["device_code"],
    });
    let refreshed = token(&refresh).on(&emulator).await.expect(200);
    assert_eq!(admitted(&emulator, &refreshed).await, 200);
    assert_ne!(begin(&emulator).await["user_code"], begun["user_code"]);
}

#[tokio::test]
async fn a_device_login_can_be_denied_and_expires() {
    let emulator = Emulator::builder().deny_device_logins().build();
    let denied = poll(&begin(&emulator).await)
        .on(&emulator)
        .await
        .expect(400);
    assert_eq!(denied["error"], "access_denied");
    let emulator = Emulator::offline();
    let begun = begin(&emulator).await;
    emulator.clock().advance(Duration::from_secs(180));
    let expired = poll(&begun).on(&emulator).await.expect(400);
    assert_eq!(expired["error"], "expired_token");
}

#[tokio::test]
async fn an_invalid_device_login_is_rejected() {
    let emulator = Emulator::offline();
    let body = json!({"client_id": "someone"});
    let answer = post("/login/device", &body).on(&emulator).await.expect(400);
    assert_eq!(answer["error"], "invalid_client");
    let forged = json!({"device_code": "a.b.c"});
    let answer = poll(&forged).on(&emulator).await.expect(400);
    assert_eq!(answer["error"], "invalid_grant");
    let answer = poll(&json!({})).on(&emulator).await.expect(400);
    assert_eq!(answer["error"], "invalid_request");
}
