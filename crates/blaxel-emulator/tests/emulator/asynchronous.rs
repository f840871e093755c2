//! Asynchronous calls: accepted at once, run in the background, and called back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use blaxel_emulator::{Behavior, CallbackOutcome, Chunks, Emulator, Workload};
use bytes::Bytes;
use hmac::{Hmac, Mac};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::{as_client, ask, get, post};

/// A callback receiver that responds with the given statuses, and with 200 after them.
struct Receiver {
    url: String,
    came: mpsc::UnboundedReceiver<(Method, String, HeaderMap, Bytes)>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Receiver {
    async fn new(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/back?to=me", listener.local_addr().unwrap());
        let (sender, came) = mpsc::unbounded_channel();
        let statuses: Vec<u16> = statuses.iter().rev().copied().collect();
        let state = (sender, Arc::new(Mutex::new(statuses)));
        let take = async |State((sender, statuses)): State<Shared>, request: Request| {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let path = head.uri.to_string();
            let _ = sender.send((head.method, path, head.headers, body));
            let status = statuses.lock().unwrap().pop().unwrap_or(200);
            StatusCode::from_u16(status).unwrap()
        };
        let router = Router::new().fallback(take).with_state(state);
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self { url, came, server }
    }

    async fn next(&mut self) -> (Method, String, HeaderMap, Bytes) {
        let waited = tokio::time::timeout(Duration::from_secs(10), self.came.recv()).await;
        waited.unwrap().unwrap()
    }
}

type Shared = (
    mpsc::UnboundedSender<(Method, String, HeaderMap, Bytes)>,
    Arc<Mutex<Vec<u16>>>,
);

/// Creates an agent with a callback, and returns its callback secret.
async fn agent(emulator: &Emulator, configuration: Value) -> String {
    let trigger = json!({"id": "later", "type": "http-async", "configuration": configuration});
    let body = json!({
        "metadata": {"name": "bot"},
        "spec": {"runtime": {"image": "bot:latest"}, "triggers": [trigger]},
    });
    let made = post("/agents", &body).on(emulator).await.expect(200);
    let secret = &made["spec"]["triggers"][0]["configuration"]["callbackSecret"];
    secret.as_str().unwrap_or_default().to_owned()
}

fn url(emulator: &Emulator) -> String {
    format!("{}/demo/agents/bot", emulator.run_url())
}

/// Waits for this number of callbacks and returns their outcomes.
async fn outcomes(emulator: &Emulator, count: usize) -> Vec<CallbackOutcome> {
    for _ in 0..500 {
        let callbacks = emulator.callbacks();
        if callbacks.len() >= count {
            let callbacks = callbacks.into_iter();
            return callbacks.map(|callback| callback.outcome).collect();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", emulator.callbacks());
}

/// Returns the signature of the body alone: the time is not signed.
fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    let digits = mac.finalize().into_bytes();
    let digits: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

#[tokio::test]
async fn an_asynchronous_call_returns_at_once_and_its_response_is_called_back_signed() {
    let mut receiver = Receiver::new(&[]).await;
    let emulator = Emulator::offline();
    let secret = agent(&emulator, json!({"callbackUrl": receiver.url})).await;
    let call = post(
        format!("{}/v1/x?a=1&async=true", url(&emulator)),
        &json!({"inputs": "Hello"}),
    );
    let reply = call.on(&emulator).await;
    assert_eq!(reply.expect(202), json!({"success": true}));

    let (method, path, headers, body) = receiver.next().await;
    assert_eq!((method, path.as_str()), (Method::POST, "/back?to=me"));
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["x-blaxel-signature"], signature(&secret, &body));
    let told: Value = serde_json::from_slice(&body).unwrap();
    let answer = json!({"output": "bot heard: Hello"}).to_string();
    assert_eq!(told["status_code"], 200);
    assert_eq!(told["response_body"], answer);
    assert_eq!(told["response_length"], answer.len());
    let time = headers["x-blaxel-timestamp"].to_str().unwrap();
    assert_eq!(told["timestamp"].to_string(), time);
    assert_eq!(
        outcomes(&emulator, 1).await,
        [CallbackOutcome::Responded(200)]
    );
    let callback = emulator.callbacks().remove(0);
    assert_eq!(
        (callback.attempts, callback.workload),
        (1, Workload::agent("bot"))
    );
}

#[tokio::test]
async fn the_timestamp_of_a_callback_is_from_the_clock() {
    let mut receiver = Receiver::new(&[]).await;
    let start = "2025-01-03T08:00:00Z".parse().unwrap();
    let emulator = Emulator::builder().start_time(start).build();
    agent(&emulator, json!({"callbackUrl": receiver.url})).await;
    emulator.clock().advance(Duration::from_secs(5));
    let call = post(format!("{}?async=true", url(&emulator)), &json!({}));
    call.on(&emulator).await.expect(202);
    let (_, _, headers, _) = receiver.next().await;
    assert_eq!(headers["x-blaxel-timestamp"], "1735891205");
}

#[tokio::test]
async fn the_path_of_a_trigger_makes_a_call_asynchronous_and_is_hidden_from_the_workload() {
    let mut receiver = Receiver::new(&[]).await;
    let emulator = Emulator::offline();
    let path = "agents/bot/async";
    agent(
        &emulator,
        json!({"path": path, "callbackUrl": receiver.url}),
    )
    .await;
    let script = emulator.script(&Workload::agent("bot"));
    let other = post(format!("{}/asynchronous", url(&emulator)), &json!({}));
    other.on(&emulator).await.expect(200);
    let call = post(format!("{}/async?x=1", url(&emulator)), &json!({}));
    call.on(&emulator).await.expect(202);
    receiver.next().await;
    let call = post(format!("{}/deep?async=true", url(&emulator)), &json!({}));
    call.on(&emulator).await.expect(202);
    receiver.next().await;

    let calls = script.calls();
    let seen: Vec<_> = calls
        .iter()
        .map(|call| (call.path.as_str(), call.query.as_deref()))
        .collect();
    assert_eq!(
        seen,
        [("/asynchronous", None), ("", Some("x=1")), ("/deep", None)]
    );
}

#[tokio::test]
async fn a_trigger_that_is_disabled_or_has_no_url_sends_no_callback() {
    let receiver = Receiver::new(&[]).await;
    let emulator = Emulator::offline();
    let trigger = json!({
        "type": "http-async", "enabled": false,
        "configuration": {"path": "agents/bot/async", "callbackUrl": receiver.url},
    });
    let body = json!({
        "metadata": {"name": "bot"},
        "spec": {"runtime": {"image": "bot:latest"}, "triggers": [trigger]},
    });
    post("/agents", &body).on(&emulator).await.expect(200);
    let script = emulator.script(&Workload::agent("bot"));
    let call = post(format!("{}/async", url(&emulator)), &json!({}));
    call.on(&emulator).await.expect(200);
    let call = post(format!("{}?async=true", url(&emulator)), &json!({}));
    call.on(&emulator).await.expect(202);
    assert_eq!(script.calls().len(), 2);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(emulator.callbacks(), []);
}

#[tokio::test]
async fn a_callback_reports_the_response_of_the_workload_including_failures() {
    let mut receiver = Receiver::new(&[]).await;
    let emulator = Emulator::offline();
    agent(&emulator, json!({"callbackUrl": receiver.url})).await;
    emulator
        .script(&Workload::agent("bot"))
        .then(Behavior::text("broken").status(StatusCode::INTERNAL_SERVER_ERROR))
        .then(Behavior::bytes(&b"\xff"[..]))
        .then(Behavior::events(Chunks::new().then("a").then("b")))
        .then(Behavior::events(Chunks::new().then("a").cut()));
    let lossy = "\u{fffd}";
    let cut = json!({"error": "The response of the workload ended early."}).to_string();
    for (status, body, length) in [
        (500, "broken", 6),
        (200, lossy, 1),
        (200, "ab", 2),
        (502, &cut, cut.len()),
    ] {
        let call = post(format!("{}?async=true", url(&emulator)), &json!({}));
        call.on(&emulator).await.expect(202);
        let (_, _, _, told) = receiver.next().await;
        let told: Value = serde_json::from_slice(&told).unwrap();
        assert_eq!(told["status_code"], status);
        assert_eq!(told["response_body"], body);
        assert_eq!(told["response_length"], length);
    }
}

#[tokio::test]
async fn a_cold_workload_rejects_an_asynchronous_call() {
    let emulator = Emulator::offline();
    emulator.add_agent("bot");
    emulator.script(&Workload::agent("bot")).cold_calls(1);
    let call = post(format!("{}?async=true", url(&emulator)), &json!({}));
    call.on(&emulator)
        .await
        .gateway(404, "WORKLOAD_UNAVAILABLE");
}

#[tokio::test]
async fn a_workload_that_exceeds_its_time_limit_is_aborted() {
    let mut receiver = Receiver::new(&[]).await;
    let emulator = Emulator::offline();
    agent(
        &emulator,
        json!({"callbackUrl": receiver.url, "timeout": 1}),
    )
    .await;
    let script = emulator.script(&Workload::agent("bot"));
    script.then(Behavior::text("late").after(Duration::from_secs(60)));
    let call = post(format!("{}?async=true", url(&emulator)), &json!({}));
    call.on(&emulator).await.expect(202);
    let (_, _, _, told) = receiver.next().await;
    let told: Value = serde_json::from_slice(&told).unwrap();
    assert_eq!(told["status_code"], 504);
}

#[tokio::test]
async fn a_callback_is_retried_as_often_as_its_trigger_says() {
    for (retry, statuses, tries, outcome) in [
        (json!(2), &[503, 429][..], 3, 200),
        (json!(2), &[500, 500, 502, 200], 3, 502),
        (json!(2), &[404], 1, 404),
        (Value::Null, &[500], 1, 500),
    ] {
        let receiver = Receiver::new(statuses).await;
        let emulator = Emulator::offline();
        let mut configuration = json!({"callbackUrl": receiver.url});
        if !retry.is_null() {
            configuration["retry"] = retry;
        }
        agent(&emulator, configuration).await;
        let call = post(format!("{}?async=true", url(&emulator)), &json!({}));
        call.on(&emulator).await.expect(202);
        let ended = outcomes(&emulator, 1).await;
        assert_eq!(ended, [CallbackOutcome::Responded(outcome)]);
        assert_eq!(emulator.callbacks()[0].attempts, tries);
    }
}

#[tokio::test]
async fn callbacks_go_to_this_machine_only() {
    for elsewhere in ["http://192.0.2.1/back", "https://127.0.0.1/back", "back"] {
        let emulator = Emulator::offline();
        agent(&emulator, json!({"callbackUrl": elsewhere})).await;
        let call = post(format!("{}?async=true", url(&emulator)), &json!({}));
        call.on(&emulator).await.expect(202);
        let ended = outcomes(&emulator, 1).await;
        assert!(matches!(ended[0], CallbackOutcome::NotSent(_)), "{ended:?}");
        assert_eq!(emulator.callbacks()[0].attempts, 0);
    }
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let emulator = Emulator::offline();
    agent(&emulator, json!({"callbackUrl": nobody})).await;
    let call = post(format!("{}?async=true", url(&emulator)), &json!({}));
    call.on(&emulator).await.expect(202);
    let ended = outcomes(&emulator, 1).await;
    assert!(
        matches!(ended[0], CallbackOutcome::Unanswered(_)),
        "{ended:?}"
    );
}

#[tokio::test]
async fn background_work_ends_when_the_emulator_is_dropped() {
    let mut receiver = Receiver::new(&[]).await;
    let emulator = Emulator::offline();
    agent(&emulator, json!({"callbackUrl": receiver.url})).await;
    let late = Behavior::text("late").after(Duration::from_millis(100));
    emulator.script(&Workload::agent("bot")).always(late);
    let service = emulator.service();
    let call = || post(format!("{}?async=true", url(&emulator)), &json!({}));
    call().to(&service).await.expect(202);
    let after = call();
    drop(emulator);
    after
        .to(&service)
        .await
        .gateway(404, "WORKLOAD_UNAVAILABLE");
    let waited = tokio::time::timeout(Duration::from_millis(300), receiver.came.recv()).await;
    assert!(waited.is_err(), "{waited:?}");
}

/// Models have no triggers; the query goes to the provider.
#[tokio::test]
async fn a_model_is_never_called_asynchronously() {
    let emulator = Emulator::offline();
    let at = |path: &str| format!("{}/demo/models/{path}?async=true", emulator.run_url());
    let body = json!({"messages": [{"role": "user", "content": "x"}]});
    let reply = post(at("sandbox-openai/v1/chat/completions"), &body);
    reply.on(&emulator).await.expect(200);
}

/// The secret of a new agent is shown once; later callbacks are still signed with it.
#[tokio::test]
async fn an_asynchronous_call_works_over_the_socket_too() {
    let mut receiver = Receiver::new(&[]).await;
    let emulator = Emulator::start().await.unwrap();
    let secret = agent(&emulator, json!({"callbackUrl": receiver.url})).await;
    let shown = get("/agents/bot").on(&emulator).await.expect(200);
    let masked = &shown["spec"]["triggers"][0]["configuration"]["callbackSecret"];
    assert_ne!(masked, &json!(secret));
    let call = ask(Method::POST, format!("{}?async=true", url(&emulator))).bytes("Hello");
    let reply = as_client(call, &emulator).over_socket().await.unwrap();
    assert_eq!(reply.expect(202), json!({"success": true}));
    let (_, _, headers, body) = receiver.next().await;
    assert_eq!(headers["x-blaxel-signature"], signature(&secret, &body));
}
