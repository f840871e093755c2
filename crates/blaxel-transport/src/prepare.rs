//! Preparation of each attempt: the default headers, then the credential.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use blaxel_auth::Authenticator;
use blaxel_core::__private::{ErrorParts, SentCredential, journal};
use blaxel_core::{Body, BoxFuture, CallContext, Delivery, Error, Plane};
use http::StatusCode;
use http::header::HeaderValue;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::call::Call;
use crate::defaults::{CREDENTIAL_HEADER, Defaults, is_from_platform};
use crate::refusal::poll_refused;

/// A service that adds default headers and the credential to each attempt.
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

impl<S> Service<Call> for Prepare<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Error> + Clone,
{
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = PrepareFuture<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        if let Err(error) = self.defaults.complete(&mut call) {
            return PrepareFuture::Refused { error: Some(error) };
        }
        let wanted = self
            .authenticator
            .as_ref()
            .filter(|_| call.context.carries_credential());
        let Some(authenticator) = wanted else {
            return send(&mut self.inner, call, None);
        };
        let token = Token::of(authenticator, call.context.plane());
        // The usual case: a credential is cached, so there is nothing to wait for.
        if let Some(credential) = authenticator.ready() {
            let token = token.attach(credential, &mut call.request);
            return send(&mut self.inner, call, token);
        }
        let unready = self.inner.clone();
        PrepareFuture::Waiting {
            credential: authenticator.clone().header_owned(),
            waiting: Some(Box::new(Waiting {
                // The service that was polled ready must be the one that is called.
                service: std::mem::replace(&mut self.inner, unready),
                call,
                token,
            })),
        }
    }
}

/// Passes a completed request to the layers around an attempt.
fn send<S: Service<http::Request<Body>>>(
    service: &mut S,
    call: Call,
    token: Option<Token>,
) -> PrepareFuture<S> {
    let context = call.context.clone();
    journal(&context).start();
    if let Some(credential) = token.as_ref().and_then(|token| token.credential.clone()) {
        journal(&context).set_credential(credential);
    }
    PrepareFuture::Sending {
        attempt: service.call(call.into_request()),
        token,
        context,
    }
}

/// The state of an attempt that waits for a token. It is boxed because it is rare and large.
pub(crate) struct Waiting<S> {
    service: S,
    call: Call,
    token: Token,
}

/// The credential of an attempt, which is dropped from the cache if the server rejects it.
pub(crate) struct Token {
    authenticator: Authenticator,
    plane: Plane,
    credential: Option<HeaderValue>,
}

/// Marks a response that rejected a token which can be replaced by another.
#[derive(Clone, Copy)]
pub(crate) struct TokenDropped {
    /// `true` if no request of the call was processed.
    pub(crate) unprocessed: bool,
}

impl Token {
    /// Creates a token without a credential yet.
    fn of(authenticator: &Authenticator, plane: Plane) -> Self {
        Self {
            authenticator: authenticator.clone(),
            plane,
            credential: None,
        }
    }

    /// Puts the credential into the request, and remembers it.
    fn attach(self, credential: HeaderValue, request: &mut http::Request<Body>) -> Option<Self> {
        request
            .headers_mut()
            .insert(CREDENTIAL_HEADER, credential.clone());
        Some(Self {
            credential: Some(credential),
            ..self
        })
    }

    /// Notes the credential in a response with an error status, so that its error does not show it.
    fn note(&self, response: &mut http::Response<Body>) {
        if let Some(credential) = self
            .credential
            .as_ref()
            .filter(|_| !response.status().is_success() && !response.status().is_informational())
        {
            let sent = SentCredential(credential.clone());
            response.extensions_mut().insert(sent);
        }
    }

    /// Drops the token from the cache if the response rejects it. A 403 does not reject a token,
    /// and neither does a workload's own 401.
    fn drop_if_rejected(&self, response: &mut http::Response<Body>, context: &CallContext) {
        let rejected = response.status() == StatusCode::UNAUTHORIZED
            && (self.plane != Plane::Run || is_from_platform(response.headers()));
        let Some(credential) = self.credential.as_ref().filter(|_| rejected) else {
            return;
        };
        if self.authenticator.invalidate(credential) {
            let unprocessed = !journal(context).may_have_been_processed();
            response
                .extensions_mut()
                .insert(TokenDropped { unprocessed });
        }
    }
}

pin_project! {
    /// The future of [`Prepare`].
    #[project = Step]
    pub(crate) enum PrepareFuture<S: Service<http::Request<Body>>> {
        Refused { error: Option<Error> },
        Waiting {
            credential: BoxFuture<Result<HeaderValue, Error>>,
            waiting: Option<Box<Waiting<S>>>,
        },
        Sending {
            #[pin]
            attempt: S::Future,
            token: Option<Token>,
            context: CallContext,
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
                Step::Refused { error } => return poll_refused(error),
                Step::Sending {
                    attempt,
                    token,
                    context,
                } => {
                    let mut outcome = ready!(attempt.poll(cx));
                    let unsent =
                        matches!(&outcome, Err(error) if error.delivery() == Delivery::NotSent);
                    journal(context).conclude(unsent);
                    // A layer may have repeated the request, so the last error does not cover all of them.
                    outcome = outcome.map_err(|error| error.with_context(context));
                    if let (Ok(response), Some(token)) = (&mut outcome, token) {
                        token.drop_if_rejected(response, context);
                        token.note(response);
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
                        mut call,
                        token,
                    } = *waiting;
                    let token = token.attach(credential, &mut call.request);
                    send(&mut service, call, token)
                }
            };
            self.set(next);
        }
    }
}
