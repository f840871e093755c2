//! Trying again, where that is known to be safe.

mod backoff;
mod budget;
mod policy;
mod recovery;
mod verdict;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Attempts, Body, BoxFuture, Delivery, Error, Idempotency, OperationInfo};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_service::Service;

use crate::deadline::{Progress, TimeLimits};

use self::backoff::Jitter;
use self::budget::Budget;
pub use self::policy::RetryPolicy;
use self::recovery::{Recovered, recover};
use self::verdict::{Situation, Verdict};

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

/// An inner service of ours: its calls tell how far they have got.
pub(crate) trait Inner:
    Service<http::Request<Body>, Response = http::Response<Body>, Error = Error, Future: Progress>
    + Clone
{
}

impl<S> Inner for S
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Error> + Clone,
    S::Future: Progress,
{
}

impl<S: Inner> Service<http::Request<Body>> for Retry<S> {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = RetryFuture<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let body = request.body();
        let options = body.options().copied().unwrap_or_default();
        let operation = body.operation();
        let described = operation.map_or(Idempotency::None, OperationInfo::idempotency);
        let replay = match options.idempotent() {
            Some(true) if described != Idempotency::Safe => Idempotency::Idempotent,
            Some(false) => Idempotency::None,
            _ => described,
        };
        let situation = Situation {
            replay,
            plane: operation.map(OperationInfo::plane),
            sent: 0,
            allowed: options.attempts().unwrap_or(self.shared.policy.attempts),
            resent_on_proof: false,
            reauthorized: false,
        };
        let spare = (situation.allowed > 1).then(|| copy(&request)).flatten();
        RetryFuture {
            deadline: Instant::now() + self.limits.total(operation, &options),
            next: spare.map(|spare| (self.inner.clone(), spare)),
            shared: Arc::clone(&self.shared),
            step: Step::Trying {
                attempt: self.inner.call(request),
            },
            situation,
            unclear: false,
        }
    }
}

/// A second request like this one, unless its body comes only once.
fn copy(request: &http::Request<Body>) -> Option<http::Request<Body>> {
    let mut copy = http::Request::new(request.body().try_clone()?);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    *copy.version_mut() = request.version();
    copy.headers_mut().clone_from(request.headers());
    copy.extensions_mut().clone_from(request.extensions());
    Some(copy)
}

pin_project! {
    /// A call, over as many attempts as it takes.
    pub(crate) struct RetryFuture<S: Service<http::Request<Body>>> {
        // What a further attempt is made of, where there may be one.
        next: Option<(S, http::Request<Body>)>,
        shared: Arc<Shared>,
        situation: Situation,
        deadline: Instant,
        // Whether an attempt before this one may have been processed.
        unclear: bool,
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

impl<S: Inner> Future for RetryFuture<S> {
    type Output = Result<http::Response<Body>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.step.as_mut().project() {
                StepProjection::Trying { attempt } => {
                    let outcome = ready!(attempt.poll(cx));
                    this.situation.sent += 1;
                    match outcome {
                        Ok(response) if !is_error(&response) => {
                            this.shared.budget.refund();
                            return Poll::Ready(counted(
                                Ok(response),
                                *this.situation,
                                *this.unclear,
                            ));
                        }
                        outcome => {
                            let outcome = counted(outcome, *this.situation, *this.unclear);
                            if this.next.is_none() {
                                return Poll::Ready(outcome);
                            }
                            *this.unclear |= may_have_arrived(&outcome);
                            let shared = Arc::clone(this.shared);
                            let recovery =
                                recover(outcome, *this.situation, shared, *this.deadline);
                            Step::Recovering {
                                recovery: Box::pin(recovery),
                            }
                        }
                    }
                }
                StepProjection::Recovering { recovery } => {
                    match ready!(recovery.as_mut().poll(cx)) {
                        Recovered::Final(outcome) => return Poll::Ready(outcome),
                        Recovered::Again(verdict) => {
                            let situation = &mut this.situation;
                            situation.resent_on_proof |= verdict == Verdict::AgainOnProof;
                            situation.reauthorized |= verdict == Verdict::Reauthorized;
                            Step::Readying
                        }
                    }
                }
                StepProjection::Readying => {
                    let Some((service, spare)) = this.next else {
                        return Poll::Pending;
                    };
                    if let Err(error) = ready!(service.poll_ready(cx)) {
                        return Poll::Ready(counted(Err(error), *this.situation, *this.unclear));
                    }
                    let Some(mut request) = copy(spare) else {
                        return Poll::Pending;
                    };
                    let sent = Attempts::new(this.situation.sent);
                    request.body_mut().set_attempts(sent);
                    Step::Trying {
                        attempt: service.call(request),
                    }
                }
            };
            this.step.set(next);
        }
    }
}

impl<S: Inner> Progress for RetryFuture<S> {
    fn delivery(&self) -> Delivery {
        match &self.step {
            Step::Trying { attempt } if !self.unclear => attempt.delivery(),
            _ if self.unclear => Delivery::Unknown,
            _ => Delivery::NotSent,
        }
    }

    fn attempts(&self) -> Attempts {
        let under_way = matches!(&self.step, Step::Trying { attempt }
            if attempt.delivery() != Delivery::NotSent);
        let mut attempts = Attempts::new(self.situation.sent + u32::from(under_way));
        attempts.unclear = self.unclear;
        attempts
    }
}

fn is_error(response: &http::Response<Body>) -> bool {
    response.status().is_client_error() || response.status().is_server_error()
}

/// Notes the number of attempts where an error will find it, even one that is met later.
fn counted(
    outcome: Result<http::Response<Body>, Error>,
    situation: Situation,
    unclear: bool,
) -> Result<http::Response<Body>, Error> {
    let mut attempts = Attempts::new(situation.sent);
    attempts.unclear = unclear;
    match outcome {
        Ok(mut response) => {
            response.body_mut().set_attempts(attempts);
            Ok(response)
        }
        Err(error) => Err(error.with_attempts(attempts)),
    }
}

/// Whether a failed attempt may have been processed all the same. A 4xx was refused.
fn may_have_arrived(outcome: &Result<http::Response<Body>, Error>) -> bool {
    match outcome {
        Ok(response) => response.status().is_server_error(),
        Err(error) => error.delivery() != Delivery::NotSent,
    }
}
