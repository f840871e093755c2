//! A trace propagator. The SDK has a layer for this, which calls a function for each attempt.

use blaxel::transport::PropagateLayer;
use http::{HeaderMap, HeaderValue};

/// Returns a layer that sends a trace id in the `traceparent` header of W3C Trace Context.
pub(crate) fn layer(trace: &str) -> PropagateLayer {
    let parent = HeaderValue::try_from(format!("00-{trace}-00f067aa0ba902b7-01"));
    PropagateLayer::new(move |headers: &mut HeaderMap| {
        // With tracing-opentelemetry, the ids come from `tracing::Span::current()`.
        if let Ok(parent) = &parent {
            headers.insert("traceparent", parent.clone());
        }
    })
}

#[cfg(test)]
mod tests {
    use blaxel::Management;

    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn requests_have_the_trace_id() {
        let (transport, seen) = testing::transport();
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let client = testing::builder(transport)
            .attempt_layer(layer(trace))
            .build()
            .unwrap();
        Management::new(client).models().list().await.unwrap();
        let sent = seen.lock().unwrap()[0].headers["traceparent"].clone();
        assert!(sent.to_str().unwrap().starts_with("00-4bf92f3577b34da6"));
    }
}
