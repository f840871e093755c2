//! Makes a request ready for the wire: the defaults, then the credential.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use blaxel_auth::Authenticator;
use blaxel_core::{Attempts, Body, BoxFuture, Delivery, Error, OperationInfo, Plane};
use http::StatusCode;
use http::header::HeaderValue;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::deadline::Progress;
use crate::defaults::{CREDENTIAL_HEADER, Defaults, is_from_platform, is_presigned};

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
        let wanted = self
            .authenticator
            .as_ref()
            .filter(|_| !is_presigned(&request));
        let Some(authenticator) = wanted else {
            let call = self.inner.call(request);
            return PrepareFuture::Sending { call, token: None };
        };
        let token = Token::of(authenticator, &request);
        // Almost always a credential is at hand; only then is there nothing to wait for.
        if let Some(credential) = authenticator.ready() {
            let token = token.carry(credential, &mut request);
            let call = self.inner.call(request);
            return PrepareFuture::Sending { call, token };
        }
        let unready = self.inner.clone();
        PrepareFuture::Waiting {
            credential: authenticator.clone().header_owned(),
            waiting: Some(Box::new(Waiting {
                // The service that was found ready goes along; the clone takes its place.
                service: std::mem::replace(&mut self.inner, unready),
                request,
                token,
            })),
        }
    }
}

/// What waits for a token. It is rare and large, so it lies apart.
pub(crate) struct Waiting<S> {
    service: S,
    request: http::Request<Body>,
    token: Token,
}

/// A token on its way, to be dropped if the server refuses it.
pub(crate) struct Token {
    authenticator: Authenticator,
    plane: Option<Plane>,
    credential: Option<HeaderValue>,
}

/// Marks an answer that refused a token which another one can take the place of.
#[derive(Clone, Copy)]
pub(crate) struct TokenDropped;

impl Token {
    fn of(authenticator: &Authenticator, request: &http::Request<Body>) -> Self {
        Self {
            authenticator: authenticator.clone(),
            plane: request.body().operation().map(OperationInfo::plane),
            credential: None,
        }
    }

    fn carry(self, credential: HeaderValue, request: &mut http::Request<Body>) -> Option<Self> {
        request
            .headers_mut()
            .insert(CREDENTIAL_HEADER, credential.clone());
        Some(Self {
            credential: Some(credential),
            ..self
        })
    }

    /// Drops the token if this answer refuses it. A 403 does not, nor does a workload's own 401.
    fn judge(&self, response: &mut http::Response<Body>) {
        let refused = response.status() == StatusCode::UNAUTHORIZED
            && (self.plane != Some(Plane::Run) || is_from_platform(response.headers()));
        let Some(credential) = self.credential.as_ref().filter(|_| refused) else {
            return;
        };
        if self.authenticator.invalidate(credential) {
            response.extensions_mut().insert(TokenDropped);
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
            waiting: Option<Box<Waiting<S>>>,
        },
        Sending {
            #[pin]
            call: S::Future,
            token: Option<Token>,
        },
    }
}

impl<S> Future for PrepareFuture<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Error>,
{
    type Output = Result<http::Response<Body>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project() {
                Step::Refused { error } => {
                    return match error.take() {
                        Some(error) => Poll::Ready(Err(error)),
                        None => Poll::Pending,
                    };
                }
                Step::Sending { call, token } => {
                    let mut outcome = ready!(call.poll(cx));
                    if let (Ok(response), Some(token)) = (&mut outcome, token) {
                        token.judge(response);
                    }
                    return Poll::Ready(outcome);
                }
                Step::Waiting {
                    credential,
                    waiting,
                } => {
                    let credential = ready!(credential.as_mut().poll(cx))?;
                    let Some(waiting) = waiting.take() else {
                        return Poll::Pending;
                    };
                    let Waiting {
                        mut service,
                        mut request,
                        token,
                    } = *waiting;
                    let token = token.carry(credential, &mut request);
                    let call = service.call(request);
                    PrepareFuture::Sending { call, token }
                }
            };
            self.set(next);
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

    fn attempts(&self) -> Attempts {
        Attempts::new(u32::from(matches!(self, Self::Sending { .. })))
    }
}
