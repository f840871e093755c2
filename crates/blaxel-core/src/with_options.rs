//! A service that sets the options of a handle on its requests.

use std::task::{Context, Poll};

use tower_service::Service;

use crate::body::Body;
use crate::context::CallContext;
use crate::options::CallOptions;
use crate::service::HttpService;

/// Sends requests over another service, with the options of a handle.
///
/// Every request of a handle is sent over it, including the lookup of an address, so that options are set in
/// one place.
#[derive(Clone)]
pub struct WithOptions<S> {
    service: S,
    options: Option<CallOptions>,
}

impl<S: HttpService> WithOptions<S> {
    /// Creates the service. Without options, requests have those of the client.
    #[must_use]
    pub fn new(service: S, options: Option<CallOptions>) -> Self {
        Self { service, options }
    }
}

impl<S: HttpService> Service<http::Request<Body>> for WithOptions<S> {
    type Response = http::Response<S::ResponseBody>;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let context = CallContext::of(request.extensions());
        if let (Some(context), Some(options)) = (context, self.options) {
            // Clones of a context share the options, so this changes those of the request.
            drop(context.clone().with_options(options));
        }
        self.service.call(request)
    }
}
