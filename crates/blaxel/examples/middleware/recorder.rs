//! A recorder of requests and their outcomes. Use it as an attempt layer, so that it sees every attempt.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use blaxel::blaxel_core::{Body, BoxFuture, Error, HttpService, operation};
use tokio::time::Instant;
use tower::{Layer, Service};

/// Records every request with its outcome. Clones share the record.
#[derive(Clone, Default)]
pub(crate) struct Recorder {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    /// Returns one line per request, in order.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Records a request. Headers and bodies are left out, since they hold secrets.
    fn record(&self, request: &str, outcome: &Result<http::Response<Body>, Error>, took: Duration) {
        let outcome = match outcome {
            Ok(response) => response.status().as_u16().to_string(),
            Err(error) => format!("{:?}", error.kind()),
        };
        let line = format!("{request} -> {outcome} in {} ms", took.as_millis());
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
    }
}

impl<S> Layer<S> for Recorder {
    type Service = Recording<S>;

    fn layer(&self, inner: S) -> Recording<S> {
        Recording {
            inner,
            recorder: self.clone(),
        }
    }
}

/// The service of [`Recorder`].
#[derive(Clone)]
pub(crate) struct Recording<S> {
    inner: S,
    recorder: Recorder,
}

impl<S: HttpService> Service<http::Request<Body>> for Recording<S> {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = BoxFuture<Result<http::Response<Body>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let name = operation(&request).map_or("unknown", |info| info.name());
        let line = format!("{name}: {} {}", request.method(), request.uri().path());
        let (inner, recorder, start) = (self.inner.clone(), self.recorder.clone(), Instant::now());
        Box::pin(async move {
            let outcome = inner.send(request).await;
            recorder.record(&line, &outcome, start.elapsed());
            outcome
        })
    }
}

#[cfg(test)]
mod tests {
    use blaxel::transport::RetryPolicy;
    use blaxel::{Client, Management};
    use blaxel_emulator::{Emulator, Fault};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn every_attempt_is_recorded() {
        let emulator = Emulator::offline();
        let unavailable = Fault::html(http::StatusCode::BAD_GATEWAY);
        emulator.fault("ListModels", unavailable, 1).unwrap();
        let recorder = Recorder::default();
        let client = Client::builder()
            .api_key(emulator.api_key())
            .workspace(emulator.workspace())
            .retry(RetryPolicy::new().base_delay(Duration::ZERO))
            .attempt_layer(recorder.clone())
            .transport(emulator.service())
            .build()
            .unwrap();
        Management::new(client).models().list().await.unwrap();
        assert_eq!(
            recorder.lines(),
            [
                "ListModels: GET /v0/models -> 502 in 0 ms",
                "ListModels: GET /v0/models -> 200 in 0 ms"
            ]
        );
    }
}
