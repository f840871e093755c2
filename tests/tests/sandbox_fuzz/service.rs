//! A service in memory that answers by a function, and the bodies of its answers.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use blaxel_core::{Body, BoxService, Error, HttpService};
use blaxel_sandbox::{SandboxHandle, SandboxRef, Sandboxes};
use bytes::Bytes;
use http_body::Frame;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::input::Input;

/// The number of requests after which a client asks without end.
const REQUESTS: usize = 2000;

pub type Answer = http::Response<Body>;

/// Returns a runtime whose clock jumps to the next timer.
pub fn paused() -> Runtime {
    let mut runtime = Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap()
}

/// Returns a sandbox whose service answers by a function.
pub fn sandbox<F>(answer: F) -> SandboxHandle<BoxService>
where
    F: Fn(&http::Request<Body>) -> Answer + Send + Sync + 'static,
{
    sandbox_up_to(REQUESTS, answer)
}

/// Returns a sandbox whose service answers so many requests by a function.
pub fn sandbox_up_to<F>(requests: usize, answer: F) -> SandboxHandle<BoxService>
where
    F: Fn(&http::Request<Body>) -> Answer + Send + Sync + 'static,
{
    // Each call clones the service.
    let (answer, count) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let sent = count.fetch_add(1, Ordering::Relaxed);
        assert!(sent < requests, "the client asks without end");
        std::future::ready(Ok::<_, Error>(answer(&request)))
    });
    let reference = SandboxRef::new("dev").url("https://sbx-dev-team.us-pdx-1.bl.run");
    Sandboxes::new(service.boxed()).join(&reference)
}

/// Returns a success whose body is the input.
pub fn body(kind: &str, input: &Input) -> Answer {
    let answer = http::Response::builder().header("content-type", kind);
    let chunks = Chunks(input.chunks().into());
    answer.body(Body::new(chunks)).unwrap()
}

pub fn json(value: &Value) -> Answer {
    status(200, value)
}

pub fn status(status: u16, value: &Value) -> Answer {
    let answer = http::Response::builder().status(status);
    let answer = answer.header("content-type", "application/json");
    answer.body(Body::from(value.to_string())).unwrap()
}

/// Returns the text of an error without the parts that differ from call to call.
pub fn problem(error: &Error) -> String {
    let mut text = format!("{:?} {error}", error.kind());
    for random in ["run-", "/tmp/.blaxel-"] {
        while let Some(start) = text.find(random) {
            let end = text[start + random.len()..].find(|char: char| !char.is_ascii_hexdigit());
            let end = end.map_or(text.len(), |end| start + random.len() + end);
            text.replace_range(start..end, "*");
        }
    }
    text
}

/// A body that arrives in chunks.
struct Chunks(VecDeque<Bytes>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(self.0.pop_front().map(|chunk| Ok(Frame::data(chunk))))
    }
}
