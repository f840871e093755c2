//! A signer of requests, for a proxy that wants to know who sent them. It belongs before the socket:
//! it must see the request as it is sent.

use std::task::{Context, Poll};

use blaxel::blaxel_core::Body;
use hmac::{Hmac, Mac};
use http::HeaderValue;
use sha2::Sha256;
use tower::{Layer, Service};

/// Signs method, address and body with a key.
#[derive(Clone)]
pub(crate) struct SignLayer {
    key: Hmac<Sha256>,
}

impl SignLayer {
    pub(crate) fn new(key: &str) -> Self {
        let key = Hmac::new_from_slice(key.as_bytes());
        // An HMAC takes a key of any length.
        Self {
            key: key.unwrap_or_else(|_| unreachable!("keys of any length are good")),
        }
    }

    fn sign(&self, request: &http::Request<Body>) -> String {
        let mut mac = self.key.clone();
        mac.update(request.method().as_str().as_bytes());
        mac.update(request.uri().to_string().as_bytes());
        // A body that comes in time has no bytes to sign yet; the proxy signs those by chunks.
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
    async fn what_is_sent_is_what_is_signed() {
        let (leaf, seen) = testing::leaf();
        let client = testing::builder(leaf)
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

        // The signed address is the whole one.
        let mut request = http::Request::new(Body::empty());
        *request.uri_mut() = "https://api.blaxel.ai/v0/agents".parse().unwrap();
        assert_eq!(signatures[0], SignLayer::new("key").sign(&request).as_str());
    }
}
