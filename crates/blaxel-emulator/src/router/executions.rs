//! Executions of jobs: starting, listing and cancelling them, and their tasks.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::IntoResponse;
use blaxel_core::ApiVersion;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::access_level::AccessLevel;
use super::call::Call;
use super::pages::{self, Item, Page, PageRequest, Sort};
use super::records::{self, not_found};
use super::route::{HandlerResult, Route};
use super::{body, listing};
use crate::errors::{ErrorResponse, Gateway};
use crate::state::execution::{self, FinalState, Share, Terms};
use crate::state::{
    Collection, Document, EXECUTIONS, FailingWork, JOBS, OpenStore, Record, member,
};

/// The environment variable that sets the final state of an execution.
const OUTCOME: &str = "EMULATOR_OUTCOME";
/// The argument that sets the number of attempts of its task that fail.
const FAILURES: &str = "EMULATOR_FAILURES";
/// The default and the maximum number of executions and of tasks per page.
const EXECUTIONS_LIMIT: (usize, usize) = (20, 100);
const TASKS_LIMIT: (usize, usize) = (50, 200);

pub(crate) fn routes() -> Vec<Route> {
    let all = "/v0/jobs/{jobId}/executions";
    let one = "/v0/jobs/{jobId}/executions/{executionId}";
    let tasks_of = "/v0/jobs/{jobId}/executions/{executionId}/tasks";
    let route = |operation, method, path, handler: fn(&Call) -> HandlerResult| {
        Route::new(operation, method, [path], AccessLevel::Workspace, handler)
    };
    vec![
        route("ListJobExecutions", Method::GET, all, list),
        route("CreateJobExecution", Method::POST, all, create),
        route("DeleteJobExecution", Method::DELETE, one, cancel),
        route("ListJobExecutionTasks", Method::GET, tasks_of, tasks),
        // The platform's command line tool starts executions here.
        Route::new(
            "CreateJobExecution",
            Method::POST,
            ["/run/{workspace}/jobs/{jobId}/executions"],
            AccessLevel::Workload,
            run,
        ),
    ]
}

/// Starts an execution on the run plane. Only the refusal of a job that does not exist is the gateway's.
fn run(call: &Call) -> HandlerResult {
    let job = call.path(JOBS.parameter);
    let exists = call
        .engine
        .store
        .open()
        .get(&Collection::top(&JOBS), job)
        .is_some();
    if !exists {
        let message = format!("There is no job named {job:?}.");
        return Err(ErrorResponse::gateway(
            Gateway::WorkloadNotFound,
            &message,
            &call.now(),
        ));
    }
    create(call)
}

/// Returns a page, or in the first version a range of the whole list.
fn list(call: &Call) -> HandlerResult {
    if call.version >= ApiVersion::V2026_04_28 {
        return listing::list(call, &EXECUTIONS);
    }
    let (usual, most) = EXECUTIONS_LIMIT;
    let limit = call.query.limit(usual, most)?;
    let offset = call.query.offset()?;
    let store = call.engine.store.open();
    let collection = records::collection(call, &EXECUTIONS, &store)?;
    let mut records: Vec<&Record> = store.all(&collection).collect();
    records.sort_by(|a, b| Sort::CreatedDesc.order(a, b));
    let records = records.into_iter().skip(offset).take(limit);
    let shown = records.map(|record| store.shown(&collection, record));
    Ok(Json(shown.collect::<Vec<_>>()).into_response())
}

/// A request to start an execution.
struct Request {
    /// The id of the request. A second request with the same id starts nothing.
    id: Option<String>,
    execution_id: Option<String>,
    tasks: Vec<Value>,
    env: Option<Value>,
    memory: Option<i64>,
    allow_queue: bool,
}

impl Request {
    fn read(call: &Call) -> Result<Self, ErrorResponse> {
        let body = body::object(call)?;
        let text = |name: &str| {
            let text = member::text(&body, name).filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        // Without tasks there is one that has no parameters.
        let tasks = body.get("tasks").and_then(Value::as_array).cloned();
        let tasks = tasks.filter(|tasks| !tasks.is_empty());
        Ok(Self {
            id: text("id"),
            execution_id: text("executionId"),
            tasks: tasks.unwrap_or_else(|| vec![json!({})]),
            env: body.get("env").cloned(),
            memory: body.get("memory").and_then(Value::as_i64),
            allow_queue: body.get("allowQueue") != Some(&json!(false)),
        })
    }

    /// Returns the execution that an earlier request with the same id started.
    fn earlier<'a>(&self, store: &'a OpenStore, collection: &Collection) -> Option<&'a Record> {
        let by_execution = self.execution_id.as_deref();
        let by_execution = by_execution.and_then(|id| store.get(collection, id));
        by_execution.or_else(|| {
            let id = self.id.as_deref()?;
            let mut records = store.all(collection);
            records.find(|record| member::text(&record.document, "request/id") == Some(id))
        })
    }

    /// Returns the document of the execution, without the terms of its run.
    fn document(&self, id: String, job: &Document) -> Document {
        let of_job = |path: &str| member::get(job, path).cloned();
        let mut document = Document::new();
        for (path, value) in [
            ("spec/timeout", of_job("spec/runtime/timeout")),
            ("spec/memoryOverride", self.memory.map(Value::from)),
            ("spec/envOverride", self.env.clone()),
            ("request/id", Some(id.into())),
            ("request/tasks", Some(self.tasks.clone().into())),
        ] {
            if let Some(value) = value {
                member::set(&mut document, path, value);
            }
        }
        document
    }

    /// Returns the number of attempts of each task that fail: the number that its arguments name, or `failing` does.
    fn failures(&self, failing: &BTreeMap<usize, u32>) -> Vec<u32> {
        let own = |task: &Value| task.get(FAILURES).and_then(Value::as_u64);
        let failures = self.tasks.iter().enumerate().map(|(place, task)| {
            let requested = failing.get(&place).copied();
            let own = || own(task).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
            requested.or_else(own).unwrap_or(0)
        });
        failures.collect()
    }
}

fn create(call: &Call) -> HandlerResult {
    let request = Request::read(call)?;
    let mut store = call.engine.store.open();
    let collection = records::collection(call, &EXECUTIONS, &store)?;
    if let Some(earlier) = request.earlier(&store, &collection) {
        return Ok(started(call, earlier));
    }
    let job = call.path(JOBS.parameter);
    let jobs = Collection::top(&JOBS);
    let record = store.get(&jobs, job).ok_or_else(|| not_found(&JOBS))?;
    let of_job = |path: &str| member::get(&record.document, path).and_then(Value::as_u64);
    let most = of_job("spec/runtime/memory").and_then(|most| i64::try_from(most).ok());
    if let (Some(memory), Some(most)) = (request.memory, most)
        && memory > most
    {
        let message = format!("memory is more than the {most} megabytes of the job.");
        return Err(ErrorResponse::bad_request(message));
    }
    let retries = of_job("spec/runtime/maxRetries").unwrap_or(0);
    let job_document = Document::clone(&record.document);
    let config = &call.engine.config;
    let parallelism = request.tasks.len().min(config.job_parallelism);
    let shares = shares(&store);
    let now = store.now();
    if !request.allow_queue {
        let capacity = config.job_capacity;
        if parallelism > capacity {
            let message =
                format!("the execution needs more than the capacity of {capacity} tasks.");
            return Err(ErrorResponse::bad_request(message));
        }
        if !execution::has_room(&shares, now, parallelism, capacity) {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let message = "There is no capacity to start the execution now.";
            return Err(ErrorResponse::explained(
                status,
                "Too Many Requests",
                message,
            ));
        }
    }
    let fate = if store.take_failure(FailingWork::Main(EXECUTIONS.path), job) {
        FinalState::Failed
    } else {
        outcome(&request, &job_document).unwrap_or(FinalState::Succeeded)
    };
    let failing = store.take_task_failures(job);
    let mut failures = request.failures(&failing);
    if fate != FinalState::Succeeded {
        failures.fill(u32::MAX);
    }
    let eighth = config.execution_time / 8;
    let terms = Terms {
        parallelism: parallelism.min(config.job_capacity).max(1),
        max_retries: u32::try_from(retries).unwrap_or(u32::MAX),
        attempt: eighth.saturating_mul(6),
        failures,
    };
    let starts = now.saturating_add(eighth * 2);
    let starts = execution::earliest(&shares, starts, terms.parallelism, config.job_capacity);
    let id = request.id.clone().unwrap_or_else(|| store.fresh_secret());
    let name = request.execution_id.clone();
    let name = name.unwrap_or_else(|| store.fresh_name(&collection, "exec"));
    let mut document = request.document(id, &job_document);
    terms.write(&mut document);
    member::set(&mut document, "request/outcome", fate.name().into());
    store.put(&collection, &name, document, &call.author());
    let record = store
        .modify(&collection, &name)
        .ok_or_else(|| not_found(&EXECUTIONS))?;
    execution::plan(record, now, starts, eighth);
    Ok(started(call, record))
}

/// Returns the parts of the capacity that all executions of the workspace need.
fn shares(store: &OpenStore) -> Vec<Share> {
    let executions = store.everywhere(&EXECUTIONS);
    executions
        .filter_map(|(_, record)| execution::share(record))
        .collect()
}

/// Plans the executions that wait for capacity again, oldest first, after another one was cancelled.
fn start_earlier(call: &Call, store: &mut OpenStore) {
    let config = &call.engine.config;
    let (now, eighth) = (store.now(), config.execution_time / 8);
    let executions = store.everywhere(&EXECUTIONS);
    let mut waiting: Vec<_> = executions
        .filter(|(_, record)| execution::is_queued(record, now))
        .map(|(collection, record)| (record.serial, collection, record.name.clone()))
        .collect();
    waiting.sort_by_key(|(serial, ..)| *serial);
    let is_waiting = |serial: u64| waiting.iter().any(|(waiting, ..)| *waiting == serial);
    let mut shares: Vec<_> = store
        .everywhere(&EXECUTIONS)
        .filter(|(_, record)| !is_waiting(record.serial))
        .filter_map(|(_, record)| execution::share(record))
        .collect();
    for (_, collection, name) in waiting {
        let Some(record) = store.modify(&collection, &name) else {
            continue;
        };
        let Some(share) = execution::share(record) else {
            continue;
        };
        let from = record.created.saturating_add(eighth * 2).max(now);
        let starts = execution::earliest(&shares, from, share.tasks, config.job_capacity);
        execution::plan(record, now, starts, eighth);
        shares.extend(execution::share(record));
    }
}

/// Returns the final state that the environment of the execution or of its job sets.
fn outcome(request: &Request, job: &Document) -> Option<FinalState> {
    let own = request
        .env
        .as_ref()
        .and_then(|env| env.get(OUTCOME))
        .and_then(Value::as_str);
    let envs = member::get(job, "spec/runtime/envs").and_then(Value::as_array);
    let mut envs = envs.into_iter().flatten();
    let of_job = || {
        let env = envs.find(|env| env.get("name").and_then(Value::as_str) == Some(OUTCOME))?;
        env.get("value")?.as_str()
    };
    FinalState::named(own.or_else(of_job)?)
}

/// Returns the response to the start of an execution.
fn started(call: &Call, record: &Record) -> axum::response::Response {
    let asked = |name: &str| member::get(&record.document, &format!("request/{name}"));
    Json(json!({
        "id": asked("id"),
        "executionId": record.name,
        "jobId": call.path(JOBS.parameter),
        "tasks": asked("tasks"),
        "workspaceId": call.engine.config.workspace,
    }))
    .into_response()
}

fn cancel(call: &Call) -> HandlerResult {
    let mut store = call.engine.store.open();
    let collection = records::collection(call, &EXECUTIONS, &store)?;
    let name = call.path(EXECUTIONS.parameter);
    let now = store.now();
    let record = store
        .modify(&collection, name)
        .ok_or_else(|| not_found(&EXECUTIONS))?;
    execution::cancel(record, now);
    start_earlier(call, &mut store);
    records::response(&store, &collection, name)
}

/// A task with its index, by which tasks are ordered.
struct Task {
    place: u64,
    name: String,
    document: Document,
}

impl Item for Task {
    fn serial(&self) -> u64 {
        self.place
    }

    fn name(&self) -> &str {
        &self.name
    }
}

fn tasks(call: &Call) -> HandlerResult {
    if call.version < ApiVersion::V2026_04_28 {
        return Err(ErrorResponse::control(StatusCode::NOT_FOUND, "Not Found"));
    }
    let (usual, most) = TASKS_LIMIT;
    let limit = call.query.limit(usual, most)?;
    let sort = Sort::read(&call.query, Sort::CreatedDesc)?;
    let search = pages::search(&call.query);
    let store = call.engine.store.open();
    let collection = records::collection(call, &EXECUTIONS, &store)?;
    let name = call.path(EXECUTIONS.parameter);
    let record = store
        .get(&collection, name)
        .ok_or_else(|| not_found(&EXECUTIONS))?;
    let tasks = execution::tasks(record, store.now());
    let total = tasks.len();
    let tasks = (0..).zip(tasks).map(|(place, document)| Task {
        place,
        name: member::text(&document, "metadata/name")
            .unwrap_or_default()
            .to_owned(),
        document,
    });
    let tasks = tasks.filter(|task| task.name.contains(&search)).collect();
    let job = call.path(JOBS.parameter);
    let fingerprint = json!([
        "tasks",
        job,
        name,
        record.serial,
        format!("{sort:?}"),
        search
    ]);
    let request = PageRequest {
        limit,
        sort,
        from_end: false,
        fingerprint: fingerprint.to_string(),
    };
    let page = Page::cut(call, request, tasks)?;
    Ok(page.response(total, |task| task.document.clone()))
}
