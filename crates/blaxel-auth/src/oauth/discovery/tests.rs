use blaxel_core::{Body, BoxService, ErrorKind};
use serde_json::json;

use super::super::tests::{Requests, json, respond, server};
use super::*;

fn document(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": "https://id.example/authorize",
        "token_endpoint": "https://id.example/token",
        "device_authorization_endpoint": "https://id.example/device",
        "code_challenge_methods_supported": ["plain", "S256"],
    })
}

/// Creates a server that has one document, at `address`.
fn has(address: &'static str, document: Value) -> (BoxService, Requests) {
    server(move |request| {
        if request.uri() == address {
            json(200, &document)
        } else {
            json(404, &json!({"error": "not found"}))
        }
    })
}

async fn discover(issuer: &str, service: BoxService) -> Result<AuthorizationServer, Error> {
    AuthorizationServer::discover(issuer, &service).await
}

#[tokio::test]
async fn both_documents_are_found() {
    for (issuer, address) in [
        (
            "https://id.example",
            "https://id.example/.well-known/oauth-authorization-server",
        ),
        (
            "https://id.example/",
            "https://id.example/.well-known/openid-configuration",
        ),
        (
            "https://id.example/a/b",
            "https://id.example/.well-known/oauth-authorization-server/a/b",
        ),
        (
            "https://id.example/a",
            "https://id.example/a/.well-known/openid-configuration",
        ),
        (
            "http://127.0.0.1:9/a",
            "http://127.0.0.1:9/a/.well-known/openid-configuration",
        ),
    ] {
        let (service, requests) = has(address, document(issuer));
        let server = discover(issuer, service).await.expect(issuer);
        assert_eq!(server.host(), "id.example");
        assert_eq!(
            server.device_endpoint().unwrap(),
            "https://id.example/device"
        );
        assert_eq!(
            server.authorization_endpoint().unwrap(),
            "https://id.example/authorize"
        );
        assert_eq!(server.token_endpoint().unwrap(), "https://id.example/token");
        for request in requests.lock().unwrap().iter() {
            assert_eq!(request.method(), http::Method::GET);
            assert!(request.headers().get("authorization").is_none());
        }
    }
}

#[tokio::test]
async fn metadata_that_cannot_be_trusted_is_refused() {
    let issuer = "https://id.example";
    let address = "https://id.example/.well-known/oauth-authorization-server";
    for (name, value, part) in [
        ("issuer", json!("https://evil.example"), "another issuer"),
        ("issuer", json!(null), "no issuer"),
        ("token_endpoint", json!(null), "no token endpoint"),
        (
            "token_endpoint",
            json!("http://id.example/token"),
            "plain http",
        ),
        (
            "device_authorization_endpoint",
            json!("http://id.example/d"),
            "plain http",
        ),
        ("authorization_endpoint", json!("javascript:x"), "no scheme"),
        (
            "token_endpoint",
            json!("https://id.example:99999/token"),
            "`token_endpoint` in a response",
        ),
        (
            "token_endpoint",
            json!("https://me:canary@id.example/token"),
            "names a user",
        ),
        (
            "device_authorization_endpoint",
            json!("https://id.example/d#canary"),
            "fragment",
        ),
        (
            "authorization_endpoint",
            json!("https://id.example:8o80/?x=canary"),
            "port",
        ),
    ] {
        let mut document = document(issuer);
        document[name] = value;
        let (service, _) = has(address, document);
        let error = discover(issuer, service).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials, "{error}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(part) && !shown.contains("canary"), "{shown}");
    }
    let (service, _) = has("https://other.example/", Value::Null);
    let error = discover(issuer, service).await.unwrap_err();
    assert_eq!(error.status(), Some(http::StatusCode::NOT_FOUND));
    let (service, requests) = server(|_| respond(503, "text/html", "busy"));
    assert!(discover(issuer, service).await.unwrap_err().is_transient());
    assert_eq!(
        requests.lock().unwrap().len(),
        1,
        "the other document is not tried"
    );
    let (service, _) = server(|_| Ok(http::Response::new(Body::from("<html>"))));
    assert!(discover(issuer, service).await.is_err());
    let (service, requests) = server(|_| json(200, &json!({})));
    assert!(
        discover("http://id.example", service)
            .await
            .unwrap_err()
            .is_input()
    );
    assert!(requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn without_s256_there_is_no_browser_login() {
    let mut document = document("https://id.example");
    document["code_challenge_methods_supported"] = json!(["plain"]);
    let (service, _) = has(
        "https://id.example/.well-known/openid-configuration",
        document,
    );
    let server = discover("https://id.example", service.clone())
        .await
        .unwrap();
    let login = crate::BrowserLogin::new(server, service, "app");
    let error = login.begin("http://127.0.0.1/").unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("S256"),
        "{error}"
    );
}
