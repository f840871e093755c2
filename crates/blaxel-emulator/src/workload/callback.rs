//! Calling back: what an asynchronous call came to, sent to where its trigger wants it.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use serde_json::json;

use super::Workload;
use super::target::{InvalidTarget, SendError, Target};
use crate::sign;

/// How long an answer to a callback may take.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// How long it rests before a second try. Each later rest is twice as long as the one before.
const FIRST_REST: Duration = Duration::from_millis(100);
const LONGEST_REST: Duration = Duration::from_secs(5);

/// What became of a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Callback {
    /// The workload that was called.
    pub workload: Workload,
    /// The URL of its trigger.
    pub url: String,
    /// How often it was sent.
    pub tries: u32,
    /// How the last try ended.
    pub outcome: CallbackOutcome,
}

/// How a callback ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallbackOutcome {
    /// It was answered, with this status.
    Answered(u16),
    /// It was not answered, and why.
    Unanswered(String),
    /// It was not sent: the URL is none that the emulator calls.
    NotSent(InvalidTarget),
}

/// A callback to be sent.
pub(crate) struct PendingCallback {
    pub(crate) workload: Workload,
    pub(crate) url: String,
    /// The secret that signs it.
    pub(crate) secret: String,
    /// How often it is tried again.
    pub(crate) retries: u32,
}

/// What a workload answered to an asynchronous call.
pub(crate) struct WorkloadResult {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl WorkloadResult {
    /// What is said of a workload that did not end well.
    pub(crate) fn failed(status: u16, why: &str) -> Self {
        let body = json!({"error": why}).to_string().into();
        Self { status, body }
    }
}

impl PendingCallback {
    /// Sends the result until it is taken or the tries are over. `now` is when the workload was done, in
    /// seconds since 1970-01-01T00:00:00Z.
    pub(crate) async fn send(self, result: &WorkloadResult, now: u64, anywhere: bool) -> Callback {
        let (tries, outcome) = match Target::parse(&self.url, anywhere) {
            Ok(target) => self.try_all(&target, &document(result, now), now).await,
            Err(problem) => (0, CallbackOutcome::NotSent(problem)),
        };
        Callback {
            workload: self.workload,
            url: self.url,
            tries,
            outcome,
        }
    }

    async fn try_all(&self, target: &Target, body: &Bytes, now: u64) -> (u32, CallbackOutcome) {
        let mut rest = FIRST_REST;
        let mut tries = 1;
        loop {
            let outcome = self.try_once(target, body, now).await;
            if tries > self.retries || !is_worth_another(&outcome) {
                return (tries, outcome);
            }
            tokio::time::sleep(rest).await;
            rest = LONGEST_REST.min(rest * 2);
            tries += 1;
        }
    }

    async fn try_once(&self, target: &Target, body: &Bytes, now: u64) -> CallbackOutcome {
        let unanswered = |why: String| CallbackOutcome::Unanswered(why);
        let request = match self.request(target, body, now) {
            Ok(request) => request,
            Err(problem) => return unanswered(problem.to_string()),
        };
        match tokio::time::timeout(ANSWER_TIME, target.send(request)).await {
            Ok(Ok(response)) => CallbackOutcome::Answered(response.status().as_u16()),
            Ok(Err(SendError::NotThere(why) | SendError::Broken(why))) => unanswered(why),
            Err(_) => unanswered("it took too long".to_owned()),
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

/// The body of a callback.
fn document(result: &WorkloadResult, now: u64) -> Bytes {
    let body = json!({
        "status_code": result.status,
        "response_body": String::from_utf8_lossy(&result.body),
        "response_length": result.body.len(),
        "timestamp": now,
    });
    body.to_string().into()
}

/// Whether another try may end better: nobody answered, or somebody who could not.
fn is_worth_another(outcome: &CallbackOutcome) -> bool {
    match outcome {
        CallbackOutcome::Answered(status) => *status >= 500 || *status == 429,
        CallbackOutcome::Unanswered(_) => true,
        CallbackOutcome::NotSent(_) => false,
    }
}
