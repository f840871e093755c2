//! The dialects of standard servers: what each of them sends, and what must come out.

use std::time::Duration;

use blaxel_core::ErrorKind;
use http::header::{ACCEPT, AUTHORIZATION};
use serde_json::{Value, json};

use super::tests::{json, respond, server};
use super::*;
use crate::{Authenticator, Credentials};

fn standard() -> AuthorizationServer {
    AuthorizationServer::standard("https://id.example/token").unwrap()
}

/// Requests a token from a server that sends this response, with client credentials.
async fn token(
    status: u16,
    kind: &'static str,
    body: &'static str,
) -> Result<(String, Authenticator), blaxel_core::Error> {
    let (service, requests) = server(move |_| respond(status, kind, body));
    let credentials = Credentials::client_credentials("id", "canary-secret").unwrap();
    let authenticator = Authenticator::with_server(&credentials, &standard(), service);
    let header = authenticator.header().await;
    assert_eq!(
        requests.lock().unwrap()[0].headers()[ACCEPT],
        "application/json"
    );
    Ok((header?.to_str().unwrap().to_owned(), authenticator))
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test(start_paused = true)]
async fn tokens_are_read_in_every_form() {
    const DEFAULT: u64 = 300;
    for (status, kind, body, lifetime) in [
        (
            200,
            JSON,
            r#"{"access_token":"t","token_type":"bearer","expires_in":100}"#,
            100,
        ),
        (201, JSON, r#"{"access_token":"t","expires_in":100}"#, 100),
        (202, JSON, r#"{"access_token":"t","expires_in":100}"#, 100),
        (
            200,
            "text/json",
            r#"{"access_token":"t","expires_in":"100"}"#,
            100,
        ),
        (
            200,
            "text/plain",
            r#"{"access_token":"t","expires_in":" 100 "}"#,
            100,
        ),
        (
            200,
            "text/html",
            r#"{"access_token":"t","expires_in":100}"#,
            100,
        ),
        (
            200,
            "application/json; charset=utf-8",
            r#"{"access_token":"t","expires_in":100.9}"#,
            100,
        ),
        (
            200,
            "Application/JSON;charset=UTF-8",
            r#"{"access_token":"t","expires_in":1e2}"#,
            100,
        ),
        (
            200,
            "",
            "\u{feff}{\"access_token\":\" t\\n\",\"expires_in\":100}\r\n",
            100,
        ),
        (
            200,
            FORM,
            "access_token=t&scope=&token_type=bearer&expires_in=100",
            100,
        ),
        (
            200,
            "text/plain",
            "access_token=t&token_type=bearer",
            DEFAULT,
        ),
        (200, "", "access_token=t\n", DEFAULT),
        (
            200,
            JSON,
            r#"{"access_token":"t","token_type":null,"expires_in":null}"#,
            DEFAULT,
        ),
        (
            200,
            JSON,
            r#"{"access_token":"t","token_type":"","expires_in":-5}"#,
            DEFAULT,
        ),
        (
            200,
            JSON,
            r#"{"access_token":"t","token_type":"BEARER","expires_in":0}"#,
            DEFAULT,
        ),
        (
            200,
            JSON,
            r#"{"access_token":"t","token_type":"Bearer","expires_in":"soon"}"#,
            DEFAULT,
        ),
        (
            200,
            JSON,
            r#"{"access_token":"t","expires_in":true,"scope":["a","b"]}"#,
            DEFAULT,
        ),
        (
            200,
            JSON,
            r#"{"access_token":"t","expires_in":[1],"scope":null,"id":7}"#,
            DEFAULT,
        ),
        (
            200,
            JSON,
            r#"{"access_token":"t","error":null,"scope":""}"#,
            DEFAULT,
        ),
        (
            200,
            JSON,
            r#"{"access_token":"t","error":"","refresh_token":null}"#,
            DEFAULT,
        ),
        (
            200,
            JSON,
            r#"{"access_token":"t","expires_in":1e19}"#,
            365 * 86_400,
        ),
        (
            200,
            JSON,
            r#"{"access_token":"t","expires_in":1e300}"#,
            365 * 86_400,
        ),
        (
            200,
            JSON,
            r#"{"access_token":"t","expires_in":99999999999999999999999}"#,
            365 * 86_400,
        ),
    ] {
        // A token of its own for each time: asking for one that expires soon renews it.
        for (time, valid) in [(lifetime * 1000 - 1, true), (lifetime * 1000, false)] {
            let (header, authenticator) = token(status, kind, body).await.expect(body);
            assert_eq!(header, "Bearer t", "{body}");
            tokio::time::sleep(Duration::from_millis(time)).await;
            assert_eq!(authenticator.ready().is_some(), valid, "{time} {body}");
        }
    }
}

#[tokio::test]
async fn what_is_no_token_is_an_error_with_the_servers_reason() {
    for (status, kind, body, code, part) in [
        (
            200,
            JSON,
            r#"{"error":"invalid_grant"}"#,
            "invalid_grant",
            "refused",
        ),
        (
            200,
            JSON,
            r#"{"access_token":"t","error":"invalid_grant"}"#,
            "invalid_grant",
            "refused",
        ),
        (
            200,
            FORM,
            "error=incorrect_client_credentials&error_description=bad+secret",
            "incorrect_client_credentials",
            "bad secret",
        ),
        (
            400,
            FORM,
            "error=invalid_client&error_description=unknown+client",
            "invalid_client",
            "unknown client",
        ),
        (
            200,
            JSON,
            r#"{"error":{"code":"invalid_client","message":"no such client"}}"#,
            "invalid_client",
            "no such client",
        ),
        (
            401,
            JSON,
            r#"{"error":"invalid_client"}"#,
            "invalid_client",
            "refused",
        ),
        (
            200,
            JSON,
            r#"{"error":"temporarily_unavailable"}"#,
            "temporarily_unavailable",
            "no token from",
        ),
        (
            400,
            JSON,
            r#"{"error":"slow_down"}"#,
            "slow_down",
            "no token from",
        ),
        (200, JSON, "{}", "", "no `access_token`"),
        (200, JSON, r#"{"access_token":""}"#, "", "no `access_token`"),
        (
            200,
            JSON,
            r#"{"access_token":null}"#,
            "",
            "no `access_token`",
        ),
        (
            200,
            JSON,
            r#"{"access_token":" "}"#,
            "",
            "no `access_token`",
        ),
        (200, JSON, r#"{"access_token":7}"#, "", "not a text"),
        (
            200,
            JSON,
            r#"{"access_token":"canary","token_type":"mac"}"#,
            "",
            "no bearer token",
        ),
        (
            200,
            JSON,
            r#"{"access_token":"canary","token_type":"DPoP"}"#,
            "",
            "no bearer token",
        ),
        (200, JSON, r#"["canary"]"#, "", "not a JSON object"),
        (
            200,
            JSON,
            r#""access_token=canary""#,
            "",
            "not a JSON object",
        ),
        (200, "text/html", "<html>canary", "", "text/html"),
        (200, "text/plain", "canary OK", "", "text/plain"),
        (200, "text/html", "access_token=canary", "", "text/html"),
        (204, "", "", "", "empty"),
        (503, "text/html", "<title>Busy</title>", "", "503"),
    ] {
        let error = token(status, kind, body)
            .await
            .map(|(header, _)| header)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials, "{body}: {error}");
        assert_eq!(error.code().unwrap_or_default(), code, "{body}: {error}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(part), "{body}: {shown}");
        assert!(!shown.contains("canary"), "{body}: {shown}");
    }
}

#[tokio::test]
async fn the_refresh_token_is_replaced_only_by_another() {
    for (body, expected) in [
        (json!({"access_token": "t"}), "r0"),
        (json!({"access_token": "t", "refresh_token": null}), "r0"),
        (json!({"access_token": "t", "refresh_token": ""}), "r0"),
        (json!({"access_token": "t", "refresh_token": {}}), "r0"),
        (json!({"access_token": "t", "refresh_token": " r1\n"}), "r1"),
    ] {
        let shown = body.to_string();
        let (service, _) = server(move |_| json(201, &body));
        let credentials = Credentials::refresh_token("r0").unwrap();
        let authenticator = Authenticator::with_server(&credentials, &standard(), service);
        authenticator.header().await.unwrap();
        let tokens = credentials.tokens().unwrap();
        assert_eq!(
            tokens.refresh_token().unwrap().expose(),
            expected,
            "{shown}"
        );
    }
}

#[tokio::test]
async fn the_secret_is_sent_by_a_method_that_the_server_accepts() {
    let issuer = "https://id.example";
    for (methods, expected) in [
        (json!(null), Some("header")),
        (
            json!(["client_secret_basic", "client_secret_post"]),
            Some("header"),
        ),
        (
            json!(["client_secret_post", "client_secret_basic"]),
            Some("header"),
        ),
        (json!(["none", "client_secret_post"]), Some("body")),
        (json!("client_secret_post"), Some("body")),
        (json!(["none"]), None),
        (json!(["private_key_jwt", "tls_client_auth\u{1b}"]), None),
        (json!([]), None),
    ] {
        let shown = methods.to_string();
        let (service, requests) = server(move |request| {
            if request.uri().path() == "/token" {
                return json(200, &json!({"access_token": "t", "refresh_token": "r"}));
            }
            json(
                200,
                &json!({"issuer": issuer, "token_endpoint": "https://id.example/token",
                        "device_authorization_endpoint": null, "authorization_endpoint": "",
                        "token_endpoint_auth_methods_supported": methods}),
            )
        });
        let server = AuthorizationServer::discover(issuer, &service)
            .await
            .expect(&shown);
        let credentials = Credentials::client_credentials("id", "secret").unwrap();
        let outcome = Authenticator::with_server(&credentials, &server, service.clone())
            .header()
            .await;
        let sent = requests.lock().unwrap().pop().unwrap();
        let way = match (
            sent.headers().contains_key(AUTHORIZATION),
            sent.body().bytes(),
        ) {
            (true, Some(body)) if !body.windows(6).any(|part| part == b"secret") => Some("header"),
            (false, Some(body)) if body.ends_with(b"client_secret=secret") => Some("body"),
            _ => None,
        };
        assert_eq!(way, expected, "{shown}");
        if expected.is_none() {
            let error = outcome.unwrap_err();
            let line = error.to_string();
            assert!(
                line.contains("client_secret_post") && !line.contains('\u{1b}'),
                "{line}"
            );
            // What the program chooses is sent all the same, and a client without a secret is not concerned.
            let credentials = credentials.with_secret_in_body();
            let chosen = Authenticator::with_server(&credentials, &server, service.clone());
            chosen.header().await.unwrap();
            let public = Credentials::refresh_token("r").unwrap();
            let public = Authenticator::with_server(&public, &server, service);
            public.header().await.unwrap();
        }
    }
}

#[tokio::test]
async fn documents_are_found_among_web_pages() {
    let issuer = "https://id.example/tenant";
    for found_at in [
        "/.well-known/oauth-authorization-server/tenant",
        "/tenant/.well-known/openid-configuration",
        "/.well-known/openid-configuration/tenant",
    ] {
        for (status, kind, page) in [
            (200, "text/html", "<html>the start page</html>"),
            (404, "text/html", "<html>not found</html>"),
            (302, "text/plain", ""),
            (200, JSON, "[]"),
        ] {
            let (service, _) = server(move |request| {
                if request.uri().path() != found_at {
                    return respond(status, kind, page);
                }
                let document =
                    json!({"issuer": issuer, "token_endpoint": "https://id.example/token"});
                respond(201, "text/json", format!("\u{feff}{document}\n"))
            });
            let found = AuthorizationServer::discover(&format!("{issuer}/"), &service).await;
            let found = found.unwrap_or_else(|error| panic!("{found_at} {page}: {error}"));
            assert_eq!(found.token_endpoint().unwrap(), "https://id.example/token");
            let login = DeviceLogin::new(found, service);
            let error = login.start().await.unwrap_err();
            assert!(
                error.is_input() && error.to_string().contains("device endpoint"),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn a_redirect_names_the_issuer_if_the_server_says_that_all_do() {
    let issuer = "https://id.example";
    for (promised, named, accepted) in [
        (json!(true), "&iss=https%3A%2F%2Fid.example", true),
        (json!(true), "", false),
        (json!(true), "&iss=https%3A%2F%2Fevil.example", false),
        (json!(false), "", true),
        (json!(null), "", true),
        (json!(null), "&iss=https%3A%2F%2Fid.example%2F", false),
    ] {
        let shown = format!("{promised} {named}");
        let (service, _) = server(move |request| {
            if request.uri().path() == "/token" {
                return json(200, &json!({"access_token": "t"}));
            }
            json(
                200,
                &json!({"issuer": issuer, "token_endpoint": "https://id.example/token",
                        "authorization_endpoint": "https://id.example/authorize",
                        "authorization_response_iss_parameter_supported": promised}),
            )
        });
        let server = AuthorizationServer::discover(issuer, &service)
            .await
            .unwrap();
        let pending = BrowserLogin::new(server, service, "app")
            .begin("http://127.0.0.1/callback")
            .unwrap();
        let state = pending.url().split("&state=").nth(1).unwrap();
        let state = state.split('&').next().unwrap().to_owned();
        let outcome = pending
            .finish(&format!("/callback?code=c&state={state}{named}"))
            .await;
        assert_eq!(outcome.is_ok(), accepted, "{shown}: {:?}", outcome.err());
    }
}

/// Starts a device login with a response to the start and one to each poll.
async fn device(
    start: Value,
    polls: &'static [(u16, &'static str, &'static str)],
) -> (Result<Tokens, blaxel_core::Error>, Duration) {
    let polled = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (service, _) = server(move |request| {
        if request.uri().path() == "/device" {
            return json(200, &start);
        }
        let number = polled.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let (status, kind, body) = polls[number.min(polls.len() - 1)];
        respond(status, kind, body)
    });
    let server = standard()
        .with_device_endpoint("https://id.example/device")
        .unwrap();
    let begun = tokio::time::Instant::now();
    let outcome = DeviceLogin::new(server, service).run(|_| ()).await;
    (outcome, begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn device_logins_follow_each_servers_habits() {
    const DONE: (u16, &str, &str) = (200, JSON, r#"{"access_token":"t","scope":""}"#);
    let start = json!({"device_code": "d", "user_code": 1234, "verification_url": "https://id.example/",
                       "expires_in": "900", "interval": "5"});
    for (polls, seconds) in [
        // GitHub.
        (
            &[(200, JSON, r#"{"error":"authorization_pending"}"#), DONE][..],
            10,
        ),
        (
            &[
                (200, FORM, "error=authorization_pending"),
                (200, FORM, "access_token=t"),
            ],
            10,
        ),
        (
            &[(200, JSON, r#"{"error":"slow_down","interval":20}"#), DONE],
            25,
        ),
        (
            &[
                (200, JSON, r#"{"error":"slow_down","interval":"20"}"#),
                DONE,
            ],
            25,
        ),
        // RFC 8628.
        (&[(400, JSON, r#"{"error":"slow_down"}"#), DONE], 15),
        (
            &[(400, JSON, r#"{"error":"slow_down","interval":1}"#), DONE],
            15,
        ),
        (
            &[(428, JSON, r#"{"error":"authorization_pending"}"#), DONE],
            10,
        ),
        (
            &[
                (403, JSON, r#"{"error":{"code":"authorization_pending"}}"#),
                DONE,
            ],
            10,
        ),
        (
            &[(400, JSON, r#"{"error":"temporarily_unavailable"}"#), DONE],
            15,
        ),
    ] {
        let (outcome, waited) = device(start.clone(), polls).await;
        outcome.unwrap_or_else(|error| panic!("{polls:?}: {error}"));
        assert_eq!(waited.as_secs(), seconds, "{polls:?}");
    }
    for (name, value) in [
        ("interval", json!(1e19)),
        ("interval", json!("1e300")),
        ("interval", json!(86_400)),
        ("expires_in", json!(3)),
    ] {
        let mut start = start.clone();
        start[name] = value;
        let (outcome, _) = device(start, &[DONE]).await;
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("was not confirmed within"), "{error}");
    }
    // A server that hurries is polled once a second, and one that asks for a long wait until the time is over.
    let mut hasty = start.clone();
    hasty["interval"] = json!(1e-9);
    let pending = (400, JSON, r#"{"error":"authorization_pending"}"#);
    let (_, waited) = device(hasty, Box::leak(Box::new([pending, pending, DONE]))).await;
    assert_eq!(waited.as_secs(), 3);
    let mut endless = start.clone();
    endless["expires_in"] = json!(1e300);
    let slow = &[(400, JSON, r#"{"error":"slow_down","interval":1e300}"#)];
    let (outcome, waited) = device(endless, slow).await;
    assert!(outcome.is_err());
    assert_eq!(waited.as_secs(), 86_400);
}
