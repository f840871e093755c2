//! Executions of jobs: starting, listing and cancelling them, and their tasks.

use axum::Json;
use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use blaxel_core::ApiVersion;
use http::StatusCode;
use serde_json::{Value, json};

use super::access_level::AccessLevel;
use super::call::Call;
use super::pages::{self, Item, Page, PageRequest, Sort};
use super::records::{self, not_found};
use super::route::{HandlerResult, Route};
use super::{body, listing};
use crate::errors::ErrorResponse;
use crate::state::execution::{self, FinalState};
use crate::state::{Collection, Document, EXECUTIONS, JOBS, OpenStore, Record, member};

/// The environment variable that sets the final state of an execution.
const OUTCOME: &str = "EMULATOR_OUTCOME";
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
        route("ListJobExecutions", MethodFilter::GET, all, list),
        route("CreateJobExecution", MethodFilter::POST, all, create),
        route("DeleteJobExecution", MethodFilter::DELETE, one, cancel),
        route("ListJobExecutionTasks", MethodFilter::GET, tasks_of, tasks),
    ]
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
    let shown: Vec<Document> = records
        .map(|record| store.shown(&collection, record))
        .collect();
    Ok(Json(shown).into_response())
}

/// A request to start an execution.
struct Request {
    /// The id of the request. A second request with the same id starts nothing.
    id: Option<String>,
    execution_id: Option<String>,
    tasks: Vec<Value>,
    env: Option<Value>,
    memory: Option<i64>,
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

    fn document(self, id: String, job: &Document) -> Document {
        let of_job = |path: &str| member::get(job, path).cloned();
        let mut spec = json!({"parallelism": self.tasks.len(), "taskCount": self.tasks.len()});
        let members = [
            ("timeout", of_job("spec/runtime/timeout")),
            ("memoryOverride", self.memory.map(Value::from)),
            ("envOverride", self.env),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                spec[name] = value;
            }
        }
        let retries = of_job("spec/runtime/maxRetries").unwrap_or(json!(0));
        let request = json!({"id": id, "tasks": self.tasks, "maxRetries": retries});
        let mut document = Document::new();
        document.insert("spec".to_owned(), spec);
        document.insert(execution::REQUEST.to_owned(), request);
        document
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
    let most = member::get(&record.document, "spec/runtime/memory").and_then(Value::as_i64);
    if let (Some(memory), Some(most)) = (request.memory, most)
        && memory > most
    {
        let message = format!("memory is more than the {most} megabytes of the job.");
        return Err(ErrorResponse::bad_request(message));
    }
    let job_document = record.document.clone();
    let fate = if store.take_failure(EXECUTIONS.path, job) {
        FinalState::Failed
    } else {
        outcome(&request, &job_document).unwrap_or(FinalState::Succeeded)
    };
    let id = request.id.clone().unwrap_or_else(|| store.fresh_secret());
    let name = request.execution_id.clone();
    let name = name.unwrap_or_else(|| store.fresh_name(&collection, "exec"));
    let document = request.document(id, &job_document);
    store.put(&collection, &name, document, &call.author());
    let now = store.now();
    let record = store
        .modify(&collection, &name)
        .ok_or_else(|| not_found(&EXECUTIONS))?;
    let lasts = call.engine.config.execution_time;
    execution::plan(&mut record.timeline, now, lasts, fate);
    Ok(started(call, record))
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
    execution::cancel(&mut record.timeline, now);
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
