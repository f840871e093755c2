//! Retries of requests that are safe to repeat.
//!
//! [`Retry`] is the service. `policy.rs` has the user's settings, `decision.rs` the rules,
//! `backoff.rs` the delays, `budget.rs` the limit on retries of all calls, and `recovery.rs` the
//! work between two attempts.

mod backoff;
mod budget;
mod decision;
mod policy;
mod recovery;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Body, BoxFuture, Delivery, Error, Idempotency, OperationInfo};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_service::Service;

use crate::call::Call;
use crate::defaults::Defaults;

use self::backoff::Jitter;
use self::budget::Budget;
use self::decision::{Decision, RetryState};
pub use self::policy::RetryPolicy;
use self::recovery::{NextStep, recover};

/// A service that sends a request again if its operation is idempotent, or if it is known not to
/// have been processed.
#[derive(Clone, Debug)]
pub(crate) struct Retry<S> {
    inner: S,
    shared: Arc<Shared>,
}

/// The state that all clones of a client share.
#[derive(Debug)]
struct Shared {
    defaults: Arc<Defaults>,
    policy: RetryPolicy,
    budget: Budget,
    jitter: Jitter,
}

impl<S> Retry<S> {
    pub(crate) fn new(inner: S, policy: RetryPolicy, defaults: Arc<Defaults>) -> Self {
        let jitter = Jitter::new(policy.seed);
        let budget = Budget::default();
        let shared = Arc::new(Shared {
            defaults,
            policy,
            budget,
            jitter,
        });
        Self { inner, shared }
    }
}

/// A service for one attempt of a call.
pub(crate) trait Attempt:
    Service<Call, Response = http::Response<Body>, Error = Error> + Clone
{
}

impl<S> Attempt for S where S: Service<Call, Response = http::Response<Body>, Error = Error> + Clone {}

impl<S: Attempt> Service<Call> for Retry<S> {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = Pin<Box<RetryFuture<S>>>;

    /// Always returns ready: a call waits for the layers around its attempts within its own deadline.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        let context = call.context.clone();
        let options = context.options();
        // If a layer changed the method, the description no longer applies.
        let described = context
            .operation()
            .filter(|info| info.method() == call.request.method())
            .map_or(Idempotency::None, OperationInfo::idempotency);
        let idempotency = match options.idempotent() {
            Some(true) if described != Idempotency::Safe => Idempotency::Idempotent,
            Some(false) => Idempotency::None,
            _ => described,
        };
        let state = RetryState {
            idempotency,
            plane: context.plane(),
            sent: 0,
            allowed: options.attempts().unwrap_or(self.shared.policy.attempts),
            resent_on_proof: false,
            reauthorized: false,
        };
        if state.allowed > 1 {
            call.buffer_body();
        }
        // It is large, and the layers around would move it several times.
        Box::pin(RetryFuture {
            deadline: call.limits.end,
            next: Some((self.inner.clone(), call)),
            shared: Arc::clone(&self.shared),
            step: Step::Readying,
            state,
        })
    }
}

pin_project! {
    /// The future of [`Retry`]: a call with all its attempts.
    pub(crate) struct RetryFuture<S: Service<Call>> {
        // The service and request of the next attempt, unless the current one is the last.
        next: Option<(S, Call)>,
        shared: Arc<Shared>,
        state: RetryState,
        deadline: Instant,
        #[pin]
        step: Step<S::Future>,
    }
}

pin_project! {
    /// The state of a [`RetryFuture`].
    #[project = StepProjection]
    enum Step<F> {
        Trying { #[pin] attempt: F },
        // Only a failed attempt gets here, so the box costs a successful call nothing.
        Recovering { recovery: BoxFuture<NextStep> },
        Readying,
    }
}

impl<S: Attempt> Future for RetryFuture<S> {
    type Output = Result<http::Response<Body>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.step.as_mut().project() {
                StepProjection::Trying { attempt } => {
                    let outcome = ready!(attempt.poll(cx));
                    this.state.sent += 1;
                    let failed = !matches!(&outcome, Ok(response) if !is_error(response));
                    if !failed {
                        this.shared.budget.refund();
                    }
                    let Some((_, next)) = this.next.as_ref().filter(|_| failed) else {
                        return Poll::Ready(outcome);
                    };
                    let context = next.context.clone();
                    let shared = Arc::clone(this.shared);
                    let recovery = recover(outcome, *this.state, context, shared, *this.deadline);
                    Step::Recovering {
                        recovery: Box::pin(recovery),
                    }
                }
                StepProjection::Recovering { recovery } => {
                    match ready!(recovery.as_mut().poll(cx)) {
                        NextStep::Return(outcome) => return Poll::Ready(outcome),
                        NextStep::SendAgain(decision) => {
                            let state = &mut this.state;
                            state.resent_on_proof |= decision == Decision::RetryOnProof;
                            state.reauthorized |= decision == Decision::Reauthorize;
                            Step::Readying
                        }
                    }
                }
                StepProjection::Readying => {
                    let Some((service, call)) = this.next else {
                        return Poll::Pending;
                    };
                    // A service that was not ready has not received the request.
                    ready!(service.poll_ready(cx))
                        .map_err(|error| error.with_delivery(Delivery::NotSent))?;
                    // The same address in each attempt: the endpoints and the plane do not change.
                    let resolved = this.shared.defaults.route(call)?;
                    let again = this.state.allowed > 1;
                    let body = again.then(|| call.request.body().try_clone()).flatten();
                    let attempt = match body {
                        Some(body) => service.call(call.attempt(body, resolved)),
                        None => {
                            let Some((mut service, mut call)) = this.next.take() else {
                                return Poll::Pending;
                            };
                            if let Some(resolved) = resolved {
                                *call.request.uri_mut() = resolved;
                            }
                            service.call(call)
                        }
                    };
                    Step::Trying { attempt }
                }
            };
            this.step.set(next);
        }
    }
}

/// Returns `true` for a 4xx or 5xx.
fn is_error(response: &http::Response<Body>) -> bool {
    response.status().is_client_error() || response.status().is_server_error()
}
