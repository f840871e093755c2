use serde_json::{Value, json};
use tokio::time::timeout;

use super::*;
use crate::Management;
use crate::scripted::{Reply, Script};

const LOOK: &str = "GET /sandboxes/box";
const MAKE: &str = "POST /sandboxes";
const MAKE_ANEW: &str = "POST /sandboxes?createIfNotExist=true";

/// A sandbox in a status, made at an hour of a day.
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

/// What happens, the replies, the requests that are expected, and what else is.
type Case<Expected> = (&'static str, Vec<Reply>, &'static [&'static str], Expected);

struct Course {
    outcome: Result<Outcome<Sandbox>, Error>,
    asked: Vec<String>,
    took: Duration,
}

async fn run(replies: Vec<Reply>, draft: &Sandbox) -> Course {
    play(Script::new(replies), draft).await
}

async fn play(script: Script, draft: &Sandbox) -> Course {
    let sandboxes = Management::new(script.clone()).sandboxes();
    let outcome = sandboxes.ensure(draft, &Ensure::new()).await;
    Course {
        outcome,
        asked: script.lines(),
        took: script.elapsed(),
    }
}

/// There is nothing to see until the last of the makes was answered.
async fn play_unseen(makes: Vec<Reply>) -> Course {
    let (mut makes, mut made) = (makes.into_iter(), None);
    let script = Script::with(move |line| match line {
        LOOK => made.clone().unwrap_or_else(gone),
        _ => {
            let reply = makes.next().unwrap();
            made = (makes.len() == 0).then(|| is(2, "DEPLOYED"));
            reply
        }
    });
    play(script, &Sandbox::new("box")).await
}

/// Pauses are drawn out by chance by up to a quarter.
fn about(seconds: u64) -> std::ops::RangeInclusive<Duration> {
    let least = Duration::from_secs(seconds);
    least..=least * 5 / 4 + Duration::from_millis(50)
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_gets_ready_from_wherever_it_stands() {
    // The seconds it takes; whether it was made, and the hour of that.
    let cases: Vec<Case<(u64, bool, u32)>> = vec![
        (
            "it is there",
            vec![is(1, "DEPLOYED")],
            &[LOOK],
            (0, false, 1),
        ),
        (
            "it is not",
            vec![gone(), is(2, "DEPLOYED")],
            &[LOOK, MAKE],
            (0, true, 2),
        ),
        (
            "another makes it",
            vec![is(1, "BUILDING"), is(1, "DEPLOYING"), is(1, "DEPLOYED")],
            &[LOOK; 3],
            (3, false, 1),
        ),
        (
            "making it takes its time",
            vec![
                gone(),
                is(2, "DEPLOYING"),
                is(2, "DEPLOYING"),
                is(2, "DEPLOYED"),
            ],
            &[LOOK, MAKE, LOOK, LOOK],
            (3, true, 2),
        ),
        (
            "another was faster",
            vec![gone(), taken(), is(1, "DEPLOYED")],
            &[LOOK, MAKE, LOOK],
            (0, false, 1),
        ),
        (
            "another is about to make it",
            vec![gone(), under_way(), is(1, "DEPLOYING"), is(1, "DEPLOYED")],
            &[LOOK, MAKE, LOOK, LOOK],
            (1, false, 1),
        ),
        (
            "it vanishes after the refusal",
            vec![gone(), taken(), gone(), taken(), gone(), is(2, "DEPLOYED")],
            &[LOOK, MAKE, LOOK, MAKE, LOOK, MAKE],
            (3, true, 2),
        ),
        (
            "the answer is cut off",
            vec![
                gone(),
                Reply::cut_off(),
                gone(),
                is(2, "DEPLOYING"),
                is(2, "DEPLOYED"),
            ],
            &[LOOK, MAKE, LOOK, LOOK, LOOK],
            (7, true, 2),
        ),
        (
            "the answer is lost",
            vec![gone(), Reply::Lost, is(2, "DEPLOYED")],
            &[LOOK, MAKE, LOOK],
            (1, true, 2),
        ),
        (
            "looking fails now and then",
            vec![
                gone(),
                is(2, "DEPLOYING"),
                refused(503, "X"),
                Reply::Unreachable,
                is(2, "DEPLOYED"),
            ],
            &[LOOK, MAKE, LOOK, LOOK, LOOK],
            (7, true, 2),
        ),
        (
            "it is being ended, and goes",
            vec![
                is(1, "TERMINATING"),
                is(1, "DELETING"),
                gone(),
                is(2, "DEPLOYED"),
            ],
            &[LOOK, LOOK, LOOK, MAKE],
            (3, true, 2),
        ),
        (
            "it is being ended, and its record stays",
            vec![
                is(1, "DEACTIVATING"),
                is(1, "TERMINATED"),
                is(2, "DEPLOYED"),
            ],
            &[LOOK, LOOK, MAKE],
            (1, true, 2),
        ),
        (
            "it has failed",
            vec![is(1, "FAILED"), is(2, "DEPLOYED")],
            &[LOOK, MAKE],
            (0, true, 2),
        ),
        (
            "it has failed, and takes another request to be made anew",
            vec![is(1, "FAILED"), taken(), is(1, "FAILED"), is(2, "DEPLOYED")],
            &[LOOK, MAKE, LOOK, MAKE_ANEW],
            (1, true, 2),
        ),
        (
            "it has failed, and another makes it anew",
            vec![is(1, "FAILED"), taken(), is(2, "DEPLOYED")],
            &[LOOK, MAKE, LOOK],
            (0, false, 2),
        ),
        (
            "it has failed, and the old one is seen for a while",
            vec![
                is(1, "FAILED"),
                Reply::cut_off(),
                is(1, "FAILED"),
                is(2, "DEPLOYED"),
            ],
            &[LOOK, MAKE, LOOK, LOOK],
            (3, true, 2),
        ),
        (
            "what another makes fails",
            vec![
                gone(),
                under_way(),
                is(1, "DEPLOYING"),
                is(1, "FAILED"),
                is(2, "DEPLOYED"),
            ],
            &[LOOK, MAKE, LOOK, LOOK, MAKE],
            (1, true, 2),
        ),
        (
            "what was made is ended by another",
            vec![
                gone(),
                is(2, "DEPLOYING"),
                is(2, "TERMINATING"),
                gone(),
                is(3, "DEPLOYED"),
            ],
            &[LOOK, MAKE, LOOK, LOOK, MAKE],
            (3, true, 3),
        ),
        (
            "there are too many requests",
            vec![
                gone(),
                refused(429, "X").header("retry-after", "20"),
                gone(),
                is(2, "DEPLOYED"),
            ],
            &[LOOK, MAKE, LOOK, MAKE],
            (20, true, 2),
        ),
        (
            "its status has no name here yet",
            vec![is(1, "WARMING"), is(1, "DEPLOYED")],
            &[LOOK, LOOK],
            (1, false, 1),
        ),
    ];
    for (what, replies, asked, (seconds, made, hour)) in cases {
        let course = run(replies, &Sandbox::new("box")).await;
        let ensured = course
            .outcome
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(course.asked, asked, "{what}");
        assert_eq!(ensured.is_created(), made, "{what}");
        let expected: Sandbox = serde_json::from_value(sandbox(hour, "DEPLOYED")).unwrap();
        assert_eq!(ensured.into_resource(), expected, "{what}");
        assert!(
            about(seconds).contains(&course.took),
            "{what}: {:?}",
            course.took
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_made_is_missed_for_a_while_and_then_made_again() {
    for (what, makes, last) in [
        (
            "the first request was lost",
            vec![Reply::Lost, is(2, "DEPLOYED")],
            MAKE,
        ),
        (
            "the first one arrived",
            vec![Reply::cut_off(), taken()],
            LOOK,
        ),
        ("both were lost", vec![Reply::Lost, Reply::cut_off()], LOOK),
    ] {
        let course = play_unseen(makes).await;
        let ensured = course
            .outcome
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(ensured.is_created(), "{what}");
        let makes = course.asked.iter().filter(|asked| *asked == MAKE).count();
        assert_eq!(makes, 2, "{what}: {:?}", course.asked);
        assert_eq!(
            course.asked.last().map(String::as_str),
            Some(last),
            "{what}"
        );
        let missed = OUT_OF_SIGHT..OUT_OF_SIGHT + 4 * LONGEST_PAUSE;
        assert!(missed.contains(&course.took), "{what}: {:?}", course.took);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_does_not_hide_that_an_earlier_request_may_have_worked() {
    let makes = vec![Reply::Lost, refused(400, "QUOTA_EXCEEDED"), Reply::Silence];
    let error = play_unseen(makes).await.outcome.map(drop).unwrap_err();
    assert!(error.is_quota() && error.maybe_applied(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_never_seen_is_given_up_with_the_failure_that_began_it() {
    let script = Script::with(|line| match line {
        LOOK => gone(),
        _ => Reply::Lost,
    });
    let course = play(script, &Sandbox::new("box")).await;
    let error = course.outcome.map(drop).unwrap_err();
    assert!(error.is_timeout() && error.maybe_applied(), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("`box` is not there: CreateSandbox: the connection broke"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_pass_by_itself_ends_it_at_once() {
    type Check = fn(&Error) -> bool;
    let cases: Vec<Case<Check>> = vec![
        (
            "quota",
            vec![gone(), refused(400, "QUOTA_EXCEEDED")],
            &[LOOK, MAKE],
            Error::is_quota,
        ),
        (
            "a wrong image",
            vec![gone(), refused(400, "INVALID_IMAGE")],
            &[LOOK, MAKE],
            |error| error.code() == Some("INVALID_IMAGE"),
        ),
        (
            "no right to look",
            vec![refused(403, "X")],
            &[LOOK],
            Error::is_forbidden,
        ),
        (
            "a failure of the server",
            vec![gone(), refused(500, "X")],
            &[LOOK, MAKE],
            |error| error.maybe_applied() && error.status().is_some_and(|status| status == 500),
        ),
        (
            "no connection",
            vec![Reply::Unreachable],
            &[LOOK],
            Error::is_connect,
        ),
        (
            "the new one fails",
            vec![gone(), is(2, "FAILED")],
            &[LOOK, MAKE],
            |error| error.is_failed() && error.to_string() == "`box` is FAILED: went FAILED",
        ),
        (
            "the new one fails unseen",
            vec![gone(), Reply::cut_off(), is(2, "FAILED")],
            &[LOOK, MAKE, LOOK],
            |error| {
                let text = error.to_string();
                error.is_failed() && text.contains("went FAILED: CreateSandbox: 504")
            },
        ),
        (
            "it lies in the archive",
            vec![is(1, "ARCHIVED")],
            &[LOOK],
            |error| error.is_failed() && error.to_string() == "`box` is ARCHIVED",
        ),
    ];
    for (what, replies, asked, check) in cases {
        let course = run(replies, &Sandbox::new("box")).await;
        let error = course.outcome.map(drop).unwrap_err();
        assert!(check(&error), "{what}: {error:?}");
        assert_eq!(course.asked, asked, "{what}");
        assert!(
            course.took <= Duration::from_secs(2),
            "{what}: {:?}",
            course.took
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_one_that_cannot_be_made_anew_is_given_up_with_the_refusal() {
    let dead = || is(1, "DEACTIVATED");
    // The last request is answered with the dead one itself, which is no new one either.
    let replies = vec![dead(), taken(), dead(), taken(), dead(), dead()];
    let course = run(replies, &Sandbox::new("box")).await;
    let error = course.outcome.map(drop).unwrap_err();
    assert!(error.is_failed(), "{error:?}");
    let text = error.to_string();
    assert!(
        text.starts_with("`box` is DEACTIVATED: went DEACTIVATED, and cannot be made anew"),
        "{text}"
    );
    assert!(
        text.contains("CreateSandbox: 409 SANDBOX_ALREADY_EXISTS"),
        "{text}"
    );
    assert_eq!(course.asked, [LOOK, MAKE, LOOK, MAKE_ANEW, LOOK, MAKE_ANEW]);
}

#[tokio::test(start_paused = true)]
async fn when_the_time_runs_out_the_error_says_what_stood_in_the_way() {
    // What happens; the replies; what the error says; whether something may have been made.
    let cases: Vec<Case<bool>> = vec![
        (
            "it hangs",
            vec![is(1, "DEPLOYING")],
            &["`box` is DEPLOYING"],
            false,
        ),
        (
            "ours hangs, after an answer that was cut off",
            vec![gone(), Reply::cut_off(), is(1, "BUILDING")],
            &["`box` is BUILDING", "504 Gateway Timeout"],
            true,
        ),
        (
            "it never ends",
            vec![is(1, "TERMINATING")],
            &["`box` is TERMINATING"],
            false,
        ),
        (
            "the server is overrun",
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
            "making it is never answered",
            vec![gone(), Reply::Silence],
            &["`box` is not there"],
            true,
        ),
        (
            "looking is never answered",
            vec![Reply::Silence],
            &[],
            false,
        ),
    ];
    for (what, replies, said, unclear) in cases {
        let course = run(replies, &Sandbox::new("box")).await;
        let error = course.outcome.map(drop).unwrap_err();
        assert!(error.is_timeout(), "{what}: {error:?}");
        assert_eq!(error.maybe_applied(), unclear, "{what}: {error:?}");
        let text = error.to_string();
        assert!(
            said.iter().all(|said| text.contains(said)),
            "{what}: {text}"
        );
        let budget = Duration::from_secs(300);
        let took = course.took;
        assert!(
            took <= budget && took >= budget - 2 * LAST_LOOK,
            "{what}: {took:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_server_asks_for_beyond_the_time_is_not_begun() {
    let replies = vec![gone(), refused(429, "X").header("retry-after", "3600")];
    let course = run(replies, &Sandbox::new("box")).await;
    assert!(course.outcome.map(drop).unwrap_err().is_timeout());
    assert_eq!(course.took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_shorter_time_is_kept_and_its_last_look_is_taken() {
    let script = Script::new([is(1, "DEPLOYING")]);
    let sandboxes = Management::new(script.clone()).sandboxes();
    let ensure = Ensure::new().within(Duration::from_secs(10));
    let outcome = sandboxes.ensure(&Sandbox::new("box"), &ensure).await;
    assert!(outcome.map(drop).unwrap_err().to_string().contains("10s"));
    let last = script.seen().pop().unwrap().at;
    assert!(
        last >= Duration::from_millis(8900) && last <= Duration::from_secs(10),
        "{last:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_the_server_names_is_made_once() {
    let course = run(
        vec![is(1, "DEPLOYING"), is(1, "DEPLOYED")],
        &Sandbox::unnamed(),
    )
    .await;
    assert!(course.outcome.unwrap().is_created());
    assert_eq!(course.asked, [MAKE, LOOK]);

    // Without a name there is nothing to look for, and a second request would make a second one.
    let course = run(vec![Reply::cut_off()], &Sandbox::unnamed()).await;
    let error = course.outcome.map(drop).unwrap_err();
    assert!(error.maybe_applied() && course.asked == [MAKE], "{error:?}");

    let course = run(vec![is(1, "DEPLOYING"), gone()], &Sandbox::unnamed()).await;
    assert!(course.outcome.map(drop).unwrap_err().is_timeout());
    assert_eq!(
        course.asked.iter().filter(|asked| *asked == MAKE).count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn it_may_be_dropped_and_asked_for_again() {
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
        [LOOK, MAKE, LOOK],
        "nothing goes on behind it"
    );
    let second = sandboxes.ensure(&draft, &ensure).await.unwrap();
    // It was made by the first one; the second one found it.
    assert!(!second.is_created());
    assert_eq!(script.lines(), [LOOK, MAKE, LOOK, LOOK]);
}

#[tokio::test(start_paused = true)]
async fn the_request_that_asks_for_the_one_that_is_there_says_so() {
    let script = Script::new([is(1, "DEPLOYED")]);
    let sandboxes = Management::new(script.clone()).sandboxes();
    let made = sandboxes
        .create_if_absent(&Sandbox::new("box"))
        .await
        .unwrap();
    assert_eq!(made.metadata.name, "box");
    assert_eq!(script.lines(), [MAKE_ANEW]);
}
