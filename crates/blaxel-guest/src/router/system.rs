//! The server itself: its welcome, its health and its upgrades.

use std::time::Duration;

use axum::response::Response;
use blaxel_core::__private::lenient::null_as_default;
use http::Method;
use serde::{Deserialize, Serialize};

use super::call::{Call, empty, into_response};
use super::respond::{HandlerResult, ok};
use super::route::Route;
use crate::clock::timestamp;
use crate::lock::lock;
use crate::state::Upgrade;
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[
    Route {
        operation: "GetHealth",
        method: Method::GET,
        pattern: "/health",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(health(&call)) }),
    },
    Route {
        operation: "Upgrade",
        method: Method::POST,
        pattern: "/upgrade",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(upgrade(call).await) }),
    },
    Route {
        operation: "Upgrade",
        method: Method::HEAD,
        pattern: "/upgrade",
        since: ServerVersion::August,
        handler: |_| Box::pin(async { empty() }),
    },
];

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
    upgrade_count: usize,
    started_at: String,
    last_upgrade: UpgradeStatus,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct UpgradeStatus {
    status: &'static str,
    step: &'static str,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    download_url: Option<String>,
}

fn health(call: &Call) -> HandlerResult {
    let state = &call.state;
    let now = state.guest.clock().since_epoch();
    let (upgrade_count, restarted, last) = {
        let upgrades = lock(&state.upgrades);
        (
            upgrades.completed(now),
            upgrades.restarted(now),
            upgrades.last().cloned(),
        )
    };
    let started = restarted.unwrap_or(state.started);
    let up = now.saturating_sub(started);
    ok(&Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        git_commit: "unknown",
        build_time: "unknown",
        go_version: "none",
        os: "linux",
        arch: "amd64",
        uptime: uptime(up),
        uptime_seconds: up.as_secs_f64(),
        upgrade_count,
        started_at: timestamp(whole_seconds(started)).to_string(),
        last_upgrade: last.map_or_else(
            || UpgradeStatus {
                status: "idle",
                step: "none",
                ..UpgradeStatus::default()
            },
            |upgrade| upgrade_status(upgrade, now),
        ),
    })
}

fn upgrade_status(upgrade: Upgrade, now: Duration) -> UpgradeStatus {
    let is_completed = upgrade.is_completed(now);
    UpgradeStatus {
        status: if is_completed { "completed" } else { "running" },
        step: if is_completed {
            "completed"
        } else {
            "starting"
        },
        last_attempt: Some(timestamp(whole_seconds(upgrade.requested)).to_string()),
        download_url: Some(upgrade.base_url),
        version: upgrade.version,
    }
}

fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs())
}

/// Writes a duration like `1h2m3s`.
fn uptime(up: Duration) -> String {
    let rounded = up.saturating_add(Duration::from_millis(500)).as_secs();
    let (hours, minutes, seconds) = (rounded / 3600, rounded / 60 % 60, rounded % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

async fn upgrade(mut call: Call) -> HandlerResult {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Request {
        #[serde(deserialize_with = "null_as_default")]
        version: String,
        #[serde(deserialize_with = "null_as_default")]
        base_url: String,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Started<'a> {
        message: &'static str,
        version: &'a str,
        base_url: &'a str,
    }
    // A body that cannot be read counts as none.
    let request: Request = call.take_json().await.unwrap_or_default();
    let or = |text: String, default: &str| {
        if text.is_empty() {
            default.to_owned()
        } else {
            text
        }
    };
    let version = or(request.version, "latest");
    let base_url = or(
        request.base_url,
        "https://github.com/blaxel-ai/sandbox/releases",
    );
    let requested = call.state.guest.clock().since_epoch();
    let response = ok(&Started {
        message: "Upgrade initiated. Process state saved. The server will upgrade shortly.",
        version: &version,
        base_url: &base_url,
    });
    lock(&call.state.upgrades).add(Upgrade {
        version,
        base_url,
        requested,
    });
    response
}
