//! Clients with short limits, and transports without sockets.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use blaxel_core::{Body, BoxError, BoxService, Error, HttpService};
use blaxel_management::Management;
use blaxel_management::agents::Agent;
use blaxel_tests::API_KEY;
use blaxel_transport::{Client, ClientBuilder, HyperTransport, RetryPolicy, TimeLimits};
use bytes::Bytes;
use http_body::Frame;
use tokio::time::{Sleep, sleep};

use crate::table::Outcome;

/// The limit on each call of [`client`].
pub(crate) const CALL: Duration = Duration::from_secs(1);

/// The limit on establishing a connection, which ends before the one on the call.
pub(crate) const CONNECT: Duration = Duration::from_millis(700);

/// Returns limits of at most a second for everything.
pub(crate) fn limits() -> TimeLimits {
    let mut limits = TimeLimits::default();
    limits.connect = CONNECT;
    limits.control = CALL;
    limits.run = CALL;
    limits.response_headers = CALL;
    limits.idle = CALL;
    limits
}

/// Returns a builder of clients for this base URL, with short limits and without retries.
pub(crate) fn builder<T, A, C>(
    builder: ClientBuilder<T, A, C>,
    url: &str,
) -> ClientBuilder<T, A, C> {
    builder
        .api_key(API_KEY)
        .workspace("demo")
        .api_url(url)
        .run_url(url)
        .time_limits(limits())
        .retry(RetryPolicy::none())
}

/// Returns a client of the server at this address.
pub(crate) fn client(address: &str) -> Client {
    builder(Client::builder(), &format!("http://{address}"))
        .build()
        .unwrap()
}

/// Returns a client of the HTTP/2 server at this address.
pub(crate) fn http2_client(address: &str) -> Client {
    let hyper = HyperTransport::builder().http_version(blaxel_transport::HttpVersion::Http2);
    builder(Client::builder(), &format!("http://{address}"))
        .hyper(hyper)
        .build()
        .unwrap()
}

/// Lists the agents: a safe call that decodes a list.
pub(crate) async fn list(client: Client) -> Outcome {
    Outcome::of(Management::new(client).agents().list().await)
}

/// Creates an agent: a call that must not be repeated.
pub(crate) async fn create(client: Client) -> Outcome {
    let agents = Management::new(client).agents();
    Outcome::of(agents.create(&Agent::new("bot")).await)
}

/// Returns a client without sockets, whose transport is this function.
pub(crate) fn answered(
    respond: impl Fn(http::Request<Body>) -> http::Response<Body> + Clone + Send + Sync + 'static,
) -> Client {
    builder(Client::builder(), "https://hostile.test")
        .transport(transport(respond))
        .build()
        .unwrap()
}

/// Returns a transport that is a function.
pub(crate) fn transport(
    respond: impl Fn(http::Request<Body>) -> http::Response<Body> + Clone + Send + Sync + 'static,
) -> BoxService {
    tower::service_fn(move |request| std::future::ready(Ok::<_, Error>(respond(request)))).boxed()
}

/// Returns a response with this status and body.
pub(crate) fn reply(status: u16, body: impl Into<Body>) -> http::Response<Body> {
    http::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

/// A body without end: the same chunk again and again, with a pause before each.
pub(crate) struct Dripping {
    chunk: Bytes,
    pause: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl Dripping {
    /// Creates the body.
    pub(crate) fn body(chunk: &'static str, pause: Duration) -> Body {
        Body::new(Self {
            chunk: Bytes::from_static(chunk.as_bytes()),
            pause,
            sleep: Box::pin(sleep(pause)),
        })
    }
}

impl http_body::Body for Dripping {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        ready!(self.sleep.as_mut().poll(cx));
        self.sleep = Box::pin(sleep(self.pause));
        Poll::Ready(Some(Ok(Frame::data(self.chunk.clone()))))
    }
}
