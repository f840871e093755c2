//! Logs of workloads, by name.

use std::ops::Range;
use std::time::Duration;

use axum::Json;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use http::Method;

use super::access_level::AccessLevel;
use super::call::Call;
use super::route::{HandlerResult, Route};
use crate::clock::timestamp;
use crate::errors::ErrorResponse;
use crate::logs::{Line, Severity, image_lines, lines};
use crate::params::Params;
use crate::state::{
    AGENTS, APPLICATIONS, Collection, FUNCTIONS, IMAGES, JOBS, Kind, MODELS, SANDBOXES, image, rule,
};

/// The default and maximum number of lines for each workload.
const LIMIT: usize = 1000;
/// Maximum length of the time range.
const LONGEST: Duration = Duration::from_secs(3 * 24 * 60 * 60);
/// The kinds that have logs.
static KINDS: [&Kind; 6] = [
    &AGENTS,
    &APPLICATIONS,
    &FUNCTIONS,
    &JOBS,
    &MODELS,
    &SANDBOXES,
];

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(
        "GetLogs",
        Method::GET,
        ["/v0/observability/logs"],
        AccessLevel::Workspace,
        list,
    )]
}

/// The filters of a log query.
struct LogQuery<'a> {
    window: Range<Duration>,
    /// Empty to match all severities.
    severities: Vec<Severity>,
    /// In lower case.
    search: String,
    trace: Option<&'a str>,
    execution: Option<&'a str>,
    task: Option<&'a str>,
}

impl<'a> LogQuery<'a> {
    fn read(params: &'a Params) -> Result<Self, ErrorResponse> {
        let given = |name: &str| params.get(name).filter(|text| !text.is_empty());
        Ok(Self {
            window: window(params)?,
            severities: severities(given("severity").unwrap_or_default())?,
            search: given("search").unwrap_or_default().to_lowercase(),
            trace: given("traceId"),
            execution: given("executionId"),
            task: given("taskId"),
        })
    }

    fn has(&self, line: &Line) -> bool {
        let is = |filter: Option<&str>, own: Option<&str>| filter.is_none() || filter == own;
        let task = line.task.as_ref();
        (self.severities.is_empty() || self.severities.contains(&line.severity))
            && line.message.to_lowercase().contains(&self.search)
            && is(self.trace, line.trace.as_deref())
            && is(
                self.execution,
                task.map(|(execution, _)| execution.as_str()),
            )
            && is(self.task, task.map(|(_, task)| task.as_str()))
    }
}

/// Parses `start` and `end`, which are in UTC and often have no time zone.
fn window(params: &Params) -> Result<Range<Duration>, ErrorResponse> {
    let moment = |name: &str| {
        let text = params.get(name).unwrap_or_default();
        rule::moment(text).ok_or_else(|| {
            let message = format!("{name} must be a time such as 2026-05-01T00:00:00.");
            ErrorResponse::bad_request(message)
        })
    };
    let (start, end) = (moment("start")?, moment("end")?);
    if end <= start {
        return Err(ErrorResponse::bad_request("end must be after start."));
    }
    if end - start > LONGEST {
        return Err(ErrorResponse::bad_request(
            "The range from start to end is longer than three days.",
        ));
    }
    Ok(start..end)
}

/// Parses a list of severities, in which `all` means every one.
fn severities(text: &str) -> Result<Vec<Severity>, ErrorResponse> {
    let mut severities = Vec::new();
    for name in text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        let name = name.to_uppercase();
        if name == "ALL" {
            return Ok(Vec::new());
        }
        let known = Severity::ALL.iter().find(|(known, _)| *known == name);
        let (_, severity) = known.ok_or_else(|| {
            ErrorResponse::bad_request(format!("severity {name:?} is not known."))
        })?;
        severities.push(*severity);
    }
    Ok(severities)
}

/// Returns the requested kinds: one, or all.
fn kinds(params: &Params) -> Result<Vec<&'static Kind>, ErrorResponse> {
    let Some(path) = params.get("resourceType").filter(|path| !path.is_empty()) else {
        return Ok(KINDS.to_vec());
    };
    let kind = KINDS.into_iter().find(|kind| kind.path == path);
    let refuse = || {
        let known = KINDS.map(|kind| kind.path).join(", ");
        ErrorResponse::bad_request(format!("resourceType must be one of {known}."))
    };
    Ok(vec![kind.ok_or_else(refuse)?])
}

fn list(call: &Call) -> HandlerResult {
    let params = &call.query;
    let query = LogQuery::read(params)?;
    let kinds = kinds(params)?;
    let limit = params.limit(LIMIT, LIMIT)?;
    let offset = params.offset()?;
    let names = params.get("workloadIds").unwrap_or_default();
    let names: Vec<&str> = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let store = call.engine.store.open();
    let seed = call.engine.config.seed;
    let mut by_workload = Map::new();
    let wants = |name: &str| names.is_empty() || names.contains(&name);
    let page = |mut lines: Vec<Line>| {
        lines.retain(|line| query.has(line));
        // The API does not document these two for several workloads; here they apply to each.
        let page = lines.iter().skip(offset).take(limit).map(entry);
        json!({"logs": page.collect::<Value>(), "totalCount": lines.len()})
    };
    for kind in &kinds {
        for workload in store.not_terminated(kind) {
            if wants(&workload.name) {
                let lines = lines(&store, seed, kind, workload, &query.window);
                by_workload.insert(workload.name.clone(), page(lines));
            }
        }
    }
    // An image that is built without a workload has its log under its own name, if that is asked for.
    for built in store.all(&Collection::top(&IMAGES)) {
        let (name, image_type) = image::parts(built);
        let of_type = image::TYPES.iter().find(|(own, _, _)| *own == image_type);
        let is_of_kind =
            of_type.is_some_and(|(_, own, _)| kinds.iter().any(|it| it.path == own.path));
        if is_of_kind && names.contains(&name) && !by_workload.contains_key(name) {
            let lines = image_lines(&store, built, &query.window);
            by_workload.insert(name.to_owned(), page(lines));
        }
    }
    Ok(Json(by_workload).into_response())
}

fn entry(line: &Line) -> Value {
    json!({
        "timestamp": timestamp(line.at),
        "message": line.message,
        "severity": line.severity.number(),
        "trace_id": line.trace.as_deref().unwrap_or_default(),
    })
}
