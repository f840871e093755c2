//! The work between two attempts: deciding, draining the response and waiting.

use std::sync::Arc;
use std::time::Duration;

use blaxel_core::__private::{is_transient, is_unprocessed, journal, later, retry_after};
use blaxel_core::{Body, CallContext, Error};
use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, sleep, timeout};

use super::Shared;
use super::decision::{Decision, RetryState};
use crate::prefixed_body::PrefixedBody;
use crate::prepare::TokenDropped;

/// Maximum number of bytes of an error response that are read, to inspect or to drain it.
const PEEK_LIMIT: usize = 64 * 1024;
/// Time limit on reading the start of an error response. After it, the decision is made from the
/// response head alone.
const PEEK_TIMEOUT: Duration = Duration::from_secs(1);
/// Time limit on draining an error response. After it, its connection is given up instead.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(50);

/// The result of [`recover`].
pub(super) enum NextStep {
    /// Return the outcome to the caller.
    Return(Result<http::Response<Body>, Error>),
    /// Send the request again now, because of this decision.
    SendAgain(Decision),
}

/// Decides about a failed attempt, and waits until the next attempt is due, if there is one.
pub(super) async fn recover(
    outcome: Result<http::Response<Body>, Error>,
    state: RetryState,
    context: CallContext,
    shared: Arc<Shared>,
    deadline: Instant,
) -> NextStep {
    let (decision, outcome) = decide(outcome, &state, &context, deadline).await;
    match decision {
        Decision::Return => return NextStep::Return(outcome),
        Decision::Reauthorize => return NextStep::SendAgain(decision),
        Decision::Retry | Decision::RetryOnProof => {}
    }
    let hint = match &outcome {
        Ok(response) => retry_after(response.headers()),
        Err(error) => error.retry_after(),
    };
    let delay = shared.policy.delay(state.sent, hint, &shared.jitter);
    // A wait that would outlast the deadline is not started: the failure is more useful than a timeout.
    let Some(delay) = delay.filter(|delay| later(Instant::now(), *delay) < deadline) else {
        return NextStep::Return(outcome);
    };
    if !shared.budget.withdraw(outcome.is_ok()) {
        return NextStep::Return(outcome);
    }
    if let Ok(response) = outcome {
        drain(response.into_body()).await;
    }
    sleep(delay).await;
    NextStep::SendAgain(decision)
}

/// Decides about a failed attempt. Returns its outcome too, with a body that is still complete.
async fn decide(
    outcome: Result<http::Response<Body>, Error>,
    state: &RetryState,
    context: &CallContext,
    deadline: Instant,
) -> (Decision, Result<http::Response<Body>, Error>) {
    let response = match outcome {
        Ok(response) => response,
        Err(error) => return (state.decide_on_error(&error), Err(error)),
    };
    let token_dropped = response.extensions().get::<TokenDropped>().copied();
    if token_dropped.is_some_and(|dropped| state.may_reauthorize(dropped.unprocessed)) {
        return (Decision::Reauthorize, Ok(response));
    }
    if !state.may_retry() && !state.may_retry_if_unprocessed(response.headers()) {
        return (Decision::Return, Ok(response));
    }
    // Leaves most of the remaining time to the attempts.
    let left = deadline.saturating_duration_since(Instant::now());
    let (head, body, start) = peek(response, PEEK_TIMEOUT.min(left / 4)).await;
    let unprocessed = is_unprocessed(Some(state.plane), &head, &start);
    if unprocessed {
        // The status alone did not tell.
        journal(context).finish(false);
    }
    let transient = is_transient(Some(state.plane), &head, &start);
    let decision = if transient && (unprocessed || state.may_retry()) {
        Decision::Retry
    } else {
        Decision::Return
    };
    (decision, Ok(http::Response::from_parts(head, body)))
}

/// Reads the start of a response's body. Returns the head, the complete body and the start.
async fn peek(
    response: http::Response<Body>,
    time: Duration,
) -> (http::response::Parts, Body, Bytes) {
    let (head, mut body) = response.into_parts();
    let mut start = BytesMut::new();
    let mut end = None;
    let read = async {
        while start.len() < PEEK_LIMIT && end.is_none() {
            match body.chunk().await {
                Ok(Some(chunk)) => start.extend_from_slice(&chunk),
                Ok(None) => end = Some(Ok(())),
                Err(error) => end = Some(Err(error)),
            }
        }
    };
    // On a timeout, the bytes read so far are kept.
    let _ = timeout(time, read).await;
    let start = start.freeze();
    let body = match end {
        Some(Ok(())) => Body::from(start.clone()),
        rest => Body::new(PrefixedBody::new(
            start.clone(),
            rest.and_then(Result::err),
            body,
        )),
    };
    (head, body, start)
}

/// Reads a body to its end so that its connection can be reused, unless that takes too long.
async fn drain(mut body: Body) {
    let read = async {
        let mut size = 0;
        while let Ok(Some(chunk)) = body.chunk().await {
            size += chunk.len();
            if size > PEEK_LIMIT {
                break;
            }
        }
    };
    let _ = timeout(DRAIN_TIMEOUT, read).await;
}
