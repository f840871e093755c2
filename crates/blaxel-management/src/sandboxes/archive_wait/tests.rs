use serde_json::{Value, json};

use super::*;
use crate::Management;
use crate::scripted::{Reply, Script};

/// Returns a sandbox in this status.
fn is(status: &str) -> Reply {
    Reply::json(200, &sandbox(status))
}

fn sandbox(status: &str) -> Value {
    json!({"metadata": {"name": "box"}, "spec": {}, "status": status})
}

/// Returns a sandbox of which so many of 100 bytes are restored.
fn restored(state: &str, bytes: u64) -> Reply {
    let restore = json!({"state": state, "restoredBytes": bytes, "totalBytes": 100});
    let mut sandbox = sandbox("UNARCHIVING");
    sandbox["archive"] = json!({"restore": restore});
    Reply::json(200, &sandbox)
}

/// The result of a wait, with the reported sandboxes and the time that it took.
struct Run {
    outcome: Result<Sandbox, Error>,
    reported: Vec<Sandbox>,
    took: Duration,
}

impl Run {
    fn statuses(&self) -> Vec<&str> {
        let statuses = self.reported.iter();
        statuses
            .map(|sandbox| sandbox.status.as_ref().map_or("", Status::as_str))
            .collect()
    }

    #[track_caller]
    fn error(&self) -> String {
        self.outcome.as_ref().unwrap_err().to_string()
    }
}

async fn wait(replies: Vec<Reply>, course: &Course, wait: &ArchiveWait) -> Run {
    let script = Script::new(replies);
    let sandboxes = Management::new(script.clone()).sandboxes();
    let mut reported = Vec::new();
    let outcome = sandboxes.follow("box", wait, course, |sandbox| {
        reported.push(sandbox.clone());
    });
    let outcome = outcome.await;
    Run {
        outcome,
        reported,
        took: script.elapsed(),
    }
}

async fn archived(replies: Vec<Reply>) -> Run {
    wait(replies, &ARCHIVING, &ArchiveWait::new()).await
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_the_archive() {
    let run = archived(vec![
        is("DEPLOYED"),
        is("ARCHIVING"),
        is("ARCHIVING"),
        is("ARCHIVED"),
    ])
    .await;
    assert_eq!(run.statuses(), ["DEPLOYED", "ARCHIVING", "ARCHIVED"]);
    assert_eq!(run.took, Duration::from_secs(6));
    assert_eq!(run.outcome.unwrap().status, Some(Status::Archived));
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_something_done_takes_no_time() {
    let run = archived(vec![is("ARCHIVED")]).await;
    assert!(run.outcome.is_ok());
    assert_eq!(run.took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_status_before_the_request_is_a_failure_once_archiving_was_seen() {
    let run = archived(vec![is("ARCHIVING"), is("DEPLOYED")]).await;
    assert!(run.outcome.as_ref().unwrap_err().is_failed());
    let expected = "archiving has failed: `box` is DEPLOYED; archive it again";
    assert_eq!(run.error(), expected);
    assert_eq!(run.took, Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn the_status_before_the_request_is_a_failure_after_half_a_minute() {
    let run = archived(vec![is("DEPLOYED")]).await;
    assert!(run.error().contains("`box` is DEPLOYED"));
    assert_eq!(run.took, Duration::from_secs(30));
    let patient = ArchiveWait::new().settling(Duration::from_secs(60));
    let run = wait(vec![is("DEPLOYED")], &ARCHIVING, &patient).await;
    assert_eq!(run.took, Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn any_other_status_is_a_failure_that_names_it() {
    for status in ["FAILED", "TERMINATED", "DELETING", "UNARCHIVING", "NEWLY"] {
        let run = archived(vec![is("ARCHIVING"), is(status)]).await;
        assert!(run.outcome.as_ref().unwrap_err().is_failed(), "{status}");
        assert!(run.error().contains(status), "{}", run.error());
    }
    let gone = Reply::json(404, &json!({"code": 404, "error": "Sandbox not found"}));
    let run = archived(vec![is("ARCHIVING"), gone]).await;
    assert!(run.outcome.as_ref().unwrap_err().is_failed());
    assert!(run.error().contains("does not exist"), "{}", run.error());
}

#[tokio::test(start_paused = true)]
async fn a_wait_has_a_time_limit_that_covers_its_polls() {
    let run = archived(vec![is("ARCHIVING")]).await;
    let error = run.outcome.as_ref().unwrap_err();
    assert!(error.is_timeout());
    assert!(run.error().contains("`box` is ARCHIVING"), "{error}");
    assert_eq!(run.took, Duration::from_secs(30 * 60));
    let short = ArchiveWait::new().within(Duration::from_secs(5));
    let run = wait(vec![Reply::NoResponse], &ARCHIVING, &short).await;
    assert!(run.outcome.unwrap_err().is_timeout());
    assert_eq!(run.took, Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn restoring_reports_each_step_of_its_progress_once() {
    let replies = vec![
        is("ARCHIVED"),
        restored("downloading", 0),
        restored("downloading", 0),
        restored("extracting", 40),
        restored("relaunching", 100),
        is("DEPLOYING"),
        is("DEPLOYED"),
    ];
    let run = wait(replies, &UNARCHIVING, &ArchiveWait::new()).await;
    assert!(run.outcome.is_ok());
    let shares = run.reported.iter().map(|sandbox| {
        let restore = sandbox.archive.as_ref()?.restore.as_ref()?;
        restore.fraction()
    });
    let expected = [None, Some(0.0), Some(0.4), Some(1.0), None, None];
    assert_eq!(shares.collect::<Vec<_>>(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_failed_restoring_is_an_error() {
    let replies = vec![restored("extracting", 40), is("ARCHIVED")];
    let run = wait(replies, &UNARCHIVING, &ArchiveWait::new()).await;
    let expected = "restoring has failed: `box` is ARCHIVED; unarchive it again";
    assert_eq!(run.error(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_poll_ends_the_wait() {
    let error = Reply::json(403, &json!({"code": 403, "error": "Forbidden"}));
    let run = archived(vec![is("ARCHIVING"), error]).await;
    assert!(run.outcome.unwrap_err().is_forbidden());
}
