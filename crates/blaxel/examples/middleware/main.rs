//! Custom middleware: six layers as an application would write them, each in a file with its test.
//! `cargo run --example middleware` adds all of them to one client.

mod cache;
mod concurrency;
mod propagator;
mod rate_limit;
mod recorder;
mod signer;

use std::time::Duration;

use blaxel::{Client, ListParams, Management};
use blaxel_emulator::Emulator;
use tower::limit::ConcurrencyLimitLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start().await?;
    let recorder = recorder::Recorder::default();
    let client = Client::builder()
        .api_key(emulator.api_key())
        .workspace(emulator.workspace())
        .api_url(emulator.url())
        // Call layers see each operation once, whatever the number of attempts.
        .call_layer(cache::CacheLayer::new(Duration::from_secs(60)))
        .call_layer(ConcurrencyLimitLayer::new(4))
        // Attempt layers see each request as it is sent, including retries.
        .attempt_layer(rate_limit::RateLimitLayer::new(100, Duration::from_secs(1)))
        .attempt_layer(propagator::layer("4bf92f3577b34da6a3ce929d0e0e4736"))
        .attempt_layer(signer::SignLayer::new("a key shared with the proxy"))
        .attempt_layer(recorder.clone())
        .build()?;

    let models = Management::new(client).models();
    for source in ["from the server", "from the cache"] {
        let page = models.list_with(&ListParams::new().limit(2)).await?;
        println!("{} models, {source}", page.len());
    }
    for line in recorder.lines() {
        println!("sent: {line}");
    }
    Ok(())
}

/// Helpers for tests of one layer: a client on a transport that records requests and accepts all of them.
#[cfg(test)]
mod testing {
    use std::sync::{Arc, Mutex};

    use blaxel::blaxel_core::{Body, Error, HttpService};

    /// The requests that the transport received.
    pub(crate) type Seen = Arc<Mutex<Vec<http::request::Parts>>>;

    /// Returns a transport, and the requests that it receives.
    pub(crate) fn transport() -> (impl HttpService, Seen) {
        let seen = Seen::default();
        let log = Arc::clone(&seen);
        let transport = tower::service_fn(move |request: http::Request<Body>| {
            log.lock().unwrap().push(request.into_parts().0);
            std::future::ready(Ok::<_, Error>(http::Response::new(Body::from(
                r#"{"data":[]}"#,
            ))))
        });
        (transport, seen)
    }

    /// Returns a builder of a client on this transport.
    pub(crate) fn builder(
        transport: impl HttpService,
    ) -> blaxel::ClientBuilder<
        impl blaxel::transport::MakeTransport<Transport: HttpService>,
        tower::layer::util::Identity,
        tower::layer::util::Identity,
    > {
        blaxel::Client::builder()
            .api_key("bl_key")
            .workspace("w")
            .transport(transport)
    }
}
