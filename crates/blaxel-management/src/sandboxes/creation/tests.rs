#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};

use super::*;
use crate::Management;
use crate::sandboxes::CreationTimeout;
use crate::scripted::{Reply, Script};

const POLL: &str = "GET /sandboxes/box";
const CREATE: &str = "POST /sandboxes";

fn sandbox(status: &str) -> Value {
    json!({"metadata": {"name": "box"}, "spec": {}, "status": status})
}

fn is(status: &str) -> Reply {
    Reply::json(200, &sandbox(status))
}

fn gone() -> Reply {
    Reply::json(404, &json!({"error": "Sandbox not found", "code": 404}))
}

fn refused(status: u16, code: &str) -> Reply {
    Reply::json(status, &json!({"code": code, "message": "no"}))
}

/// The result of a call of `create_ready`, with the requests that it sent and the time that it took.
struct Run {
    outcome: Result<Sandbox, Error>,
    requests: Vec<String>,
    took: Duration,
}

async fn create(replies: Vec<Reply>, draft: &Sandbox, creation: &Creation) -> Run {
    let script = Script::new(replies);
    let sandboxes = Management::new(script.clone()).sandboxes();
    let outcome = sandboxes.create_ready(draft, creation).await;
    Run {
        outcome,
        requests: script.lines(),
        took: script.elapsed(),
    }
}

async fn create_box(replies: Vec<Reply>) -> Run {
    create(replies, &Sandbox::new("box"), &Creation::new()).await
}

/// Returns the range of durations around `seconds`, since jitter adds up to a quarter to delays.
fn about(seconds: f64) -> std::ops::RangeInclusive<Duration> {
    let least = Duration::from_secs_f64(seconds);
    least..=least * 5 / 4 + Duration::from_millis(50)
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_is_returned_when_it_is_ready() {
    for (what, replies, requests, seconds) in [
        ("at once", vec![is("DEPLOYED")], &[CREATE][..], 0.0),
        (
            "after two polls",
            vec![is("DEPLOYING"), is("DEPLOYING"), is("DEPLOYED")],
            &[CREATE, POLL, POLL],
            3.0,
        ),
        (
            "after a poll that failed for a moment",
            vec![
                is("DEPLOYING"),
                refused(429, "X").header("retry-after", "10"),
                is("DEPLOYED"),
            ],
            &[CREATE, POLL, POLL],
            11.0,
        ),
        (
            "after a gateway timeout",
            vec![
                Reply::gateway_timeout(),
                gone(),
                is("BUILDING"),
                is("DEPLOYED"),
            ],
            &[CREATE, POLL, POLL, POLL],
            7.0,
        ),
        (
            "after a gateway timeout, while an older one of the name is still shown",
            vec![Reply::gateway_timeout(), is("TERMINATED"), is("DEPLOYED")],
            &[CREATE, POLL, POLL],
            3.0,
        ),
    ] {
        let run = create_box(replies).await;
        let made = run
            .outcome
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(made.metadata.name, "box", "{what}");
        assert_eq!(run.requests, requests, "{what}");
        assert!(about(seconds).contains(&run.took), "{what}: {:?}", run.took);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_an_unchecked_credential_is_repeated_twice() {
    for (status, code) in [(403, "UNAUTHORIZED"), (503, "AUTHENTICATION_UNAVAILABLE")] {
        let run = create_box(vec![
            refused(status, code),
            refused(status, code),
            is("DEPLOYED"),
        ])
        .await;
        assert!(run.outcome.is_ok(), "{code}");
        assert_eq!(run.requests, [CREATE; 3], "{code}");
        assert!(about(1.5).contains(&run.took), "{code}: {:?}", run.took);

        let run = create_box(vec![refused(status, code)]).await;
        let error = run.outcome.unwrap_err();
        assert_eq!(error.code(), Some(code));
        assert!(!error.maybe_applied(), "{error}");
        assert_eq!(run.requests, [CREATE; 3], "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_other_failure_ends_the_creation_at_once() {
    for reply in [
        refused(401, "TOKEN_REVOKED"),
        refused(403, "UNAUTHORIZED_WORKSPACE"),
        refused(403, "FORBIDDEN"),
        refused(401, "UNAUTHORIZED"),
        refused(503, "SERVICE_UNAVAILABLE"),
        refused(409, "SANDBOX_ALREADY_EXISTS"),
        refused(400, "QUOTA_EXCEEDED"),
        refused(429, "RATE_LIMIT_EXCEEDED"),
        Reply::Lost,
        Reply::Unreachable,
    ] {
        let run = create_box(vec![reply.clone(), is("DEPLOYED")]).await;
        assert!(run.outcome.is_err(), "{reply:?}");
        assert_eq!(run.requests, [CREATE], "{reply:?}");
        assert_eq!(run.took, Duration::ZERO, "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_sent_and_its_error_names_it_and_the_sandbox() {
    let creation = Creation::new().deadline(Duration::from_secs(50));
    let script = Script::new([refused(408, "CREATION_TIMEOUT")]);
    let sandboxes = Management::new(script.clone()).sandboxes();
    let draft = Sandbox::new("box");
    let error = sandboxes.create_ready(&draft, &creation).await.unwrap_err();
    let sent = script.take_requests().remove(0);
    assert_eq!(sent.headers["x-blaxel-creation-timeout"], "50");
    let timeout = CreationTimeout::of(&error).unwrap();
    assert_eq!(timeout.sandbox(), Some("box"));
    assert_eq!(timeout.deadline(), Some(Duration::from_secs(50)));
    assert!(!error.maybe_applied());
    let text = error.to_string();
    assert!(
        text.contains("the sandbox `box` was not ready within 50s"),
        "{text}"
    );

    // A 408 without a code, and the platform's own deadline.
    for (reply, creation, deadline) in [
        (
            Reply::empty(408),
            creation.clone(),
            Some(Duration::from_secs(50)),
        ),
        (refused(408, "CREATION_TIMEOUT"), Creation::new(), None),
        (refused(500, "CREATION_TIMEOUT"), Creation::new(), None),
    ] {
        let run = create(vec![reply.clone()], &Sandbox::unnamed(), &creation).await;
        let error = run.outcome.unwrap_err();
        let timeout = CreationTimeout::of(&error).unwrap_or_else(|| panic!("{reply:?}: {error}"));
        assert_eq!((timeout.sandbox(), timeout.deadline()), (None, deadline));
    }
    let run = create(vec![Reply::empty(408)], &draft, &Creation::new()).await;
    assert!(CreationTimeout::of(&run.outcome.unwrap_err()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_the_platform_does_not_accept_is_not_sent() {
    for deadline in [0.0, 0.5, 1.5, 50.5, 51.0, 1e9] {
        let creation = Creation::new().deadline(Duration::from_secs_f64(deadline));
        let run = create(vec![is("DEPLOYED")], &Sandbox::new("box"), &creation).await;
        let error = run.outcome.unwrap_err();
        assert!(error.is_input(), "{deadline}: {error}");
        assert!(run.requests.is_empty(), "{deadline}");
    }
    let least = Creation::new().deadline(Duration::from_secs(1));
    let run = create(vec![is("DEPLOYED")], &Sandbox::new("box"), &least).await;
    assert!(run.outcome.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_that_fails_after_a_gateway_timeout_is_the_error() {
    for (replies, text) in [
        (
            vec![Reply::gateway_timeout(), is("FAILED")],
            "`box` is FAILED: CreateSandbox: 504",
        ),
        (vec![is("DEPLOYING"), is("FAILED")], "`box` is FAILED"),
        (
            vec![is("DEPLOYING"), is("TERMINATED")],
            "`box` is TERMINATED",
        ),
        (vec![is("DEPLOYING"), gone()], "`box` does not exist"),
        (vec![is("FAILED"), is("FAILED")], "`box` is FAILED"),
    ] {
        let run = create_box(replies).await;
        let error = run.outcome.unwrap_err();
        assert!(error.is_failed(), "{error:?}");
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_that_does_not_appear_leaves_the_gateway_timeout() {
    let run = create_box(vec![Reply::gateway_timeout(), gone()]).await;
    let error = run.outcome.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(504));
    assert!(error.maybe_applied());
    assert!(
        error.to_string().contains("`box` does not exist"),
        "{error}"
    );
    assert!(
        run.took <= RECOVERY && run.took >= RECOVERY - 2 * MAX_DELAY,
        "{:?}",
        run.took
    );

    // Without a name there is nothing to look up, and a second request would create a second sandbox.
    let run = create(
        vec![Reply::gateway_timeout()],
        &Sandbox::unnamed(),
        &Creation::new(),
    )
    .await;
    let error = run.outcome.unwrap_err();
    assert_eq!(run.requests, [CREATE]);
    assert!(error.maybe_applied());
    assert!(error.to_string().contains("cannot be looked up"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_covers_requests_and_delays() {
    for replies in [
        vec![Reply::NoResponse],
        vec![is("DEPLOYING"), Reply::NoResponse],
        vec![is("DEPLOYING")],
    ] {
        let limit = Duration::from_secs(20);
        let creation = Creation::new().within(limit);
        let run = create(replies.clone(), &Sandbox::new("box"), &creation).await;
        let error = run.outcome.unwrap_err();
        assert!(error.is_timeout(), "{replies:?}: {error:?}");
        assert!(error.to_string().contains("20s"), "{error}");
        assert!(
            run.took <= limit && run.took >= limit - 2 * MAX_DELAY,
            "{replies:?}: {:?}",
            run.took
        );
    }
}

/// Otherwise the sandbox would remain without a word.
#[tokio::test(start_paused = true)]
async fn the_error_of_a_poll_says_that_there_is_a_sandbox() {
    for first in [is("DEPLOYING"), Reply::gateway_timeout()] {
        let run = create_box(vec![first.clone(), refused(403, "FORBIDDEN")]).await;
        let error = run.outcome.unwrap_err();
        assert!(error.maybe_applied(), "{first:?}: {error}");
        assert!(error.to_string().contains("403 FORBIDDEN"), "{error}");
        assert_eq!(run.requests, [CREATE, POLL], "{first:?}");
    }
}
