use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BaseUrl, Body, ErrorKind};
use http::{Request, Response};
use serde_json::json;

use super::super::tests::{Asked, json, respond, server};
use super::*;
use crate::{CredentialKind, Credentials, Dialect};

type Answer = Result<Response<Body>, Error>;

fn begun() -> Value {
    json!({
        "device_code": "canary-device-code",
        "user_code": "ABCD-EFGH",
        "verification_uri": "https://app.blaxel.ai/device",
        "verification_uri_complete": "https://app.blaxel.ai/device?code=ABCD-EFGH",
        "expires_in": 180,
        "interval": 3,
    })
}

fn pending() -> Answer {
    json(400, &json!({"error": "authorization_pending"}))
}

fn done() -> Answer {
    json(
        200,
        &json!({"access_token": "a", "refresh_token": "r", "expires_in": 7200, "token_type": "Bearer"}),
    )
}

/// A login at a server which begins with `begun`, and of which `polled` answers the polls by their
/// number. The times of the polls are kept, in seconds.
fn login(
    begun: Value,
    polled: impl Fn(usize) -> Answer + Clone + Send + Sync + 'static,
) -> (DeviceLogin, Asked, Arc<Mutex<Vec<u64>>>) {
    let number = Arc::new(AtomicUsize::new(0));
    let times = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&times);
    let start = Instant::now();
    let (service, asked) = server(move |request| {
        if request.uri().path().ends_with("/device") {
            return json(200, &begun);
        }
        kept.lock().unwrap().push(start.elapsed().as_secs());
        polled(number.fetch_add(1, Ordering::SeqCst))
    });
    let base = "https://api.blaxel.ai/v0".parse::<BaseUrl>().unwrap();
    (
        DeviceLogin::new(AuthorizationServer::blaxel(&base), service),
        asked,
        times,
    )
}

fn body(request: &Request<Body>) -> Value {
    serde_json::from_slice(&request.body().bytes().unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_user_is_shown_what_to_do_and_the_tokens_are_waited_for() {
    let (login, asked, times) = login(begun(), |number| match number {
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

    let asked = asked.lock().unwrap();
    assert_eq!(asked[0].uri(), "https://api.blaxel.ai/v0/login/device");
    assert_eq!(
        body(&asked[0]),
        json!({"client_id": "blaxel", "scope": "offline_access", "workspace": "team"})
    );
    assert_eq!(asked[1].uri(), "https://api.blaxel.ai/v0/oauth/token");
    assert_eq!(
        body(&asked[1]),
        json!({"grant_type": GRANT, "client_id": "blaxel", "device_code": "canary-device-code"})
    );
    assert_eq!(asked[0].headers()["content-type"], "application/json");
    assert!(!asked[0].headers().contains_key("authorization"));
}

#[tokio::test(start_paused = true)]
async fn the_server_says_how_often_it_is_asked() {
    let mut slow = begun();
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
async fn without_numbers_it_asks_every_three_seconds_for_three_minutes() {
    for members in [
        json!({}),
        json!({"expires_in": 0, "interval": null}),
        json!({"expires_in": -5, "interval": "x"}),
    ] {
        let mut answer = begun();
        let answer = answer.as_object_mut().unwrap();
        answer.remove("expires_in");
        answer.remove("interval");
        answer.extend(members.as_object().unwrap().clone());
        let (login, _, times) = login(Value::Object(answer.clone()), |_| pending());
        let start = Instant::now();
        let error = login.run(|_| ()).await.unwrap_err();
        assert_eq!(start.elapsed().as_secs(), 180);
        assert_eq!(times.lock().unwrap().len(), 59);
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert!(error.to_string().contains("within 180 seconds"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_no_is_told_and_final() {
    for (code, part) in [
        ("access_denied", "was denied"),
        ("expired_token", "not confirmed in time"),
        ("invalid_grant", "failed"),
    ] {
        let (login, _, times) = login(begun(), move |_| {
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
async fn failures_in_passing_are_waited_out() {
    let (login, _, times) = login(begun(), |number| match number {
        0 => Err(Error::connect("api", "no route")),
        1 => respond(502, "text/html", "<html>Bad Gateway"),
        2 => respond(500, "text/plain", ""),
        _ => done(),
    });
    login.run(|_| ()).await.unwrap();
    assert_eq!(*times.lock().unwrap(), [3, 11, 24, 42]);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_answer_to_a_login_ends_it() {
    for (status, kind, text) in [
        (200, "text/html", "<html>"),
        (200, "application/json", r#"{"token":"canary"}"#),
        (404, "text/plain", "nothing here"),
        (302, "text/plain", ""),
    ] {
        let (login, _, times) = login(begun(), move |_| respond(status, kind, text));
        let error = login.run(|_| ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials, "{error}");
        assert!(!format!("{error}{error:?}").contains("canary"), "{error}");
        assert_eq!(times.lock().unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_beginning_that_cannot_be_trusted_is_refused() {
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
    ] {
        let mut answer = begun();
        answer[name] = value;
        let (login, ..) = login(answer, |_| done());
        let error = login.start().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert!(error.to_string().contains(part), "{error}");
    }
    // What would write on the terminal as it likes is not shown.
    let mut answer = begun();
    answer["user_code"] = json!("\u{1b}[2J");
    answer["verification_uri_complete"] = json!("https://x/\u{1b}[2J");
    let (login, ..) = login(answer, |_| done());
    let begun = login.start().await.unwrap();
    assert_eq!(
        (begun.url(), begun.user_code()),
        ("https://app.blaxel.ai/device", "")
    );
}

#[tokio::test(start_paused = true)]
async fn to_drop_it_is_to_give_up() {
    let (login, asked, _) = login(begun(), |_| pending());
    let waiting = tokio::time::timeout(Duration::from_secs(10), login.run(|_| ()));
    assert!(waiting.await.is_err());
    let count = asked.lock().unwrap().len();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(asked.lock().unwrap().len(), count);
}

#[tokio::test(start_paused = true)]
async fn a_standard_server_is_asked_by_form_at_its_own_endpoint() {
    let (service, asked) = server(|request| {
        if request.uri().path() == "/device" {
            return json(200, &begun());
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
    // What renews them is the client that they were given to.
    let credentials = Credentials::from_tokens(tokens.with_access_token("")).unwrap();
    crate::Authenticator::with_server(&credentials, &server, service)
        .header()
        .await
        .unwrap();
    let asked = asked.lock().unwrap();
    let forms: Vec<_> = asked
        .iter()
        .map(|request| request.body().bytes().unwrap())
        .collect();
    assert_eq!(forms[0], "scope=openid+offline_access");
    assert_eq!(
        forms[1],
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=canary-device-code"
    );
    for request in asked.iter() {
        // `my+app:s%3A1`
        assert_eq!(request.headers()["authorization"], "Basic bXkrYXBwOnMlM0Ex");
    }
    assert_eq!(asked.len(), 3);
    assert_eq!(Dialect::default(), Dialect::Blaxel);
}
