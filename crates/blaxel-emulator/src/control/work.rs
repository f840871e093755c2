//! Work of the emulator that fails when it is next done, and what a test learns from it besides the journal.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::Path;
use axum::routing::{get, post, put};
use axum::{Extension, Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Of;
use super::answer::{Given, Refused};
use super::resources::fail;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::initial_data::add_image;
use crate::router::{offer_image, operations, task_variables};
use crate::state::access::secret_values;
use crate::workload::{Callback, CallbackOutcome};

/// The size of an image that is added.
const IMAGE_SIZE: u64 = 64 << 20;

pub(super) fn routes() -> Router {
    Router::new()
        .route("/failures", post(fail_next))
        .route("/images/{type}/{name}", put(add))
        .route("/images/{type}/{name}/offer", post(offer))
        .route("/callbacks", get(callbacks))
        .route("/mcp/restart", post(restart_mcp))
        .route("/operations", get(all_operations))
        .route("/secrets/{name}", get(values))
        .route("/tasks/{job}/{execution}/{index}", get(task))
}

/// The work that fails next, which need not exist yet. Exactly one member describes it.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Work {
    /// The deployment of a resource.
    Deployment(Resource),
    /// The build of a workload's image.
    Build(Resource),
    /// The build of an image.
    ImageBuild(Image),
    /// An execution of a job.
    Execution(String),
    /// The first attempts of a task, in the next execution of a job.
    Task(Task),
    /// The verification of a custom domain.
    Verification(String),
    /// A snapshot of a sandbox.
    Snapshot(String),
    /// The archiving of a sandbox, or its restoring.
    Archive(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resource {
    collection: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    #[serde(rename = "type")]
    of_type: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Task {
    job: String,
    index: usize,
    #[serde(default = "always")]
    attempts: u32,
}

fn always() -> u32 {
    u32::MAX
}

async fn fail_next(
    Extension(engine): Of,
    Given(failure): Given<Work>,
) -> Result<StatusCode, Refused> {
    let failure = match failure {
        Work::Deployment(of) => Failure::deployment(&of.collection, &of.name),
        Work::Build(of) => Failure::build(&of.collection, &of.name),
        Work::ImageBuild(of) => Failure::image_build(&of.of_type, &of.name),
        Work::Execution(job) => Failure::execution(&job),
        Work::Task(task) => Failure::task(&task.job, task.index, task.attempts),
        Work::Verification(domain) => Failure::verification(&domain),
        Work::Snapshot(sandbox) => Failure::snapshot(&sandbox),
        Work::Archive(sandbox) => Failure::archive(&sandbox),
    };
    fail(&engine, &failure)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn add(Extension(engine): Of, Path((of_type, name)): Path<(String, String)>) -> StatusCode {
    add_image(&engine, &of_type, &name, IMAGE_SIZE, Duration::ZERO);
    StatusCode::NO_CONTENT
}

async fn offer(Extension(engine): Of, Path((of_type, name)): Path<(String, String)>) -> StatusCode {
    offer_image(&mut engine.store.open(), &of_type, &name);
    StatusCode::NO_CONTENT
}

fn shown(callback: &Callback) -> Value {
    let (status, problem) = match &callback.outcome {
        CallbackOutcome::Responded(status) => (Some(*status), None),
        CallbackOutcome::Unanswered(problem) => (None, Some(problem.clone())),
        CallbackOutcome::NotSent(problem) => (None, Some(problem.to_string())),
    };
    json!({
        "workload": callback.workload.to_string(),
        "url": callback.url,
        "attempts": callback.attempts,
        "status": status,
        "problem": problem,
    })
}

async fn callbacks(Extension(engine): Of) -> Json<Value> {
    let finished: Vec<_> = engine.workloads.callbacks().iter().map(shown).collect();
    Json(json!({"callbacks": finished}))
}

async fn restart_mcp(Extension(engine): Of) -> StatusCode {
    engine.mcp.restart();
    StatusCode::NO_CONTENT
}

async fn all_operations() -> Json<Value> {
    Json(json!({"operations": operations().collect::<Vec<_>>()}))
}

async fn values(Extension(engine): Of, Path(name): Path<String>) -> Json<Value> {
    Json(json!({"values": secret_values(engine.store.open().rows(), &name)}))
}

async fn task(
    Extension(engine): Of,
    Path((job, execution, index)): Path<(String, String, usize)>,
) -> Result<Json<Value>, Refused> {
    let engine: &Engine = &engine;
    let missing = || Refused::new(StatusCode::NOT_FOUND, "there is no such task");
    let of_task = task_variables(engine, &job, &execution, index).ok_or_else(missing)?;
    let own = engine.variables().into_iter();
    let own = own.map(|(name, value)| (name.to_owned(), value));
    let variables: BTreeMap<_, _> = own.chain(of_task).collect();
    Ok(Json(json!({"variables": variables})))
}
