//! Scripts of the machines of sandboxes.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{delete, post, put};
use axum::{Extension, Router};
use blaxel_guest::{CodeScript, CommandPattern, Script, SimulatedGuest};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::Of;
use super::answer::{Given, Refused};
use super::duration::Seconds;
use super::reply::{headers, only, status};
use crate::engine::Engine;

pub(super) fn routes() -> Router {
    Router::new()
        .route("/sandboxes/{name}", delete(forget))
        .route("/sandboxes/{name}/commands", post(command))
        .route("/sandboxes/{name}/code", post(code))
        .route("/sandboxes/{name}/ports/{port}", put(answer).delete(close))
}

/// The commands or the code that a script stands for: exactly one of the members.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pattern {
    is: Option<String>,
    starts_with: Option<String>,
}

impl Pattern {
    fn read(self) -> Result<CommandPattern, Refused> {
        only([
            ("is", self.is.map(CommandPattern::from)),
            ("starts_with", self.starts_with.map(CommandPattern::prefix)),
        ])
    }
}

/// The script of a command.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    command: Pattern,
    #[serde(default)]
    steps: Vec<Step>,
    #[serde(default)]
    exit: u8,
}

/// A step of a command.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Stdout(String),
    Stderr(String),
    /// Seconds on the emulator's clock.
    Pause(Seconds),
    ReadLine,
    ReadToEnd,
    /// Copy the standard input to the standard output.
    Copy,
    /// Go on until a signal.
    Forever,
}

impl From<Step> for Script {
    fn from(step: Step) -> Self {
        match step {
            Step::Stdout(text) => Self::stdout(text),
            Step::Stderr(text) => Self::stderr(text),
            Step::Pause(time) => time.0.into(),
            Step::ReadLine => Self::read_line(),
            Step::ReadToEnd => Self::read_to_end(),
            Step::Copy => Self::copy(),
            Step::Forever => Self::forever(),
        }
    }
}

/// The script of code.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: Pattern,
    #[serde(default)]
    steps: Vec<CodeStep>,
}

/// A step of code.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum CodeStep {
    Stdout(String),
    Stderr(String),
    Pause(Seconds),
    /// Displayed formats by MIME type.
    Display(BTreeMap<String, String>),
    /// The value, in formats by MIME type.
    Result(BTreeMap<String, String>),
    Error(CodeError),
    Forever,
    Crash,
}

/// An exception.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeError {
    name: String,
    value: String,
    #[serde(default)]
    traceback: String,
}

impl CodeStep {
    fn add(self, script: CodeScript) -> CodeScript {
        fn formats(formats: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
            formats
                .iter()
                .map(|(kind, text)| (kind.as_str(), text.as_str()))
        }
        match self {
            Self::Stdout(text) => script.stdout(text),
            Self::Stderr(text) => script.stderr(text),
            Self::Pause(time) => script.pause(time.0),
            Self::Display(shown) => script.display(formats(&shown)),
            Self::Result(shown) => script.result(formats(&shown)),
            Self::Error(error) => script.error(error.name, error.value, error.traceback),
            Self::Forever => script.forever(),
            Self::Crash => script.crash(),
        }
    }
}

/// The response of a port to every request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    #[serde(default = "ok")]
    status: u16,
    json: Option<Value>,
    text: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

fn ok() -> u16 {
    200
}

/// Carries a plan out on the machine of a sandbox, now and when it starts.
fn plan(
    engine: &Engine,
    sandbox: &str,
    plan: impl Fn(&SimulatedGuest) + Send + Sync + 'static,
) -> Result<StatusCode, Refused> {
    if engine.guests.plan(sandbox, Arc::new(plan)) {
        return Ok(StatusCode::NO_CONTENT);
    }
    let problem =
        "the machines of this emulator are not its own simulated ones, so they cannot be scripted";
    Err(Refused::new(StatusCode::CONFLICT, problem))
}

async fn command(
    Extension(engine): Of,
    Path(sandbox): Path<String>,
    Given(given): Given<Command>,
) -> Result<StatusCode, Refused> {
    let pattern = given.command.read()?;
    let script = given
        .steps
        .into_iter()
        .fold(Script::default(), Script::then);
    let script = script.exit(given.exit);
    plan(&engine, &sandbox, move |guest| {
        guest.on_command(pattern.clone(), script.clone());
    })
}

async fn code(
    Extension(engine): Of,
    Path(sandbox): Path<String>,
    Given(given): Given<Code>,
) -> Result<StatusCode, Refused> {
    let pattern = given.code.read()?;
    let steps = given.steps.into_iter();
    let script = steps.fold(CodeScript::new(), |script, step| step.add(script));
    plan(&engine, &sandbox, move |guest| {
        guest.on_code(pattern.clone(), script.clone());
    })
}

async fn answer(
    Extension(engine): Of,
    Path((sandbox, port)): Path<(String, u16)>,
    Given(given): Given<Answer>,
) -> Result<StatusCode, Refused> {
    let status = status(given.status)?;
    let headers = headers(given.headers)?;
    let (body, kind) = match (given.json, given.text) {
        (Some(value), None) => (value.to_string(), "application/json"),
        (None, text) => (text.unwrap_or_default(), "text/plain; charset=utf-8"),
        (Some(_), Some(_)) => {
            return Err(Refused::bad("a response has either `json` or `text`"));
        }
    };
    let respond = move || {
        let mut response = Response::new(Body::from(body.clone()));
        *response.status_mut() = status;
        let kind = HeaderValue::from_static(kind);
        response.headers_mut().insert(CONTENT_TYPE, kind);
        response.headers_mut().extend(headers.clone());
        async { response }
    };
    let router = Router::new().fallback(respond);
    plan(&engine, &sandbox, move |guest| {
        guest.on_port(port, router.clone());
    })
}

async fn close(
    Extension(engine): Of,
    Path((sandbox, port)): Path<(String, u16)>,
) -> Result<StatusCode, Refused> {
    plan(&engine, &sandbox, move |guest| guest.close_port(port))
}

async fn forget(Extension(engine): Of, Path(sandbox): Path<String>) -> StatusCode {
    engine.guests.forget_plans(&sandbox);
    StatusCode::NO_CONTENT
}
