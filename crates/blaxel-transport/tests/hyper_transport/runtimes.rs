//! Promise: a transport works in any tokio runtime, and a missing one is an error.

use std::thread;
use std::time::Duration;

use blaxel_core::{Body, Delivery, Error, HttpService};
use tokio::runtime::{Builder, Runtime};
use tower_service::Service as _;

use crate::server::{Server, response};
use crate::{builder, plain, text};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Returns a runtime that runs servers on a thread of its own.
fn server_runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

fn post(url: &str) -> http::Request<Body> {
    http::Request::post(url).body(Body::from("{}")).unwrap()
}

/// The connection of the first runtime is alive, but nobody drives it.
#[test]
fn an_idle_runtime_does_not_hold_up_another() {
    let servers = server_runtime();
    let server = servers.block_on(Server::responding(response("yes")));
    let transport = builder().build();
    let (one, other) = (runtime(), runtime());
    for runtime in [&one, &other, &one] {
        let call = async {
            let call = text(&transport, plain(&server.url()));
            tokio::time::timeout(Duration::from_secs(5), call).await
        };
        assert_eq!(runtime.block_on(call).unwrap().unwrap(), "yes");
    }
    // The third call used the connection of the first.
    assert_eq!(server.log.count("connection"), 2);
}

/// The other one may be gone before the request is polled.
#[test]
fn the_runtime_that_polls_a_request_drives_its_connection() {
    let servers = server_runtime();
    let server = servers.block_on(Server::responding(response("yes")));
    let mut transport = builder().build();
    let (first, last) = (runtime(), runtime());
    let sent = {
        let _inside = first.enter();
        transport.call(post(&server.url()))
    };
    drop(first);
    let response =
        last.block_on(async { tokio::time::timeout(Duration::from_secs(5), sent).await });
    assert_eq!(response.unwrap().unwrap().status(), 200);
}

/// As `#[tokio::test]` makes them: many short runtimes on several threads share a client.
#[test]
fn no_request_fails_because_the_runtime_of_another_ended() {
    let servers = server_runtime();
    let server = servers.block_on(Server::responding(response("yes")));
    let (transport, url) = (builder().build(), server.url());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..40 {
                    let called = runtime().block_on(text(&transport, post(&url)));
                    assert_eq!(called.unwrap(), "yes");
                }
            });
        }
    });
    assert_eq!(server.log.count("request"), 320);
}

/// Polls a request once, outside of a runtime.
fn refusal(call: impl Future<Output = Result<http::Response<Body>, Error>>) -> Error {
    let mut call = std::pin::pin!(call);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match call.as_mut().poll(&mut cx) {
        std::task::Poll::Ready(outcome) => outcome.unwrap_err(),
        std::task::Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn a_request_outside_of_a_runtime_is_an_error() {
    let transport = builder().build();
    let error = refusal(transport.send(post("http://127.0.0.1:9/")));
    assert!(error.is_input(), "{error}");
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert!(error.to_string().contains("there is none"), "{error}");
}

#[test]
fn a_runtime_without_timers_or_io_is_an_error() {
    let without_timers = Builder::new_current_thread().enable_io().build();
    let without_io = Builder::new_current_thread().enable_time().build();
    for (runtime, advice) in [(without_timers, "enable_time"), (without_io, "enable_io")] {
        let transport = builder().build();
        let call = transport.send(post("http://127.0.0.1:9/"));
        let error = runtime.unwrap().block_on(call).unwrap_err();
        assert!(error.is_input(), "{error}");
        assert!(error.to_string().contains(advice), "{error}");
    }
}
