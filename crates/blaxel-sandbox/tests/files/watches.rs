//! Streams of changes, cut at every byte.

use std::sync::Mutex;
use std::time::Duration;

use blaxel_core::{Body, Error};
use blaxel_sandbox::files::{FileEvent, FileEvents, FileOp};
use blaxel_sandbox::{SandboxRef, Sandboxes};
use bytes::Bytes;
use http::Response;
use serde_json::json;

use super::fake::{Chunks, Seen, refuse, scripted};

const BODY: &str = concat!(
    "[keepalive]\n",
    r#"{"op":"CREATE","name":"ü","path":"/data/dir","error":null}"#,
    "\n\n[keepalive]\n",
    r#"{"op":"WRITE|CHMOD","name":"a b","path":"","error":null}"#,
    "\n",
    r#"[keepalive]{"op":"ACCESS","name":"c","path":"/d","error":null}"#,
    "\n",
);

async fn collect(mut events: FileEvents) -> (Vec<FileEvent>, Error) {
    let mut found = Vec::new();
    loop {
        match events.try_next().await {
            Ok(Some(event)) => found.push(event),
            Ok(None) => panic!("the end is an error"),
            Err(error) => {
                assert!(events.try_next().await.unwrap().is_none());
                return (found, error);
            }
        }
    }
}

async fn watch(body: Body) -> (Vec<FileEvent>, Error) {
    let body = Mutex::new(Some(body));
    let (files, _) = scripted(move |_| Response::new(body.lock().unwrap().take().unwrap()));
    collect(files.watch("/work").await.unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn changes_do_not_depend_on_the_chunks() {
    for cut in 0..BODY.len() {
        let chunks = vec![
            Bytes::from(&BODY.as_bytes()[..cut]),
            Bytes::from(&BODY.as_bytes()[cut..]),
        ];
        let (events, error) = watch(Chunks::body(chunks, false)).await;
        assert!(
            error.is_truncated() && error.to_string().contains("WatchDirectory"),
            "{error}"
        );
        let paths: Vec<_> = events.iter().map(FileEvent::path).collect();
        assert_eq!(paths, ["/data/dir/ü", "/a b", "/d/c"]);
        assert_eq!(events[1].ops, [FileOp::Write, FileOp::Chmod]);
        assert!(events[0].is(&FileOp::Create) && !events[0].is(&FileOp::Write));
        assert_eq!(events[2].ops[0].as_str(), "ACCESS");
        let json = serde_json::to_value(&events[1]).unwrap();
        assert_eq!(
            json,
            json!({"op": "WRITE|CHMOD", "path": "", "name": "a b"})
        );
        assert_eq!(
            serde_json::from_value::<FileEvent>(json).unwrap(),
            events[1]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_cut_never_invents_a_change() {
    for cut in 0..BODY.len() {
        for breaks in [false, true] {
            let start = Bytes::from(BODY.as_bytes()[..cut].to_vec());
            let (events, error) = watch(Chunks::body(vec![start], breaks)).await;
            assert!(error.is_transient(), "{cut}: {error}");
            assert!(events.len() <= 3);
            let complete = BODY.as_bytes()[..cut]
                .iter()
                .filter(|byte| **byte == b'}')
                .count();
            // A complete change without its line end may count, or be lost with the end of the watch.
            assert!(
                events.len() == complete || events.len() + 1 == complete,
                "{cut}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn garbage_is_an_error() {
    let (events, error) = watch(Body::from("{\"op\":1}\n")).await;
    assert!(events.is_empty() && error.is_decode(), "{error}");
    let (_, error) = watch(Body::from("<html>busy</html>")).await;
    assert!(
        error.is_decode() && error.to_string().contains("HTML"),
        "{error}"
    );
}

#[tokio::test]
async fn a_recursive_watch_has_a_pattern() {
    let (files, journal) = scripted(|_| Response::new(Body::empty()));
    let _ = files.watch("/a b").await.unwrap();
    let _ = files
        .watch("/")
        .recursive(true)
        .ignore(["node_modules", ".git"])
        .await
        .unwrap();
    let _ = files.watch("src").recursive(true).await.unwrap();
    let lines: Vec<_> = journal.lock().unwrap().iter().map(Seen::line).collect();
    assert_eq!(
        lines,
        [
            "GET /watch/filesystem/%2Fa%20b",
            "GET /watch/filesystem/%2F%2A%2A?ignore=node_modules%2C.git",
            "GET /watch/filesystem/src/**",
        ]
    );
    assert!(files.watch("/a/**").await.unwrap_err().is_input());
}

#[tokio::test]
async fn a_missing_directory_is_not_found() {
    let respond = |seen: &Seen| match seen.target.starts_with("/watch") {
        true => refuse(400, "path is not a directory"),
        false => refuse(404, "no such file or directory"),
    };
    let error = scripted(respond).0.watch("/gone").await.unwrap_err();
    assert!(
        error.is_not_found() && error.to_string().contains("/gone"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_confirms_late_is_not_waited_for() {
    let service = tower::service_fn(|_: http::Request<Body>| async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        Ok::<_, Error>(Response::new(Body::from(BODY)))
    });
    let files = Sandboxes::new(service).join(&SandboxRef::new("dev")).fs();
    let start = tokio::time::Instant::now();
    let events = files.watch("/work").await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_millis(500));
    let (events, error) = collect(events).await;
    assert_eq!(start.elapsed(), Duration::from_secs(30));
    assert!(events.len() == 3 && error.is_truncated());
}
