//! Promise: a call may be dropped at any await point, and leaves behind no connection, no permit
//! and no task.
//!
//! The client runs on its own runtime, so that its tasks can be counted; the server counts its
//! connections. The transport allows one request in flight, so that a permit that was not returned
//! would block the next call forever.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use blaxel_core::{OperationInfo, Plane, RequestWriter};
use blaxel_tests::fault::calls::{Kind, call};
use blaxel_tests::fault::{Code, Fault, FaultServer, Protocol, WatchedClient, quick_policy};
use blaxel_transport::{HttpVersion, HyperTransport, TimeLimits};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::{sleep, timeout};

/// Polls a future at most `polls` times. Returns `None` if it is dropped before it is ready.
async fn poll_at_most<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(move |cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A server on its own runtime, and the runtime for a client.
struct Rig {
    server: FaultServer,
    client_runtime: Runtime,
    _server_runtime: Runtime,
}

impl Rig {
    fn new(protocol: Protocol) -> Self {
        let server_runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let server_runtime = server_runtime.unwrap();
        Self {
            server: server_runtime.block_on(FaultServer::start(protocol, &[])),
            client_runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            _server_runtime: server_runtime,
        }
    }

    /// Returns a client that may have one request in flight.
    fn client(&self, limits: TimeLimits) -> WatchedClient {
        let version = match self.server.protocol() {
            Protocol::Http1 => HttpVersion::Http1,
            Protocol::Http2 => HttpVersion::Http2,
        };
        let transport = HyperTransport::builder()
            .http_version(version)
            .max_in_flight(1)
            .build();
        self.server.client_with(transport, quick_policy(), limits)
    }

    /// Drops a call after each possible number of polls, with the same faults each time, and makes
    /// a complete call after each.
    async fn drop_at_every_poll(&self, faults: &[Fault], kind: Kind) {
        let mut limits = TimeLimits::default();
        if faults == [Fault::NoResponse] {
            limits.response_headers = Duration::from_millis(500);
        }
        let client = self.client(limits);
        let context = format!("{:?}, {faults:?}, {kind:?}", self.server.protocol());
        let mut polls = 0;
        loop {
            self.server.extend(faults);
            let outcome = poll_at_most(call(&client, kind, Plane::Control, "dropped"), polls).await;
            self.server.clear_script();
            self.next_call_succeeds(&client, &format!("{context}, after {polls} polls"))
                .await;
            if outcome.is_some() {
                break;
            }
            polls += 1;
        }
        assert!(
            polls > 1,
            "{context}: the call was never dropped on its way"
        );
        self.assert_nothing_left(client, &context).await;
    }

    async fn next_call_succeeds(&self, client: &WatchedClient, context: &str) {
        // The client may have to detect first that the server closed a connection after a response.
        let next = call(client, Kind::Get, Plane::Control, "next");
        let outcome = timeout(Duration::from_secs(30), next).await;
        let outcome =
            outcome.unwrap_or_else(|_| panic!("{context}: the next call does not complete"));
        outcome.unwrap_or_else(|error| panic!("{context}: the next call failed: {error}"));
        // One in the pool, and one that was being opened or closed when its call was dropped.
        let connections = self
            .becomes_true(|| self.server.open_connections() <= 2)
            .await;
        assert!(
            connections,
            "{context}: {} connections are open",
            self.server.open_connections()
        );
    }

    /// Drops the client, and checks that no task and no connection is left.
    async fn assert_nothing_left(&self, client: WatchedClient, context: &str) {
        drop(client);
        let tasks = || Handle::current().metrics().num_alive_tasks();
        let ended = self
            .becomes_true(|| tasks() == 0 && self.server.open_connections() == 0)
            .await;
        let (tasks, connections) = (tasks(), self.server.open_connections());
        assert!(
            ended,
            "{context}: {tasks} tasks and {connections} connections are left"
        );
    }

    /// Waits up to a few seconds. Returns `true` as soon as `holds` does.
    async fn becomes_true(&self, holds: impl Fn() -> bool) -> bool {
        for _ in 0..1000 {
            if holds() {
                return true;
            }
            sleep(Duration::from_millis(2)).await;
        }
        false
    }

    fn run(&self, future: impl Future<Output = ()>) {
        self.client_runtime.block_on(future);
    }
}

#[test]
fn a_successful_call_can_be_dropped_at_any_point() {
    for protocol in Protocol::ALL {
        let rig = Rig::new(protocol);
        rig.run(async {
            for kind in Kind::ALL {
                rig.drop_at_every_poll(&[], kind).await;
            }
            // Byte by byte, so that the call can be dropped at many points, also within its body.
            rig.drop_at_every_poll(&[Fault::Trickle(1)], Kind::Post)
                .await;
        });
    }
}

#[test]
fn a_retried_call_can_be_dropped_at_any_point() {
    for protocol in Protocol::ALL {
        let rig = Rig::new(protocol);
        rig.run(async {
            for faults in [
                &[Fault::Refuse, Fault::Refuse] as &[_],
                &[Fault::CloseAfterRequest, Fault::Status(503)],
                &[Fault::Html(502), Fault::Trickle(1)],
                &[Fault::GatewayUnavailable, Fault::ResetOnAccept],
                &[Fault::IdleClose],
            ] {
                for kind in [Kind::Get, Kind::Put] {
                    rig.drop_at_every_poll(faults, kind).await;
                }
            }
        });
    }
    let rig = Rig::new(Protocol::Http2);
    rig.run(async {
        for fault in [
            Fault::RefusedStream,
            Fault::GoAwayBefore(Code::NoError),
            Fault::StreamReset(Code::Calm),
        ] {
            for kind in [Kind::Get, Kind::Post] {
                rig.drop_at_every_poll(&[fault], kind).await;
            }
        }
    });
}

#[test]
fn a_hanging_call_can_be_dropped_at_any_point() {
    for protocol in Protocol::ALL {
        let rig = Rig::new(protocol);
        rig.run(async {
            for kind in [Kind::Get, Kind::Post, Kind::Streamed] {
                rig.drop_at_every_poll(&[Fault::NoResponse], kind).await;
            }
        });
    }
}

/// A call that waits for another call's permit leaves the queue when it is dropped.
#[test]
fn a_queued_call_can_be_dropped() {
    for protocol in Protocol::ALL {
        let rig = Rig::new(protocol);
        rig.run(async {
            let client = rig.client(TimeLimits::default());
            for polls in 0..4 {
                rig.server.extend(&[Fault::Trickle(3)]);
                let name = format!("first{polls}");
                let first = tokio::spawn({
                    let (client, name) = (client.clone(), name.clone());
                    async move { call(&client, Kind::Get, Plane::Control, &name).await }
                });
                assert!(
                    rig.becomes_true(|| rig.server.journal().arrived(&name) > 0)
                        .await
                );
                for _ in 0..3 {
                    let queued = call(&client, Kind::Post, Plane::Control, "queued");
                    // The call waits for the permit before anything else, so it makes no progress.
                    let cut = timeout(Duration::from_millis(5), poll_at_most(queued, polls)).await;
                    assert!(!matches!(cut, Ok(Some(_))));
                }
                first.await.unwrap().unwrap();
                rig.next_call_succeeds(&client, &format!("{protocol:?}, {polls}"))
                    .await;
                assert_eq!(rig.server.journal().arrived("/queued"), 0);
            }
            rig.assert_nothing_left(client, &format!("{protocol:?}"))
                .await;
        });
    }
}

static STREAM: OperationInfo = OperationInfo::new("ReadStream", http::Method::GET, "/streams/{id}")
    .with_plane(Plane::Run)
    .streaming();

/// A body that is dropped after some of its chunks.
#[test]
fn a_partly_read_body_can_be_dropped() {
    for protocol in Protocol::ALL {
        let rig = Rig::new(protocol);
        rig.run(async {
            let client = rig.client(TimeLimits::default());
            for fault in [Fault::Trickle(1), Fault::Long(300_000), Fault::CloseMidBody] {
                for chunks in 0..6 {
                    rig.server.extend(&[fault]);
                    let mut request = RequestWriter::new(&STREAM);
                    request.path(["it"]).unwrap();
                    let request = request.finish().unwrap();
                    let mut body = blaxel_core::open(&client, request)
                        .await
                        .unwrap()
                        .into_body();
                    for _ in 0..chunks {
                        let _ = body.chunk().await;
                    }
                    drop(body);
                    let context = format!("{protocol:?}, {fault:?}, after {chunks} chunks");
                    rig.next_call_succeeds(&client, &context).await;
                }
            }
            rig.assert_nothing_left(client, &format!("{protocol:?}"))
                .await;
        });
    }
}
