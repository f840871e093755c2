//! Trying again, where that is known to be safe.

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
use crate::deadline::TimeLimits;

use self::backoff::Jitter;
use self::budget::Budget;
use self::decision::{Decision, Situation};
pub use self::policy::RetryPolicy;
use self::recovery::{Recovered, recover};

/// Sends a request again when its operation allows it, or when there is proof that it was not
/// processed.
#[derive(Clone, Debug)]
pub(crate) struct Retry<S> {
    inner: S,
    shared: Arc<Shared>,
    limits: Arc<TimeLimits>,
}

/// What all clones of a client have in common.
#[derive(Debug)]
struct Shared {
    policy: RetryPolicy,
    budget: Budget,
    jitter: Jitter,
}

impl<S> Retry<S> {
    pub(crate) fn new(inner: S, policy: RetryPolicy, limits: Arc<TimeLimits>) -> Self {
        let jitter = Jitter::new(policy.seed);
        let budget = Budget::default();
        let shared = Arc::new(Shared {
            policy,
            budget,
            jitter,
        });
        Self {
            inner,
            shared,
            limits,
        }
    }
}

/// An attempt of ours.
pub(crate) trait Attempt:
    Service<Call, Response = http::Response<Body>, Error = Error> + Clone
{
}

impl<S> Attempt for S where S: Service<Call, Response = http::Response<Body>, Error = Error> + Clone {}

impl<S: Attempt> Service<Call> for Retry<S> {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = RetryFuture<S>;

    /// A call waits for the readiness of the layers around its attempts within its deadline, so it is
    /// begun at once.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        let context = call.context.clone();
        let options = context.options();
        // A layer that changed the method made another request of it.
        let described = context
            .operation()
            .filter(|info| info.method() == call.request.method())
            .map_or(Idempotency::None, OperationInfo::idempotency);
        let idempotency = match options.idempotent() {
            Some(true) if described != Idempotency::Safe => Idempotency::Idempotent,
            Some(false) => Idempotency::None,
            _ => described,
        };
        let situation = Situation {
            idempotency,
            plane: context.plane(),
            sent: 0,
            allowed: options.attempts().unwrap_or(self.shared.policy.attempts),
            resent_on_proof: false,
            reauthorized: false,
        };
        if situation.allowed > 1 {
            call.hold_body();
        }
        RetryFuture {
            deadline: Instant::now() + self.limits.total(&context),
            next: Some((self.inner.clone(), call)),
            shared: Arc::clone(&self.shared),
            step: Step::Readying,
            situation,
        }
    }
}

pin_project! {
    /// A call, over as many attempts as it takes.
    pub(crate) struct RetryFuture<S: Service<Call>> {
        // What the next attempt is made of, where there may be one.
        next: Option<(S, Call)>,
        shared: Arc<Shared>,
        situation: Situation,
        deadline: Instant,
        #[pin]
        step: Step<S::Future>,
    }
}

pin_project! {
    #[project = StepProjection]
    enum Step<F> {
        Trying { #[pin] attempt: F },
        // Only a failed attempt comes here, so a box costs a successful call nothing.
        Recovering { recovery: BoxFuture<Recovered> },
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
                    this.situation.sent += 1;
                    let failed = !matches!(&outcome, Ok(response) if !is_error(response));
                    if !failed {
                        this.shared.budget.refund();
                    }
                    if !failed || this.next.is_none() {
                        return Poll::Ready(outcome);
                    }
                    let shared = Arc::clone(this.shared);
                    let recovery = recover(outcome, *this.situation, shared, *this.deadline);
                    Step::Recovering {
                        recovery: Box::pin(recovery),
                    }
                }
                StepProjection::Recovering { recovery } => {
                    match ready!(recovery.as_mut().poll(cx)) {
                        Recovered::Final(outcome) => return Poll::Ready(outcome),
                        Recovered::Again(decision) => {
                            let situation = &mut this.situation;
                            situation.resent_on_proof |= decision == Decision::RetryOnProof;
                            situation.reauthorized |= decision == Decision::Reauthorize;
                            Step::Readying
                        }
                    }
                }
                StepProjection::Readying => {
                    let Some((service, _)) = this.next else {
                        return Poll::Pending;
                    };
                    // What was not ready has received nothing.
                    ready!(service.poll_ready(cx))
                        .map_err(|error| error.with_delivery(Delivery::NotSent))?;
                    let Some((mut service, call)) = this.next.take() else {
                        return Poll::Pending;
                    };
                    if this.situation.allowed > 1 {
                        let spare = call.try_clone();
                        *this.next = spare.map(|spare| (service.clone(), spare));
                    }
                    Step::Trying {
                        attempt: service.call(call),
                    }
                }
            };
            this.step.set(next);
        }
    }
}

fn is_error(response: &http::Response<Body>) -> bool {
    response.status().is_client_error() || response.status().is_server_error()
}
