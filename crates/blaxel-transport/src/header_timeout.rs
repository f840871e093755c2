//! The time limit on the response headers of each attempt.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Body, CallContext, Error, HttpService};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;

use crate::deadline::TimeLimits;

/// A service that ends attempts whose response headers are not received in time. It converts bodies
/// and errors to the SDK's types.
#[derive(Clone, Debug)]
pub(crate) struct HeaderTimeout<S> {
    inner: S,
    limits: TimeLimits,
}

impl<S> HeaderTimeout<S> {
    pub(crate) fn new(inner: S, limits: TimeLimits) -> Self {
        Self { inner, limits }
    }
}

impl<S: HttpService> Service<http::Request<Body>> for HeaderTimeout<S> {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = HeaderTimeoutFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner
            .poll_ready(cx)
            .map_err(|error| Error::from_box(error.into()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let plane = CallContext::of(request.extensions()).map(CallContext::plane);
        let limit = self.limits.response_headers(plane);
        HeaderTimeoutFuture {
            attempt: self.inner.call(request),
            sleep: sleep_until(Instant::now() + limit),
            limit,
        }
    }
}

pin_project! {
    /// The future of [`HeaderTimeout`].
    pub(crate) struct HeaderTimeoutFuture<F> {
        #[pin]
        attempt: F,
        #[pin]
        sleep: Sleep,
        limit: Duration,
    }
}

impl<F, B, E> Future for HeaderTimeoutFuture<F>
where
    F: Future<Output = Result<http::Response<B>, E>>,
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<blaxel_core::BoxError>,
    E: Into<blaxel_core::BoxError>,
{
    type Output = Result<http::Response<Body>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(outcome) = this.attempt.poll(cx) {
            return Poll::Ready(match outcome {
                Ok(response) => Ok(response.map(Body::new)),
                Err(error) => Err(Error::from_box(error.into())),
            });
        }
        ready!(this.sleep.poll(cx));
        Poll::Ready(Err(Error::timeout("response header", *this.limit)))
    }
}
