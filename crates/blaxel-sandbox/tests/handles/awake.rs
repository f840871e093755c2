use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::script::{self, chunks, refusal, sandbox};

fn health() -> script::Reply {
    script::json(&json!({"status": "ok"}))
}

/// A stream that sends a line and then stays silent.
fn open() -> script::Reply {
    chunks(["[keepalive]\n".into()]).hanging()
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_stream_is_held_open_until_the_guard_is_dropped() {
    let (sandbox, log) = sandbox([health(), open()]);
    let awake = sandbox.keep_awake(HOUR).await.unwrap();
    sleep(Duration::from_secs(600)).await;
    assert!(awake.is_active());
    assert_eq!(log.lines(), ["GET /health", "GET /watch/filesystem/%2F"]);
    assert!(log.all()[1].is_streamed);
    assert!(log.all()[1].options.idle_limit().is_some());
    drop(awake);
    sleep(HOUR).await;
    assert_eq!(log.all().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_is_opened_again_until_the_time_is_over() {
    let (sandbox, log) = sandbox([
        health(),
        refusal(502, ""),
        script::text("[keepalive]\n"),
        open(),
    ]);
    let awake = sandbox.keep_awake(HOUR).await.unwrap();
    let start = tokio::time::Instant::now();
    awake.finished().await.unwrap();
    assert_eq!(start.elapsed(), HOUR);
    assert_eq!(log.all().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_stays_ends_the_guard() {
    let missing =
        r#"{"error":{"code":"WORKLOAD_NOT_FOUND","origin":"platform","retryable":false}}"#;
    let (gone, _) = sandbox([health(), script::text(""), refusal(404, missing)]);
    let awake = gone.keep_awake(HOUR).await.unwrap();
    sleep(Duration::from_secs(10)).await;
    assert!(!awake.is_active());
    assert!(awake.finished().await.unwrap_err().is_not_found());

    let (absent, log) = sandbox([refusal(404, missing)]);
    assert!(absent.keep_awake(HOUR).await.unwrap_err().is_not_found());
    assert_eq!(log.all().len(), 1);
}
