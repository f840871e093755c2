use std::sync::atomic::{AtomicUsize, Ordering};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BaseUrl, Body, ErrorKind, HttpService};
use futures_util::future::join_all;
use http::{Request, Response};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::tests::{Requests, json, server};
use super::*;
use crate::jwt::sample;
use crate::{Authenticator, Credentials, Dialect};

const LIFETIME: u64 = 7200;

fn base() -> BaseUrl {
    "https://api.blaxel.ai/v0".parse::<BaseUrl>().unwrap()
}

fn body(request: &Request<Body>) -> Value {
    serde_json::from_slice(&request.body().bytes().unwrap()).unwrap()
}

/// Creates a server that issues `t1`, `t2` and so on. Each time it invalidates the refresh token and issues
/// another one: `r0`, `r1` and so on.
fn rotating() -> (BoxService, Requests) {
    let number = Arc::new(AtomicUsize::new(0));
    server(move |request| {
        let current = number.load(Ordering::SeqCst);
        if body(request)["refresh_token"] != format!("r{current}") {
            return json(400, &json!({"error": "invalid_grant"}));
        }
        let next = number.fetch_add(1, Ordering::SeqCst) + 1;
        json(
            200,
            &json!({"access_token": format!("t{next}"), "refresh_token": format!("r{next}"),
                    "expires_in": LIFETIME, "token_type": "Bearer"}),
        )
    })
}

/// Creates a service that responds a second later.
fn slow(service: &BoxService) -> BoxService {
    let service = service.clone();
    tower::service_fn(move |request: Request<Body>| {
        let service = service.clone();
        async move {
            let response = HttpService::send(&service, request).await;
            sleep(Duration::from_secs(1)).await;
            response
        }
    })
    .boxed()
}

fn bodies(requests: &Requests) -> Vec<Value> {
    requests.lock().unwrap().iter().map(body).collect()
}

/// A store in memory, which can fail or be slow.
#[derive(Clone, Default)]
struct Memory {
    stored: Arc<Mutex<Option<Tokens>>>,
    fails: Arc<Mutex<bool>>,
    seconds: u64,
}

impl TokenStore for Memory {
    fn save(&self, tokens: &Tokens) -> BoxFuture<Result<(), Error>> {
        let (memory, tokens) = (self.clone(), tokens.clone());
        Box::pin(async move {
            if memory.seconds > 0 {
                sleep(Duration::from_secs(memory.seconds)).await;
            }
            if *memory.fails.lock().unwrap() {
                return Err(Error::credentials("the disk is full"));
            }
            *memory.stored.lock().unwrap() = Some(tokens);
            Ok(())
        })
    }

    fn load(&self) -> BoxFuture<Result<Option<Tokens>, Error>> {
        let stored = self.stored.lock().unwrap().clone();
        Box::pin(std::future::ready(Ok(stored)))
    }
}

impl Memory {
    fn refresh_token(&self) -> Option<String> {
        let stored = self.stored.lock().unwrap();
        Some(stored.as_ref()?.refresh_token()?.expose().to_owned())
    }
}

async fn pass(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn requests_to_the_platform_have_the_device_code_and_the_public_client() {
    let (service, requests) = rotating();
    let tokens = Tokens::new()
        .with_refresh_token("r0\n")
        .with_device_code("d");
    let credentials = Credentials::from_tokens(tokens).unwrap();
    let authenticator = Authenticator::new(&credentials, &base(), service);
    assert_eq!(authenticator.header().await.unwrap(), "Bearer t1");
    pass(LIFETIME).await;
    assert_eq!(authenticator.header().await.unwrap(), "Bearer t2");
    let expected = |refresh: &str| {
        json!({"grant_type": "refresh_token", "refresh_token": refresh, "client_id": "blaxel",
               "device_code": "d"})
    };
    assert_eq!(bodies(&requests), [expected("r0"), expected("r1")]);
    assert!(
        requests.lock().unwrap()[0]
            .headers()
            .get("authorization")
            .is_none()
    );

    let (service, requests) = rotating();
    let credentials = Credentials::refresh_token("r0").unwrap();
    let authenticator = Authenticator::new(&credentials, &base(), service);
    authenticator.header().await.unwrap();
    assert!(bodies(&requests)[0].get("device_code").is_none());
}

#[tokio::test(start_paused = true)]
async fn the_refresh_token_is_kept_if_the_response_has_no_other() {
    for response in [
        json!({"access_token": "t", "expires_in": 100}),
        json!({"access_token": "t", "expires_in": 100, "refresh_token": ""}),
        json!({"access_token": "t", "expires_in": 100, "refresh_token": null}),
    ] {
        let (service, requests) = server(move |_| json(200, &response));
        let credentials = Credentials::refresh_token("r0").unwrap();
        let authenticator = Authenticator::new(&credentials, &base(), service);
        for _ in 0..2 {
            authenticator.header().await.unwrap();
            pass(101).await;
        }
        for request in bodies(&requests) {
            assert_eq!(request["refresh_token"], "r0");
        }
        assert_eq!(requests.lock().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn an_access_token_is_used_while_it_is_known_to_be_good() {
    let future = crate::jwt::wall_clock() + Duration::from_secs(3600);
    let jwt = |seconds: u64| {
        let now = crate::jwt::wall_clock();
        let exp = now
            .duration_since(std::time::SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs()
            + seconds;
        sample(&json!({"exp": exp}).to_string())
    };
    let with = |access: &str| {
        Tokens::new()
            .with_access_token(access)
            .with_refresh_token("r0")
    };
    for (tokens, used) in [
        (with(&jwt(3600)), true),
        (with(&jwt(30)), false),
        (with(&sample(r#"{"exp":1000}"#)), false),
        (with("opaque"), false),
        (with("opaque").with_expires_at(future), true),
        (
            with("opaque").with_expires_at(std::time::SystemTime::UNIX_EPOCH),
            false,
        ),
    ] {
        let expected = tokens.access_token().unwrap().expose().to_owned();
        let (service, requests) = rotating();
        let credentials = Credentials::from_tokens(tokens).unwrap();
        let authenticator = Authenticator::new(&credentials, &base(), service);
        let header = authenticator.header().await.unwrap();
        assert_eq!(requests.lock().unwrap().is_empty(), used, "{expected}");
        assert_eq!(header == format!("Bearer {expected}"), used);
        // A token that the server refused is not used again, whatever its lifetime.
        if used {
            assert!(authenticator.invalidate(&header));
            assert_eq!(authenticator.header().await.unwrap(), "Bearer t1");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn clones_of_the_credentials_share_the_tokens() {
    let (service, requests) = rotating();
    let service = slow(&service);
    let credentials = Credentials::refresh_token("r0").unwrap();
    let working: Vec<_> = (0..5)
        .map(|_| Authenticator::new(&credentials.clone(), &base(), service.clone()))
        .collect();
    for number in 1..4 {
        let expected = format!("Bearer t{number}");
        for header in join_all(working.iter().map(Authenticator::header)).await {
            assert_eq!(header.unwrap(), expected.as_str());
        }
        assert_eq!(requests.lock().unwrap().len(), number);
        pass(LIFETIME).await;
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_are_stored_before_any_caller_gets_them() {
    let (service, _) = rotating();
    let store = Memory {
        seconds: 2,
        ..Memory::default()
    };
    let tokens = Tokens::new().with_refresh_token("r0").with_device_code("d");
    let credentials = Credentials::from_tokens(tokens)
        .unwrap()
        .with_store(store.clone());
    let authenticator = Authenticator::new(&credentials, &base(), service);
    let callers = (0..100).map(|_| async {
        let header = authenticator.header().await.unwrap();
        assert_eq!(store.refresh_token().as_deref(), Some("r1"));
        header
    });
    let start = Instant::now();
    join_all(callers).await;
    assert_eq!(start.elapsed().as_secs(), 2);
    let stored = store.stored.lock().unwrap().clone().unwrap();
    assert_eq!(stored.device_code().unwrap().expose(), "d");
    assert_eq!(stored.access_token().unwrap().expose(), "t1");
    assert_eq!(stored.expires_in(), Some(Duration::from_secs(LIFETIME)));
    assert!(stored.expires_at().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_rotated_token_is_kept_when_all_callers_are_gone() {
    let (service, requests) = rotating();
    let store = Memory::default();
    let credentials = Credentials::refresh_token("r0")
        .unwrap()
        .with_store(store.clone());
    let authenticator = Authenticator::new(&credentials, &base(), slow(&service));
    let caller = tokio::spawn(authenticator.clone().header_owned());
    tokio::time::sleep(Duration::from_millis(500)).await;
    caller.abort();
    drop(authenticator);
    pass(2).await;
    assert_eq!(store.refresh_token().as_deref(), Some("r1"));
    assert_eq!(
        credentials
            .tokens()
            .unwrap()
            .refresh_token()
            .unwrap()
            .expose(),
        "r1"
    );
    // Other authenticators with the same credentials use the new tokens.
    let next = Authenticator::new(&credentials, &base(), service);
    assert_eq!(next.header().await.unwrap(), "Bearer t1");
    assert_eq!(requests.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_does_not_affect_callers() {
    let (service, _) = rotating();
    let store = Memory::default();
    *store.fails.lock().unwrap() = true;
    let credentials = Credentials::refresh_token("r0")
        .unwrap()
        .with_store(store.clone());
    let authenticator = Authenticator::new(&credentials, &base(), service);
    assert!(credentials.save_error().is_none());
    assert_eq!(authenticator.header().await.unwrap(), "Bearer t1");
    assert!(
        credentials
            .save_error()
            .unwrap()
            .to_string()
            .contains("disk is full")
    );
    *store.fails.lock().unwrap() = false;
    pass(LIFETIME).await;
    assert_eq!(authenticator.header().await.unwrap(), "Bearer t2");
    assert!(credentials.save_error().is_none());
    assert_eq!(store.refresh_token().as_deref(), Some("r2"));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_ends_does_not_hold_back_the_token() {
    let (service, _) = rotating();
    let store = Memory {
        seconds: 3600,
        ..Memory::default()
    };
    let credentials = Credentials::refresh_token("r0")
        .unwrap()
        .with_store(store.clone());
    let authenticator = Authenticator::new(&credentials, &base(), service);
    let start = Instant::now();
    assert_eq!(authenticator.header().await.unwrap(), "Bearer t1");
    assert_eq!(start.elapsed().as_secs(), 5);
    let error = || credentials.save_error().unwrap().to_string();
    assert!(error().contains("not saved yet"), "{}", error());
    let tokens = credentials.tokens().unwrap();
    assert_eq!(tokens.refresh_token().unwrap().expose(), "r1");
    pass(30).await;
    assert!(error().contains("within 30 s"), "{}", error());
    assert_eq!(store.refresh_token(), None);
    // The next renewal has the newest refresh token all the same.
    pass(LIFETIME).await;
    assert_eq!(authenticator.header().await.unwrap(), "Bearer t2");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_slow_has_the_newest_tokens_in_the_end() {
    let (service, _) = rotating();
    let store = Memory {
        seconds: 20,
        ..Memory::default()
    };
    let credentials = Credentials::refresh_token("r0")
        .unwrap()
        .with_store(store.clone());
    let authenticator = Authenticator::new(&credentials, &base(), service);
    let first = authenticator.header().await.unwrap();
    assert!(credentials.save_error().is_some());
    assert!(authenticator.invalidate(&first));
    assert_eq!(authenticator.header().await.unwrap(), "Bearer t2");
    pass(40).await;
    assert_eq!(store.refresh_token().as_deref(), Some("r2"));
    assert!(credentials.save_error().is_none());
}

/// A store in which nothing is ever found, and whose methods panic or never end.
struct Broken {
    panics: bool,
}

impl TokenStore for Broken {
    fn save(&self, _: &Tokens) -> BoxFuture<Result<(), Error>> {
        let panics = self.panics;
        Box::pin(async move {
            assert!(!panics, "the store panics");
            std::future::pending().await
        })
    }

    fn load(&self) -> BoxFuture<Result<Option<Tokens>, Error>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_panics_or_never_responds_costs_a_wait_at_most() {
    for panics in [true, false] {
        let (service, _) = rotating();
        let credentials = Credentials::refresh_token("r0")
            .unwrap()
            .with_store(Broken { panics });
        let authenticator = Authenticator::new(&credentials, &base(), service);
        for number in 1..4 {
            let start = Instant::now();
            let header = authenticator.header().await.unwrap();
            assert_eq!(header, format!("Bearer t{number}"));
            assert!(start.elapsed() <= Duration::from_secs(10));
            let error = credentials.save_error().unwrap().to_string();
            assert!(error.contains("not saved"), "{error}");
            pass(LIFETIME).await;
        }
    }
}

#[test]
fn tokens_that_were_not_saved_when_the_runtime_ended_are_saved_by_the_next_caller() {
    let paused = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
    };
    let (service, requests) = rotating();
    let store = Memory {
        seconds: 2,
        ..Memory::default()
    };
    let credentials = Credentials::refresh_token("r0")
        .unwrap()
        .with_store(store.clone());
    let authenticator = Authenticator::new(&credentials, &base(), service);
    let first = paused();
    let waiting =
        first.block_on(async { timeout(Duration::from_secs(1), authenticator.header()).await });
    assert!(waiting.is_err(), "the tokens are being saved");
    drop(first);
    assert_eq!(store.refresh_token(), None);

    let header = paused().block_on(authenticator.header()).unwrap();
    assert_eq!(header, "Bearer t1");
    assert_eq!(store.refresh_token().as_deref(), Some("r1"));
    assert_eq!(requests.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_another_process_has_renewed_are_taken_from_the_store() {
    let (service, requests) = rotating();
    let store = Memory::default();
    let share = || {
        let credentials = Credentials::refresh_token("r0")
            .unwrap()
            .with_store(store.clone());
        Authenticator::new(&credentials, &base(), service.clone())
    };
    let (one, two) = (share(), share());
    assert_eq!(one.header().await.unwrap(), "Bearer t1");
    assert_eq!(two.header().await.unwrap(), "Bearer t1");
    assert_eq!(requests.lock().unwrap().len(), 1);
    pass(LIFETIME).await;
    assert_eq!(two.header().await.unwrap(), "Bearer t2");
    assert_eq!(one.header().await.unwrap(), "Bearer t2");
    assert_eq!(requests.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn losing_a_race_with_another_process_does_no_harm() {
    let (service, requests) = rotating();
    let store = Memory::default();
    let share = || {
        let credentials = Credentials::refresh_token("r0")
            .unwrap()
            .with_store(store.clone());
        Authenticator::new(&credentials, &base(), slow(&service))
    };
    let (one, two) = (share(), share());
    let (one, two) = tokio::join!(one.header(), two.header());
    assert_eq!(
        (one.unwrap(), two.unwrap()),
        ("Bearer t1".parse().unwrap(), "Bearer t1".parse().unwrap())
    );
    assert_eq!(requests.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_not_sent_again() {
    let (service, requests) = rotating();
    let store = Memory::default();
    let tokens = Tokens::new()
        .with_refresh_token("canary-of-old")
        .with_device_code("canary-d");
    let credentials = Credentials::from_tokens(tokens)
        .unwrap()
        .with_store(store.clone());
    let authenticator = Authenticator::new(&credentials, &base(), service);
    for _ in 0..3 {
        let error = authenticator.header().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        let line = error.to_string();
        for part in [
            "refused the refresh token",
            "given in code",
            "sign in again",
            "invalid_grant",
        ] {
            assert!(line.contains(part), "{line}");
        }
        assert!(!format!("{error:?}{line}").contains("canary"), "{line}");
        pass(3600).await;
    }
    assert_eq!(requests.lock().unwrap().len(), 1);
    store
        .save(&Tokens::new().with_refresh_token("r0"))
        .await
        .unwrap();
    assert_eq!(authenticator.header().await.unwrap(), "Bearer t1");
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_is_not_final() {
    let failing = Arc::new(Mutex::new(true));
    let fails = Arc::clone(&failing);
    let (service, requests) = server(move |_| {
        if *fails.lock().unwrap() {
            return json(503, &json!({"error": "temporarily_unavailable"}));
        }
        json(200, &json!({"access_token": "t", "expires_in": 7200}))
    });
    let credentials = Credentials::refresh_token("r0").unwrap();
    let authenticator = Authenticator::new(&credentials, &base(), service);
    assert!(authenticator.header().await.unwrap_err().is_transient());
    *failing.lock().unwrap() = false;
    pass(6).await;
    assert_eq!(authenticator.header().await.unwrap(), "Bearer t");
    assert_eq!(requests.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_hangs_times_out_and_the_next_one_succeeds() {
    let number = Arc::new(AtomicUsize::new(0));
    let service = tower::service_fn(move |_: Request<Body>| {
        let number = number.fetch_add(1, Ordering::SeqCst);
        async move {
            if number == 0 {
                pass(3600).await;
            }
            Ok::<_, Error>(Response::new(Body::from(r#"{"access_token":"t"}"#)))
        }
    });
    let credentials = Credentials::refresh_token("r0").unwrap();
    let authenticator = Authenticator::new(&credentials, &base(), service.boxed());
    assert!(authenticator.header().await.unwrap_err().is_timeout());
    pass(6).await;
    assert_eq!(authenticator.header().await.unwrap(), "Bearer t");
}

#[test]
fn a_refresh_works_without_a_runtime() {
    let (service, _) = rotating();
    let credentials = Credentials::refresh_token("r0")
        .unwrap()
        .with_store(Memory::default());
    let authenticator = Authenticator::new(&credentials, &base(), service);
    let header = futures_util::FutureExt::now_or_never(authenticator.header());
    assert_eq!(header.unwrap().unwrap(), "Bearer t1");
}

#[tokio::test]
async fn a_request_to_a_standard_server_is_a_form() {
    let (service, requests) =
        server(|_| json(200, &json!({"access_token": "t", "token_type": "bearer"})));
    let credentials = Credentials::refresh_token("r 0").unwrap();
    let authenticator =
        Authenticator::with_dialect(&credentials, &base(), service, Dialect::Standard);
    authenticator.header().await.unwrap();
    let form = requests.lock().unwrap()[0].body().bytes().unwrap();
    assert_eq!(
        form,
        "grant_type=refresh_token&refresh_token=r+0&client_id=blaxel"
    );
}

#[test]
fn empty_tokens_are_refused() {
    assert!(Credentials::refresh_token(" \n").unwrap_err().is_input());
    assert!(
        Credentials::from_tokens(Tokens::new())
            .unwrap_err()
            .is_input()
    );
    let access = Credentials::from_tokens(Tokens::new().with_access_token("t")).unwrap();
    assert_eq!(access.kind(), CredentialKind::AccessToken);
    assert!(access.tokens().is_none() && access.save_error().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_costs_at_most_one_request_for_a_stored_token() {
    use crate::jwt::test_clock::set_offset;

    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    let now = std::time::SystemTime::now();
    let exp = now
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs()
        + 3600;
    let tokens = || {
        Tokens::new()
            .with_access_token(sample(&json!({"exp": exp}).to_string()))
            .with_refresh_token("r0")
    };
    // The clock is ahead: a valid token seems expired.
    set_offset(YEAR, Duration::ZERO);
    let (service, requests) = rotating();
    let credentials = Credentials::from_tokens(tokens()).unwrap();
    let authenticator = Authenticator::new(&credentials, &base(), service);
    for _ in 0..3 {
        assert_eq!(authenticator.header().await.unwrap(), "Bearer t1");
        pass(1000).await;
    }
    assert_eq!(requests.lock().unwrap().len(), 1);
    // The clock is behind: an expired token seems valid, until the server refuses it.
    set_offset(Duration::ZERO, YEAR);
    let (service, requests) = rotating();
    let credentials = Credentials::from_tokens(tokens()).unwrap();
    let authenticator = Authenticator::new(&credentials, &base(), service);
    let header = authenticator.header().await.unwrap();
    assert!(requests.lock().unwrap().is_empty());
    assert!(authenticator.invalidate(&header));
    for _ in 0..3 {
        assert_eq!(authenticator.header().await.unwrap(), "Bearer t1");
        pass(1000).await;
    }
    assert_eq!(requests.lock().unwrap().len(), 1);
}
