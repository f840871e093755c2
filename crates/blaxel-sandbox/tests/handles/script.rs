//! A service that records its requests and responds by a function.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use blaxel_core::{Body, CallContext, CallOptions, Error, HttpService, Idempotency};
use blaxel_sandbox::{SandboxHandle, SandboxRef, Sandboxes};
use bytes::Bytes;
use http_body::Frame;
use serde_json::Value;

/// The address of the sandbox in all tests.
pub(crate) const URL: &str = "https://sbx-dev-team.us-pdx-1.bl.run";

/// A request as the service received it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The method, and the address below that of the sandbox or of the control plane.
    pub(crate) line: String,
    pub(crate) operation: &'static str,
    pub(crate) idempotency: Idempotency,
    pub(crate) is_streamed: bool,
    pub(crate) carries_credential: bool,
    pub(crate) options: CallOptions,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    /// Returns the JSON of the body, and null for an empty one.
    pub(crate) fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        assert_eq!(self.headers["content-type"], "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The requests of a service.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Seen>>>);

impl Log {
    pub(crate) fn all(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    /// Returns the methods and addresses of all requests.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.all().into_iter().map(|seen| seen.line).collect()
    }

    /// Returns the only request.
    pub(crate) fn only(&self) -> Seen {
        let mut all = self.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

/// Creates a service that responds by a function.
pub(crate) fn service<F>(respond: F) -> (impl HttpService, Log)
where
    F: Fn(&Seen) -> http::Response<Body> + Clone + Send + Sync + 'static,
{
    let log = Log::default();
    let requests = log.clone();
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let context = CallContext::of(request.extensions()).unwrap().clone();
        let info = context.operation().unwrap();
        let (head, body) = request.into_parts();
        let uri = head.uri.to_string();
        let below = uri.strip_prefix(URL).or(uri.strip_prefix("blaxel:/"));
        let seen = Seen {
            line: format!("{} {}", head.method, below.unwrap_or(&uri)),
            operation: info.name(),
            idempotency: info.idempotency(),
            is_streamed: info.is_streamed(),
            carries_credential: context.carries_credential(),
            options: context.options(),
            headers: head.headers,
            body: read(body),
        };
        let response = respond(&seen);
        requests.0.lock().unwrap().push(seen);
        std::future::ready(Ok::<_, Error>(response))
    });
    (service, log)
}

/// Reads a body that is there at once.
fn read(mut body: Body) -> Bytes {
    let mut whole = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(frame)) = http_body::Body::poll_frame(Pin::new(&mut body), &mut cx) {
        whole.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    whole.into()
}

/// Creates a handle on the sandbox `dev` whose calls get these responses, in order. The last one is repeated.
pub(crate) fn sandbox(
    responses: impl IntoIterator<Item = Reply>,
) -> (SandboxHandle<impl HttpService>, Log) {
    let replies = Arc::new(Mutex::new(responses.into_iter().collect::<VecDeque<_>>()));
    let (service, log) = service(move |_| {
        let mut replies = replies.lock().unwrap();
        let reply = match replies.len() {
            1 => replies.front().cloned(),
            _ => replies.pop_front(),
        };
        reply.expect("a request beyond the script").response()
    });
    let reference = SandboxRef::new("dev").url(URL);
    (Sandboxes::new(service).join(&reference), log)
}

/// A response that can be sent several times.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    chunks: Vec<Bytes>,
    hangs: bool,
}

impl Reply {
    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Never ends the body.
    #[cfg(feature = "wait")]
    pub(crate) fn hanging(mut self) -> Self {
        self.hangs = true;
        self
    }

    pub(crate) fn response(self) -> http::Response<Body> {
        let mut response = http::Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let body = Script {
            chunks: self.chunks.into(),
            hangs: self.hangs,
        };
        response.body(Body::new(body)).unwrap()
    }
}

/// A success with JSON.
pub(crate) fn json(value: &Value) -> Reply {
    text(value.to_string()).header("content-type", "application/json")
}

/// A success with a body without a content type.
pub(crate) fn text(text: impl Into<Bytes>) -> Reply {
    chunks([text.into()])
}

/// A success whose body has these chunks.
pub(crate) fn chunks(chunks: impl IntoIterator<Item = Bytes>) -> Reply {
    Reply {
        status: 200,
        headers: Vec::new(),
        chunks: chunks.into_iter().collect(),
        hangs: false,
    }
}

/// A response with an error status.
pub(crate) fn refusal(status: u16, body: impl Into<Bytes>) -> Reply {
    Reply {
        status,
        ..text(body)
    }
}

/// A success with another status.
pub(crate) fn status(status: u16, value: &Value) -> Reply {
    Reply {
        status,
        ..json(value)
    }
}

/// A body of chunks, each of which is pending once.
struct Script {
    chunks: VecDeque<Bytes>,
    hangs: bool,
}

impl http_body::Body for Script {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.chunks.pop_front() {
            Some(chunk) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            None if self.hangs => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

/// Asserts that a value is the same after it was serialized and deserialized.
pub(crate) fn assert_round_trip<T>(value: &T)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let json = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value, "{json}");
}
