//! `tracing` spans: one for each call, and one for each attempt within it.
//!
//! The fields have the names of OpenTelemetry's conventions for HTTP clients. Bodies, headers and
//! queries are never recorded.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::{Body, BoxError, CallContext, Error, OperationInfo, Plane};
use pin_project_lite::pin_project;
use tower_service::Service;
use tracing::field::Empty;
use tracing::{Level, Span};

use crate::call::Call;

/// A function that creates the span of a request.
pub(crate) type MakeSpan<R> = fn(&R) -> Span;

/// A service that runs every request in a span of its own.
#[derive(Clone, Debug)]
pub(crate) struct Trace<S, M = MakeSpan<http::Request<Body>>> {
    inner: S,
    make_span: M,
}

impl<S, M> Trace<S, M> {
    pub(crate) fn new(inner: S, make_span: M) -> Self {
        Self { inner, make_span }
    }
}

/// Creates the span of a call, which covers all its attempts.
pub(crate) fn call_span(call: &Call) -> Span {
    let operation = call.context.operation();
    tracing::span!(
        Level::INFO,
        "blaxel.call",
        otel.name = operation.map_or("unknown operation", OperationInfo::name),
        otel.kind = "client",
        http.request.method = call.request.method().as_str(),
        url.template = operation.map(OperationInfo::path),
        http.response.status_code = Empty,
        error.type = Empty,
    )
}

/// Creates the span of an attempt, with the request as it is sent.
pub(crate) fn attempt_span(request: &http::Request<Body>) -> Span {
    let uri = request.uri();
    // Everything is looked up only if the span is enabled.
    let context = || CallContext::of(request.extensions());
    let path = || {
        // The path of a presigned URL is a part of the permission.
        let plane = context()?.plane();
        (plane != Plane::Presigned).then(|| uri.path())
    };
    let resends = || {
        // This attempt is already counted.
        let before = context()?.attempts().sent.saturating_sub(1);
        (before > 0).then_some(before)
    };
    tracing::span!(
        Level::DEBUG,
        "blaxel.attempt",
        otel.kind = "client",
        http.request.method = request.method().as_str(),
        http.request.resend_count = resends(),
        server.address = uri.host(),
        server.port = uri.port_u16(),
        url.path = path(),
        http.response.status_code = Empty,
        error.type = Empty,
    )
}

impl<S, R, B> Service<R> for Trace<S, MakeSpan<R>>
where
    S: Service<R, Response = http::Response<B>>,
    S::Error: Into<BoxError>,
{
    type Response = http::Response<B>;
    type Error = Error;
    type Future = TraceFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner
            .poll_ready(cx)
            .map_err(|error| Error::from_box(error.into()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let span = (self.make_span)(&request);
        let inside = span.enter();
        let inner = self.inner.call(request);
        drop(inside);
        TraceFuture { inner, span }
    }
}

pin_project! {
    /// The future of [`Trace`].
    pub(crate) struct TraceFuture<F> {
        #[pin]
        inner: F,
        span: Span,
    }
}

impl<F, B, E> Future for TraceFuture<F>
where
    F: Future<Output = Result<http::Response<B>, E>>,
    E: Into<BoxError>,
{
    type Output = Result<http::Response<B>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let outcome = {
            let _inside = this.span.enter();
            ready!(this.inner.poll(cx)).map_err(|error| Error::from_box(error.into()))
        };
        if !this.span.is_disabled() {
            record(this.span, &outcome);
        }
        Poll::Ready(outcome)
    }
}

/// Records the status or the kind of error.
fn record<B>(span: &Span, outcome: &Result<http::Response<B>, Error>) {
    match outcome {
        Ok(response) => {
            let status = response.status();
            span.record("http.response.status_code", status.as_u16());
            if status.is_client_error() || status.is_server_error() {
                span.record("error.type", status.as_str());
            }
        }
        // Not the message, which may quote the server.
        Err(error) => {
            span.record("error.type", tracing::field::debug(error.kind()));
        }
    }
}
