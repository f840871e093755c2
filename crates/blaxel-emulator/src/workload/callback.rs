//! Callbacks: the result of an asynchronous call, sent to the URL of its trigger.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use serde_json::json;

use super::Workload;
use super::target::{InvalidTarget, SendError, Target};
use crate::sign;

/// Time limit for the response to a callback.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// The delay before the second attempt. Each later delay is twice as long as the one before.
const FIRST_DELAY: Duration = Duration::from_millis(100);
const MAX_DELAY: Duration = Duration::from_secs(5);

/// The result of a callback. Returned by [`Emulator::callbacks`](crate::Emulator::callbacks).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Callback {
    /// The workload that was called.
    pub workload: Workload,
    /// The callback URL of the trigger.
    pub url: String,
    /// The number of attempts.
    pub attempts: u32,
    /// The outcome of the last attempt.
    pub outcome: CallbackOutcome,
}

/// The outcome of a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallbackOutcome {
    /// The receiver responded with this status.
    Responded(u16),
    /// No response was received, for this reason.
    Unanswered(String),
    /// Nothing was sent: the emulator may not call the URL.
    NotSent(InvalidTarget),
}

/// A callback that is to be sent.
pub(crate) struct PendingCallback {
    pub(crate) workload: Workload,
    pub(crate) url: String,
    /// The secret that signs the callback.
    pub(crate) secret: String,
    /// Maximum number of retries.
    pub(crate) retries: u32,
}

/// The response of a workload to an asynchronous call.
pub(crate) struct WorkloadResult {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl WorkloadResult {
    /// Returns the result of a workload that failed.
    pub(crate) fn failed(status: u16, why: &str) -> Self {
        let body = json!({"error": why}).to_string().into();
        Self { status, body }
    }
}

impl PendingCallback {
    /// Sends the result until it is accepted or no retries are left. `now` is the time at which the
    /// workload finished, in seconds since 1970-01-01T00:00:00Z.
    pub(crate) async fn send(self, result: &WorkloadResult, now: u64, anywhere: bool) -> Callback {
        let (attempts, outcome) = match Target::parse(&self.url, anywhere) {
            Ok(target) => self.try_all(&target, &document(result, now), now).await,
            Err(problem) => (0, CallbackOutcome::NotSent(problem)),
        };
        Callback {
            workload: self.workload,
            url: self.url,
            attempts,
            outcome,
        }
    }

    async fn try_all(&self, target: &Target, body: &Bytes, now: u64) -> (u32, CallbackOutcome) {
        let mut delay = FIRST_DELAY;
        let mut attempts = 1;
        loop {
            let outcome = self.try_once(target, body, now).await;
            if attempts > self.retries || !is_retryable(&outcome) {
                return (attempts, outcome);
            }
            tokio::time::sleep(delay).await;
            delay = MAX_DELAY.min(delay * 2);
            attempts += 1;
        }
    }

    async fn try_once(&self, target: &Target, body: &Bytes, now: u64) -> CallbackOutcome {
        let unanswered = |why: String| CallbackOutcome::Unanswered(why);
        let request = match self.request(target, body, now) {
            Ok(request) => request,
            Err(problem) => return unanswered(problem.to_string()),
        };
        match tokio::time::timeout(RESPONSE_TIMEOUT, target.send(request)).await {
            Ok(Ok(response)) => CallbackOutcome::Responded(response.status().as_u16()),
            Ok(Err(SendError::Unreachable(why) | SendError::Broken(why))) => unanswered(why),
            Err(_) => unanswered("no response within 10 seconds".to_owned()),
        }
    }

    fn request(
        &self,
        target: &Target,
        body: &Bytes,
        now: u64,
    ) -> Result<Request<Body>, http::Error> {
        let signature = sign::hexadecimal(self.secret.as_bytes(), body);
        Request::builder()
            .method(Method::POST)
            .uri(target.uri("", None)?)
            .header(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )
            .header("x-blaxel-signature", format!("sha256={signature}"))
            .header("x-blaxel-timestamp", now)
            .body(Body::from(body.clone()))
    }
}

/// Returns the body of a callback.
fn document(result: &WorkloadResult, now: u64) -> Bytes {
    let body = json!({
        "status_code": result.status,
        "response_body": String::from_utf8_lossy(&result.body),
        "response_length": result.body.len(),
        "timestamp": now,
    });
    body.to_string().into()
}

/// Returns `true` if a retry may succeed: there was no response, or a 429 or 5xx.
fn is_retryable(outcome: &CallbackOutcome) -> bool {
    match outcome {
        CallbackOutcome::Responded(status) => *status >= 500 || *status == 429,
        CallbackOutcome::Unanswered(_) => true,
        CallbackOutcome::NotSent(_) => false,
    }
}
