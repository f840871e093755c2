//! Waiting under paused time, on a service that answers by script.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use blaxel_core::{Error, ErrorKind};
use serde_json::{Value, json};

use super::*;
use crate::Management;
use crate::agents::Agent;
use crate::metadata::Status;
use crate::scripted::{Reply, Script};

/// An agent as it stands after so many events.
fn agent(status: &str, events: usize) -> Value {
    let events: Vec<Value> = (0..events)
        .map(|number| json!({"type": "deploy", "message": format!("event {number}")}))
        .collect();
    json!({"metadata": {"name": "bot"}, "spec": {}, "status": status, "events": events})
}

fn looks(stages: &[(&str, usize)]) -> Script {
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
async fn it_looks_at_a_pace_until_the_resource_is_as_wanted() {
    let script = looks(&[("BUILDING", 1), ("DEPLOYING", 2), ("DEPLOYED", 3)]);
    let agent = wait(&script, &Wait::new()).await.unwrap();
    assert!(is_deployed(&agent));
    let at: Vec<_> = script.seen().iter().map(|seen| seen.at.as_secs()).collect();
    assert_eq!(at, [0, 3, 6]);
}

#[tokio::test(start_paused = true)]
async fn a_bad_end_ends_the_wait_with_what_was_said_of_it() {
    let script = looks(&[("DEPLOYING", 1), ("FAILED", 2)]);
    let error = wait(&script, &Wait::new()).await.unwrap_err();
    assert!(error.is_failed(), "{error}");
    assert_eq!(error.to_string(), "`bot` is FAILED: event 1");
    assert_eq!(script.lines().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_not_waited_for() {
    let script = Script::new([
        Reply::json(200, &agent("DEPLOYING", 1)),
        Reply::json(404, &json!({"code": 404, "error": "Agent not found"})),
    ]);
    let error = wait(&script, &Wait::new()).await.unwrap_err();
    assert!(
        error.is_failed() && error.to_string().contains("`bot` is gone"),
        "{error}"
    );
}

/// An old failure is not taken for a new one, nor is what was deployed before.
#[tokio::test(start_paused = true)]
async fn what_stands_as_before_says_nothing_about_the_new_request() {
    for old in ["FAILED", "DEPLOYED"] {
        let script = looks(&[(old, 1), (old, 1), ("DEPLOYING", 2), ("DEPLOYED", 3)]);
        let since = Wait::new().since(&before(old, 1));
        let agent = wait(&script, &since).await.unwrap();
        assert_eq!(agent.events.unwrap().len(), 3, "{old}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_stands_as_before_for_long_is_the_outcome() {
    let since = Wait::new().since(&before("FAILED", 1));
    let script = looks(&[("FAILED", 1)]);
    let error = wait(&script, &since).await.unwrap_err();
    assert!(error.is_failed(), "{error}");
    assert_eq!(script.elapsed().as_secs(), 15);
    // A second failure differs from the first by its event, and counts at once.
    let script = looks(&[("FAILED", 1), ("FAILED", 2)]);
    assert!(wait(&script, &since).await.unwrap_err().is_failed());
    assert_eq!(script.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_when_nothing_happens_but_not_while_something_does() {
    let limit = Duration::from_secs(60);
    let patience = Wait::new().every(Duration::from_secs(20)).inactivity(limit);
    let mut events = 0;
    let script = Script::with(move |_| {
        // Something happens with every look for five minutes, then nothing any more.
        events = (events + 1).min(15);
        Reply::json(200, &agent("BUILDING", events))
    });
    let error = wait(&script, &patience).await.unwrap_err();
    assert!(
        error.is_timeout() && error.to_string().contains("BUILDING"),
        "{error}"
    );
    assert_eq!(script.elapsed(), Duration::from_secs(14 * 20) + limit);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_ends_the_wait_with_its_error() {
    let script = Script::new([Reply::json(
        403,
        &json!({"code": 403, "error": "Forbidden"}),
    )]);
    let error = wait(&script, &Wait::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Status);
    assert!(error.is_forbidden());
}
