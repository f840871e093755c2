//! Cron triggers of agents, functions and jobs, which fire on the emulator's clock.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, header};
use serde_json::{Value, json};

use super::Api;
use super::access::OWN_AUTHORIZATION;
use crate::cron::Cron;
use crate::engine::Engine;
use crate::state::{AGENTS, FUNCTIONS, JOBS, Kind, OpenStore, Record, member, traffic};

/// Maximum number of times that a trigger fires at once, if the clock was advanced over more of them.
const MAX_FIRINGS: usize = 100;

/// The kinds whose cron triggers fire.
static KINDS: [&Kind; 3] = [&AGENTS, &FUNCTIONS, &JOBS];

/// Starts the task that fires the triggers in time, if a workload has a cron trigger and the task does not run. It
/// needs a tokio runtime, and ends with the emulator.
pub(super) fn watch(engine: &Arc<Engine>, store: &OpenStore, workload: &Record) {
    let has_cron = crons(workload).next().is_some();
    let watched = &engine.workloads.has_cron_task;
    if !has_cron || watched.swap(true, Ordering::AcqRel) {
        return;
    }
    let task = fire_in_time(Arc::clone(engine), store.now());
    if !engine.workloads.tasks.spawn(task) {
        watched.store(false, Ordering::Release);
    }
}

/// Fires the triggers that are due after `since`, for as long as the emulator exists.
async fn fire_in_time(engine: Arc<Engine>, mut since: Duration) {
    loop {
        let (requests, next, mut changes) = {
            let store = engine.store.open();
            let now = store.now();
            let requests = due(&engine, &store, since, now);
            since = now;
            (requests, next(&store, now), store.changes())
        };
        for requests in requests {
            let api = Api::new(&engine);
            // The calls of one workload follow one another.
            engine.workloads.tasks.spawn(async move {
                for request in requests {
                    drop(api.call(request).await);
                }
            });
        }
        let due = async {
            match next {
                Some(at) => engine.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}

/// Returns the cron triggers of a workload, each with its configuration.
fn crons(workload: &Record) -> impl Iterator<Item = (Cron, &Value)> {
    let triggers = member::get(&workload.document, "spec/triggers").and_then(Value::as_array);
    triggers.into_iter().flatten().filter_map(|trigger| {
        let is_cron = trigger.get("type").and_then(Value::as_str) == Some("cron");
        let is_enabled = trigger.get("enabled").and_then(Value::as_bool) != Some(false);
        let configuration = trigger
            .get("configuration")
            .filter(|_| is_cron && is_enabled)?;
        let schedule = configuration.get("schedule")?.as_str()?;
        Some((Cron::parse(schedule)?, configuration))
    })
}

/// Returns the records of all workloads whose triggers fire.
fn workloads(store: &OpenStore) -> impl Iterator<Item = (&'static Kind, &Record)> {
    KINDS.into_iter().flat_map(|kind| {
        let records = store.not_terminated(kind);
        records.map(move |record| (kind, record))
    })
}

/// Returns the time at which the next trigger is due.
fn next(store: &OpenStore, now: Duration) -> Option<Duration> {
    let crons = workloads(store).flat_map(|(_, record)| crons(record));
    crons.filter_map(|(cron, _)| cron.next(now)).min()
}

/// Returns the calls that were due after `since` and up to now, for each workload in the order of their times.
fn due(
    engine: &Engine,
    store: &OpenStore,
    since: Duration,
    now: Duration,
) -> Vec<Vec<Request<Body>>> {
    let mut all = Vec::new();
    for (kind, record) in workloads(store) {
        // A trigger does not fire for the time before it was set.
        let since = record.revisions.latest_at().unwrap_or_default().max(since);
        let mut times: Vec<_> = crons(record)
            .flat_map(|(cron, configuration)| {
                let times = cron.due(since, now).take(MAX_FIRINGS);
                times.map(move |at| (at, configuration))
            })
            .filter(|(at, _)| traffic::served(record, *at).is_some())
            .collect();
        times.sort_by_key(|(at, _)| *at);
        let requests = times.into_iter().flat_map(|(_, configuration)| {
            let tasks = configuration.get("tasks").and_then(Value::as_array);
            requests(
                engine,
                kind,
                &record.name,
                tasks.map(Vec::as_slice).unwrap_or_default(),
            )
        });
        let requests: Vec<_> = requests.collect();
        if !requests.is_empty() {
            all.push(requests);
        }
    }
    all
}

/// Returns the calls by which a trigger starts a workload. The documentation leaves open what an agent or a function
/// receives: it is called with each task, or without tasks with an empty object.
fn requests(
    engine: &Engine,
    kind: &Kind,
    name: &str,
    tasks: &[Value],
) -> impl Iterator<Item = Request<Body>> + use<> {
    let workspace = &engine.config.workspace;
    let (path, bodies) = if kind.path == JOBS.path {
        let bodies = vec![json!({"tasks": tasks})];
        (format!("/v0/jobs/{name}/executions"), bodies)
    } else {
        let bodies = match tasks {
            [] => vec![json!({})],
            tasks => tasks.to_vec(),
        };
        (format!("/run/{workspace}/{}/{name}", kind.path), bodies)
    };
    let credential = format!("Bearer {}", engine.config.api_key);
    bodies.into_iter().filter_map(move |body| {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header(OWN_AUTHORIZATION, credential.as_str());
        // Names are valid in a path, and an API key that is no header value lets nobody in.
        request.body(Body::from(body.to_string())).ok()
    })
}
