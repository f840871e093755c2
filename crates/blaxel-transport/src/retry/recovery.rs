//! What happens between two attempts.

use std::sync::Arc;
use std::time::Duration;

use blaxel_core::{Body, Error, wait_asked_for};
use bytes::{Bytes, BytesMut};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::Shared;
use super::verdict::{Finding, Situation, Verdict};
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
    Again(Verdict),
}

/// Judges a failed attempt, and waits until the next one is due if there is to be one.
pub(super) async fn recover(
    outcome: Result<http::Response<Body>, Error>,
    situation: Situation,
    shared: Arc<Shared>,
    deadline: Instant,
) -> Recovered {
    let (verdict, outcome) = judge(outcome, &situation).await;
    match verdict {
        Verdict::Keep => return Recovered::Final(outcome),
        Verdict::Reauthorized => return Recovered::Again(verdict),
        Verdict::Again | Verdict::AgainOnProof => {}
    }
    let hint = match &outcome {
        Ok(response) => wait_asked_for(response.headers()),
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
    Recovered::Again(verdict)
}

async fn judge(
    outcome: Result<http::Response<Body>, Error>,
    situation: &Situation,
) -> (Verdict, Result<http::Response<Body>, Error>) {
    match outcome {
        Err(error) => (situation.judge_failure(&error), Err(error)),
        Ok(response) => {
            let mut finding = Finding::of(response.status(), response.headers());
            finding.token_dropped = response.extensions().get::<TokenDropped>().is_some();
            let response = if finding.platform {
                let (response, start) = peek(response).await;
                finding.retryable = retryable(&start);
                response
            } else {
                response
            };
            (situation.judge_answer(&finding), Ok(response))
        }
    }
}

/// The gateway's word in the body of its answer.
fn retryable(body: &[u8]) -> Option<bool> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body.get("error")?.get("retryable")?.as_bool()
}

/// Reads the start of a response's body, and puts it back.
async fn peek(response: http::Response<Body>) -> (http::Response<Body>, Bytes) {
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
    let _ = timeout(PEEK_TIME, read).await;
    let start = start.freeze();
    let body = match end {
        Some(Ok(())) => Body::from(start.clone()),
        rest => Body::new(Rejoined::new(
            start.clone(),
            rest.and_then(Result::err),
            body,
        )),
    };
    (http::Response::from_parts(head, body), start)
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
