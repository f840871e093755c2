//! A cache of responses to reads. Use it as a call layer: a hit then costs no attempt.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use blaxel::blaxel_core::{Body, BoxFuture, Error, HttpService, Idempotency, operation, response};
use bytes::Bytes;
use tokio::time::Instant;
use tower::{Layer, Service};

/// The maximum size of a cached response, in bytes.
const MAX_BODY: usize = 1 << 20;
/// The maximum number of cached responses.
const MAX_ENTRIES: usize = 1000;

/// Caches successful responses to reads for a limited time.
#[derive(Clone)]
pub(crate) struct CacheLayer {
    lifetime: Duration,
    entries: Arc<Mutex<HashMap<String, Entry>>>,
}

/// A cached response body.
#[derive(Clone)]
struct Entry {
    body: Bytes,
    expires: Instant,
}

impl CacheLayer {
    /// Creates a cache whose entries expire after `lifetime`.
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            entries: Arc::default(),
        }
    }

    /// Returns a cached body that has not expired.
    fn find(&self, key: &str) -> Option<Bytes> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries
            .get(key)
            .filter(|entry| Instant::now() < entry.expires)
            .map(|entry| entry.body.clone())
    }

    /// Caches a body, unless the cache is full.
    fn insert(&self, key: String, body: Bytes) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        entries.retain(|_, entry| now < entry.expires);
        if entries.len() < MAX_ENTRIES {
            entries.insert(
                key,
                Entry {
                    body,
                    expires: now + self.lifetime,
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

/// The service of [`CacheLayer`].
#[derive(Clone)]
pub(crate) struct Cache<S> {
    inner: S,
    cache: CacheLayer,
}

/// Returns the cache key of a request, or `None` if it must not be cached. The operation decides, not the
/// method: a `GET` may return a stream.
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
            let response = inner.send(request).await?;
            if response.status() != http::StatusCode::OK {
                return Ok(response);
            }
            let (head, body) = response.into_parts();
            let body = response::collect(body, MAX_BODY).await?;
            cache.insert(key, body.clone());
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
    async fn reads_are_cached_until_they_expire_and_writes_never() {
        let (transport, seen) = testing::transport();
        let cache = CacheLayer::new(Duration::from_secs(60));
        let client = testing::builder(transport)
            .call_layer(cache)
            .build()
            .unwrap();
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
