//! Scripted services and bodies.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Body, CallContext, CallOptions, Error, HttpService, OperationInfo};
use bytes::Bytes;
use http_body::Frame;

/// A step of a scripted body, taken when it is polled.
pub(crate) enum Step {
    Chunk(Bytes),
    /// Is pending once.
    Wait,
    /// Is pending forever.
    Hang,
    Fail,
    Trailers,
}

/// A body that takes one step at a time, and is observed by a [`Watch`].
pub(crate) struct Script {
    steps: VecDeque<Step>,
    watch: Watch,
}

/// An observer of a scripted body.
#[derive(Clone, Default)]
pub(crate) struct Watch {
    taken: Arc<AtomicUsize>,
    dropped: Arc<AtomicBool>,
}

impl Watch {
    /// Returns the number of steps taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    pub(crate) fn is_dropped(&self) -> bool {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl http_body::Body for Script {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(step) = self.steps.pop_front() else {
            return Poll::Ready(None);
        };
        self.watch.taken.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(match step {
            Step::Chunk(chunk) => Ok(Frame::data(chunk)),
            Step::Trailers => Ok(Frame::trailers(http::HeaderMap::new())),
            Step::Fail => Err(Error::transport("the connection broke", "reset")),
            Step::Wait => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Step::Hang => {
                self.steps.push_front(Step::Hang);
                return Poll::Pending;
            }
        }))
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.watch.dropped.store(true, Ordering::Relaxed);
    }
}

pub(crate) fn script(steps: impl IntoIterator<Item = Step>) -> (Body, Watch) {
    let watch = Watch::default();
    let script = Script {
        steps: steps.into_iter().collect(),
        watch: watch.clone(),
    };
    (Body::new(script), watch)
}

pub(crate) fn chunk(text: impl Into<Bytes>) -> Step {
    Step::Chunk(text.into())
}

/// Creates a body of the given chunks.
pub(crate) fn chunks<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Body {
    let step = |part: &[u8]| chunk(Bytes::copy_from_slice(part));
    script(chunks.into_iter().map(step)).0
}

/// A request as a service received it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) operation: &'static OperationInfo,
    pub(crate) head: Arc<http::request::Parts>,
    pub(crate) body: Bytes,
    pub(crate) options: CallOptions,
}

impl Seen {
    /// Returns the address, or the path if the origin is that of a plane.
    pub(crate) fn uri(&self) -> String {
        let uri = self.head.uri.to_string();
        let target = ["blaxel://run", "blaxel://control"]
            .iter()
            .find_map(|plane| uri.strip_prefix(plane));
        target.map_or_else(|| uri.clone(), str::to_owned)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Creates a service that records its requests, and responds by a function.
pub(crate) fn scripted<F>(respond: F) -> (impl HttpService, Arc<Mutex<Vec<Seen>>>)
where
    F: Fn(&Seen) -> http::Response<Body> + Clone + Send + Sync + 'static,
{
    let journal = Arc::new(Mutex::new(Vec::new()));
    let requests = Arc::clone(&journal);
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let context = CallContext::of(request.extensions()).unwrap();
        let (operation, options) = (context.operation().unwrap(), context.options());
        let (head, body) = request.into_parts();
        let seen = Seen {
            operation,
            options,
            head: Arc::new(head),
            body: body.bytes().unwrap(),
        };
        let response = respond(&seen);
        requests.lock().unwrap().push(seen);
        std::future::ready(Ok::<_, Error>(response))
    });
    (service, journal)
}

/// Creates a successful response with JSON.
pub(crate) fn json(value: &serde_json::Value) -> http::Response<Body> {
    typed("application/json", value.to_string())
}

/// Creates a successful response with a content type.
pub(crate) fn typed(content_type: &str, body: impl Into<Body>) -> http::Response<Body> {
    http::Response::builder()
        .header("content-type", content_type)
        .header("x-request-id", "r-1")
        .body(body.into())
        .unwrap()
}

/// Creates a response with an error status.
pub(crate) fn refusal(
    status: u16,
    headers: &[(&str, &str)],
    body: &'static str,
) -> http::Response<Body> {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}
