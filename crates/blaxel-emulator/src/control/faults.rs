//! Faults of operations.

use std::collections::BTreeMap;

use axum::extract::Path;
use axum::routing::{delete, get};
use axum::{Extension, Json, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Of;
use super::answer::{Given, Refused};
use super::duration::Seconds;
use super::reply::{GatewayError, headers, only, status};
use crate::engine::Engine;
use crate::fault::Fault;
use crate::router::check_operation;

pub(super) fn routes() -> Router {
    Router::new()
        .route("/faults", get(waiting).post(add).delete(clear))
        .route("/faults/{operation}", delete(remove))
}

/// A fault to inject. Exactly one of the members from `response` to `twice` describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    operation: String,
    #[serde(default = "once")]
    times: u32,
    response: Option<Reply>,
    gateway: Option<GatewayError>,
    #[serde(default)]
    disconnect: bool,
    #[serde(default)]
    refused_stream: bool,
    #[serde(default)]
    calm_down: bool,
    delay: Option<Seconds>,
    cut: Option<u64>,
    #[serde(default)]
    byte_by_byte: bool,
    insert: Option<Insertion>,
    member: Option<Member>,
    #[serde(default)]
    reversed: bool,
    #[serde(default)]
    twice: bool,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    after_processing: bool,
}

/// A response: its status, and a JSON value or a text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    status: u16,
    json: Option<Value>,
    text: Option<String>,
}

/// A text that is inserted into a body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Insertion {
    after: u64,
    text: String,
}

/// A member of a response, by its JSON pointer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    pointer: String,
    value: Value,
}

fn once() -> u32 {
    1
}

impl Reply {
    fn fault(self) -> Result<Fault, Refused> {
        let status = status(self.status)?;
        Ok(match (self.json, self.text) {
            (Some(value), None) => Fault::json(status, value),
            (None, text) => Fault::response(status, text.unwrap_or_default()),
            (Some(_), Some(_)) => {
                return Err(Refused::bad("a response has either `json` or `text`"));
            }
        })
    }
}

impl Request {
    fn fault(self) -> Result<Fault, Refused> {
        let gateway =
            |error: GatewayError| Ok(Fault::gateway(error.status()?, error.code, error.retryable));
        let fault = only([
            ("response", self.response.map(Reply::fault)),
            ("gateway", self.gateway.map(gateway)),
            (
                "disconnect",
                self.disconnect.then(|| Ok(Fault::disconnect())),
            ),
            (
                "refused_stream",
                self.refused_stream.then(|| Ok(Fault::refused_stream())),
            ),
            ("calm_down", self.calm_down.then(|| Ok(Fault::calm_down()))),
            ("delay", self.delay.map(|by| Ok(Fault::delay(by.0)))),
            ("cut", self.cut.map(|after| Ok(Fault::cut(after)))),
            (
                "byte_by_byte",
                self.byte_by_byte.then(|| Ok(Fault::byte_by_byte())),
            ),
            (
                "insert",
                self.insert.map(|it| Ok(Fault::insert(it.after, it.text))),
            ),
            (
                "member",
                self.member
                    .map(|it| Ok(Fault::member(it.pointer, it.value))),
            ),
            ("reversed", self.reversed.then(|| Ok(Fault::reversed()))),
            ("twice", self.twice.then(|| Ok(Fault::twice()))),
        ])??;
        let fault = headers(self.headers)?
            .into_iter()
            .fold(fault, |fault, (name, value)| fault.header(name, value));
        Ok(match self.after_processing {
            true => fault.after_processing(),
            false => fault,
        })
    }
}

async fn add(Extension(engine): Of, Given(request): Given<Request>) -> Result<StatusCode, Refused> {
    check_operation(&request.operation).map_err(Refused::bad)?;
    let (operation, times) = (request.operation.clone(), request.times);
    engine.faults.add(&operation, request.fault()?, times);
    Ok(StatusCode::NO_CONTENT)
}

/// A fault that some requests are still to meet.
#[derive(Serialize)]
pub(super) struct Waiting {
    pub(super) operation: String,
    pub(super) times: u32,
    /// The fault in words.
    pub(super) effect: String,
    /// The name of the incident that it is a part of.
    pub(super) incident: Option<&'static str>,
}

/// Returns the faults that no request has met yet.
pub(super) fn all(engine: &Engine) -> Vec<Waiting> {
    let lists = engine.faults.all().into_iter();
    let faults = lists.flat_map(|(operation, faults)| {
        faults.into_iter().map(move |waiting| Waiting {
            operation: operation.clone(),
            times: waiting.times,
            effect: waiting.fault.describe(),
            incident: waiting.incident,
        })
    });
    faults.collect()
}

async fn waiting(Extension(engine): Of) -> Json<Value> {
    let waiting = engine.faults.waiting_by_operation();
    Json(json!({"waiting": waiting, "faults": all(&engine)}))
}

async fn remove(Extension(engine): Of, Path(operation): Path<String>) -> StatusCode {
    engine.faults.remove(&operation);
    StatusCode::NO_CONTENT
}

async fn clear(Extension(engine): Of) -> StatusCode {
    engine.faults.clear();
    StatusCode::NO_CONTENT
}
