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

use crate::call::Call;

/// A service that ends attempts whose response headers are not received in time. It converts bodies
/// and errors to the SDK's types.
#[derive(Clone, Debug)]
pub(crate) struct HeaderTimeout<S> {
    inner: S,
}

impl<S> HeaderTimeout<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: HttpService> Service<Call> for HeaderTimeout<S> {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = HeaderTimeoutFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner
            .poll_ready(cx)
            .map_err(|error| Error::from_box(error.into()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let (context, limit) = (call.context.clone(), call.limits.headers);
        HeaderTimeoutFuture {
            attempt: self.inner.call(call.into_request()),
            sleep: None,
            limit,
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
        // `None` if the deadline of the call comes first.
        limit: Option<Duration>,
        context: CallContext,
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
        let Some(limit) = *this.limit else {
            return Poll::Pending;
        };
        if this.sleep.is_none() {
            // Waiting for a permit is limited by the deadline of the call alone. The permit wakes this task.
            if journal(this.context).is_queued() {
                return Poll::Pending;
            }
            let end = later(Instant::now(), limit);
            this.sleep.set(Some(sleep_until(end)));
        }
        if let Some(sleep) = this.sleep.as_pin_mut() {
            ready!(sleep.poll(cx));
        }
        let error = Error::timeout("wait for the response headers", limit);
        Poll::Ready(Err(error))
    }
}
