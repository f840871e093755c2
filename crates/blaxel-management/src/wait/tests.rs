//! Tests of waiting, under paused time, on a service with scripted responses.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use blaxel_core::{Error, ErrorKind};
use serde_json::{Value, json};

use super::*;
use crate::Management;
use crate::agents::Agent;
use crate::metadata::Status;
use crate::scripted::{Reply, Script};

/// Returns an agent with this status and this number of events.
fn agent(status: &str, events: usize) -> Value {
    let events: Vec<Value> = (0..events)
        .map(|number| json!({"type": "deploy", "message": format!("event {number}")}))
        .collect();
    json!({"metadata": {"name": "bot"}, "spec": {}, "status": status, "events": events})
}

/// Returns a service that reports one of these states with each poll.
fn polls(stages: &[(&str, usize)]) -> Script {
    let reply = |(status, events): &(&str, usize)| Reply::json(200, &agent(status, *events));
    Script::new(stages.iter().map(reply))
}

fn is_deployed(agent: &Agent) -> bool {
    agent.status == Some(Status::Deployed)
}

async fn wait(script: &Script, wait: &Wait) -> Result<Agent, Error> {
    let agents = Management::new(script.clone()).agents();
    agents.wait_until("bot", wait, is_deployed).await
}

fn before(status: &str, events: usize) -> Agent {
    serde_json::from_value(agent(status, events)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn polls_at_the_interval_until_the_condition_holds() {
    let script = polls(&[("BUILDING", 1), ("DEPLOYING", 2), ("DEPLOYED", 3)]);
    let agent = wait(&script, &Wait::new()).await.unwrap();
    assert!(is_deployed(&agent));
    let at: Vec<_> = script
        .take_requests()
        .iter()
        .map(|request| request.at.as_secs())
        .collect();
    assert_eq!(at, [0, 3, 6]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_ends_the_wait_with_the_message_of_the_last_event() {
    let script = polls(&[("DEPLOYING", 1), ("FAILED", 2)]);
    let error = wait(&script, &Wait::new()).await.unwrap_err();
    assert!(error.is_failed(), "{error}");
    assert_eq!(error.to_string(), "`bot` is FAILED: event 1");
    assert_eq!(script.lines().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_resource_ends_the_wait() {
    let script = Script::new([
        Reply::json(200, &agent("DEPLOYING", 1)),
        Reply::json(404, &json!({"code": 404, "error": "Agent not found"})),
    ]);
    let error = wait(&script, &Wait::new()).await.unwrap_err();
    assert!(
        error.is_failed() && error.to_string().contains("`bot` does not exist"),
        "{error}"
    );
}

/// Neither an earlier failure nor an earlier deployment is taken as the result.
#[tokio::test(start_paused = true)]
async fn the_state_before_the_request_is_ignored() {
    for old in ["FAILED", "DEPLOYED"] {
        let script = polls(&[(old, 1), (old, 1), ("DEPLOYING", 2), ("DEPLOYED", 3)]);
        let since = Wait::new().since(&before(old, 1));
        let agent = wait(&script, &since).await.unwrap();
        assert_eq!(agent.events.unwrap().len(), 3, "{old}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_state_is_the_result_after_the_settling_time() {
    let since = Wait::new().since(&before("FAILED", 1));
    let script = polls(&[("FAILED", 1)]);
    let error = wait(&script, &since).await.unwrap_err();
    assert!(error.is_failed(), "{error}");
    assert_eq!(script.elapsed().as_secs(), 15);
    // A second failure has another event than the first, so it counts at once.
    let script = polls(&[("FAILED", 1), ("FAILED", 2)]);
    assert!(wait(&script, &since).await.unwrap_err().is_failed());
    assert_eq!(script.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn inactivity_ends_the_wait_and_progress_extends_it() {
    let limit = Duration::from_secs(60);
    let wait_settings = Wait::new().every(Duration::from_secs(20)).inactivity(limit);
    let mut events = 0;
    let script = Script::with(move |_| {
        // Every poll shows a change for five minutes, and no change after that.
        events = (events + 1).min(15);
        Reply::json(200, &agent("BUILDING", events))
    });
    let error = wait(&script, &wait_settings).await.unwrap_err();
    assert!(
        error.is_timeout() && error.to_string().contains("BUILDING"),
        "{error}"
    );
    assert_eq!(script.elapsed(), Duration::from_secs(14 * 20) + limit);
}

#[tokio::test(start_paused = true)]
async fn a_failed_poll_ends_the_wait_with_its_error() {
    let script = Script::new([Reply::json(
        403,
        &json!({"code": 403, "error": "Forbidden"}),
    )]);
    let error = wait(&script, &Wait::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Status);
    assert!(error.is_forbidden());
}
