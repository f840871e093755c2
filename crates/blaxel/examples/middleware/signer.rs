//! A request signer, for a proxy that verifies the sender. Use it as an attempt layer, since it must sign the
//! request as it is sent.

use std::task::{Context, Poll};

use blaxel::blaxel_core::Body;
use hmac::{Hmac, Mac};
use http::HeaderValue;
use sha2::Sha256;
use tower::{Layer, Service};

/// Signs method, URI and body of requests with HMAC-SHA256.
#[derive(Clone)]
pub(crate) struct SignLayer {
    key: Hmac<Sha256>,
}

impl SignLayer {
    /// Creates a layer that signs with `key`.
    pub(crate) fn new(key: &str) -> Self {
        let key = Hmac::new_from_slice(key.as_bytes());
        Self {
            key: key.unwrap_or_else(|_| unreachable!("an HMAC accepts keys of any length")),
        }
    }

    /// Returns the signature of a request, in hexadecimal.
    fn sign(&self, request: &http::Request<Body>) -> String {
        let mut mac = self.key.clone();
        mac.update(request.method().as_str().as_bytes());
        mac.update(request.uri().to_string().as_bytes());
        // A streamed body has no bytes to sign yet. It is signed as empty.
        mac.update(&request.body().bytes().unwrap_or_default());
        mac.finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl<S> Layer<S> for SignLayer {
    type Service = Sign<S>;

    fn layer(&self, inner: S) -> Sign<S> {
        Sign {
            inner,
            signer: self.clone(),
        }
    }
}

/// The service of [`SignLayer`].
#[derive(Clone)]
pub(crate) struct Sign<S> {
    inner: S,
    signer: SignLayer,
}

impl<S: Service<http::Request<Body>>> Service<http::Request<Body>> for Sign<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> S::Future {
        let signature = self.signer.sign(&request);
        if let Ok(signature) = HeaderValue::try_from(signature) {
            request.headers_mut().insert("x-signature", signature);
        }
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    use blaxel::Management;
    use blaxel::management::agents::Agent;

    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn the_signature_covers_method_uri_and_body() {
        let (transport, seen) = testing::transport();
        let client = testing::builder(transport)
            .attempt_layer(SignLayer::new("key"))
            .build()
            .unwrap();
        let agents = Management::new(client).agents();
        agents.list().await.unwrap();
        agents.create(&Agent::new("a")).await.unwrap();
        agents.create(&Agent::new("b")).await.unwrap();
        let seen = seen.lock().unwrap();
        let signatures: Vec<_> = seen
            .iter()
            .map(|head| &head.headers["x-signature"])
            .collect();
        assert!(signatures[0] != signatures[1] && signatures[1] != signatures[2]);

        // The signature covers the absolute URI.
        let mut request = http::Request::new(Body::empty());
        *request.uri_mut() = "https://api.blaxel.ai/v0/agents".parse().unwrap();
        assert_eq!(signatures[0], SignLayer::new("key").sign(&request).as_str());
    }
}
