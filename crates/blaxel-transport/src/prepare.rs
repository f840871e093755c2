//! Makes a request ready for the wire: the defaults, then the credential.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use blaxel_auth::Authenticator;
use blaxel_core::{Body, BoxFuture, Delivery, Error};
use http::header::HeaderValue;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::deadline::Progress;
use crate::defaults::{CREDENTIAL_HEADER, Defaults};

/// Completes each request and hands it on.
#[derive(Clone, Debug)]
pub(crate) struct Prepare<S> {
    inner: S,
    defaults: Arc<Defaults>,
    authenticator: Option<Authenticator>,
}

impl<S> Prepare<S> {
    pub(crate) fn new(
        inner: S,
        defaults: Arc<Defaults>,
        authenticator: Option<Authenticator>,
    ) -> Self {
        Self {
            inner,
            defaults,
            authenticator,
        }
    }
}

impl<S> Service<http::Request<Body>> for Prepare<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Error> + Clone,
{
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = PrepareFuture<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        if let Err(error) = self.defaults.apply(&mut request) {
            return PrepareFuture::Refused { error: Some(error) };
        }
        let Some(authenticator) = &self.authenticator else {
            return PrepareFuture::Sending {
                call: self.inner.call(request),
            };
        };
        // Almost always a credential is at hand; only then is there nothing to wait for.
        if let Some(credential) = authenticator.ready() {
            request.headers_mut().insert(CREDENTIAL_HEADER, credential);
            return PrepareFuture::Sending {
                call: self.inner.call(request),
            };
        }
        let unready = self.inner.clone();
        PrepareFuture::Waiting {
            credential: authenticator.clone().header_owned(),
            // The service that was found ready goes along; the clone takes its place.
            service: std::mem::replace(&mut self.inner, unready),
            request: Some(request),
        }
    }
}

pin_project! {
    /// A request on its way through [`Prepare`].
    #[project = Step]
    pub(crate) enum PrepareFuture<S: Service<http::Request<Body>>> {
        Refused { error: Option<Error> },
        Waiting {
            credential: BoxFuture<Result<HeaderValue, Error>>,
            service: S,
            request: Option<http::Request<Body>>,
        },
        Sending { #[pin] call: S::Future },
    }
}

impl<S> Future for PrepareFuture<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Error>,
{
    type Output = Result<http::Response<Body>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let call = match self.as_mut().project() {
                Step::Refused { error } => {
                    return match error.take() {
                        Some(error) => Poll::Ready(Err(error)),
                        None => Poll::Pending,
                    };
                }
                Step::Sending { call } => return call.poll(cx),
                Step::Waiting {
                    credential,
                    service,
                    request,
                } => {
                    let credential = ready!(credential.as_mut().poll(cx))?;
                    let Some(mut request) = request.take() else {
                        return Poll::Pending;
                    };
                    request.headers_mut().insert(CREDENTIAL_HEADER, credential);
                    service.call(request)
                }
            };
            self.set(PrepareFuture::Sending { call });
        }
    }
}

impl<S: Service<http::Request<Body>>> Progress for PrepareFuture<S> {
    fn delivery(&self) -> Delivery {
        match self {
            Self::Sending { .. } => Delivery::Unknown,
            Self::Refused { .. } | Self::Waiting { .. } => Delivery::NotSent,
        }
    }

    fn attempts(&self) -> u32 {
        u32::from(matches!(self, Self::Sending { .. }))
    }
}
