//! A rate limiter that spaces requests evenly. Use it as an attempt layer, since a retry is a request, too.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use blaxel::blaxel_core::{Body, BoxFuture, Error, HttpService};
use tokio::time::{Instant, sleep_until};
use tower::{Layer, Service};

/// Sends requests at a steady rate, shared by all clones of a client.
#[derive(Clone)]
pub(crate) struct RateLimitLayer {
    interval: Duration,
    /// The earliest time of the next request.
    next: Arc<Mutex<Option<Instant>>>,
}

impl RateLimitLayer {
    /// Creates a limit of `requests` per period.
    pub(crate) fn new(requests: u32, per: Duration) -> Self {
        Self {
            interval: per / requests.max(1),
            next: Arc::default(),
        }
    }

    /// Reserves the next free time slot.
    fn reserve_slot(&self) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = next.map_or_else(Instant::now, |next| next.max(Instant::now()));
        *next = Some(slot + self.interval);
        slot
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimit<S>;

    fn layer(&self, inner: S) -> RateLimit<S> {
        RateLimit {
            inner,
            limit: self.clone(),
        }
    }
}

/// The service of [`RateLimitLayer`].
#[derive(Clone)]
pub(crate) struct RateLimit<S> {
    inner: S,
    limit: RateLimitLayer,
}

impl<S: HttpService> Service<http::Request<Body>> for RateLimit<S> {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = BoxFuture<Result<http::Response<Body>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let slot = self.limit.reserve_slot();
        let inner = self.inner.clone();
        Box::pin(async move {
            sleep_until(slot).await;
            inner.send(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use blaxel::Management;

    use super::*;
    use crate::testing;

    #[tokio::test(start_paused = true)]
    async fn requests_of_all_clones_are_spaced_evenly() {
        let (transport, seen) = testing::transport();
        let limit = RateLimitLayer::new(10, Duration::from_secs(1));
        let client = testing::builder(transport)
            .attempt_layer(limit)
            .build()
            .unwrap();
        let start = Instant::now();
        for _ in 0..21 {
            Management::new(client.clone())
                .models()
                .list()
                .await
                .unwrap();
        }
        assert_eq!(
            (seen.lock().unwrap().len(), start.elapsed().as_millis()),
            (21, 2000)
        );
    }
}
