//! A rate limiter that spreads requests evenly. It belongs before the socket: a retry is a request
//! too.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use blaxel::blaxel_core::{Body, BoxFuture, Error, HttpService};
use tokio::time::{Instant, sleep_until};
use tower::{Layer, Service};

/// Lets requests through at a steady rate, for all clones of a client together.
#[derive(Clone)]
pub(crate) struct RateLimitLayer {
    every: Duration,
    next: Arc<Mutex<Option<Instant>>>,
}

impl RateLimitLayer {
    pub(crate) fn new(requests: u32, per: Duration) -> Self {
        Self {
            every: per / requests.max(1),
            next: Arc::default(),
        }
    }

    /// Takes the next free moment.
    fn take_turn(&self) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or_else(Instant::now, |next| next.max(Instant::now()));
        *next = Some(turn + self.every);
        turn
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
        let turn = self.limit.take_turn();
        let inner = self.inner.clone();
        Box::pin(async move {
            sleep_until(turn).await;
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
    async fn requests_are_spread_evenly_over_clones() {
        let (leaf, seen) = testing::leaf();
        let limit = RateLimitLayer::new(10, Duration::from_secs(1));
        let client = testing::builder(leaf).attempt_layer(limit).build().unwrap();
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
