//! The attempt layer that reports a client's attempts to the journal.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::uri::{Authority, Uri};
use tower_layer::Layer;
use tower_service::Service;

use super::journal::Shared;

/// A layer that counts the attempts of a client in a server's journal, and redirects
/// those that are to be refused.
#[derive(Clone)]
pub struct Watch {
    shared: Arc<Shared>,
}

impl Watch {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl<S> Layer<S> for Watch {
    type Service = Watched<S>;

    fn layer(&self, inner: S) -> Watched<S> {
        Watched {
            inner,
            shared: Arc::clone(&self.shared),
        }
    }
}

/// The service of a [`Watch`] layer.
#[derive(Clone)]
pub struct Watched<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S, B> Service<http::Request<B>> for Watched<S>
where
    S: Service<http::Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<B>) -> S::Future {
        if let Some(address) = self.shared.attempt(request.uri().path()) {
            let mut parts = std::mem::take(request.uri_mut()).into_parts();
            parts.authority = Authority::try_from(address.to_string()).ok();
            *request.uri_mut() = Uri::from_parts(parts).expect("only the authority was changed");
        }
        self.inner.call(request)
    }
}
