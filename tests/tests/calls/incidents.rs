//! Promise: the incidents of other clients of the platform do not happen with this one.
//!
//! Each test is named after the rule that an incident taught, and its docs name the incident. Some
//! rules are tested only in part here, or not at all:
//!
//! - 5 (uploads in parts): the parts are up to the sandbox crate; this file tests what that crate
//!   needs of the transport, that a single `PUT` survives a reset.
//! - 13 (sockets that keep a process alive) and 15 (a defect of one JavaScript engine) do not apply
//!   to Rust; `cancellation.rs` tests that a client leaves no task behind.
//! - 16 (one warm connection for each region) and 19 to 22 (creating a sandbox that exists already
//!   or is terminating) are up to the facades; this file tests that a 409 or a 504 of a creation is
//!   passed on to them unchanged.
//! - 24 (the last line of a log): this file tests the transport's part, that every byte before the
//!   end is passed on; lines are up to the stream decoder.
//! - 25 is an old workaround for rule 3.

use std::time::Duration;

use blaxel_core::{Body, CallOptions, Error, HttpService, OperationInfo, Plane, RequestWriter};
use blaxel_tests::fault::calls::{Kind, call};
use blaxel_tests::fault::{
    Code, Fault, FaultServer, Protocol, Wait, WatchedClient, quick_policy, short_limits,
};
use blaxel_transport::{HttpVersion, HyperTransport, RetryPolicy, TimeLimits};
use http::Method;
use tokio::time::{Instant, sleep};

const CONTROL: Plane = Plane::Control;
const RUN: Plane = Plane::Run;

/// Faults that close a connection with a request in flight, and do not prove whether it was
/// processed.
const LOSSES: [Fault; 4] = [
    Fault::CloseAfterHead,
    Fault::CloseAfterRequest,
    Fault::ResetAfterRequest,
    Fault::CloseAfterResponseHead,
];

async fn both(script: &[Fault]) -> [(FaultServer, WatchedClient); 2] {
    let [http1, http2] = Protocol::ALL;
    [started(http1, script).await, started(http2, script).await]
}

async fn started(protocol: Protocol, script: &[Fault]) -> (FaultServer, WatchedClient) {
    let server = FaultServer::start(protocol, script).await;
    let client = server.client();
    (server, client)
}

/// Returns the number of times a request of this name was sent.
fn sent(server: &FaultServer, name: &str) -> usize {
    let journal = server.journal();
    assert_eq!(journal.sends(), journal.attempts.len(), "{journal:?}");
    journal.attempts(&format!("/{name}"))
}

static STREAM: OperationInfo = OperationInfo::new("ReadStream", Method::GET, "/streams/{id}")
    .with_plane(Plane::Run)
    .streaming();
static EXEC: OperationInfo = OperationInfo::new("StreamExec", Method::POST, "/streams/{id}")
    .with_plane(Plane::Run)
    .streaming();

/// Opens a stream and returns its body.
async fn open(
    service: &impl HttpService,
    info: &'static OperationInfo,
    id: &str,
) -> Result<Body, Error> {
    let mut request = RequestWriter::new(info);
    request.path([id])?;
    let response = blaxel_core::open(service, request.finish()?).await?;
    Ok(response.into_body())
}

/// Rule 1; ENG-2340: the wait for the response head timed out, and the command was run again on
/// another connection.
#[tokio::test]
async fn a_post_without_a_response_is_sent_once() {
    for protocol in Protocol::ALL {
        let server = FaultServer::start(protocol, &[Fault::NoResponse]).await;
        let client = server.client_with(protocol.transport(), quick_policy(), short_limits());
        let error = call(&client, Kind::Post, RUN, "exec").await.unwrap_err();
        assert!(error.is_timeout() && error.maybe_applied(), "{error}");
        sleep(Duration::from_millis(50)).await;
        assert_eq!(sent(&server, "exec"), 1);
    }
    // The client waits for a slow response, and receives the right one.
    for (server, client) in both(&[Fault::Trickle(2)]).await {
        call(&client, Kind::Post, RUN, "exec").await.unwrap();
        assert_eq!(sent(&server, "exec"), 1);
    }
}

/// Rule 1; ENG-2342: the transport mistook a loss after sending for one before, and sent again.
#[tokio::test]
async fn a_connection_lost_after_sending_is_not_retried() {
    for loss in LOSSES {
        for (server, client) in both(&[loss]).await {
            let error = call(&client, Kind::Post, RUN, "exec").await.unwrap_err();
            assert!(error.maybe_applied(), "{loss:?}: {error}");
            assert_eq!(sent(&server, "exec"), 1, "{loss:?}");
        }
    }
    for code in [Code::Internal, Code::Calm] {
        let (server, client) = started(Protocol::Http2, &[Fault::StreamReset(code)]).await;
        let error = call(&client, Kind::Post, RUN, "exec").await.unwrap_err();
        assert!(error.maybe_applied(), "{error}");
        assert_eq!(sent(&server, "exec"), 1);
    }
}

/// Rule 2; requests failed while the edge drained its connections, although it had reported that it
/// never processed them.
#[tokio::test]
async fn an_unprocessed_request_is_sent_once_more() {
    for proof in [Fault::RefusedStream, Fault::GoAwayBefore(Code::NoError)] {
        let (server, client) = started(Protocol::Http2, &[proof]).await;
        call(&client, Kind::Post, RUN, "exec").await.unwrap();
        assert_eq!(
            (sent(&server, "exec"), server.journal().processed("/exec")),
            (2, 1)
        );

        // A second refusal is returned to the caller.
        let (server, client) = started(Protocol::Http2, &[proof, proof]).await;
        let error = call(&client, Kind::Post, RUN, "exec").await.unwrap_err();
        assert!(!error.maybe_applied(), "{error}");
        assert_eq!(sent(&server, "exec"), 2);
    }
    // A `GOAWAY` that covers the stream proves nothing.
    let (server, client) = started(Protocol::Http2, &[Fault::GoAwayAfter(Code::NoError)]).await;
    let error = call(&client, Kind::Post, RUN, "exec").await.unwrap_err();
    assert!(error.maybe_applied(), "{error}");
    assert_eq!(sent(&server, "exec"), 1);
}

/// Rule 3; ENG-2505, ENG-2680: the first call after a sandbox was asleep fails with a reset, and
/// sometimes the next ones too.
#[tokio::test]
async fn a_read_survives_resets_up_to_its_attempts() {
    let script = [
        Fault::ResetAfterRequest,
        Fault::CloseAfterHead,
        Fault::CloseAfterRequest,
        Fault::ResetAfterRequest,
    ];
    for protocol in Protocol::ALL {
        let server = FaultServer::start(protocol, &script).await;
        let policy = quick_policy().attempts(6);
        let client = server.client_with(protocol.transport(), policy, TimeLimits::default());
        call(&client, Kind::Get, RUN, "file").await.unwrap();
        assert_eq!(sent(&server, "file"), 5);
    }
}

/// Rule 4; the edge responded with 502 and 504 in place of a sandbox that was waking up.
#[tokio::test]
async fn a_read_survives_error_responses_of_the_edge() {
    for (server, client) in both(&[Fault::Html(502), Fault::Html(504)]).await {
        call(&client, Kind::Get, RUN, "file").await.unwrap();
        assert_eq!(sent(&server, "file"), 3);
    }
}

/// Rule 5, the transport's part; ENG-2620, ENG-2680: uploads met `ENHANCE_YOUR_CALM` and resets.
#[tokio::test]
async fn a_put_survives_resets_within_the_policy_but_not_a_refusal() {
    let calm = [
        Fault::StreamReset(Code::Calm),
        Fault::GoAwayAfter(Code::Calm),
    ];
    let (server, client) = started(Protocol::Http2, &calm).await;
    call(&client, Kind::Put, RUN, "file").await.unwrap();
    assert_eq!(sent(&server, "file"), 3);

    let (server, client) = started(Protocol::Http2, &[Fault::AppError(413)]).await;
    let error = call(&client, Kind::Put, RUN, "file").await.unwrap_err();
    assert_eq!(
        (error.status().unwrap().as_u16(), sent(&server, "file")),
        (413, 1)
    );

    let server = FaultServer::start(Protocol::Http2, &calm).await;
    let transport = Protocol::Http2.transport();
    let client = server.client_with(transport, RetryPolicy::none(), TimeLimits::default());
    assert!(
        call(&client, Kind::Put, RUN, "file")
            .await
            .unwrap_err()
            .maybe_applied()
    );
    assert_eq!(sent(&server, "file"), 1);
}

/// Rule 6: commands, streams and everything else that has an effect on each request.
#[tokio::test]
async fn a_stream_or_command_is_not_repeated_without_proof() {
    for loss in LOSSES {
        for (server, client) in both(&[loss]).await {
            let outcome = match open(&client, &EXEC, "exec").await {
                Ok(mut body) => body.chunk().await.map(|_| ()),
                Err(error) => Err(error),
            };
            assert!(outcome.is_err(), "{loss:?}");
            assert_eq!(sent(&server, "exec"), 1, "{loss:?}");
        }
    }
    // Not even a stream that only reads is restarted once it has begun: its first events have been
    // seen.
    for (server, client) in both(&[Fault::CloseMidBody]).await {
        let mut body = open(&client, &STREAM, "log").await.unwrap();
        while let Ok(chunk) = body.chunk().await {
            assert!(
                chunk.is_some(),
                "a stream that was cut off does not look like one that ended"
            );
        }
        assert_eq!(sent(&server, "log"), 1);
    }
}

/// Rule 7: the text of a response was searched for the names of connection failures. The server's
/// error responses are full of them.
#[tokio::test]
async fn the_text_of_a_response_does_not_make_it_transient() {
    for (server, client) in both(&[Fault::Status(400)]).await {
        let error = call(&client, Kind::Get, CONTROL, "it").await.unwrap_err();
        assert!(error.to_string().contains("GOAWAY"), "{error}");
        assert!(!error.is_transient(), "{error}");
        assert_eq!(sent(&server, "it"), 1);
    }
}

/// Rule 8: a bare `INTERNAL_ERROR` was taken for proof that the request was not processed.
#[tokio::test]
async fn a_stream_reset_with_internal_error_proves_nothing() {
    for fault in [
        Fault::StreamReset(Code::Internal),
        Fault::StreamReset(Code::NoError),
        Fault::GoAwayAfter(Code::Internal),
    ] {
        for kind in [Kind::Post, Kind::ClientNamed, Kind::Streamed] {
            let (server, client) = started(Protocol::Http2, &[fault]).await;
            let error = call(&client, kind, CONTROL, "it").await.unwrap_err();
            assert!(error.maybe_applied(), "{error}");
            assert_eq!(sent(&server, "it"), 1);
        }
    }
}

/// Rule 9; ENG-2422: a dead session stayed in the pool, and every call failed until a restart.
#[tokio::test]
async fn a_dead_connection_is_not_reused() {
    let deaths = [
        Fault::CloseAfterRequest,
        Fault::ResetAfterRequest,
        Fault::CloseMidBody,
        Fault::IdleClose,
    ];
    let sessions = [
        Fault::GoAwayBefore(Code::NoError),
        Fault::GoAwayAfter(Code::Calm),
        Fault::GoAwayAfter(Code::Internal),
    ];
    for death in deaths.into_iter().chain(sessions) {
        for protocol in Protocol::ALL {
            if !death.exists_in(protocol) {
                continue;
            }
            let (server, client) = started(protocol, &[death]).await;
            let _ = call(&client, Kind::Streamed, CONTROL, "last").await;
            while server.open_connections() > 0 {
                sleep(Duration::from_millis(2)).await;
            }
            sleep(Duration::from_millis(30)).await;
            // A request that is sent only once is sent on a live connection right away.
            for round in 0..3 {
                let outcome = call(&client, Kind::Streamed, CONTROL, &format!("next{round}")).await;
                assert!(
                    outcome.is_ok(),
                    "{death:?}, {protocol:?}, {round}: {outcome:?}"
                );
            }
            assert_eq!(server.accepted_connections(), 2, "{death:?}, {protocol:?}");
        }
    }
}

/// Rule 9: a ping detects a dead session that still looks alive, long before any time limit.
#[tokio::test]
async fn a_ping_detects_a_silent_peer() {
    let server = FaultServer::start(Protocol::Http2, &[Fault::Mute]).await;
    let transport = HyperTransport::builder()
        .http_version(HttpVersion::Http2)
        .http2_ping_interval(Duration::from_millis(50))
        .http2_ping_timeout(Duration::from_millis(50))
        .build();
    let client = server.client_with(transport, quick_policy(), TimeLimits::default());
    let start = Instant::now();
    call(&client, Kind::Get, CONTROL, "it").await.unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    assert_eq!((sent(&server, "it"), server.accepted_connections()), (2, 2));
}

/// Rule 10; ENG-2676: a session died between the check of it and its use.
#[tokio::test]
async fn a_read_survives_a_connection_that_dies_when_taken() {
    for protocol in Protocol::ALL {
        for fault in [Fault::IdleClose, Fault::IdleLost] {
            let (server, client) = started(protocol, &[]).await;
            for round in 0..20 {
                server.extend(&[fault]);
                call(&client, Kind::Get, CONTROL, "before").await.unwrap();
                // Without a pause, so that the end of the connection may arrive at any time.
                let name = format!("read{round}");
                call(&client, Kind::Get, CONTROL, &name).await.unwrap();
                assert!(server.journal().processed(&name) >= 1);
            }
        }
    }
}

/// Returns the transport for a test of the limit on requests in flight.
fn limited(protocol: Protocol, requests: usize) -> HyperTransport {
    let version = match protocol {
        Protocol::Http1 => HttpVersion::Http1,
        Protocol::Http2 => HttpVersion::Http2,
    };
    HyperTransport::builder()
        .http_version(version)
        .max_in_flight(requests)
        .build()
}

/// Rule 11; ENG-2678: the limit counted a stream only until its head had arrived. Rule 12;
/// ENG-2679: some code paths bypassed it.
#[tokio::test]
async fn a_stream_holds_its_permit_until_it_ends_on_every_path() {
    for protocol in Protocol::ALL {
        for read_to_the_end in [true, false] {
            let server = FaultServer::start(protocol, &[Fault::Long(40_000)]).await;
            let policy = quick_policy();
            let client = server.client_with(limited(protocol, 1), policy, TimeLimits::default());
            let mut body = open(&client, &STREAM, "stream").await.unwrap();
            // On the other plane, with the same origin.
            let waiting = {
                let client = client.clone();
                tokio::spawn(async move { call(&client, Kind::Post, CONTROL, "next").await })
            };
            sleep(Duration::from_millis(60)).await;
            assert_eq!(server.journal().arrived("/next"), 0);
            if read_to_the_end {
                while body.chunk().await.unwrap().is_some() {}
            } else {
                drop(body);
            }
            waiting.await.unwrap().unwrap();
        }
        // Without a limit there is no waiting.
        let server = FaultServer::start(protocol, &[Fault::Long(40_000)]).await;
        let client = server.client();
        let body = open(&client, &STREAM, "stream").await.unwrap();
        call(&client, Kind::Post, CONTROL, "next").await.unwrap();
        drop(body);
    }
}

/// Rule 14: with the smallest possible windows downloads were slow, and stalled when a window was
/// used up.
#[tokio::test]
async fn a_download_uses_larger_flow_control_windows() {
    for protocol in Protocol::ALL {
        let lengths = [65_534, 65_535, 65_536, 65_537, 131_070, 1_000_000];
        let script = lengths.map(Fault::Long);
        let (server, client) = started(protocol, &script).await;
        for length in lengths {
            let mut body = open(&client, &STREAM, "file").await.unwrap();
            let mut read = 0;
            while let Some(chunk) = body.chunk().await.unwrap() {
                read += chunk.len();
            }
            assert_eq!(read, length, "{protocol:?}");
        }
        if protocol == Protocol::Http2 {
            let (stream, connection) = server.journal().windows;
            assert!(
                stream >= 16 << 20 && connection >= 32 << 20,
                "{stream}, {connection}"
            );
        }
    }
}

/// Rule 17: each call to the control plane opened a new connection.
#[tokio::test]
async fn concurrent_calls_share_one_connection() {
    let (server, client) = started(Protocol::Http2, &[]).await;
    at_once(&client, 30).await;
    assert_eq!(server.accepted_connections(), 1);
    // Over HTTP/1.1 there is at most one connection for each call, and they are reused.
    let (server, client) = started(Protocol::Http1, &[]).await;
    for _ in 0..5 {
        call(&client, Kind::Get, CONTROL, "it").await.unwrap();
    }
    assert_eq!(server.accepted_connections(), 1);
}

async fn at_once(client: &WatchedClient, calls: usize) {
    let mut running = tokio::task::JoinSet::new();
    for number in 0..calls {
        let client = client.clone();
        let name = format!("many{number}.");
        running.spawn(async move { call(&client, Kind::Post, CONTROL, &name).await });
    }
    for outcome in running.join_all().await {
        outcome.unwrap();
    }
}

/// From the official client's fault tests: if a peer allows one stream at a time, the client keeps
/// to that, and no call fails because of it.
#[tokio::test]
async fn the_peer_s_stream_limit_is_respected() {
    let script = [Fault::Trickle(1); 10];
    let server = FaultServer::start_with_streams(Protocol::Http2, &script, Some(1)).await;
    let limits = TimeLimits::default();
    let client = server.client_with(Protocol::Http2.transport(), quick_policy(), limits);
    // The first call learns of the limit.
    call(&client, Kind::Get, CONTROL, "first").await.unwrap();
    at_once(&client, 9).await;
    let journal = server.journal();
    assert_eq!(
        (
            journal.max_concurrent,
            journal.requests.len(),
            server.accepted_connections()
        ),
        (1, 10, 1)
    );
}

/// From the official client's fault tests: the end of one stream does not affect the others.
#[tokio::test]
async fn a_reset_stream_does_not_affect_other_streams() {
    let script = [Fault::Interim, Fault::StreamReset(Code::Internal)];
    let (server, client) = started(Protocol::Http2, &script).await;
    call(&client, Kind::Get, CONTROL, "first").await.unwrap();
    let mut running = tokio::task::JoinSet::new();
    for number in 0..8 {
        let client = client.clone();
        running
            .spawn(async move { call(&client, Kind::Post, CONTROL, &format!("n{number}")).await });
    }
    let failed = running
        .join_all()
        .await
        .iter()
        .filter(|outcome| outcome.is_err())
        .count();
    assert_eq!((failed, server.accepted_connections()), (1, 1));
}

/// Rule 18: responses that must not have a body were created with one, and the client threw an
/// error.
#[tokio::test]
async fn empty_and_interim_responses_are_accepted() {
    for (server, client) in both(&[Fault::NoContent, Fault::Interim]).await {
        call(&client, Kind::Put, CONTROL, "without").await.unwrap();
        call(&client, Kind::Put, CONTROL, "after_interim")
            .await
            .unwrap();
        assert_eq!(
            (server.journal().sends(), server.accepted_connections()),
            (2, 1)
        );
    }
}

/// Rules 19, 20 and 23, the transport's part; ENG-3662, ENG-3777, ENG-3776: if the outcome of a
/// creation is unknown, or another creation is in progress, the caller must inspect the state.
#[tokio::test]
async fn a_conflict_or_an_edge_timeout_is_returned_unchanged() {
    for (status, applied) in [(409, false), (504, true)] {
        for (server, client) in both(&[Fault::Status(status)]).await {
            let error = call(&client, Kind::ClientNamed, CONTROL, "box")
                .await
                .unwrap_err();
            assert_eq!(error.status().unwrap().as_u16(), status);
            assert_eq!(error.maybe_applied(), applied);
            assert_eq!(sent(&server, "box"), 1);
        }
    }
}

/// Rule 24, the transport's part; ENG-1853: the last bytes before the end were lost.
#[tokio::test]
async fn every_byte_before_the_end_is_returned() {
    let whole = "{\"path\":\"/demo/streams/log\"}";
    for fault in [Fault::Trickle(1), Fault::IdleClose, Fault::CloseMidBody] {
        for (_server, client) in both(&[fault]).await {
            let mut body = open(&client, &STREAM, "log").await.unwrap();
            let mut read = Vec::new();
            let mut broken = false;
            loop {
                match body.chunk().await {
                    Ok(Some(chunk)) => read.extend_from_slice(&chunk),
                    Ok(None) => break,
                    Err(_) => {
                        broken = true;
                        break;
                    }
                }
            }
            let expected = if broken {
                &whole[..whole.len() / 2]
            } else {
                whole
            };
            assert_eq!(String::from_utf8(read).unwrap(), expected, "{fault:?}");
            assert_eq!(broken, fault == Fault::CloseMidBody);
        }
    }
}

/// The Go client repeats a `POST` after a 502, and a `PUT` after a conflict; it does not repeat a
/// request to a workload that is asleep.
#[tokio::test]
async fn a_post_response_is_final_and_a_sleeping_workload_is_retried() {
    for (server, client) in both(&[Fault::Html(502)]).await {
        assert!(
            call(&client, Kind::Post, RUN, "exec")
                .await
                .unwrap_err()
                .maybe_applied()
        );
        assert_eq!(sent(&server, "exec"), 1);
    }
    for (server, client) in both(&[Fault::AppError(409)]).await {
        assert!(
            call(&client, Kind::Put, RUN, "mount")
                .await
                .unwrap_err()
                .is_conflict()
        );
        assert_eq!(sent(&server, "mount"), 1);
    }
    for (server, client) in both(&[Fault::GatewayUnavailable]).await {
        call(&client, Kind::Get, RUN, "file").await.unwrap();
        assert_eq!(sent(&server, "file"), 2);
    }
}

/// The Go client waits as long as the server asks for, even for a year.
#[tokio::test]
async fn an_excessive_retry_after_is_returned_at_once() {
    let wait = Fault::TooManyRequests(Wait::Seconds(31_536_000));
    for (server, client) in both(&[wait]).await {
        let error = call(&client, Kind::Get, CONTROL, "it").await.unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(31_536_000)));
        assert_eq!(sent(&server, "it"), 1);
    }
}

/// The Python client repeats a request six times that each time hangs for five minutes.
#[tokio::test]
async fn a_hang_is_not_retried_past_the_call_s_deadline() {
    for protocol in Protocol::ALL {
        let server = FaultServer::start(protocol, &[Fault::NoResponse; 100]).await;
        let policy = quick_policy().attempts(100);
        let mut limits = short_limits();
        limits.response_headers = Duration::from_millis(300);
        let client = server
            .client_with(protocol.transport(), policy, limits)
            .with_options(CallOptions::new().with_deadline(Duration::from_millis(700)));
        let start = Instant::now();
        let error = call(&client, Kind::Get, CONTROL, "it").await.unwrap_err();
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{:?}",
            start.elapsed()
        );
        assert!(error.is_timeout(), "{error}");
        let attempts = error.attempts() as usize;
        assert!(
            (1..=3).contains(&attempts) && attempts == sent(&server, "it"),
            "{error}"
        );
    }
}

/// Another Rust client sends an empty body if it cannot send a stream a second time.
#[tokio::test]
async fn a_streamed_body_is_not_replaced_by_an_empty_one() {
    for (server, client) in both(&[Fault::Refuse]).await {
        let error = call(&client, Kind::Streamed, RUN, "upload")
            .await
            .unwrap_err();
        assert!(error.is_connect() && !error.maybe_applied(), "{error}");
        assert_eq!(server.journal().requests.len(), 0);
    }
}
