use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use blaxel_core::__private::ErrorParts;
use blaxel_core::{
    BaseUrl, Body, BoxService, Delivery, Error, ErrorKind, ErrorOrigin, HttpService, Source,
};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::*;
use crate::{Authenticator, CredentialKind, Credentials};

const CANARY: &str = "s3cr+t/canary=:%&";

type Respond = fn() -> Result<Response<Body>, Error>;
pub(super) type Requests = Arc<Mutex<Vec<Request<Body>>>>;

/// Creates a token endpoint that responds by a closure, and the list of its requests.
pub(super) fn server<F>(respond: F) -> (BoxService, Requests)
where
    F: Fn(&Request<Body>) -> Result<Response<Body>, Error> + Clone + Send + Sync + 'static,
{
    let requests = Requests::default();
    let received = Arc::clone(&requests);
    let service = tower::service_fn(move |request: Request<Body>| {
        let response = respond(&request);
        received.lock().unwrap().push(request);
        async move { response }
    });
    (service.boxed(), requests)
}

pub(super) fn respond(
    status: u16,
    kind: &str,
    body: impl Into<Body>,
) -> Result<Response<Body>, Error> {
    let response = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, kind);
    Ok(response.body(body.into()).unwrap())
}

pub(super) fn json(status: u16, body: &Value) -> Result<Response<Body>, Error> {
    respond(status, "application/json", body.to_string())
}

fn authenticator(service: BoxService, dialect: Dialect) -> Authenticator {
    let source = Source::variable("BL_CLIENT_CREDENTIALS");
    let text = format!("id 1:{CANARY}");
    let credentials = Credentials::parse_client_credentials(&text)
        .unwrap()
        .with_source(source);
    let base = "https://api.blaxel.ai/v0".parse::<BaseUrl>().unwrap();
    Authenticator::with_dialect(&credentials, &base, service, dialect)
}

/// Returns the error that results from a response, after checking that it shows no secret.
async fn refused(dialect: Dialect, respond: Respond) -> Error {
    let (service, _) = server(move |_| respond());
    let error = authenticator(service, dialect).header().await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(!text.contains("canary"), "{text}");
    let line = error.to_string();
    assert!(line.contains("client credentials"), "{line}");
    assert!(line.contains("BL_CLIENT_CREDENTIALS"), "{line}");
    assert!(line.contains("api.blaxel.ai"), "{line}");
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert!(!error.maybe_applied());
    error
}

fn header<'a>(request: &'a Request<Body>, name: &http::HeaderName) -> &'a HeaderValue {
    request.headers().get(name).unwrap()
}

fn basic(header: &HeaderValue) -> String {
    let encoded = header.to_str().unwrap().strip_prefix("Basic ").unwrap();
    String::from_utf8(BASE64_STANDARD.decode(encoded).unwrap()).unwrap()
}

#[tokio::test]
async fn a_request_to_the_platform_is_json() {
    // The server checks the request as the platform does.
    let (service, requests) = server(|request| {
        let pair = basic(header(request, &AUTHORIZATION));
        let body: Value = serde_json::from_slice(&request.body().bytes().unwrap()).unwrap();
        if pair != format!("id 1:{CANARY}") || body != json!({"grant_type": "client_credentials"}) {
            return json(400, &json!({"error": "invalid client_secret"}));
        }
        json(
            200,
            &json!({"access_token": "t0ken", "token_type": "Bearer", "expires_in": 7200, "refresh_token": ""}),
        )
    });
    let authenticator = authenticator(service, Dialect::Blaxel);
    assert!(authenticator.ready().is_none());
    let value = authenticator.clone().header_owned().await.unwrap();
    assert_eq!(value, "Bearer t0ken");
    assert!(value.is_sensitive());
    assert_eq!(authenticator.ready(), Some(value));
    let requests = requests.lock().unwrap();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert_eq!(request.method(), http::Method::POST);
    assert_eq!(request.uri(), "https://api.blaxel.ai/v0/oauth/token");
    assert_eq!(header(request, &CONTENT_TYPE), "application/json");
    assert_eq!(header(request, &ACCEPT), "application/json");
    assert!(header(request, &AUTHORIZATION).is_sensitive());
    // A token request has no workspace and no version: it is not an operation of the API.
    assert_eq!(request.headers().len(), 3, "{:?}", request.headers());
    assert!(blaxel_core::operation(request).is_none());
}

#[tokio::test]
async fn the_id_and_secret_can_be_sent_in_the_body() {
    let expected =
        json!({"grant_type": "client_credentials", "client_id": "id 1", "client_secret": CANARY});
    let form =
        "grant_type=client_credentials&client_id=id+1&client_secret=s3cr%2Bt%2Fcanary%3D%3A%25%26";
    let base = "https://api.blaxel.ai/v0".parse::<BaseUrl>().unwrap();
    let credentials = Credentials::client_credentials("id 1", CANARY)
        .unwrap()
        .with_secret_in_body();
    for (dialect, body) in [
        (Dialect::Blaxel, expected.to_string()),
        (Dialect::Standard, form.to_owned()),
    ] {
        let (service, requests) =
            server(|_| json(200, &json!({"access_token": "t", "token_type": "bearer"})));
        let authenticator = Authenticator::with_dialect(&credentials, &base, service, dialect);
        authenticator.header().await.unwrap();
        let requests = requests.lock().unwrap();
        assert!(!requests[0].headers().contains_key(AUTHORIZATION));
        let sent = requests[0].body().bytes().unwrap();
        if dialect == Dialect::Blaxel {
            assert_eq!(serde_json::from_slice::<Value>(&sent).unwrap(), expected);
        } else {
            assert_eq!(sent, body);
        }
    }
    let key = Credentials::api_key("k").unwrap().with_secret_in_body();
    assert_eq!(key.kind(), CredentialKind::ApiKey);
}

#[tokio::test]
async fn a_request_to_a_standard_server_is_a_form() {
    let (service, requests) = server(|_| {
        json(
            200,
            &json!({"access_token": "t0ken", "token_type": "bearer", "expires_in": 60, "scope": "a b"}),
        )
    });
    let value = authenticator(service, Dialect::Standard)
        .header()
        .await
        .unwrap();
    assert_eq!(value, "Bearer t0ken");
    let requests = requests.lock().unwrap();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert_eq!(
        header(request, &CONTENT_TYPE),
        "application/x-www-form-urlencoded"
    );
    assert_eq!(
        request.body().bytes().unwrap(),
        "grant_type=client_credentials"
    );
    assert_eq!(
        basic(header(request, &AUTHORIZATION)),
        "id+1:s3cr%2Bt%2Fcanary%3D%3A%25%26"
    );
    assert!(header(request, &AUTHORIZATION).is_sensitive());
}

#[tokio::test(start_paused = true)]
async fn nonstandard_responses_of_the_platform_are_accepted() {
    for (response, seconds) in [
        (json!({"access_token": "t", "expires_in": 100}), 100),
        (
            json!({"access_token": "t", "expires_in": 100.9, "token_type": null}),
            100,
        ),
        (
            json!({"access_token": "t", "expires_in": " 100 ", "more": {"x": [1]}}),
            100,
        ),
        (json!({"access_token": "t", "expires_in": null}), 300),
        (json!({"access_token": "t", "expires_in": "soon"}), 300),
        (json!({"access_token": "t", "expires_in": -1}), 300),
        (json!({"access_token": "t", "expires_in": 0}), 300),
        (json!({"access_token": "t", "token_type": "BEARER"}), 300),
    ] {
        let shown = response.to_string();
        let (service, _) = server(move |_| json(200, &response));
        let authenticator = authenticator(service, Dialect::Blaxel);
        authenticator.header().await.expect(&shown);
        tokio::time::sleep(Duration::from_millis(seconds * 1000 - 1)).await;
        assert!(authenticator.ready().is_some(), "{shown}");
    }
}

#[tokio::test]
async fn a_refusal_is_reported_without_the_secret() {
    for dialect in [Dialect::Blaxel, Dialect::Standard] {
        let error = refused(dialect, || {
            let description = format!("client_secret {CANARY} is wrong");
            json(
                400,
                &json!({"error": "invalid_client", "error_description": description}),
            )
        })
        .await;
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
        assert_eq!(error.code(), Some("invalid_client"));
        assert_eq!(error.api().unwrap().origin(), ErrorOrigin::OAuth);
        assert_eq!(
            error.api().unwrap().message(),
            Some("client_secret [redacted] is wrong")
        );
        assert!(!error.is_transient() && !error.is_unauthorized());
        let line = error.to_string();
        assert!(
            line.contains("refused") && line.contains("400 invalid_client"),
            "{line}"
        );
    }
    let error = refused(Dialect::Blaxel, || {
        json(401, &json!({"error": "Unauthorized", "code": 401}))
    })
    .await;
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn other_error_responses_are_not_refusals() {
    let error = refused(Dialect::Blaxel, || {
        respond(503, "text/html", "<title>Busy</title>")
    })
    .await;
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert!(
        error.is_transient() && !error.to_string().contains("refused"),
        "{error}"
    );
    let error = refused(Dialect::Blaxel, || respond(404, "text/plain", "")).await;
    assert!(
        !error.is_transient() && !error.to_string().contains("refused"),
        "{error}"
    );
    let error = refused(Dialect::Blaxel, || respond(202, "text/plain", "")).await;
    assert_eq!(error.code(), Some("authorization_pending"));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let (service, requests) = server(move |_| {
            let response = Response::builder().status(status);
            Ok(response
                .header("location", "https://evil.example/")
                .body(Body::empty())
                .unwrap())
        });
        let error = authenticator(service, Dialect::Blaxel)
            .header()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert!(
            error.to_string().contains("redirects are not followed"),
            "{error}"
        );
        assert_eq!(requests.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn responses_without_a_usable_token_are_errors() {
    let responses: [(Respond, &str); 7] = [
        (|| respond(200, "application/json", ""), "empty"),
        (|| respond(200, "text/html", "<html>canary"), "Content-Type"),
        (
            || respond(200, "application/json", "{\"access_token\": \"canary"),
            "not JSON",
        ),
        (
            || json(200, &json!({"token": "canary"})),
            "not a token response",
        ),
        (
            || json(200, &json!({"access_token": {"canary": 1}})),
            "`access_token`",
        ),
        (
            || json(200, &json!({"access_token": "canary\n\u{7}"})),
            "character",
        ),
        (
            || json(200, &json!({"access_token": "canary", "token_type": "mac"})),
            "bearer",
        ),
    ];
    for dialect in [Dialect::Blaxel, Dialect::Standard] {
        for (respond, part) in responses {
            let error = refused(dialect, respond).await;
            assert_eq!(error.kind(), ErrorKind::Credentials, "{error}");
            if dialect == Dialect::Blaxel {
                assert!(error.to_string().contains(part), "{part}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_response_that_is_too_large_is_an_error() {
    let error = refused(Dialect::Blaxel, || {
        let padding = "x".repeat(1024 * 1024);
        json(200, &json!({"access_token": "t", "padding": padding}))
    })
    .await;
    assert!(
        error
            .to_string()
            .contains("larger than the limit of 1048576"),
        "{error}"
    );
}

#[tokio::test]
async fn a_failure_to_reach_the_endpoint_keeps_its_kind() {
    let error = refused(Dialect::Blaxel, || {
        Err(Error::connect("https://api.blaxel.ai", "no route"))
    })
    .await;
    assert!(error.is_connect() && error.is_transient(), "{error}");
    assert!(error.to_string().contains("no route"), "{error}");
    let error = refused(Dialect::Blaxel, || {
        Err(Error::transport("cut off", "reset"))
    })
    .await;
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.is_transient());
}

#[tokio::test]
async fn the_token_endpoint_is_under_the_api_base() {
    let (service, requests) =
        server(|_| json(200, &json!({"access_token": "t", "token_type": "bearer"})));
    let credentials = Credentials::client_credentials("id", "secret").unwrap();
    let base = "http://127.0.0.1:8080/a/b/".parse::<BaseUrl>().unwrap();
    Authenticator::new(&credentials, &base, service)
        .header()
        .await
        .unwrap();
    assert_eq!(
        requests.lock().unwrap()[0].uri(),
        "http://127.0.0.1:8080/a/b/oauth/token"
    );
}

#[tokio::test]
async fn keys_and_tokens_are_never_exchanged() {
    let base = "https://api.blaxel.ai/v0".parse::<BaseUrl>().unwrap();
    for credentials in [Credentials::api_key("k"), Credentials::access_token("k")] {
        let (service, requests) = server(|_| Err(Error::connect("nowhere", "unexpected")));
        let authenticator = Authenticator::new(&credentials.unwrap(), &base, service);
        let ready = authenticator.ready().unwrap();
        assert_eq!(ready, "Bearer k");
        assert!(ready.is_sensitive());
        assert_eq!(authenticator.header().await.unwrap(), ready);
        assert!(!authenticator.invalidate(&ready));
        assert_eq!(authenticator.ready(), Some(ready));
        assert!(requests.lock().unwrap().is_empty());
    }
}

/// Creates a server that takes a second per token, and whose tokens last two hours.
fn two_hour_tokens() -> (BoxService, Requests) {
    let requests = Requests::default();
    let received = Arc::clone(&requests);
    let service = tower::service_fn(move |request: Request<Body>| {
        let number = {
            let mut received = received.lock().unwrap();
            received.push(request);
            received.len()
        };
        async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            json(
                200,
                &json!({"access_token": format!("t{number}"), "expires_in": 7200}),
            )
        }
    });
    (service.boxed(), requests)
}

/// Makes calls that are spread evenly over a time from now on, and returns their tokens.
async fn calls(authenticator: &Authenticator, spread: Duration) -> Vec<HeaderValue> {
    const CALLS: u32 = 10_000;
    let calls: Vec<_> = (0..CALLS)
        .map(|number| {
            let authenticator = authenticator.clone();
            tokio::spawn(async move {
                tokio::time::sleep(spread * number / CALLS).await;
                authenticator.header().await.unwrap()
            })
        })
        .collect();
    let mut tokens = Vec::new();
    for call in calls {
        tokens.push(call.await.unwrap());
    }
    tokens
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_calls_over_an_expiring_token_make_one_request() {
    // While the token is due for renewal, as it expires, and long after.
    for (wait, spread) in [
        (7000, 0),
        (7000, 150),
        (7150, 100),
        (7199, 2),
        (7300, 0),
        (900_000, 5),
    ] {
        let (service, requests) = two_hour_tokens();
        let authenticator = authenticator(service, Dialect::Blaxel);
        assert_eq!(authenticator.header().await.unwrap(), "Bearer t1");
        tokio::time::sleep(Duration::from_secs(wait)).await;
        let tokens = calls(&authenticator, Duration::from_secs(spread)).await;
        assert_eq!(requests.lock().unwrap().len(), 2, "{wait} {spread}");
        assert!(
            tokens
                .iter()
                .all(|token| token == "Bearer t1" || token == "Bearer t2")
        );
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(authenticator.ready().unwrap(), "Bearer t2");
    }
}

#[tokio::test(start_paused = true)]
async fn a_jump_of_the_system_clock_does_not_affect_tokens_in_use() {
    use crate::jwt::test_clock::set_offset;

    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    let (service, requests) = two_hour_tokens();
    let authenticator = authenticator(service, Dialect::Blaxel);
    for (ahead, behind) in [(YEAR, Duration::ZERO), (Duration::ZERO, YEAR), (YEAR, YEAR)] {
        assert_eq!(authenticator.header().await.unwrap(), "Bearer t1");
        set_offset(ahead, behind);
        tokio::time::sleep(Duration::from_secs(1000)).await;
    }
    assert_eq!(authenticator.header().await.unwrap(), "Bearer t1");
    assert_eq!(requests.lock().unwrap().len(), 1);
}
