//! The stream of changes in a directory.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt as _;

use crate::support::{Sandbox, request};

/// Opens a stream of changes.
async fn watch(sandbox: &Sandbox, path: &str) -> Body {
    let response = sandbox
        .open(request(&format!("GET /watch/filesystem/{path}"), &[], ""))
        .await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    response.into_body()
}

/// Reads the lines that are there already.
async fn lines(body: &mut Body) -> Vec<String> {
    let mut lines = Vec::new();
    while let Ok(frame) = tokio::time::timeout(Duration::from_millis(10), body.frame()).await {
        let line = frame.unwrap().unwrap().into_data().unwrap();
        lines.push(String::from_utf8(line.to_vec()).unwrap());
    }
    lines
}

fn event(op: &str, path: &str, name: &str) -> String {
    format!("{{\"op\":\"{op}\",\"name\":\"{name}\",\"path\":\"{path}\",\"error\":null}}\n")
}

#[tokio::test(start_paused = true)]
async fn changes_by_requests_are_lines_of_json() {
    let sandbox = Sandbox::new();
    sandbox.put_files(&[("/blaxel/w/old", "")]);
    let mut direct = watch(&sandbox, "w").await;
    let mut recursive = watch(&sandbox, "w/**?ignore=skip,").await;
    for (call, body) in [
        ("PUT /filesystem/w/put", r#"{"content":"x"}"#),
        ("PUT /filesystem/w/put", r#"{"content":"y"}"#),
        ("PUT /filesystem/w/sub/deep", r#"{"content":"z"}"#),
        ("PUT /filesystem/w/skipped", "{}"),
        ("PUT /filesystem/elsewhere", "{}"),
        ("DELETE /filesystem/w/put", ""),
    ] {
        assert_eq!(sandbox.call(call, body).await.status, 200, "{call}");
    }
    let put = |op| event(op, "/blaxel/w", "put");
    let mut expected = vec![
        put("CREATE"),
        put("WRITE"),
        put("WRITE"),
        put("WRITE"),
        event("CREATE", "/blaxel/w", "sub"),
        event("CREATE", "/blaxel/w", "skipped"),
        put("REMOVE"),
    ];
    assert_eq!(lines(&mut direct).await, expected);
    let deep = |op| event(op, "/blaxel/w/sub", "deep");
    expected.splice(5..6, [deep("CREATE"), deep("WRITE")]);
    assert_eq!(lines(&mut recursive).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_has_a_keepalive_every_30_seconds_of_the_clock() {
    let sandbox = Sandbox::new();
    let mut body = watch(&sandbox, "").await;
    assert!(lines(&mut body).await.is_empty());
    sandbox.clock().advance(Duration::from_secs(30));
    assert_eq!(lines(&mut body).await, ["[keepalive]\n"]);
    sandbox.clock().advance(Duration::from_secs(29));
    assert!(lines(&mut body).await.is_empty());
    sandbox.clock().advance(Duration::from_secs(31));
    assert_eq!(lines(&mut body).await, ["[keepalive]\n", "[keepalive]\n"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_through_a_link_shows_the_path_that_was_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.put_files(&[("/real/old", "")]);
    sandbox.files().symlink("/real", "/link").unwrap();
    let mut body = watch(&sandbox, "/link").await;
    sandbox.put_files(&[("/real/new", "")]);
    assert_eq!(lines(&mut body).await, [event("CREATE", "/link", "new")]);
    let mut root = watch(&sandbox, "//**").await;
    sandbox.put_files(&[("/top", "")]);
    assert_eq!(lines(&mut root).await, [event("CREATE", "", "top")]);
}

#[tokio::test]
async fn only_directories_can_be_watched() {
    let sandbox = Sandbox::new();
    sandbox.put_files(&[("/blaxel/f", "")]);
    for path in ["nope", "f", "**"] {
        let answer = sandbox.get(&format!("/watch/filesystem/{path}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error().as_str()),
            (400, "path is not a directory")
        );
    }
}
