use serde_json::{Value, json};
use tokio::time::timeout;

use super::*;
use crate::Management;
use crate::scripted::{Reply, Script};

const POLL: &str = "GET /sandboxes/box";
const CREATE: &str = "POST /sandboxes";
const RECREATE: &str = "POST /sandboxes?createIfNotExist=true";

/// Returns a sandbox in this status, created at this hour.
fn sandbox(hour: u32, status: &str) -> Value {
    json!({
        "metadata": {"name": "box", "createdAt": format!("2026-01-01T{hour:02}:00:00Z")},
        "spec": {},
        "status": status,
        "events": [{"message": format!("went {status}")}],
    })
}

fn is(hour: u32, status: &str) -> Reply {
    Reply::json(200, &sandbox(hour, status))
}

fn gone() -> Reply {
    Reply::json(404, &json!({"error": "Sandbox not found", "code": 404}))
}

fn refused(status: u16, code: &str) -> Reply {
    Reply::json(status, &json!({"code": code, "message": "no"}))
}

fn taken() -> Reply {
    refused(409, "SANDBOX_ALREADY_EXISTS")
}

fn under_way() -> Reply {
    let body = json!({"code": "SANDBOX_ALREADY_EXISTS", "message": "no",
        "reason": "CREATION_IN_PROGRESS"});
    Reply::json(409, &body)
}

/// The situation, the replies, the expected requests, and further expectations.
type Case<Expected> = (&'static str, Vec<Reply>, &'static [&'static str], Expected);

/// The result of a call of `ensure`, with the requests that it sent and the time that it took.
struct Run {
    outcome: Result<Outcome<Sandbox>, Error>,
    requests: Vec<String>,
    took: Duration,
}

async fn ensure(replies: Vec<Reply>, draft: &Sandbox) -> Run {
    ensure_on(Script::new(replies), draft).await
}

async fn ensure_on(script: Script, draft: &Sandbox) -> Run {
    let sandboxes = Management::new(script.clone()).sandboxes();
    let outcome = sandboxes.ensure(draft, &Ensure::new()).await;
    Run {
        outcome,
        requests: script.lines(),
        took: script.elapsed(),
    }
}

/// The sandbox is absent until the last create request was answered.
async fn ensure_invisible(create_replies: Vec<Reply>) -> Run {
    let (mut creates, mut visible) = (create_replies.into_iter(), None);
    let script = Script::with(move |line| match line {
        POLL => visible.clone().unwrap_or_else(gone),
        _ => {
            let reply = creates.next().unwrap();
            visible = (creates.len() == 0).then(|| is(2, "DEPLOYED"));
            reply
        }
    });
    ensure_on(script, &Sandbox::new("box")).await
}

/// Returns the range of durations around `seconds`, since jitter adds up to a quarter to delays.
fn about(seconds: u64) -> std::ops::RangeInclusive<Duration> {
    let least = Duration::from_secs(seconds);
    least..=least * 5 / 4 + Duration::from_millis(50)
}

#[tokio::test(start_paused = true)]
async fn ensure_returns_a_ready_sandbox_from_every_initial_state() {
    // The seconds that it takes, whether it was created, and the hour of its creation.
    let cases: Vec<Case<(u64, bool, u32)>> = vec![
        (
            "it is ready",
            vec![is(1, "DEPLOYED")],
            &[POLL],
            (0, false, 1),
        ),
        (
            "it does not exist",
            vec![gone(), is(2, "DEPLOYED")],
            &[POLL, CREATE],
            (0, true, 2),
        ),
        (
            "another client is creating it",
            vec![is(1, "BUILDING"), is(1, "DEPLOYING"), is(1, "DEPLOYED")],
            &[POLL; 3],
            (3, false, 1),
        ),
        (
            "the creation takes a while",
            vec![
                gone(),
                is(2, "DEPLOYING"),
                is(2, "DEPLOYING"),
                is(2, "DEPLOYED"),
            ],
            &[POLL, CREATE, POLL, POLL],
            (3, true, 2),
        ),
        (
            "another client created it first",
            vec![gone(), taken(), is(1, "DEPLOYED")],
            &[POLL, CREATE, POLL],
            (0, false, 1),
        ),
        (
            "another client is about to create it",
            vec![gone(), under_way(), is(1, "DEPLOYING"), is(1, "DEPLOYED")],
            &[POLL, CREATE, POLL, POLL],
            (1, false, 1),
        ),
        (
            "it is deleted after the refusal",
            vec![gone(), taken(), gone(), taken(), gone(), is(2, "DEPLOYED")],
            &[POLL, CREATE, POLL, CREATE, POLL, CREATE],
            (3, true, 2),
        ),
        (
            "the create request gets a gateway timeout",
            vec![
                gone(),
                Reply::gateway_timeout(),
                gone(),
                is(2, "DEPLOYING"),
                is(2, "DEPLOYED"),
            ],
            &[POLL, CREATE, POLL, POLL, POLL],
            (7, true, 2),
        ),
        (
            "the create response is lost",
            vec![gone(), Reply::Lost, is(2, "DEPLOYED")],
            &[POLL, CREATE, POLL],
            (1, true, 2),
        ),
        (
            "some polls fail",
            vec![
                gone(),
                is(2, "DEPLOYING"),
                refused(503, "X"),
                Reply::Unreachable,
                is(2, "DEPLOYED"),
            ],
            &[POLL, CREATE, POLL, POLL, POLL],
            (7, true, 2),
        ),
        (
            "it is being deleted, and disappears",
            vec![
                is(1, "TERMINATING"),
                is(1, "DELETING"),
                gone(),
                is(2, "DEPLOYED"),
            ],
            &[POLL, POLL, POLL, CREATE],
            (3, true, 2),
        ),
        (
            "it is being deactivated, and its record stays",
            vec![
                is(1, "DEACTIVATING"),
                is(1, "TERMINATED"),
                is(2, "DEPLOYED"),
            ],
            &[POLL, POLL, CREATE],
            (1, true, 2),
        ),
        (
            "it has failed",
            vec![is(1, "FAILED"), is(2, "DEPLOYED")],
            &[POLL, CREATE],
            (0, true, 2),
        ),
        (
            "it has failed, and only the other request creates it again",
            vec![is(1, "FAILED"), taken(), is(1, "FAILED"), is(2, "DEPLOYED")],
            &[POLL, CREATE, POLL, RECREATE],
            (1, true, 2),
        ),
        (
            "it has failed, and another client creates it again",
            vec![is(1, "FAILED"), taken(), is(2, "DEPLOYED")],
            &[POLL, CREATE, POLL],
            (0, false, 2),
        ),
        (
            "it has failed, and the old one stays visible for a while",
            vec![
                is(1, "FAILED"),
                Reply::gateway_timeout(),
                is(1, "FAILED"),
                is(2, "DEPLOYED"),
            ],
            &[POLL, CREATE, POLL, POLL],
            (3, true, 2),
        ),
        (
            "the sandbox that another client creates fails",
            vec![
                gone(),
                under_way(),
                is(1, "DEPLOYING"),
                is(1, "FAILED"),
                is(2, "DEPLOYED"),
            ],
            &[POLL, CREATE, POLL, POLL, CREATE],
            (1, true, 2),
        ),
        (
            "another client deletes the new sandbox",
            vec![
                gone(),
                is(2, "DEPLOYING"),
                is(2, "TERMINATING"),
                gone(),
                is(3, "DEPLOYED"),
            ],
            &[POLL, CREATE, POLL, POLL, CREATE],
            (3, true, 3),
        ),
        (
            "the server limits the request rate",
            vec![
                gone(),
                refused(429, "X").header("retry-after", "20"),
                gone(),
                is(2, "DEPLOYED"),
            ],
            &[POLL, CREATE, POLL, CREATE],
            (20, true, 2),
        ),
        (
            "its status is unknown",
            vec![is(1, "WARMING"), is(1, "DEPLOYED")],
            &[POLL, POLL],
            (1, false, 1),
        ),
    ];
    for (what, replies, requests, (seconds, created, hour)) in cases {
        let run = ensure(replies, &Sandbox::new("box")).await;
        let ensured = run
            .outcome
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(run.requests, requests, "{what}");
        assert_eq!(ensured.is_created(), created, "{what}");
        let expected: Sandbox = serde_json::from_value(sandbox(hour, "DEPLOYED")).unwrap();
        assert_eq!(ensured.into_resource(), expected, "{what}");
        assert!(about(seconds).contains(&run.took), "{what}: {:?}", run.took);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_that_stays_absent_after_a_create_request_is_created_again() {
    for (what, replies, last) in [
        (
            "the first request was lost",
            vec![Reply::Lost, is(2, "DEPLOYED")],
            CREATE,
        ),
        (
            "the first request was applied",
            vec![Reply::gateway_timeout(), taken()],
            POLL,
        ),
        (
            "both requests were lost",
            vec![Reply::Lost, Reply::gateway_timeout()],
            POLL,
        ),
    ] {
        let run = ensure_invisible(replies).await;
        let ensured = run
            .outcome
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(ensured.is_created(), "{what}");
        let creates = run
            .requests
            .iter()
            .filter(|request| *request == CREATE)
            .count();
        assert_eq!(creates, 2, "{what}: {:?}", run.requests);
        assert_eq!(
            run.requests.last().map(String::as_str),
            Some(last),
            "{what}"
        );
        let absence = VISIBILITY_DELAY..VISIBILITY_DELAY + 4 * MAX_DELAY;
        assert!(absence.contains(&run.took), "{what}: {:?}", run.took);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_does_not_hide_that_an_earlier_request_may_have_been_applied() {
    let replies = vec![
        Reply::Lost,
        refused(400, "QUOTA_EXCEEDED"),
        Reply::NoResponse,
    ];
    let error = ensure_invisible(replies)
        .await
        .outcome
        .map(drop)
        .unwrap_err();
    assert!(error.is_quota() && error.maybe_applied(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_that_stays_absent_times_out_with_the_first_error() {
    let script = Script::with(|line| match line {
        POLL => gone(),
        _ => Reply::Lost,
    });
    let run = ensure_on(script, &Sandbox::new("box")).await;
    let error = run.outcome.map(drop).unwrap_err();
    assert!(error.is_timeout() && error.maybe_applied(), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("`box` does not exist: CreateSandbox: the connection broke"),
        "{text}"
    );
}

/// A refusal that the server calls retryable is repeated a few times, not for the whole time limit.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_repeated_a_few_times_only() {
    let stated = |status: u16| {
        let body = json!({"error": {"code": "X", "message": "no", "retryable": true}});
        Reply::json(status, &body).header("x-blaxel-source", "platform")
    };
    for status in [400, 403, 404, 422] {
        let script = Script::with(move |line| match line {
            POLL => gone(),
            _ => stated(status),
        });
        let run = ensure_on(script, &Sandbox::new("box")).await;
        let error = run.outcome.map(drop).unwrap_err();
        assert_eq!(error.status().map(|it| it.as_u16()), Some(status));
        let creates = run.requests.iter().filter(|line| *line == CREATE).count();
        assert_eq!(creates, 4, "{status}: {:?}", run.requests);
        assert!(
            run.took <= Duration::from_secs(20),
            "{status}: {:?}",
            run.took
        );
    }
    // A conflict with a sandbox that does not exist.
    let script = Script::with(move |line| match line {
        POLL => gone(),
        _ => stated(409),
    });
    let run = ensure_on(script, &Sandbox::new("box")).await;
    assert!(run.outcome.map(drop).unwrap_err().is_conflict());
    assert!(run.took <= Duration::from_secs(20), "{:?}", run.took);
}

/// The server knows better than the status.
#[tokio::test(start_paused = true)]
async fn a_server_error_is_repeated_if_the_server_says_so() {
    let stated = refused(500, "X").header("x-should-retry", "true");
    let run = ensure(
        vec![gone(), stated, is(2, "DEPLOYED")],
        &Sandbox::new("box"),
    )
    .await;
    assert!(run.outcome.unwrap().is_created());
    assert_eq!(run.requests, [POLL, CREATE, POLL]);
}

#[tokio::test(start_paused = true)]
async fn a_permanent_error_ends_ensure_at_once() {
    type Check = fn(&Error) -> bool;
    let cases: Vec<Case<Check>> = vec![
        (
            "quota",
            vec![gone(), refused(400, "QUOTA_EXCEEDED")],
            &[POLL, CREATE],
            Error::is_quota,
        ),
        (
            "an invalid image",
            vec![gone(), refused(400, "INVALID_IMAGE")],
            &[POLL, CREATE],
            |error| error.code() == Some("INVALID_IMAGE"),
        ),
        (
            "no permission to read it",
            vec![refused(403, "X")],
            &[POLL],
            Error::is_forbidden,
        ),
        (
            "a server error",
            vec![gone(), refused(500, "X")],
            &[POLL, CREATE],
            |error| error.maybe_applied() && error.status().is_some_and(|status| status == 500),
        ),
        (
            "no connection",
            vec![Reply::Unreachable],
            &[POLL],
            Error::is_connect,
        ),
        (
            "the new sandbox fails",
            vec![gone(), is(2, "FAILED")],
            &[POLL, CREATE],
            |error| error.is_failed() && error.to_string() == "`box` is FAILED: went FAILED",
        ),
        (
            "the new sandbox fails before the first poll",
            vec![gone(), Reply::gateway_timeout(), is(2, "FAILED")],
            &[POLL, CREATE, POLL],
            |error| {
                let text = error.to_string();
                error.is_failed() && text.contains("went FAILED: CreateSandbox: 504")
            },
        ),
        (
            "it is archived",
            vec![is(1, "ARCHIVED")],
            &[POLL],
            |error| {
                error.is_failed() && error.to_string() == "`box` is ARCHIVED; unarchive it first"
            },
        ),
    ];
    for (what, replies, requests, check) in cases {
        let run = ensure(replies, &Sandbox::new("box")).await;
        let error = run.outcome.map(drop).unwrap_err();
        assert!(check(&error), "{what}: {error:?}");
        assert_eq!(run.requests, requests, "{what}");
        assert!(run.took <= Duration::from_secs(2), "{what}: {:?}", run.took);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_sandbox_that_cannot_be_created_again_fails_with_the_refusal() {
    let dead = || is(1, "DEACTIVATED");
    // The response to the last request is the dead sandbox itself, which is not a new one either.
    let replies = vec![dead(), taken(), dead(), taken(), dead(), dead()];
    let run = ensure(replies, &Sandbox::new("box")).await;
    let error = run.outcome.map(drop).unwrap_err();
    assert!(error.is_failed(), "{error:?}");
    let text = error.to_string();
    assert!(
        text.starts_with("`box` is DEACTIVATED: went DEACTIVATED, and cannot be created again"),
        "{text}"
    );
    assert!(
        text.contains("CreateSandbox: 409 SANDBOX_ALREADY_EXISTS"),
        "{text}"
    );
    assert_eq!(run.requests, [POLL, CREATE, POLL, RECREATE, POLL, RECREATE]);
}

#[tokio::test(start_paused = true)]
async fn the_timeout_error_names_the_last_state_and_error() {
    // The situation, the replies, the parts of the message, and whether something may have been created.
    let cases: Vec<Case<bool>> = vec![
        (
            "it stays in deployment",
            vec![is(1, "DEPLOYING")],
            &["`box` is DEPLOYING"],
            false,
        ),
        (
            "our sandbox stays in build, after a gateway timeout",
            vec![gone(), Reply::gateway_timeout(), is(1, "BUILDING")],
            &["`box` is BUILDING", "504 Gateway Timeout"],
            true,
        ),
        (
            "it stays in termination",
            vec![is(1, "TERMINATING")],
            &["`box` is TERMINATING"],
            false,
        ),
        (
            "the server limits the request rate",
            vec![
                gone(),
                refused(429, "SLOW_DOWN"),
                gone(),
                refused(429, "SLOW_DOWN"),
            ],
            &["429 SLOW_DOWN"],
            false,
        ),
        (
            "the create request gets no response",
            vec![gone(), Reply::NoResponse],
            &["`box` does not exist"],
            true,
        ),
        (
            "the poll gets no response",
            vec![Reply::NoResponse],
            &[],
            false,
        ),
    ];
    for (what, replies, expected, maybe_applied) in cases {
        let run = ensure(replies, &Sandbox::new("box")).await;
        let error = run.outcome.map(drop).unwrap_err();
        assert!(error.is_timeout(), "{what}: {error:?}");
        assert_eq!(error.maybe_applied(), maybe_applied, "{what}: {error:?}");
        let text = error.to_string();
        assert!(
            expected.iter().all(|part| text.contains(part)),
            "{what}: {text}"
        );
        let time_limit = Duration::from_secs(300);
        let took = run.took;
        assert!(
            took <= time_limit && took >= time_limit - 2 * LAST_POLL,
            "{what}: {took:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_requested_delay_beyond_the_time_limit_fails_at_once() {
    let replies = vec![gone(), refused(429, "X").header("retry-after", "3600")];
    let run = ensure(replies, &Sandbox::new("box")).await;
    assert!(run.outcome.map(drop).unwrap_err().is_timeout());
    assert_eq!(run.took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_shorter_time_limit_holds_and_ends_with_a_last_poll() {
    let script = Script::new([is(1, "DEPLOYING")]);
    let sandboxes = Management::new(script.clone()).sandboxes();
    let ensure = Ensure::new().within(Duration::from_secs(10));
    let outcome = sandboxes.ensure(&Sandbox::new("box"), &ensure).await;
    assert!(outcome.map(drop).unwrap_err().to_string().contains("10s"));
    let last = script.take_requests().pop().unwrap().at;
    assert!(
        last >= Duration::from_millis(8900) && last <= Duration::from_secs(10),
        "{last:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unnamed_sandbox_is_created_once() {
    let run = ensure(
        vec![is(1, "DEPLOYING"), is(1, "DEPLOYED")],
        &Sandbox::unnamed(),
    )
    .await;
    assert!(run.outcome.unwrap().is_created());
    assert_eq!(run.requests, [CREATE, POLL]);

    // A sandbox without a name cannot be looked up, and a second request would create a second one.
    let run = ensure(vec![Reply::gateway_timeout()], &Sandbox::unnamed()).await;
    let error = run.outcome.map(drop).unwrap_err();
    assert!(
        error.maybe_applied() && run.requests == [CREATE],
        "{error:?}"
    );

    let run = ensure(vec![is(1, "DEPLOYING"), gone()], &Sandbox::unnamed()).await;
    assert!(run.outcome.map(drop).unwrap_err().is_timeout());
    assert_eq!(
        run.requests
            .iter()
            .filter(|request| *request == CREATE)
            .count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn ensure_can_be_dropped_and_called_again() {
    let replies = vec![
        gone(),
        is(2, "DEPLOYING"),
        is(2, "DEPLOYING"),
        is(2, "DEPLOYED"),
    ];
    let script = Script::new(replies);
    let sandboxes = Management::new(script.clone()).sandboxes();
    let (draft, ensure) = (Sandbox::new("box"), Ensure::new());
    let first = timeout(Duration::from_secs(2), sandboxes.ensure(&draft, &ensure)).await;
    assert!(first.is_err());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(
        script.lines(),
        [POLL, CREATE, POLL],
        "no background task remains"
    );
    let second = sandboxes.ensure(&draft, &ensure).await.unwrap();
    // The first call created it; the second call found it.
    assert!(!second.is_created());
    assert_eq!(script.lines(), [POLL, CREATE, POLL, POLL]);
}

#[tokio::test(start_paused = true)]
async fn create_if_absent_sends_the_query_parameter() {
    let script = Script::new([is(1, "DEPLOYED")]);
    let sandboxes = Management::new(script.clone()).sandboxes();
    let sandbox = sandboxes
        .create_if_absent(&Sandbox::new("box"))
        .await
        .unwrap();
    assert_eq!(sandbox.metadata.name, "box");
    assert_eq!(script.lines(), [RECREATE]);
}

#[tokio::test(start_paused = true)]
async fn ensure_repeats_a_refusal_of_an_unchecked_credential() {
    let replies = vec![
        gone(),
        refused(403, "UNAUTHORIZED"),
        refused(503, "AUTHENTICATION_UNAVAILABLE"),
        is(2, "DEPLOYED"),
    ];
    let run = ensure(replies, &Sandbox::new("box")).await;
    assert!(run.outcome.unwrap().is_created());
    assert_eq!(run.requests, [POLL, CREATE, CREATE, CREATE]);
}

/// The platform frees the name, so there is nothing to wait for, although a 408 is transient by itself.
#[tokio::test(start_paused = true)]
async fn a_creation_after_its_deadline_ends_ensure() {
    let script = Script::new([gone(), refused(408, "CREATION_TIMEOUT")]);
    let sandboxes = Management::new(script.clone()).sandboxes();
    let settings = Ensure::new().creation_deadline(Duration::from_secs(10));
    let outcome = sandboxes.ensure(&Sandbox::new("box"), &settings).await;
    let error = outcome.map(drop).unwrap_err();
    let timeout = CreationTimeout::of(&error).unwrap();
    assert_eq!(timeout.deadline(), Some(Duration::from_secs(10)));
    let requests = script.take_requests();
    assert_eq!(requests.len(), 2);
    assert!(
        !requests[0]
            .headers
            .contains_key("x-blaxel-creation-timeout")
    );
    assert_eq!(requests[1].headers["x-blaxel-creation-timeout"], "10");

    let invalid = Ensure::new().creation_deadline(Duration::from_secs(60));
    let outcome = sandboxes.ensure(&Sandbox::new("box"), &invalid).await;
    assert!(outcome.map(drop).unwrap_err().is_input());
    assert!(script.take_requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_existing_sandbox_that_differs_can_be_refused() {
    let mut existing = sandbox(1, "DEPLOYED");
    existing["spec"] = json!({"runtime": {"image": "runner:1", "memory": 2048}});
    let settings = Ensure::new().refuse_drift(true);
    let draft = Sandbox::new("box").image("runner:2").memory(2048);

    let ensure_from = async |replies: Vec<Reply>, settings: &Ensure| {
        let sandboxes = Management::new(Script::new(replies)).sandboxes();
        sandboxes.ensure(&draft, settings).await
    };
    let replies = || vec![Reply::json(200, &existing)];
    let error = ensure_from(replies(), &settings)
        .await
        .map(drop)
        .unwrap_err();
    assert!(error.is_failed());
    let drift = crate::sandboxes::Drift::of(&error).unwrap();
    assert_eq!(drift.to_string(), "the image is `runner:1`, not `runner:2`");

    let found = ensure_from(replies(), &Ensure::new()).await.unwrap();
    assert_eq!(&found.resource().drift_from(&draft), drift);
    // A sandbox that this call created is returned as the server made it.
    let created = vec![gone(), Reply::json(200, &existing)];
    assert!(ensure_from(created, &settings).await.unwrap().is_created());
}

/// Values that the caller has not asked for are no difference.
#[tokio::test(start_paused = true)]
async fn defaults_are_sent_but_not_compared() {
    let mut existing = sandbox(1, "DEPLOYED");
    existing["spec"] = json!({"runtime": {"image": "runner:1", "memory": 2048}});
    let settings = Ensure::new()
        .defaults(SandboxDefaults::standard())
        .refuse_drift(true);
    let script = Script::new([Reply::json(200, &existing), gone(), is(2, "DEPLOYED")]);
    let sandboxes = Management::new(script.clone()).sandboxes();
    let draft = Sandbox::new("box").memory(2048);
    let found = sandboxes.ensure(&draft, &settings).await.unwrap();
    assert!(!found.is_created());
    let made = sandboxes.ensure(&draft, &settings).await.unwrap();
    assert!(made.is_created());
    let sent = script.take_requests().pop().unwrap().body;
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    let runtime = json!({"image": "blaxel/base-image:latest", "memory": 2048});
    assert_eq!(sent["spec"], json!({"runtime": runtime}));
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_poll_after_a_creation_says_that_there_is_a_sandbox() {
    let replies = vec![gone(), is(2, "DEPLOYING"), refused(403, "FORBIDDEN")];
    let run = ensure(replies, &Sandbox::new("box")).await;
    let error = run.outcome.map(drop).unwrap_err();
    assert!(error.maybe_applied() && error.is_failed(), "{error}");
    assert!(error.to_string().contains("403 FORBIDDEN"), "{error}");
    assert_eq!(run.requests, [POLL, CREATE, POLL]);
}
