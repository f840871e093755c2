//! Scripts of workloads.

use std::collections::BTreeMap;

use axum::extract::Path;
use axum::routing::get;
use axum::{Extension, Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Of;
use super::answer::{Given, Refused};
use super::duration::Seconds;
use super::reply::{GatewayError, headers, only, status};
use crate::chunks::Chunks;
use crate::engine::Engine;
use crate::workload::{Behavior, Script, ScriptedCall, Workload};

pub(super) fn routes() -> Router {
    Router::new().route(
        "/scripts/{collection}/{name}",
        get(show).post(plan).delete(clear),
    )
}

/// A plan for the next calls of a workload.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    /// The responses to the next calls, after those that are planned already.
    #[serde(default)]
    then: Vec<Response>,
    /// The response to every call for which nothing is planned.
    always: Option<Response>,
    /// The number of calls that find the workload cold, before all others.
    #[serde(default)]
    cold_calls: u32,
    /// The time for which the workload is cold.
    cold_for: Option<Seconds>,
}

/// The response to a call. Exactly one of the members from `usual` to `gateway` describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Response {
    /// The number of calls that get it; 1 by default.
    times: Option<u32>,
    #[serde(default)]
    usual: bool,
    json: Option<Value>,
    text: Option<String>,
    say: Option<String>,
    call_tools: Option<Vec<Tool>>,
    events: Option<Vec<Chunk>>,
    ndjson: Option<Vec<Chunk>>,
    chunks: Option<Vec<Chunk>>,
    gateway: Option<GatewayError>,
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    after: Option<Seconds>,
}

/// A tool that a model calls.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool {
    name: String,
    #[serde(default)]
    arguments: Value,
}

/// A part of a streamed body.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Chunk {
    /// Bytes that are sent by themselves.
    Text(String),
    /// A pause.
    Pause(Seconds),
    /// The end of the connection in the middle of the body: `true`.
    Cut(bool),
}

fn stream(chunks: Vec<Chunk>) -> Chunks {
    let add = |body: Chunks, chunk| match chunk {
        Chunk::Text(text) => body.then(text),
        Chunk::Pause(time) => body.pause(time.0),
        Chunk::Cut(true) => body.cut(),
        Chunk::Cut(false) => body,
    };
    chunks.into_iter().fold(Chunks::new(), add)
}

fn call_tools(tools: Vec<Tool>) -> Result<Behavior, Refused> {
    let mut tools = tools.into_iter();
    let first = tools.next();
    let first = first.ok_or_else(|| Refused::bad("`call_tools` names no tool"))?;
    let first = Behavior::call_tool(first.name, first.arguments);
    Ok(tools.fold(first, |all, tool| all.and_call(tool.name, tool.arguments)))
}

impl Response {
    fn behavior(self) -> Result<Behavior, Refused> {
        let gateway = |error: GatewayError| {
            Ok(Behavior::gateway(
                error.status()?,
                error.code,
                error.retryable,
            ))
        };
        let mut behavior = only([
            ("usual", self.usual.then(|| Ok(Behavior::usual()))),
            ("json", self.json.map(|body| Ok(Behavior::json(body)))),
            ("text", self.text.map(|body| Ok(Behavior::text(body)))),
            ("say", self.say.map(|text| Ok(Behavior::say(text)))),
            ("call_tools", self.call_tools.map(call_tools)),
            (
                "events",
                self.events.map(|body| Ok(Behavior::events(stream(body)))),
            ),
            (
                "ndjson",
                self.ndjson.map(|body| Ok(Behavior::ndjson(stream(body)))),
            ),
            (
                "chunks",
                self.chunks.map(|body| Ok(Behavior::stream(stream(body)))),
            ),
            ("gateway", self.gateway.map(gateway)),
        ])??;
        if let Some(code) = self.status {
            behavior = behavior.status(status(code)?);
        }
        if let Some(wait) = self.after {
            behavior = behavior.after(wait.0);
        }
        let headers = headers(self.headers)?;
        Ok(headers
            .into_iter()
            .fold(behavior, |all, (name, value)| all.header(name, value)))
    }
}

/// Returns the script of the workload that a path names.
fn script_of(engine: &Engine, collection: &str, name: &str) -> Result<Script, Refused> {
    let missing = || {
        let problem = format!(
            "{collection:?} are no workloads: scripts are of `agents`, `functions` and `models`"
        );
        Refused::new(StatusCode::NOT_FOUND, problem)
    };
    let workload = Workload::of(collection, name).ok_or_else(missing)?;
    Ok(engine.workloads.script_of(&workload, &engine.clock))
}

async fn plan(
    Extension(engine): Of,
    Path((collection, name)): Path<(String, String)>,
    Given(plan): Given<Plan>,
) -> Result<StatusCode, Refused> {
    let script = script_of(&engine, &collection, &name)?;
    // All of the plan is read before any of it is made.
    let planned = plan
        .then
        .into_iter()
        .map(|response| Ok((response.times.unwrap_or(1), response.behavior()?)))
        .collect::<Result<Vec<_>, Refused>>()?;
    if plan
        .always
        .as_ref()
        .is_some_and(|always| always.times.is_some())
    {
        return Err(Refused::bad("`always` has no `times`"));
    }
    let standing = plan.always.map(Response::behavior).transpose()?;
    for (times, behavior) in planned {
        script.times(times, behavior);
    }
    if let Some(behavior) = standing {
        script.always(behavior);
    }
    script.cold_calls(plan.cold_calls);
    if let Some(time) = plan.cold_for {
        script.cold_for(time.0);
    }
    Ok(StatusCode::NO_CONTENT)
}

fn shown(call: &ScriptedCall) -> Value {
    let headers: BTreeMap<_, _> = call
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect();
    json!({
        "method": call.method.as_str(),
        "path": call.path,
        "query": call.query,
        "headers": headers,
        "body": String::from_utf8_lossy(&call.body),
    })
}

async fn show(
    Extension(engine): Of,
    Path((collection, name)): Path<(String, String)>,
) -> Result<Json<Value>, Refused> {
    let script = script_of(&engine, &collection, &name)?;
    let calls: Vec<_> = script.calls().iter().map(shown).collect();
    Ok(Json(json!({"waiting": script.waiting(), "calls": calls})))
}

async fn clear(
    Extension(engine): Of,
    Path((collection, name)): Path<(String, String)>,
) -> Result<StatusCode, Refused> {
    script_of(&engine, &collection, &name)?.clear();
    Ok(StatusCode::NO_CONTENT)
}
