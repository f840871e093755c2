use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BaseUrl, Body, ErrorKind};
use http::{Request, Response};
use serde_json::json;

use super::super::tests::{Requests, json, respond, server};
use super::*;
use crate::{CredentialKind, Credentials, Dialect};

type TestResponse = Result<Response<Body>, Error>;

fn device_response() -> Value {
    json!({
        "device_code": "canary-device-code",
        "user_code": "ABCD-EFGH",
        "verification_uri": "https://app.blaxel.ai/device",
        "verification_uri_complete": "https://app.blaxel.ai/device?code=ABCD-EFGH",
        "expires_in": 180,
        "interval": 3,
    })
}

fn pending() -> TestResponse {
    json(400, &json!({"error": "authorization_pending"}))
}

fn done() -> TestResponse {
    json(
        200,
        &json!({"access_token": "a", "refresh_token": "r", "expires_in": 7200, "token_type": "Bearer"}),
    )
}

/// Creates a login at a server which responds to the start with `device_response`, and to each poll with
/// `poll_response` by its number. Also returns the requests, and the times of the polls in seconds.
fn login(
    device_response: Value,
    poll_response: impl Fn(usize) -> TestResponse + Clone + Send + Sync + 'static,
) -> (DeviceLogin, Requests, Arc<Mutex<Vec<u64>>>) {
    let number = Arc::new(AtomicUsize::new(0));
    let times = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&times);
    let start = Instant::now();
    let (service, requests) = server(move |request| {
        if request.uri().path().ends_with("/device") {
            return json(200, &device_response);
        }
        received.lock().unwrap().push(start.elapsed().as_secs());
        poll_response(number.fetch_add(1, Ordering::SeqCst))
    });
    let base = "https://api.blaxel.ai/v0".parse::<BaseUrl>().unwrap();
    (
        DeviceLogin::new(AuthorizationServer::blaxel(&base), service),
        requests,
        times,
    )
}

fn body(request: &Request<Body>) -> Value {
    serde_json::from_slice(&request.body().bytes().unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_user_is_shown_the_code_and_the_tokens_are_returned() {
    let (login, requests, times) = login(device_response(), |number| match number {
        0 => respond(202, "text/plain", ""),
        1 => respond(202, "application/json", r#"{"status":"pending"}"#),
        2 => pending(),
        _ => done(),
    });
    let team = "team".parse::<Workspace>().unwrap();
    let mut shown = String::new();
    let tokens = login
        .with_workspace(team)
        .run(|prompt| shown = format!("{} {} {prompt:?}", prompt.url(), prompt.user_code()))
        .await
        .unwrap();
    assert!(shown.starts_with("https://app.blaxel.ai/device?code=ABCD-EFGH ABCD-EFGH"));
    assert!(!shown.contains("canary"), "{shown}");
    assert_eq!(*times.lock().unwrap(), [3, 6, 9, 12]);
    assert_eq!(tokens.access_token().unwrap().expose(), "a");
    assert_eq!(tokens.refresh_token().unwrap().expose(), "r");
    assert_eq!(tokens.device_code().unwrap().expose(), "canary-device-code");
    assert_eq!(tokens.expires_in(), Some(Duration::from_secs(7200)));
    let credentials = Credentials::from_tokens(tokens).unwrap();
    assert_eq!(credentials.kind(), CredentialKind::RefreshToken);

    let requests = requests.lock().unwrap();
    assert_eq!(requests[0].uri(), "https://api.blaxel.ai/v0/login/device");
    assert_eq!(
        body(&requests[0]),
        json!({"client_id": "blaxel", "scope": "offline_access", "workspace": "team"})
    );
    assert_eq!(requests[1].uri(), "https://api.blaxel.ai/v0/oauth/token");
    assert_eq!(
        body(&requests[1]),
        json!({"grant_type": GRANT, "client_id": "blaxel", "device_code": "canary-device-code"})
    );
    assert_eq!(requests[0].headers()["content-type"], "application/json");
    assert!(!requests[0].headers().contains_key("authorization"));
}

#[tokio::test(start_paused = true)]
async fn the_server_sets_the_polling_interval() {
    let mut slow = device_response();
    slow["interval"] = json!("7");
    let (login, _, times) = login(slow, |number| match number {
        1 => json(400, &json!({"error": "slow_down"})),
        4 => done(),
        _ => pending(),
    });
    login.run(|_| ()).await.unwrap();
    assert_eq!(*times.lock().unwrap(), [7, 14, 26, 38, 50]);
}

#[tokio::test(start_paused = true)]
async fn the_default_is_to_poll_every_three_seconds_for_three_minutes() {
    for members in [
        json!({}),
        json!({"expires_in": 0, "interval": null}),
        json!({"expires_in": -5, "interval": "x"}),
    ] {
        let mut response = device_response();
        let response = response.as_object_mut().unwrap();
        response.remove("expires_in");
        response.remove("interval");
        response.extend(members.as_object().unwrap().clone());
        let (login, _, times) = login(Value::Object(response.clone()), |_| pending());
        let start = Instant::now();
        let error = login.run(|_| ()).await.unwrap_err();
        assert_eq!(start.elapsed().as_secs(), 180);
        assert_eq!(times.lock().unwrap().len(), 59);
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert!(error.to_string().contains("within 3m"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_reported_and_final() {
    for (code, part) in [
        ("access_denied", "was denied"),
        ("expired_token", "not confirmed in time"),
        ("invalid_grant", "failed"),
    ] {
        let (login, _, times) = login(device_response(), move |_| {
            json(
                400,
                &json!({"error": code, "error_description": "of canary-device-code"}),
            )
        });
        let error = login.run(|_| ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert_eq!(error.code(), Some(code));
        let shown = format!("{error} {error:?}");
        assert!(
            shown.contains(part) && shown.contains("api.blaxel.ai"),
            "{shown}"
        );
        assert!(!shown.contains("canary"), "{shown}");
        assert_eq!(times.lock().unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn transient_failures_do_not_end_the_login() {
    let (login, _, times) = login(device_response(), |number| match number {
        0 => Err(Error::connect("api", "no route")),
        1 => respond(502, "text/html", "<html>Bad Gateway"),
        2 => respond(500, "text/plain", ""),
        _ => done(),
    });
    login.run(|_| ()).await.unwrap();
    assert_eq!(*times.lock().unwrap(), [3, 11, 24, 42]);
}

#[tokio::test(start_paused = true)]
async fn an_unexpected_response_ends_the_login() {
    for (status, kind, text) in [
        (200, "text/html", "<html>"),
        (200, "application/json", r#"{"token":"canary"}"#),
        (404, "text/plain", "nothing here"),
        (302, "text/plain", ""),
    ] {
        let (login, _, times) = login(device_response(), move |_| respond(status, kind, text));
        let error = login.run(|_| ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials, "{error}");
        assert!(!format!("{error}{error:?}").contains("canary"), "{error}");
        assert_eq!(times.lock().unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unsafe_response_to_the_start_is_refused() {
    for (name, value, part) in [
        ("device_code", json!(""), "device_code"),
        ("device_code", json!(null), "device_code"),
        (
            "verification_uri_complete",
            json!("http://app.blaxel.ai/"),
            "https",
        ),
        (
            "verification_uri_complete",
            json!("javascript:alert(1)"),
            "https",
        ),
        ("verification_uri_complete", json!("https://"), "https"),
        (
            "verification_uri_complete",
            json!("https://me:canary@app.blaxel.ai/"),
            "https",
        ),
        (
            "verification_uri_complete",
            json!("https://app.blaxel.ai:99999/"),
            "https",
        ),
        (
            "verification_uri_complete",
            json!("https://app.blaxel.ai\\@evil.example"),
            "https",
        ),
        (
            "verification_uri_complete",
            json!("https://app.blaxel.ai/ x"),
            "https",
        ),
    ] {
        let mut response = device_response();
        response[name] = value;
        let (login, ..) = login(response, |_| done());
        let error = login.start().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert!(error.to_string().contains(part), "{error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
    // The page of a sign-in may have a fragment; it is for the browser alone.
    let mut response = device_response();
    response["verification_uri_complete"] = json!("https://id.example/#/device?code=A");
    let (with_fragment, ..) = login(response, |_| done());
    let url = with_fragment.start().await.unwrap().url().to_owned();
    assert_eq!(url, "https://id.example/#/device?code=A");
    // Text with control characters is not shown.
    let mut response = device_response();
    response["user_code"] = json!("\u{1b}[2J");
    response["verification_uri_complete"] = json!("https://x/\u{1b}[2J");
    let (login, ..) = login(response, |_| done());
    let pending = login.start().await.unwrap();
    assert_eq!(
        (pending.url(), pending.user_code()),
        ("https://app.blaxel.ai/device", "")
    );
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_cancels_the_login() {
    let (login, requests, _) = login(device_response(), |_| pending());
    let waiting = tokio::time::timeout(Duration::from_secs(10), login.run(|_| ()));
    assert!(waiting.await.is_err());
    let count = requests.lock().unwrap().len();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(requests.lock().unwrap().len(), count);
}

#[tokio::test(start_paused = true)]
async fn requests_to_a_standard_server_are_forms_to_its_own_endpoints() {
    let (service, requests) = server(|request| {
        if request.uri().path() == "/device" {
            return json(200, &device_response());
        }
        done()
    });
    let server = AuthorizationServer::standard("https://id.example/token").unwrap();
    assert!(
        DeviceLogin::new(server.clone(), service.clone())
            .start()
            .await
            .unwrap_err()
            .is_input()
    );
    let server = server
        .with_device_endpoint("https://id.example/device")
        .unwrap();
    let login = DeviceLogin::new(server.clone(), service.clone())
        .with_client_id("my app")
        .with_client_secret("s:1")
        .with_scopes("openid offline_access");
    let tokens = login.run(|_| ()).await.unwrap();
    // The client to which the tokens were issued renews them.
    let credentials = Credentials::from_tokens(tokens.with_access_token("")).unwrap();
    crate::Authenticator::with_server(&credentials, &server, service)
        .header()
        .await
        .unwrap();
    let requests = requests.lock().unwrap();
    let forms: Vec<_> = requests
        .iter()
        .map(|request| request.body().bytes().unwrap())
        .collect();
    assert_eq!(forms[0], "scope=openid+offline_access");
    assert_eq!(
        forms[1],
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=canary-device-code"
    );
    for request in requests.iter() {
        // `my+app:s%3A1`
        assert_eq!(request.headers()["authorization"], "Basic bXkrYXBwOnMlM0Ex");
    }
    assert_eq!(requests.len(), 3);
    assert_eq!(Dialect::default(), Dialect::Blaxel);
}
