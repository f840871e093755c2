//! Third-party layers, and layers as a user would write them. None of them affects a call sooner
//! than the call's own limits do.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use blaxel_core::{Body, BoxService, Error, HttpService};
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body::Frame;
use tower::Layer;
use tower::buffer::BufferLayer;
use tower::layer::util::Stack;
use tower::limit::ConcurrencyLimitLayer;
use tower::retry::{Policy, RetryLayer};
use tower::util::{MapRequestLayer, MapResponseLayer};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::DecompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::map_request_body::MapRequestBodyLayer;
use tower_http::map_response_body::MapResponseBodyLayer;
use tower_http::set_header::SetRequestHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

/// A layer of any type, behind one type.
#[derive(Clone, Copy)]
pub struct Wrap {
    name: &'static str,
    wrap: fn(BoxService) -> BoxService,
}

impl Wrap {
    pub fn around(self, inner: BoxService) -> BoxService {
        (self.wrap)(inner)
    }
}

impl std::fmt::Debug for Wrap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! wraps {
    ($($name:literal: $layer:expr,)+) => {
        &[$(Wrap { name: $name, wrap: |inner| $layer.layer(inner).boxed() }),+]
    };
}

/// Longer than any limit of a call.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// All layers that must not change the outcome of a call.
pub static LAYERS: &[Wrap] = wraps! {
    "body counted": MapRequestLayer::new(|request: Request<Body>| request.map(counted)),
    "response counted": MapResponseLayer::new(|response: Response<Body>| response.map(counted)),
    "response rebuilt": MapResponseLayer::new(rebuilt_response),
    "trace": TraceLayer::new_for_http(),
    "decompression": DecompressionLayer::new(),
    "compression": CompressionLayer::new(),
    "map request body": MapRequestBodyLayer::new(counted),
    "map response body": MapResponseBodyLayer::new(counted),
    "set request header": SetRequestHeaderLayer::overriding(
        http::HeaderName::from_static("x-team"),
        HeaderValue::from_static("care"),
    ),
    "tower-http timeout": TimeoutLayer::with_status_code(http::StatusCode::REQUEST_TIMEOUT, LONG),
    "request body limit": Stack::new(MapRequestBodyLayer::new(Body::new), RequestBodyLimitLayer::new(1 << 20)),
    "catch panic": CatchPanicLayer::new(),
    "tower timeout": tower::timeout::TimeoutLayer::new(LONG),
    "buffer": BufferLayer::new(8),
    "concurrency limit": ConcurrencyLimitLayer::new(4),
    "retry": RetryLayer::new(Never),
};

/// A layer that drops the extensions of a request and keeps its body.
pub static EXTENSIONS_DROPPED: Wrap = Wrap {
    name: "extensions dropped",
    wrap: |inner| {
        MapRequestLayer::new(without_extensions)
            .layer(inner)
            .boxed()
    },
};

/// Returns the layers that keep the body of a request; with these, its extensions may be dropped.
pub fn with_bodies_left() -> Vec<Wrap> {
    let wrapping = ["body counted", "map request body", "request body limit"];
    let others = LAYERS
        .iter()
        .filter(|layer| !wrapping.contains(&layer.name));
    others.chain([&EXTENSIONS_DROPPED]).copied().collect()
}

/// A layer that drops both carriers of the context. Only the URI is left.
pub static BOTH_DROPPED: Wrap = Wrap {
    name: "both dropped",
    wrap: |inner| {
        MapRequestLayer::new(|request: Request<Body>| without_extensions(request).map(counted))
            .layer(inner)
            .boxed()
    },
};

/// A body that counts its bytes, like one that reports progress.
struct Counted {
    inner: Body,
    bytes: usize,
}

fn counted(inner: Body) -> Body {
    Body::new(Counted { inner, bytes: 0 })
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            self.bytes += frame.data_ref().map_or(0, Bytes::len);
        }
        Poll::Ready(frame)
    }
}

/// Builds a new request from method, URI, headers and body, like code that does not know of
/// extensions.
pub fn without_extensions(request: Request<Body>) -> Request<Body> {
    let (head, body) = request.into_parts();
    let mut request = Request::builder().method(head.method).uri(head.uri);
    *request.headers_mut().unwrap() = head.headers;
    request.body(body).unwrap()
}

fn rebuilt_response(response: Response<Body>) -> Response<Body> {
    let (head, body) = response.into_parts();
    let mut response = Response::builder().status(head.status);
    *response.headers_mut().unwrap() = head.headers;
    response.body(counted(body)).unwrap()
}

/// A retry policy that keeps a copy of each request and never uses it.
#[derive(Clone)]
struct Never;

impl<R, E> Policy<Request<Body>, R, E> for Never {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Body>,
        _: &mut Result<R, E>,
    ) -> Option<std::future::Ready<()>> {
        None
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        copy(request)
    }
}

pub fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let mut copy = Request::new(request.body().try_clone()?);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy.extensions_mut().clone_from(request.extensions());
    Some(copy)
}
