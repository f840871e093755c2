//! The stream of changes in a directory.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;

use super::call::{Call, into_response};
use super::delete::kind;
use super::path::{Paths, requested};
use super::respond::{HandlerResult, Refusal};
use super::route::Route;
use crate::clock::Clock;
use crate::files::{Change, ChangeKind, Changes, FileKind};
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[Route {
    operation: "WatchDirectory",
    method: Method::GET,
    pattern: "/watch/filesystem/*path",
    since: ServerVersion::August,
    handler: |call| Box::pin(async move { into_response(watch(call).await) }),
}];

/// The time between two keepalives.
const KEEPALIVE: Duration = Duration::from_secs(30);

async fn watch(call: Call) -> HandlerResult {
    let paths = Paths::of(&call.state);
    let path = paths.format(&requested(&call))?;
    let (path, is_recursive) = match path.strip_suffix("/**") {
        Some("") => ("/".to_owned(), true),
        Some(directory) => (directory.to_owned(), true),
        None => (path, false),
    };
    let ignored: Vec<String> = call.query("ignore").split(',').map(str::to_owned).collect();
    let directory = paths.absolute(&path);
    let started = Call::with_files(&call.state, move |files| {
        if kind(files, &directory).map_err(Refusal::unprocessable)? != Some(FileKind::Directory) {
            return Err(Refusal::bad_request("path is not a directory"));
        }
        let changes = files
            .watch(&directory, is_recursive)
            .map_err(Refusal::internal)?;
        let real = files.canonicalize(&directory).map_err(Refusal::internal)?;
        Ok((changes, directory, real))
    });
    let (changes, directory, real) = started.await?;
    let clock = call.state.guest.clock().clone();
    let keepalive = clock.since_epoch().saturating_add(KEEPALIVE);
    let watched = Watched {
        changes,
        directory,
        real,
        ignored,
        clock,
        keepalive,
    };
    let lines = stream::unfold(watched, |mut watched| async move {
        let line = watched.line().await?;
        Some((Ok::<_, std::convert::Infallible>(line), watched))
    });
    let mut response = Response::new(Body::from_stream(lines));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// A watched directory.
struct Watched {
    changes: Changes,
    /// The path of the directory as it was asked for, and without links.
    directory: String,
    real: String,
    /// Changes of paths with one of these texts are left out.
    ignored: Vec<String>,
    clock: Clock,
    /// The time of the next keepalive.
    keepalive: Duration,
}

impl Watched {
    /// Waits for the next line. Returns `None` if the guest has ended the watch.
    async fn line(&mut self) -> Option<Bytes> {
        loop {
            tokio::select! {
                biased;
                change = self.changes.recv() => {
                    if let Some(line) = self.describe(&change?) {
                        return Some(line);
                    }
                }
                () = self.clock.sleep_until(self.keepalive) => {
                    self.keepalive = self.keepalive.saturating_add(KEEPALIVE);
                    return Some(Bytes::from_static(b"[keepalive]\n"));
                }
            }
        }
    }

    fn describe(&self, change: &Change) -> Option<Bytes> {
        #[derive(Serialize)]
        struct Event<'a> {
            op: &'static str,
            name: &'a str,
            path: &'a str,
            error: Option<()>,
        }
        let below = change.path.strip_prefix(self.real.trim_end_matches('/'));
        let path = below.map_or_else(
            || change.path.clone(),
            |below| format!("{}{below}", self.directory.trim_end_matches('/')),
        );
        let is_ignored = |text: &String| !text.is_empty() && path.contains(text.as_str());
        if self.ignored.iter().any(is_ignored) {
            return None;
        }
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let event = Event {
            op: operation(change.kind),
            name,
            path: directory,
            error: None,
        };
        let mut line = serde_json::to_vec(&event).ok()?;
        line.push(b'\n');
        Some(Bytes::from(line))
    }
}

fn operation(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Create => "CREATE",
        ChangeKind::Write => "WRITE",
        ChangeKind::Remove => "REMOVE",
        ChangeKind::Rename => "RENAME",
        ChangeKind::Chmod => "CHMOD",
    }
}
