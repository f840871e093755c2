//! Runtimes that end or stand still, and limits beyond any clock.

use std::future::Future;
use std::thread;
use std::time::Duration;

use blaxel_core::{CallOptions, Plane};
use blaxel_inference::Inference;
use blaxel_management::Management;
use blaxel_tests::fault::calls::{Kind, call};
use blaxel_tests::fault::{Fault, FaultServer, Protocol};
use blaxel_transport::{Client, RetryPolicy, TimeLimits};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::clients::{CALL, builder, client, list, reply, transport};
use crate::table::{Attack, MIB, Outcome, on_paused_clock, on_threads};

const NOW: Duration = Duration::ZERO;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Returns a server on a thread of its own.
fn serving(faults: &[Fault]) -> (Runtime, FaultServer) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let server = runtime.block_on(FaultServer::start(Protocol::Http1, faults));
    (runtime, server)
}

fn address(server: &FaultServer) -> String {
    server.url().replace("http://", "")
}

/// Returns the longest limits there are.
fn endless_limits() -> TimeLimits {
    let mut limits = TimeLimits::default();
    limits.connect = Duration::MAX;
    limits.control = Duration::MAX;
    limits.run = Duration::MAX;
    limits.upload = Duration::MAX;
    limits.response_headers = Duration::MAX;
    limits.idle = Duration::MAX;
    limits
}

/// Calls with limits that no clock can add to the present, over sockets.
fn limits_of_the_longest_duration() -> Outcome {
    let (_runtime, server) = serving(&[Fault::Trickle(1)]);
    let client = builder(Client::builder(), &server.url())
        .time_limits(endless_limits())
        .deadline(Duration::MAX)
        .retry(
            RetryPolicy::new()
                .base_delay(Duration::MAX)
                .max_delay(Duration::MAX)
                .max_retry_after(Duration::MAX),
        )
        .build()
        .unwrap()
        .with_options(
            CallOptions::new()
                .with_deadline(Duration::MAX)
                .with_attempts(u32::MAX),
        );
    let outcome = runtime().block_on(call(&client, Kind::Post, Plane::Control, "it"));
    Outcome::of(outcome)
}

/// Reads the rest of a response in another runtime than the one that opened it, which has ended.
fn a_body_outlives_its_runtime() -> Outcome {
    let (_runtime, server) = serving(&[Fault::Trickle(3)]);
    let client = client(&address(&server));
    let opening = runtime();
    let agent = Inference::new(client).agent("a");
    let opened = opening.block_on(agent.post(&json!({})).open());
    drop(opening);
    let reply = match opened {
        Ok(reply) => reply,
        Err(error) => return Outcome::of_error(&error),
    };
    Outcome::of(runtime().block_on(reply.bytes()))
}

/// Drops a runtime with a call in flight, and makes another call of the same client.
fn a_runtime_ends_during_a_call() -> Outcome {
    let (_runtime, server) = serving(&[Fault::NoResponse]);
    let client = client(&address(&server));
    let ending = runtime();
    let called = client.clone();
    ending.spawn(async move { call(&called, Kind::Post, Plane::Control, "lost").await });
    ending.block_on(async {
        while server.journal().arrived("/lost") == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    drop(ending);
    let next = runtime().block_on(call(&client, Kind::Post, Plane::Control, "next"));
    match server.journal().processed("/lost") {
        1 => Outcome::of(next),
        times => format!("processed {times} times").into(),
    }
}

/// Makes calls from many short runtimes at once, as tests do.
fn many_short_runtimes() -> Outcome {
    let (_runtime, server) = serving(&[]);
    let client = client(&address(&server));
    let failures: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|lane| {
                let client = client.clone();
                scope.spawn(move || {
                    let calls = (0..20).map(|number| {
                        let id = format!("{lane}-{number}");
                        runtime().block_on(call(&client, Kind::Post, Plane::Control, &id))
                    });
                    calls
                        .filter_map(Result::err)
                        .map(|error| error.to_string())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    failures
        .into_iter()
        .next()
        .map_or_else(|| "ok".into(), Outcome::from)
}

/// Polls a call in one runtime and drives it to its end in another.
fn a_call_moves_to_another_runtime() -> Outcome {
    let (_runtime, server) = serving(&[]);
    let client = client(&address(&server));
    let mut calling = Box::pin(async move {
        let agents = Management::new(client).agents();
        agents.list().await
    });
    let first = runtime();
    let started = first.block_on(async { timeout(Duration::ZERO, calling.as_mut()).await });
    if let Ok(done) = started {
        return Outcome::of(done);
    }
    drop(first);
    Outcome::of(runtime().block_on(calling))
}

pub(crate) fn attacks() -> Vec<Attack> {
    vec![
        Attack::new(
            "Duration::MAX for every limit",
            on_threads(limits_of_the_longest_duration),
        )
        .limit("saturated", NOW)
        .outcome(&["ok"])
        .memory(2 * MIB),
        Attack::new(
            "Duration::MAX and a wait of 1e400",
            on_paused_clock(|| async {
                let client = builder(Client::builder(), "https://hostile.test")
                    .transport(transport(|_| {
                        let mut response = reply(503, "{}");
                        response
                            .headers_mut()
                            .insert("retry-after", "1e400".parse().unwrap());
                        response
                    }))
                    .time_limits(endless_limits())
                    .retry(RetryPolicy::new().max_retry_after(Duration::MAX))
                    .build()
                    .unwrap();
                list(client).await
            }),
        )
        .limit("saturated", Duration::from_secs(70 * 365 * 86_400))
        .outcome(&[
            "status 503, responded, 1 attempt",
            "status 503, responded, 3 attempts",
        ]),
        Attack::new(
            "a runtime that ends during a call",
            on_threads(a_runtime_ends_during_a_call),
        )
        .limit("whole call", NOW)
        .outcome(&["ok"])
        .memory(2 * MIB),
        Attack::new(
            "a response that outlives its runtime",
            on_threads(a_body_outlives_its_runtime),
        )
        .limit("whole call", CALL)
        .outcome(&[
            "transport, responded, maybe applied, 1 attempt",
            "timeout, responded, maybe applied, 1 attempt",
        ])
        .memory(2 * MIB),
        Attack::new(
            "a call that moves to another runtime",
            on_threads(a_call_moves_to_another_runtime),
        )
        .limit("whole call", CALL)
        .outcome(&[
            "connect, not sent, 1 attempt",
            "transport, unknown, 1 attempt",
            "transport, not sent, 1 attempt",
            "timeout, unknown, 1 attempt",
            // It went on: the server's response is no list.
            "decode, responded, 1 attempt",
        ])
        .memory(2 * MIB),
        Attack::new(
            "160 runtimes on 8 threads, one client",
            on_threads(many_short_runtimes),
        )
        .limit("whole calls", Duration::from_secs(5))
        .outcome(&["ok"])
        .memory(4 * MIB),
        Attack::new(
            "no runtime at all",
            on_threads(|| {
                let client = client("127.0.0.1:1");
                let mut calling = std::pin::pin!(list(client));
                let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
                match calling.as_mut().poll(&mut cx) {
                    std::task::Poll::Ready(outcome) => outcome,
                    std::task::Poll::Pending => "still waiting".into(),
                }
            }),
        )
        .limit("an error at once", NOW)
        .outcome(&["input, not sent, 0 attempts"])
        .memory(2 * MIB),
    ]
}
