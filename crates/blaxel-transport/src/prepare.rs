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
    shared: Arc<Shared>,
}

/// The state that all clones of a client share.
#[derive(Debug)]
struct Shared {
    defaults: Arc<Defaults>,
    authenticator: Option<Authenticator>,
}

impl<S> Prepare<S> {
    pub(crate) fn new(
        inner: S,
        defaults: Arc<Defaults>,
        authenticator: Option<Authenticator>,
    ) -> Self {
        let shared = Arc::new(Shared {
            defaults,
            authenticator,
        });
        Self { inner, shared }
    }
}

impl<S> Service<Call> for Prepare<S>
where
    S: Service<Call, Response = http::Response<Body>, Error = Error> + Clone,
{
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = PrepareFuture<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        let shared = &self.shared;
        if let Err(error) = shared.defaults.complete(&mut call) {
            return PrepareFuture::Refused { error: Some(error) };
        }
        let wanted = shared
            .authenticator
            .as_ref()
            .filter(|_| call.context.carries_credential());
        let Some(authenticator) = wanted else {
            return send(&mut self.inner, call, None);
        };
        // The usual case: a credential is cached, so there is nothing to wait for.
        if let Some(credential) = authenticator.ready() {
            let token = Token::attach(Arc::clone(shared), credential, &mut call);
            return send(&mut self.inner, call, Some(token));
        }
        let unready = self.inner.clone();
        PrepareFuture::Waiting {
            credential: authenticator.clone().header_owned(),
            waiting: Some(Box::new(Waiting {
                // The service that was polled ready must be the one that is called.
                service: std::mem::replace(&mut self.inner, unready),
                call,
                shared: Arc::clone(shared),
            })),
        }
    }
}

/// Passes a completed request to the layers around an attempt.
fn send<S: Service<Call>>(service: &mut S, call: Call, token: Option<Token>) -> PrepareFuture<S> {
    let context = call.context.clone();
    journal(&context).start();
    if let Some(token) = &token {
        journal(&context).set_credential(token.credential.clone());
    }
    PrepareFuture::Sending {
        attempt: service.call(call),
        token,
        context,
    }
}

/// The state of an attempt that waits for a token. It is boxed because it is rare and large.
pub(crate) struct Waiting<S> {
    service: S,
    call: Call,
    shared: Arc<Shared>,
}

/// The credential of an attempt, which is dropped from the cache if the server rejects it.
pub(crate) struct Token {
    shared: Arc<Shared>,
    credential: HeaderValue,
}

/// Marks a response that rejected a token which can be replaced by another.
#[derive(Clone, Copy)]
pub(crate) struct TokenDropped {
    /// `true` if no request of the call was processed.
    pub(crate) unprocessed: bool,
}

impl Token {
    /// Puts the credential into a request, and remembers it.
    fn attach(shared: Arc<Shared>, credential: HeaderValue, call: &mut Call) -> Self {
        let headers = call.request.headers_mut();
        headers.insert(CREDENTIAL_HEADER, credential.clone());
        Self { shared, credential }
    }

    /// Notes the credential in a response with an error status, so that its error does not show it.
    fn note(&self, response: &mut http::Response<Body>) {
        if !response.status().is_success() && !response.status().is_informational() {
            response.extensions_mut().insert(SentCredential {
                value: self.credential.clone(),
                source: self.shared.defaults.credential_source.clone(),
            });
        }
    }

    /// Drops the token from the cache if the response rejects it. A 403 does not reject a token,
    /// and neither does a workload's own 401.
    fn drop_if_rejected(&self, response: &mut http::Response<Body>, context: &CallContext) {
        let rejected = response.status() == StatusCode::UNAUTHORIZED
            && (context.plane() != Plane::Run || is_from_platform(response.headers()));
        let cache = self.shared.authenticator.as_ref().filter(|_| rejected);
        if cache.is_some_and(|cache| cache.invalidate(&self.credential)) {
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
    pub(crate) enum PrepareFuture<S: Service<Call>> {
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
    S: Service<Call, Response = http::Response<Body>, Error = Error>,
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
                        shared,
                    } = *waiting;
                    let token = Token::attach(shared, credential, &mut call);
                    send(&mut service, call, Some(token))
                }
            };
            self.set(next);
        }
    }
}
