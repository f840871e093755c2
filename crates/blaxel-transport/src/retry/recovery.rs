//! What happens between two attempts.

use std::sync::Arc;
use std::time::Duration;

use blaxel_core::__private::{is_transient, retry_after};
use blaxel_core::{Body, Error};
use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, sleep, timeout};

use super::Shared;
use super::decision::{Decision, Situation};
use crate::prepare::TokenDropped;
use crate::rejoined::Rejoined;

/// How much of an error answer is read, to look into it or to be rid of it.
const PEEK: usize = 64 * 1024;
/// How long the start of an answer may take to come before it is judged by its head alone.
const PEEK_TIME: Duration = Duration::from_secs(1);
/// How long the rest of an answer may take to come before its connection is given up instead.
const DRAIN: Duration = Duration::from_millis(50);

/// What became of a failed attempt.
pub(super) enum Recovered {
    Final(Result<http::Response<Body>, Error>),
    Again(Decision),
}

/// Judges a failed attempt, and waits until the next one is due if there is to be one.
pub(super) async fn recover(
    outcome: Result<http::Response<Body>, Error>,
    situation: Situation,
    shared: Arc<Shared>,
    deadline: Instant,
) -> Recovered {
    let (decision, outcome) = judge(outcome, &situation, deadline).await;
    match decision {
        Decision::Return => return Recovered::Final(outcome),
        Decision::Reauthorize => return Recovered::Again(decision),
        Decision::Retry | Decision::RetryOnProof => {}
    }
    let hint = match &outcome {
        Ok(response) => retry_after(response.headers()),
        Err(error) => error.retry_after(),
    };
    let delay = shared.policy.delay(situation.sent, hint, &shared.jitter);
    // A wait that would outlast the call is not begun: the failure at hand says more than a timeout.
    let Some(delay) = delay.filter(|delay| Instant::now() + *delay < deadline) else {
        return Recovered::Final(outcome);
    };
    if !shared.budget.withdraw(outcome.is_ok()) {
        return Recovered::Final(outcome);
    }
    if let Ok(response) = outcome {
        drain(response.into_body()).await;
    }
    sleep(delay).await;
    Recovered::Again(decision)
}

async fn judge(
    outcome: Result<http::Response<Body>, Error>,
    situation: &Situation,
    deadline: Instant,
) -> (Decision, Result<http::Response<Body>, Error>) {
    let response = match outcome {
        Ok(response) => response,
        Err(error) => return (situation.judge_failure(&error), Err(error)),
    };
    let token_dropped = response.extensions().get::<TokenDropped>().copied();
    if token_dropped.is_some_and(|dropped| situation.may_reauthorize(dropped.unprocessed)) {
        return (Decision::Reauthorize, Ok(response));
    }
    if !situation.may_try_again() {
        return (Decision::Return, Ok(response));
    }
    // Most of the time that is left belongs to the attempts.
    let left = deadline.saturating_duration_since(Instant::now());
    let (head, body, start) = peek(response, PEEK_TIME.min(left / 4)).await;
    let decision = if is_transient(Some(situation.plane), &head, &start) {
        Decision::Retry
    } else {
        Decision::Return
    };
    (decision, Ok(http::Response::from_parts(head, body)))
}

/// Reads the start of a response's body, and puts it back.
async fn peek(
    response: http::Response<Body>,
    time: Duration,
) -> (http::response::Parts, Body, Bytes) {
    let (head, mut body) = response.into_parts();
    let mut start = BytesMut::new();
    let mut end = None;
    let read = async {
        while start.len() < PEEK && end.is_none() {
            match body.chunk().await {
                Ok(Some(chunk)) => start.extend_from_slice(&chunk),
                Ok(None) => end = Some(Ok(())),
                Err(error) => end = Some(Err(error)),
            }
        }
    };
    // What was read stays read if the time runs out.
    let _ = timeout(time, read).await;
    let start = start.freeze();
    let body = match end {
        Some(Ok(())) => Body::from(start.clone()),
        rest => Body::new(Rejoined::new(
            start.clone(),
            rest.and_then(Result::err),
            body,
        )),
    };
    (head, body, start)
}

/// Reads a body to its end so that its connection can serve again, unless that takes too long.
async fn drain(mut body: Body) {
    let read = async {
        let mut size = 0;
        while let Ok(Some(chunk)) = body.chunk().await {
            size += chunk.len();
            if size > PEEK {
                break;
            }
        }
    };
    let _ = timeout(DRAIN, read).await;
}
