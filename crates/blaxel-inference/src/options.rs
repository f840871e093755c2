//! A service that gives its requests the options of a handle.

use std::task::{Context, Poll};

use blaxel_core::{Body, CallContext, CallOptions, HttpService};
use tower_service::Service;

/// Carries requests by another service, with these options.
///
/// Every request of a handle goes through here, the lookup of an address included, so options are set in
/// one place.
#[derive(Clone)]
pub(crate) struct WithOptions<S> {
    service: S,
    options: Option<CallOptions>,
}

impl<S: HttpService> WithOptions<S> {
    /// Creates the service. Without options, requests get those of the client.
    pub(crate) fn new(service: S, options: Option<CallOptions>) -> Self {
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
            // All clones share the options.
            drop(context.clone().with_options(options));
        }
        self.service.call(request)
    }
}
