//! The schedules of all sandboxes, their executions, and the numbers of both.

use std::time::Duration;

use axum::Json;
use axum::response::IntoResponse;
use serde_json::json;

use http::Method;

use super::access_level::AccessLevel;
use super::call::Call;
use super::pages::{self, Item, Page, PageRequest, Sort};
use super::route::{HandlerResult, Route};
use super::schedules::record_due;
use crate::clock::timestamp;
use crate::errors::ErrorResponse;
use crate::state::{
    Collection, Kind, Record, SANDBOXES, SCHEDULE_EXECUTIONS, SCHEDULES, member, rule,
};

/// The default and the maximum number of items per page.
const LIMIT: (usize, usize) = (20, 100);

const MINUTE: u64 = 60;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub(crate) fn routes() -> Vec<Route> {
    let route = |operation, path, handler: fn(&Call) -> HandlerResult| {
        let method = Method::GET;
        Route::new(operation, method, [path], AccessLevel::Workspace, handler)
    };
    vec![
        route("ListSchedules", "/v0/schedules", schedules),
        route(
            "ListScheduleExecutions",
            "/v0/schedule-executions",
            executions,
        ),
        route(
            "GetSandboxScheduleMetrics",
            "/v0/schedules/metrics",
            metrics,
        ),
    ]
}

fn schedules(call: &Call) -> HandlerResult {
    let filters = Filters {
        equal: &[
            ("sandbox", "sandbox", None),
            ("type", "type", Some(&["cron", "at"])),
        ],
        searched: &["sandbox"],
        created: None,
    };
    filters.list(call, &SCHEDULES)
}

fn executions(call: &Call) -> HandlerResult {
    let outcomes = &["succeeded", "failed"];
    let filters = Filters {
        equal: &[
            ("sandbox", "sandbox", None),
            ("schedule", "scheduleId", None),
            ("status", "status", Some(outcomes)),
        ],
        searched: &["sandbox", "scheduleId", "processName"],
        created: Some((time(call, "since")?, time(call, "until")?)),
    };
    filters.list(call, &SCHEDULE_EXECUTIONS)
}

/// Returns a parameter that is a time.
fn time(call: &Call, name: &str) -> Result<Option<Duration>, ErrorResponse> {
    let Some(text) = call.query.get(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let moment = rule::moment(text);
    let bad = || ErrorResponse::bad_request(format!("{name} {text:?} is not an RFC 3339 time."));
    moment.map(Some).ok_or_else(bad)
}

/// The filters of a list.
struct Filters<'a> {
    /// Parameters, the members that must equal them, and their possible values if these are known.
    equal: &'a [(&'a str, &'a str, Option<&'a [&'a str]>)],
    /// The members that are searched, besides the name.
    searched: &'a [&'a str],
    /// The first and the last time of creation.
    created: Option<(Option<Duration>, Option<Duration>)>,
}

/// A record in a list across sandboxes.
struct Entry<'a> {
    collection: Collection,
    record: &'a Record,
}

impl Item for Entry<'_> {
    fn serial(&self) -> u64 {
        self.record.serial
    }

    fn name(&self) -> &str {
        &self.record.name
    }
}

impl Filters<'_> {
    /// Returns a page of the records of a kind in all sandboxes.
    fn list(&self, call: &Call, kind: &'static Kind) -> HandlerResult {
        let (usual, most) = LIMIT;
        let limit = call.query.limit(usual, most)?;
        let sort = Sort::read(&call.query, Sort::CreatedDesc)?;
        // Names are unique within a sandbox only, so they order nothing.
        if !sort.is_by_creation() {
            return Err(ErrorResponse::bad_request("sort must be by createdAt."));
        }
        let mut wanted = Vec::new();
        for (parameter, member, choices) in self.equal {
            let value = call.query.get(parameter).filter(|text| !text.is_empty());
            let Some(value) = value else { continue };
            if let Some(choices) = choices
                && !choices.contains(&value)
            {
                let choices = choices.join(", ");
                let problem = format!("{parameter} {value:?} is not one of {choices}.");
                return Err(ErrorResponse::bad_request(problem));
            }
            wanted.push((*member, value));
        }
        let search = pages::search(&call.query);
        let mut store = call.engine.store.open();
        record_due(&mut store);
        let entries = store.everywhere(kind);
        let entries: Vec<_> = entries
            .map(|(collection, record)| Entry { collection, record })
            .collect();
        let total = entries.len();
        let entries = entries.into_iter().filter(|entry| {
            let Entry { record, .. } = entry;
            let document = &record.document;
            let has =
                |(member, value): &(&str, &str)| member::text(document, member) == Some(value);
            wanted.iter().all(has) && self.is_in_time(record) && self.finds(record, &search)
        });
        let fingerprint = json!([kind.path, format!("{sort:?}"), search, wanted, self.created]);
        let request = PageRequest {
            limit,
            sort,
            from_end: false,
            fingerprint: fingerprint.to_string(),
        };
        let page = Page::cut(call, request, entries.collect())?;
        Ok(page.response(total, |entry| store.shown(&entry.collection, entry.record)))
    }

    fn is_in_time(&self, record: &Record) -> bool {
        let (since, until) = self.created.unwrap_or_default();
        since.is_none_or(|since| since <= record.created)
            && until.is_none_or(|until| record.created <= until)
    }

    fn finds(&self, record: &Record, search: &str) -> bool {
        let holds = |text: &str| text.to_lowercase().contains(search);
        let mut texts = self.searched.iter();
        holds(&record.name)
            || texts.any(|path| member::text(&record.document, path).is_some_and(holds))
    }
}

/// Counts the schedules, and the executions in a window of whole minutes. Only the executions that the schedules
/// keep are counted.
fn metrics(call: &Call) -> HandlerResult {
    let (since, until) = (time(call, "since")?, time(call, "until")?);
    let mut store = call.engine.store.open();
    record_due(&mut store);
    let until = minute(until.unwrap_or(store.now()));
    let since = minute(since.unwrap_or(until.saturating_sub(DAY)));
    if since >= until || until - since > WEEK {
        let problem = "since must be before until, and at most 7 days before it.";
        return Err(ErrorResponse::bad_request(problem));
    }
    let (mut succeeded, mut failed) = (0_u64, 0_u64);
    for (_, execution) in store.everywhere(&SCHEDULE_EXECUTIONS) {
        if (since..until).contains(&execution.created) {
            match member::text(&execution.document, "status") {
                Some("succeeded") => succeeded += 1,
                _ => failed += 1,
            }
        }
    }
    Ok(Json(json!({
        "executions": succeeded + failed,
        "executionsByStatus": {"succeeded": succeeded, "failed": failed},
        "sandboxes": store.not_terminated(&SANDBOXES).count(),
        "schedules": store.everywhere(&SCHEDULES).count(),
        "since": timestamp(since),
        "until": timestamp(until),
    }))
    .into_response())
}

/// Returns the start of the minute of a time.
fn minute(at: Duration) -> Duration {
    Duration::from_secs(at.as_secs() / MINUTE * MINUTE)
}
