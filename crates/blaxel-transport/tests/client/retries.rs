//! Retries, with paused time, on a transport that responds by script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{
    Body, BoxFuture, CallOptions, Delivery, Error, ErrorKind, HttpService, Idempotency,
    OperationInfo, Plane, RequestWriter, open,
};
use blaxel_transport::{Client, RetryPolicy, TimeLimits};
use http::Method;
use tokio::time::Instant;

static GET: OperationInfo = OperationInfo::new("GetThing", Method::GET, "/things");
static PUT: OperationInfo = OperationInfo::new("PutThing", Method::PUT, "/things");
static MAKE: OperationInfo = OperationInfo::new("MakeThing", Method::POST, "/things")
    .with_idempotency(Idempotency::ClientNamed);
static DO: OperationInfo = OperationInfo::new("DoThing", Method::POST, "/things");
static RUN: OperationInfo =
    OperationInfo::new("RunThing", Method::POST, "/things").with_plane(Plane::Run);
static ASK: OperationInfo =
    OperationInfo::new("AskThing", Method::GET, "/things").with_plane(Plane::Run);

/// The transport's reaction to an attempt.
enum Reply {
    Respond(u16, &'static [(&'static str, &'static str)], &'static str),
    Fail(fn() -> Error),
    Silence,
}

use Reply::{Fail, Respond, Silence};

const OK: Reply = Respond(200, &[], "{}");

/// A client on a scripted transport, and the times of its attempts.
struct Rig {
    attempts: Arc<Mutex<Vec<Duration>>>,
    client: Client,
}

/// Returns a client with the default policy and limits.
fn rig(script: Vec<Reply>) -> Rig {
    rig_with(script, RetryPolicy::new().seed(1), TimeLimits::default())
}

/// Returns a client whose transport reacts to its attempts as the script says.
fn rig_with(script: Vec<Reply>, policy: RetryPolicy, limits: TimeLimits) -> Rig {
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let (log, start) = (Arc::clone(&attempts), Instant::now());
    let script = Arc::new(Mutex::new(VecDeque::from(script)));
    let transport =
        move |_: http::Request<Body>| -> BoxFuture<Result<http::Response<Body>, Error>> {
            log.lock().unwrap().push(start.elapsed());
            let reply = script
                .lock()
                .unwrap()
                .pop_front()
                .expect("an attempt beyond the script");
            Box::pin(async move {
                match reply {
                    Silence => std::future::pending().await,
                    Fail(error) => Err(error()),
                    Respond(status, headers, body) => {
                        let mut response = http::Response::builder().status(status);
                        for (name, value) in headers {
                            response = response.header(*name, *value);
                        }
                        Ok(response.body(Body::from(body)).unwrap())
                    }
                }
            })
        };
    let client = Client::builder()
        .api_key("k")
        .workspace("w")
        .retry(policy)
        .time_limits(limits)
        .transport(tower::service_fn(transport))
        .build()
        .unwrap();
    Rig { attempts, client }
}

impl Rig {
    async fn call(&self, info: &'static OperationInfo) -> Result<u16, Error> {
        let mut writer = RequestWriter::new(info);
        writer.json(&1)?;
        self.send(writer.finish()?).await
    }

    async fn send(&self, request: http::Request<Body>) -> Result<u16, Error> {
        open(&self.client, request)
            .await
            .map(|response| response.status().as_u16())
    }

    fn sent(&self) -> usize {
        self.attempts.lock().unwrap().len()
    }
}

fn not_connected() -> Error {
    Error::connect("x", "refused")
}

fn lost() -> Error {
    Error::transport("lost", "reset")
}

fn refused_stream() -> Error {
    lost().with_delivery(Delivery::NotSent)
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_operation_is_retried_until_it_succeeds() {
    for info in [&GET, &PUT] {
        let rig = rig(vec![Fail(lost), Respond(503, &[], ""), OK]);
        assert_eq!(rig.call(info).await.unwrap(), 200);
        assert_eq!(rig.sent(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_is_returned_with_the_number_of_attempts() {
    let rig1 = rig(vec![
        Fail(lost),
        Fail(not_connected),
        Respond(502, &[], "<html>"),
    ]);
    let error = rig1.call(&GET).await.unwrap_err();
    assert_eq!(
        (error.attempts(), error.status().unwrap().as_u16()),
        (3, 502)
    );
    assert!(error.to_string().contains("3 attempts"), "{error}");
    let rig2 = rig(vec![
        Fail(not_connected),
        Fail(not_connected),
        Fail(not_connected),
    ]);
    let error = rig2.call(&GET).await.unwrap_err();
    assert!(error.is_connect() && error.attempts() == 3, "{error}");
}

#[tokio::test(start_paused = true)]
async fn other_operations_are_sent_again_once_and_only_if_not_processed() {
    for info in [&MAKE, &DO] {
        let unclear = rig(vec![Fail(lost)]);
        let error = unclear.call(info).await.unwrap_err();
        assert!(error.maybe_applied() && unclear.sent() == 1, "{error}");

        let error_response = rig(vec![Respond(503, &[], "")]);
        assert_eq!(
            error_response
                .call(info)
                .await
                .unwrap_err()
                .status()
                .unwrap(),
            503
        );

        let not_processed = rig(vec![Fail(refused_stream), OK]);
        assert_eq!(not_processed.call(info).await.unwrap(), 200);

        let twice = rig(vec![Fail(not_connected), Fail(refused_stream)]);
        let error = twice.call(info).await.unwrap_err();
        assert!(!error.maybe_applied() && twice.sent() == 2, "{error}");

        let then_unclear = rig(vec![Fail(not_connected), Fail(lost)]);
        assert!(then_unclear.call(info).await.unwrap_err().maybe_applied());
    }
}

#[tokio::test(start_paused = true)]
async fn a_streamed_body_is_sent_once() {
    let rig = rig(vec![Fail(not_connected)]);
    let mut writer = RequestWriter::new(&PUT);
    let stream = http_body_util::Full::new(bytes::Bytes::from_static(b"x"));
    writer.body(
        Body::new(stream),
        http::HeaderValue::from_static("text/plain"),
    );
    assert!(
        rig.send(writer.finish().unwrap())
            .await
            .unwrap_err()
            .is_connect()
    );
    assert_eq!(rig.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn conflicts_and_a_workloads_own_4xx_are_final() {
    for (info, status) in [
        (&GET, 409),
        (&PUT, 409),
        (&GET, 404),
        (&GET, 500),
        (&ASK, 429),
        (&ASK, 404),
    ] {
        let rig = rig(vec![Respond(status, &[], "")]);
        assert_eq!(
            rig.call(info).await.unwrap_err().status().unwrap().as_u16(),
            status
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_sleeping_workload_is_retried() {
    const SLEEPS: Reply = Respond(
        404,
        &[
            ("x-blaxel-source", "platform"),
            ("x-blaxel-error-code", "WORKLOAD_UNAVAILABLE"),
        ],
        r#"{"error":{"code":"WORKLOAD_UNAVAILABLE","retryable":true,"origin":"platform"}}"#,
    );
    let rig1 = rig(vec![SLEEPS, OK]);
    assert_eq!(rig1.call(&ASK).await.unwrap(), 200);
    // The body was inspected and is still complete.
    let rig2 = rig(vec![SLEEPS, SLEEPS, SLEEPS]);
    let error = rig2.call(&ASK).await.unwrap_err();
    assert!(
        error.is_unavailable() && error.api().unwrap().retryable() == Some(true),
        "{error}"
    );
}

/// A call that would take effect twice is sent again only if the gateway proves that the workload has not received
/// it.
#[tokio::test(start_paused = true)]
async fn a_request_that_the_gateway_did_not_dispatch_is_retried_whatever_it_does() {
    const PLATFORM: &[(&str, &str)] = &[("x-blaxel-source", "platform")];
    const HELD: &str = r#"{"error":{"code":"UPSTREAM_CONNECT_FAILED","origin":"platform",
        "dispatch_state":"not_dispatched","safe_to_retry_request":true}}"#;
    const SENT: &str = r#"{"error":{"code":"UPSTREAM_TIMEOUT","origin":"platform",
        "dispatch_state":"dispatched_unknown","safe_to_retry_request":false}}"#;
    const TORN: &str = r#"{"error":{"code":"UPSTREAM_CONNECT_FAILED","origin":"platform",
        "dispatch_state":"not_dispatched","safe_to_retry_request":false}}"#;
    const FINAL: &str = r#"{"error":{"code":"WORKLOAD_FAILED","origin":"platform","retryable":false,
        "dispatch_state":"not_dispatched","safe_to_retry_request":true}}"#;

    let held = || Respond(503, PLATFORM, HELD);
    let rig1 = rig(vec![held(), held(), OK]);
    assert_eq!(rig1.call(&RUN).await.unwrap(), 200);
    assert_eq!(rig1.sent(), 3);

    for (headers, body, applied) in [
        (PLATFORM, SENT, true),
        (PLATFORM, TORN, true),
        // A workload passes on the answer of another workload's gateway.
        (&[], HELD, true),
        (PLATFORM, FINAL, false),
    ] {
        let rig = rig(vec![Respond(503, headers, body)]);
        let error = rig.call(&RUN).await.unwrap_err();
        assert_eq!((rig.sent(), error.maybe_applied()), (1, applied), "{body}");
    }

    // The proven attempts leave the outcome clear, and another one does not.
    let rig2 = rig(vec![held(), held(), held()]);
    let error = rig2.call(&RUN).await.unwrap_err();
    assert!(!error.maybe_applied() && error.attempts() == 3, "{error}");
    let script = vec![held(), Fail(not_connected)];
    let rig3 = rig_with(
        script,
        RetryPolicy::new().attempts(2),
        TimeLimits::default(),
    );
    let error = rig3.call(&RUN).await.unwrap_err();
    assert!(error.is_connect() && !error.maybe_applied(), "{error}");
    let rig4 = rig(vec![held(), Respond(503, &[], "")]);
    let error = rig4.call(&RUN).await.unwrap_err();
    assert!(error.maybe_applied() && error.attempts() == 2, "{error}");
    let rig5 = rig_with(
        vec![held()],
        RetryPolicy::new().attempts(1),
        TimeLimits::default(),
    );
    assert!(!rig5.call(&RUN).await.unwrap_err().maybe_applied());
}

#[tokio::test(start_paused = true)]
async fn the_servers_retry_delay_is_followed() {
    let waits = async |headers: &'static [(&'static str, &'static str)]| {
        let rig = rig(vec![Respond(429, headers, ""), OK]);
        let outcome = rig.call(&GET).await;
        let attempts = rig.attempts.lock().unwrap().clone();
        (
            attempts
                .get(1)
                .map(|second| second.as_millis() - attempts[0].as_millis()),
            outcome,
        )
    };
    assert_eq!(waits(&[("retry-after-ms", "1500")]).await.0, Some(1500));
    assert_eq!(waits(&[("retry-after", "2")]).await.0, Some(2000));
    const DATES: &[(&str, &str)] = &[
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"),
    ];
    assert_eq!(waits(DATES).await.0, Some(10_000));
    assert!(waits(&[("retry-after", "soon")]).await.0.unwrap() <= 200);
    // Longer than the policy allows: the error is returned at once.
    let (second, outcome) = waits(&[("retry-after", "3600")]).await;
    let error = outcome.unwrap_err();
    assert_eq!(
        (second, error.retry_after()),
        (None, Some(Duration::from_secs(3600)))
    );
}

#[tokio::test(start_paused = true)]
async fn one_deadline_covers_all_attempts() {
    // A wait that would outlast the deadline is not started.
    let rig1 = rig(vec![Respond(429, &[("retry-after", "20")], "")]);
    let limited = rig1
        .client
        .clone()
        .with_options(CallOptions::new().with_deadline(Duration::from_secs(5)));
    let request = RequestWriter::new(&GET).finish().unwrap();
    let error = open(&limited, request).await.unwrap_err();
    assert!(error.is_rate_limited(), "{error}");

    // Attempts that hang are ended by the deadline, wherever it falls.
    let mut limits = TimeLimits::default();
    limits.response_headers = Duration::from_secs(40);
    let rig2 = rig_with(vec![Silence, Silence, Silence], RetryPolicy::new(), limits);
    let start = Instant::now();
    let error = rig2.call(&GET).await.unwrap_err();
    assert_eq!((start.elapsed().as_secs(), rig2.sent()), (90, 3));
    assert!(error.is_timeout() && error.attempts() == 3, "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_response_headers_in_time_fails() {
    let mut limits = TimeLimits::default();
    limits.response_headers = Duration::from_secs(10);
    let rig1 = rig_with(vec![Silence, OK], RetryPolicy::new(), limits);
    assert_eq!(rig1.call(&GET).await.unwrap(), 200);
    let rig2 = rig_with(vec![Silence], RetryPolicy::new(), limits);
    let error = rig2.call(&DO).await.unwrap_err();
    assert!(error.is_timeout() && error.maybe_applied(), "{error}");
    assert!(error.to_string().contains("response header"), "{error}");
}

/// Any duration is a valid limit or hint, also one that no clock can add.
#[tokio::test(start_paused = true)]
async fn the_longest_durations_do_no_harm() {
    let mut limits = TimeLimits::default();
    limits.control = Duration::MAX;
    limits.response_headers = Duration::MAX;
    limits.idle = Duration::MAX;
    limits.connect = Duration::MAX;
    let patient = RetryPolicy::new()
        .base_delay(Duration::MAX)
        .max_delay(Duration::MAX)
        .max_retry_after(Duration::MAX);
    for after in ["1e400", "1e19", "9223372036854775807", "99999999999"] {
        let headers: &'static [_] = Box::leak(Box::new([("retry-after", after)]));
        let rig = rig_with(vec![Respond(503, headers, "")], patient.clone(), limits);
        let error = rig.call(&GET).await.unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(503));
    }
    let rig1 = rig_with(vec![Silence, OK], patient.clone(), TimeLimits::default());
    let client = rig1
        .client
        .clone()
        .with_options(CallOptions::new().with_deadline(Duration::MAX));
    let request = RequestWriter::new(&GET).finish().unwrap();
    let response = tokio::time::timeout(Duration::from_secs(100), open(&client, request)).await;
    assert!(response.is_err(), "the delay is bounded, but long");
    let rig2 = rig_with(vec![OK], patient, limits);
    assert_eq!(rig2.call(&GET).await.unwrap(), 200);
}

/// Covers a deadline that ends the call between two attempts that were not sent.
#[tokio::test(start_paused = true)]
async fn a_call_that_was_never_sent_is_not_maybe_applied() {
    let rig = rig_with(
        vec![Fail(not_connected), Fail(not_connected)],
        RetryPolicy::new()
            .base_delay(Duration::from_secs(200))
            .max_delay(Duration::from_secs(200))
            .seed(3),
        TimeLimits::default(),
    );
    let error = rig.call(&DO).await.unwrap_err();
    assert!(!error.maybe_applied(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn options_of_a_call_override_those_of_the_client() {
    let once = CallOptions::new().with_attempts(1);
    let rig1 = rig(vec![Fail(lost)]);
    let client = rig1.client.clone().with_options(once);
    assert!(
        open(&client, RequestWriter::new(&GET).finish().unwrap())
            .await
            .is_err()
    );
    assert_eq!(rig1.sent(), 1);

    let known_safe = CallOptions::new().with_idempotent(true);
    let rig2 = rig(vec![Fail(lost), OK]);
    let client = rig2.client.clone().with_options(known_safe);
    open(&client, RequestWriter::new(&DO).finish().unwrap())
        .await
        .unwrap();

    let rig3 = rig(vec![Fail(lost)]);
    let client = rig3
        .client
        .clone()
        .with_options(CallOptions::new().with_idempotent(false));
    assert!(
        open(&client, RequestWriter::new(&GET).finish().unwrap())
            .await
            .is_err()
    );

    let rig4 = rig_with(vec![Fail(lost)], RetryPolicy::none(), TimeLimits::default());
    assert_eq!(
        rig4.call(&GET).await.unwrap_err().kind(),
        ErrorKind::Transport
    );
}

/// Makes 50 retries: each without a response costs 10 of the budget of 500.
#[tokio::test(start_paused = true)]
async fn clones_share_the_retry_budget() {
    let script = (0..1000).map(|_| Fail(lost)).collect();
    let rig = rig(script);
    for _ in 0..100 {
        let client = rig.client.clone();
        let request = RequestWriter::new(&GET).finish().unwrap();
        assert!(client.send(request).await.is_err());
    }
    assert_eq!(rig.sent(), 150);
}
