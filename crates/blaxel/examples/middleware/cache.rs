//! A cache of answers to reads. It belongs outside of the client's own work: a hit costs no attempt.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use blaxel::blaxel_core::{Body, BoxFuture, Error, HttpService, Idempotency, operation, response};
use bytes::Bytes;
use tokio::time::Instant;
use tower::{Layer, Service};

/// The largest answer that is kept, in bytes.
const LARGEST: usize = 1 << 20;
/// How many answers are kept.
const MOST: usize = 1000;

/// Answers a read out of memory for a while after it was answered by the server.
#[derive(Clone)]
pub(crate) struct CacheLayer {
    lifetime: Duration,
    kept: Arc<Mutex<HashMap<String, Kept>>>,
}

#[derive(Clone)]
struct Kept {
    body: Bytes,
    until: Instant,
}

impl CacheLayer {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            kept: Arc::default(),
        }
    }

    fn find(&self, key: &str) -> Option<Bytes> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key)
            .filter(|kept| Instant::now() < kept.until)
            .map(|kept| kept.body.clone())
    }

    fn keep(&self, key: String, body: Bytes) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        kept.retain(|_, kept| now < kept.until);
        if kept.len() < MOST {
            kept.insert(
                key,
                Kept {
                    body,
                    until: now + self.lifetime,
                },
            );
        }
    }
}

impl<S> Layer<S> for CacheLayer {
    type Service = Cache<S>;

    fn layer(&self, inner: S) -> Cache<S> {
        Cache {
            inner,
            cache: self.clone(),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Cache<S> {
    inner: S,
    cache: CacheLayer,
}

/// Reads are told by their operation, not by their method: a `GET` may be a stream.
fn key(request: &http::Request<Body>) -> Option<String> {
    let info = operation(request)?;
    let cacheable = info.idempotency() == Idempotency::Safe && !info.is_streamed();
    cacheable.then(|| format!("{} {}", info.name(), request.uri()))
}

impl<S: HttpService> Service<http::Request<Body>> for Cache<S> {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = BoxFuture<Result<http::Response<Body>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let (inner, cache) = (self.inner.clone(), self.cache.clone());
        Box::pin(async move {
            let Some(key) = key(&request) else {
                return inner.send(request).await;
            };
            if let Some(body) = cache.find(&key) {
                return Ok(http::Response::new(body.into()));
            }
            let answer = inner.send(request).await?;
            if answer.status() != http::StatusCode::OK {
                return Ok(answer);
            }
            let (head, body) = answer.into_parts();
            let body = response::collect(body, LARGEST).await?;
            cache.keep(key, body.clone());
            Ok(http::Response::from_parts(head, body.into()))
        })
    }
}

#[cfg(test)]
mod tests {
    use blaxel::management::agents::Agent;
    use blaxel::{ListParams, Management};

    use super::*;
    use crate::testing;

    #[tokio::test(start_paused = true)]
    async fn a_read_is_answered_from_memory_until_it_is_old_and_a_write_never() {
        let (leaf, seen) = testing::leaf();
        let cache = CacheLayer::new(Duration::from_secs(60));
        let client = testing::builder(leaf).call_layer(cache).build().unwrap();
        let models = Management::new(client.clone()).models();
        let count = || seen.lock().unwrap().len();
        for _ in 0..3 {
            models.list().await.unwrap();
        }
        assert_eq!(count(), 1);
        models.list_with(&ListParams::new().limit(2)).await.unwrap();
        assert_eq!(count(), 2);
        tokio::time::advance(Duration::from_secs(61)).await;
        models.list().await.unwrap();
        assert_eq!(count(), 3);
        let agents = Management::new(client).agents();
        for _ in 0..2 {
            agents.create(&Agent::new("bot")).await.unwrap();
        }
        assert_eq!(count(), 5);
    }
}
