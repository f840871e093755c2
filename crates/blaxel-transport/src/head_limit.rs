//! The time limit on the head of an answer, in each attempt.

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

/// Ends attempts whose answer does not begin in time. What it passes on is ours: body and error.
#[derive(Clone, Debug)]
pub(crate) struct HeadLimit<S> {
    inner: S,
    limits: TimeLimits,
}

impl<S> HeadLimit<S> {
    pub(crate) fn new(inner: S, limits: TimeLimits) -> Self {
        Self { inner, limits }
    }
}

impl<S: HttpService> Service<http::Request<Body>> for HeadLimit<S> {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = HeadLimitFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner
            .poll_ready(cx)
            .map_err(|error| Error::from_box(error.into()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let plane = CallContext::of(request.extensions()).map(CallContext::plane);
        let limit = self.limits.head(plane);
        HeadLimitFuture {
            attempt: self.inner.call(request),
            sleep: sleep_until(Instant::now() + limit),
            limit,
        }
    }
}

pin_project! {
    /// An attempt under a [`HeadLimit`].
    pub(crate) struct HeadLimitFuture<F> {
        #[pin]
        attempt: F,
        #[pin]
        sleep: Sleep,
        limit: Duration,
    }
}

impl<F, B, E> Future for HeadLimitFuture<F>
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
        Poll::Ready(Err(Error::timeout("response head", *this.limit)))
    }
}
