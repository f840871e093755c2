//! Schedules of sandboxes. Due executions are computed when a schedule is read or changed; nothing
//! runs in the background.

use std::time::Duration;

use serde_json::{Value, json};

use http::Method;

use super::access_level::AccessLevel;
use super::call::Call;
use super::route::{HandlerResult, Route};
use super::{listing, resources};
use crate::clock::timestamp;
use crate::cron::Cron;
use crate::state::{
    Author, Collection, Document, OpenStore, Record, SANDBOXES, SCHEDULE_EXECUTIONS, SCHEDULES,
    member, rule, schedule_changed, status,
};

/// The default timeout of a command, in seconds.
const TIMEOUT: u64 = 600;

/// Maximum number of executions that a schedule can keep.
const MAX_EXECUTIONS: usize = 10_000;

pub(crate) fn routes() -> Vec<Route> {
    let one = "/v0/sandboxes/{sandboxName}/schedules/{scheduleId}";
    let done = "/v0/sandboxes/{sandboxName}/schedule-executions";
    let route = |operation, method, path, handler: fn(&Call) -> HandlerResult| {
        let settled = move |call: &Call| {
            record_due(&mut call.engine.store.open());
            handler(call)
        };
        Route::new(operation, method, [path], AccessLevel::Workspace, settled)
    };
    vec![
        route("UpdateSandboxSchedule", Method::PUT, one, |call| {
            resources::update(call, &SCHEDULES)
        }),
        route("DeleteSandboxSchedule", Method::DELETE, one, |call| {
            resources::delete(call, &SCHEDULES)
        }),
        route("ListSandboxScheduleExecutions", Method::GET, done, |call| {
            listing::list(call, &SCHEDULE_EXECUTIONS)
        }),
    ]
}

/// Records the executions of all schedules that became due since the last call, and removes those
/// beyond the number that each schedule keeps.
pub(super) fn record_due(store: &mut OpenStore) {
    let now = store.now();
    let mut due: Vec<(Duration, Collection, Document)> = Vec::new();
    let mut kept: Vec<(Collection, String, usize)> = Vec::new();
    for sandbox in store.all(&Collection::top(&SANDBOXES)) {
        let under = |kind| Collection::under(kind, vec![sandbox.name.clone()]);
        let (schedules, executions) = (under(&SCHEDULES), under(&SCHEDULE_EXECUTIONS));
        for schedule in store.all(&schedules) {
            let last = of(store, &executions, &schedule.name).map(|done| done.created);
            let since = last.max().max(schedule_changed(&schedule.document));
            let most = member::get(&schedule.document, "maxExecutions").and_then(Value::as_u64);
            let most = most.and_then(|most| usize::try_from(most).ok());
            let most = most.unwrap_or(MAX_EXECUTIONS).min(MAX_EXECUTIONS);
            let times = times(schedule, since.unwrap_or(schedule.created), now).take(most);
            due.extend(times.map(|at| (at, executions.clone(), execution(sandbox, schedule, at))));
            kept.push((executions.clone(), schedule.name.clone(), most));
        }
    }
    // Ordered by time across all sandboxes and schedules.
    due.sort_by_key(|(at, ..)| *at);
    for (at, executions, document) in due {
        let id = store.fresh_name(&executions, "exec");
        let author = Author {
            name: "scheduler",
            ago: now.saturating_sub(at),
            uploads: false,
        };
        store.put(&executions, &id, document, &author);
    }
    for (executions, schedule, most) in kept {
        let mut done: Vec<_> = of(store, &executions, &schedule)
            .map(|done| (done.serial, done.name.clone()))
            .collect();
        done.sort_unstable_by(|a, b| b.cmp(a));
        for (_, id) in done.into_iter().skip(most) {
            store.remove(&executions, &id);
        }
    }
}

/// Returns the recorded executions of a schedule.
fn of<'a>(
    store: &'a OpenStore,
    executions: &Collection,
    schedule: &'a str,
) -> impl Iterator<Item = &'a Record> {
    let done = store.all(executions);
    done.filter(move |done| member::text(&done.document, "scheduleId") == Some(schedule))
}

/// Returns the times at which a schedule was due after a time and up to now, latest first.
fn times(
    schedule: &Record,
    since: Duration,
    now: Duration,
) -> impl Iterator<Item = Duration> + use<> {
    let value = member::text(&schedule.document, "value").unwrap_or_default();
    let (cron, once) = match member::text(&schedule.document, "type") {
        Some("cron") => (Cron::parse(value), None),
        _ => (None, rule::moment(value)),
    };
    let once = once.filter(|at| since < *at && *at <= now);
    let again = cron.into_iter().flat_map(move |cron| cron.due(since, now));
    again.chain(once)
}

/// Returns the record of an execution, which succeeded if the sandbox was deployed.
fn execution(sandbox: &Record, schedule: &Record, at: Duration) -> Document {
    let input = |name: &str| member::get(&schedule.document, name).filter(|value| !value.is_null());
    let name = input("input/name")
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty());
    let process = name.map_or_else(
        || format!("{}-{}", schedule.name, at.as_secs()),
        str::to_owned,
    );
    let mut document = Document::new();
    let mut set = |name: &str, value: Value| document.insert(name.to_owned(), value);
    set("scheduleId", schedule.name.as_str().into());
    set("processName", process.into());
    set("executedAt", timestamp(at).as_str().into());
    set(
        "timeout",
        input("input/timeout").cloned().unwrap_or(json!(TIMEOUT)),
    );
    match sandbox.timeline.status(at) {
        Some(status::DEPLOYED) => {
            set("statusCode", 200.into());
            set("status", "succeeded".into());
        }
        state => {
            let state = state.unwrap_or("not there");
            let error = format!("The sandbox {:?} was {state}.", sandbox.name);
            set("error", error.into());
            set("statusCode", 0.into());
            set("status", "failed".into());
        }
    }
    document
}
