//! Events about what happens in an emulator, live.

use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use futures_util::stream::unfold;
use http::HeaderMap;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::Of;
use super::event_stream::{push, response};
use super::{faults, journal};
use crate::engine::Engine;

/// The time between two looks at the clock and at what announces no change. Requests are sent at once, but
/// not more often than they are read.
const LOOK: Duration = Duration::from_secs(1);

/// Maximum number of requests that are sent at once: of more, the last ones.
const BATCH: usize = 500;

pub(super) fn routes() -> Router {
    Router::new().route("/events", get(follow))
}

/// The state of an emulator as a client has seen it.
struct Seen {
    /// Not a strong reference: a stream that nobody reads must not keep an emulator.
    engine: Weak<Engine>,
    requests: watch::Receiver<()>,
    resources: watch::Receiver<u64>,
    look: Interval,
    revision: u64,
    /// The number of changes of resources.
    resource_count: u64,
    now: String,
    faults: String,
}

async fn follow(Extension(engine): Of, headers: HeaderMap) -> Response {
    // From now on, nothing is missed.
    let mut requests = engine.journal.changes();
    let last = headers.get("last-event-id");
    let last = last.and_then(|id| id.to_str().ok()?.parse().ok());
    let current = engine.journal.revision();
    // An id of an earlier emulator at this address is of no use.
    let revision = last.filter(|last| *last <= current).unwrap_or(current);
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    if revision < current {
        requests.mark_changed();
    }
    let resources = engine.store.open().changes();
    let resource_count = *resources.borrow();
    let seen = Seen {
        requests,
        resources,
        resource_count,
        look,
        revision,
        now: engine.clock.now().as_str().to_owned(),
        faults: faults_of(&engine),
        engine: Arc::downgrade(&engine),
    };
    response(unfold(seen, |mut seen| async move {
        let events = seen.next().await?;
        Some((events, seen))
    }))
}

/// Returns a text that changes with the faults that wait.
fn faults_of(engine: &Engine) -> String {
    json!(faults::all(engine)).to_string()
}

impl Seen {
    /// Returns the next events, or `None` when the emulator is gone.
    async fn next(&mut self) -> Option<String> {
        loop {
            tokio::select! {
                changed = self.requests.changed() => changed.ok()?,
                changed = self.resources.changed() => changed.ok()?,
                _ = self.look.tick() => {}
            }
            let engine = self.engine.upgrade()?;
            let events = self.look_at(&engine);
            if !events.is_empty() {
                return Some(events);
            }
        }
    }

    fn look_at(&mut self, engine: &Engine) -> String {
        let mut events = String::new();
        self.requests.borrow_and_update();
        let changes = engine.journal.since(self.revision, BATCH);
        self.revision = changes.revision;
        for (revision, entry) in &changes.entries {
            push(
                &mut events,
                "request",
                Some(*revision),
                &journal::shown(entry),
            );
        }
        let mut changed = Vec::new();
        if changes.is_cleared {
            changed.push("journal");
        }
        let resource_count = *self.resources.borrow_and_update();
        if resource_count != self.resource_count {
            self.resource_count = resource_count;
            changed.push("resources");
        }
        let faults = faults_of(engine);
        if faults != self.faults {
            self.faults = faults;
            changed.push("faults");
        }
        if !changed.is_empty() {
            push(&mut events, "change", None, &json!({"of": changed}));
        }
        let now = engine.clock.now();
        if now.as_str() != self.now {
            now.as_str().clone_into(&mut self.now);
            push(&mut events, "clock", None, &json!({"now": now.as_str()}));
        }
        events
    }
}
