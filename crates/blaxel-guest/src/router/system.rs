//! The server itself: the welcome and its health.

use axum::response::Response;
use http::Method;
use serde::Serialize;

use super::call::{Call, into_response};
use super::respond::{HandlerResult, ok};
use super::route::Route;
use crate::clock::timestamp;
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[Route {
    operation: "GetHealth",
    method: Method::GET,
    pattern: "/health",
    since: ServerVersion::August,
    handler: |call| Box::pin(async move { into_response(health(&call)) }),
}];

/// Greets a client, on `/` and for every method.
pub(super) fn welcome() -> Response {
    #[derive(Serialize)]
    struct Welcome {
        message: &'static str,
        documentation: &'static str,
        description: &'static str,
    }
    into_response(ok(&Welcome {
        message: "Welcome to your Blaxel Sandbox",
        documentation: "https://docs.blaxel.ai/Sandboxes/Overview",
        description: "A simulated sandbox for tests: it answers as the server of a sandbox does.",
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Health {
    status: &'static str,
    version: &'static str,
    git_commit: &'static str,
    build_time: &'static str,
    go_version: &'static str,
    os: &'static str,
    arch: &'static str,
    uptime: String,
    uptime_seconds: f64,
    upgrade_count: u32,
    started_at: String,
}

fn health(call: &Call) -> HandlerResult {
    let up = call
        .state
        .guest
        .clock()
        .since_epoch()
        .saturating_sub(call.state.started);
    ok(&Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        git_commit: "unknown",
        build_time: "unknown",
        go_version: "none",
        os: "linux",
        arch: "amd64",
        uptime: format!("{}s", up.as_secs()),
        uptime_seconds: up.as_secs_f64(),
        upgrade_count: 0,
        started_at: timestamp(call.state.started).to_string(),
    })
}
