use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use blaxel_core::ErrorKind;
use serde_json::json;

use super::super::tests::{Requests, json, server};
use super::*;

const BACK: &str = "http://127.0.0.1:8123/callback";

fn form(text: &str) -> BTreeMap<String, String> {
    form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect()
}

fn query(url: &str) -> BTreeMap<String, String> {
    form(url.split_once('?').unwrap().1)
}

fn login() -> (BrowserLogin, Requests) {
    let (service, requests) = server(|_| {
        json(
            200,
            &json!({"access_token": "a", "refresh_token": "r", "token_type": "Bearer", "expires_in": 60}),
        )
    });
    let server = AuthorizationServer::standard("https://id.example/token")
        .unwrap()
        .with_authorization_endpoint("https://id.example/authorize?tenant=1")
        .unwrap()
        .with_issuer("https://id.example");
    (BrowserLogin::new(server, service, "my app"), requests)
}

#[tokio::test]
async fn the_browser_is_sent_to_the_server_and_the_code_is_exchanged() {
    let (login, requests) = login();
    let pending = login.with_scopes("openid email").begin(BACK).unwrap();
    assert!(
        pending
            .url()
            .starts_with("https://id.example/authorize?tenant=1&")
    );
    let sent = query(pending.url());
    assert_eq!(sent["response_type"], "code");
    assert_eq!(sent["client_id"], "my app");
    assert_eq!(sent["scope"], "openid email");
    assert_eq!(sent["redirect_uri"], BACK);
    assert_eq!(sent["code_challenge_method"], "S256");
    assert!(sent["state"].len() >= 16);
    assert!(!sent.contains_key("prompt"));

    let back = format!(
        "/callback?code=canary%2Fcode&state={}&iss=https%3A%2F%2Fid.example",
        sent["state"]
    );
    assert!(pending.matches(&back));
    let tokens = pending.finish(&back).await.unwrap();
    assert_eq!(tokens.refresh_token().unwrap().expose(), "r");
    assert_eq!(tokens.access_token().unwrap().expose(), "a");

    let requests = requests.lock().unwrap();
    let body = requests[0].body().bytes().unwrap();
    let requests = form(std::str::from_utf8(&body).unwrap());
    assert_eq!(requests["grant_type"], "authorization_code");
    assert_eq!(requests["code"], "canary/code");
    assert_eq!(requests["redirect_uri"], BACK);
    assert_eq!(requests["client_id"], "my app");
    // Only the client that started the login knows the verifier of the challenge.
    let challenge = BASE64_URL_SAFE_NO_PAD
        .decode(&sent["code_challenge"])
        .unwrap();
    assert_eq!(challenge.len(), 32);
    assert!(requests["code_verifier"].len() >= 43);
    assert!(
        !sent
            .values()
            .any(|value| *value == requests["code_verifier"])
    );
}

#[tokio::test]
async fn a_redirect_that_does_not_belong_to_the_login_is_refused() {
    for (back, part) in [
        ("/callback?code=canary", "belongs to another"),
        ("/callback?code=canary&state=wrong", "belongs to another"),
        ("/callback", "belongs to another"),
        (
            "/callback?code=canary&state=STATE&iss=https%3A%2F%2Fevil.example",
            "another server",
        ),
        ("/callback?state=STATE", "no code"),
        (
            "/callback?error=access_denied&error_description=by%1b%0auser&state=STATE",
            "access_denied by user",
        ),
    ] {
        let (login, requests) = login();
        let pending = login.begin(BACK).unwrap();
        let state = query(pending.url())["state"].clone();
        let back = back.replace("STATE", &state);
        assert_eq!(pending.matches(&back), back.contains(&state));
        let error = pending.finish(&back).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert!(error.to_string().contains(part), "{error}");
        assert!(!format!("{error}{error:?}").contains("canary"));
        assert!(requests.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn each_login_has_its_own_state_and_challenge() {
    let (login, _) = login();
    let (one, two) = (login.begin(BACK).unwrap(), login.begin(BACK).unwrap());
    for name in ["state", "code_challenge"] {
        assert_ne!(query(one.url())[name], query(two.url())[name]);
    }
    let shown = format!("{one:?} {login:?}");
    assert!(!shown.contains(&query(one.url())["state"]), "{shown}");
    assert!(shown.contains("id.example"));
    assert_eq!(query(one.url())["prompt"], "consent");
    assert!(login.begin("my.app:/callback").is_ok());
    for bad in [
        "no address",
        "http://127.0.0.1:99999/canary",
        "http://127.0.0.1:1/#canary",
        "https://me:canary@id.example/",
        "HTTPS://id.example:/canary",
        "my.app:/callback#canary",
    ] {
        let error = login.begin(bad).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(error.is_input() && !shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn the_error_for_a_refused_code_does_not_show_it() {
    let (service, _) = server(|_| {
        json(
            400,
            &json!({"error": "invalid_grant", "error_description": "canary-code is used up"}),
        )
    });
    let server = AuthorizationServer::standard("https://id.example/token").unwrap();
    let login = BrowserLogin::new(server, service, "app");
    assert!(login.begin(BACK).unwrap_err().is_input());
    let (login, _) = {
        let server = login
            .server
            .clone()
            .with_authorization_endpoint("https://id.example/a")
            .unwrap();
        (BrowserLogin { server, ..login }, ())
    };
    let pending = login.begin(BACK).unwrap();
    let back = format!("/?code=canary-code&state={}", pending.state.secret());
    let error = pending.finish(&back).await.unwrap_err();
    assert_eq!(error.code(), Some("invalid_grant"));
    assert!(!format!("{error}{error:?}").contains("canary"), "{error}");
}
