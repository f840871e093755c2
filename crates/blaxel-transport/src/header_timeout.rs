//! The time limit on the response headers of each attempt.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use blaxel_core::__private::{ErrorParts, journal, later};
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
        let context = CallContext::of(request.extensions()).cloned();
        let plane = context.as_ref().map(CallContext::plane);
        HeaderTimeoutFuture {
            attempt: self.inner.call(request),
            sleep: None,
            limit: self.limits.response_headers(plane),
            context,
        }
    }
}

pin_project! {
    /// The future of [`HeaderTimeout`].
    pub(crate) struct HeaderTimeoutFuture<F> {
        #[pin]
        attempt: F,
        // `None` until the transport begins to send the request.
        #[pin]
        sleep: Option<Sleep>,
        limit: Duration,
        context: Option<CallContext>,
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
        let mut this = self.project();
        if let Poll::Ready(outcome) = this.attempt.poll(cx) {
            return Poll::Ready(match outcome {
                Ok(response) => Ok(response.map(Body::new)),
                Err(error) => Err(Error::from_box(error.into())),
            });
        }
        if this.sleep.is_none() {
            // Waiting for a permit is limited by the deadline of the call alone. The permit wakes this task.
            if this
                .context
                .as_ref()
                .is_some_and(|context| journal(context).is_queued())
            {
                return Poll::Pending;
            }
            let end = later(Instant::now(), *this.limit);
            this.sleep.set(Some(sleep_until(end)));
        }
        if let Some(sleep) = this.sleep.as_pin_mut() {
            ready!(sleep.poll(cx));
        }
        Poll::Ready(Err(Error::timeout(
            "wait for the response headers",
            *this.limit,
        )))
    }
}
