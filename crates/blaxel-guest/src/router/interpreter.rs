//! The code interpreter of a sandbox: what the image `blaxel/jupyter-server` serves on port 8888.

mod execution;
mod launch;

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::response::Response;
use futures_util::stream::unfold;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::execution::Execution;
use self::launch::{create, launch};
use super::call::BODY_LIMIT;
use super::respond;
use crate::state::{Context, Contexts, State};

/// The port of the interpreter.
pub(super) const PORT: u16 = 8888;
/// The directory of a context without one.
const DIRECTORY: &str = "/app";

#[derive(Deserialize)]
struct Run {
    code: String,
    context_id: Option<String>,
    language: Option<String>,
    #[serde(default)]
    env_vars: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct NewContext {
    cwd: Option<String>,
    language: Option<String>,
}

/// A context in a response.
#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    language: &'a str,
    cwd: &'a str,
}

/// A request that is refused.
enum Problem {
    /// The response is plain text.
    Refused(StatusCode, String),
    /// The body is not what the route reads.
    Malformed(String),
}

impl Problem {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(status, message) => text(status, message),
            Self::Malformed(problem) => {
                let detail = json!({"type": "value_error", "loc": ["body"], "msg": problem});
                json_with(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    &json!({"detail": [detail]}),
                )
            }
        }
    }
}

fn bad_request(message: impl Into<String>) -> Problem {
    Problem::Refused(StatusCode::BAD_REQUEST, message.into())
}

/// Answers a request, whose path is the one behind the port.
pub(super) async fn serve(
    state: Arc<State>,
    contexts: Arc<Contexts>,
    request: Request<Body>,
    path: &str,
) -> Response {
    let (head, body) = request.into_parts();
    let names: Vec<&str> = path.split('/').skip(1).collect();
    let allowed = match (names.as_slice(), &head.method) {
        (["health"], &Method::GET) => return json(&"OK"),
        (["execute"], &Method::POST) => return settle(execute(state, contexts, body).await),
        (["contexts"], &Method::GET) => {
            let all = contexts.all();
            return json(
                &all.iter()
                    .map(|context| View::of(context))
                    .collect::<Vec<_>>(),
            );
        }
        (["contexts"], &Method::POST) => return settle(add(&state, &contexts, body).await),
        (["contexts", id], &Method::DELETE) => return settle(remove(&contexts, id)),
        (["contexts", id, "restart"], &Method::POST) => {
            return settle(restart(&state, &contexts, id).await);
        }
        (["health"], _) => "GET",
        (["execute"] | ["contexts", _, "restart"], _) => "POST",
        (["contexts"], _) => "GET, POST",
        (["contexts", _], _) => "DELETE",
        _ => return text(StatusCode::NOT_FOUND, "Not Found"),
    };
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

async fn execute(
    state: Arc<State>,
    contexts: Arc<Contexts>,
    body: Body,
) -> Result<Response, Problem> {
    let run: Run = read(body).await?;
    let is_given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    let context = match (is_given(&run.context_id), is_given(&run.language)) {
        (true, true) => {
            let problem = "context_id and language exclude each other";
            return Err(bad_request(problem));
        }
        (true, false) => find(&contexts, run.context_id.as_deref().unwrap_or_default())?,
        (false, _) => default_context(&state, &contexts, run.language.as_deref()).await?,
    };
    let env = run.env_vars.unwrap_or_default();
    let execution = Execution::new(state, contexts, context, run.code, env);
    let lines = unfold(execution, |mut execution| async move {
        let bytes: Bytes = execution.next().await?;
        Some((Ok::<_, Infallible>(bytes), execution))
    });
    // The server sets no content type.
    Ok(Response::new(Body::from_stream(lines)))
}

/// Returns the context for code of a language without one.
async fn default_context(
    state: &State,
    contexts: &Contexts,
    language: Option<&str>,
) -> Result<Arc<Context>, Problem> {
    let language = normalized(language);
    let mut defaults = contexts.defaults.lock().await;
    let known = defaults.get(&language).and_then(|id| contexts.find(id));
    if let Some(context) = known {
        return Ok(context);
    }
    let created = create(state, contexts, &language, DIRECTORY).await;
    let context = created.map_err(bad_request)?;
    contexts.set_default(&context.id);
    defaults.insert(language, context.id.clone());
    Ok(context)
}

async fn add(state: &State, contexts: &Contexts, body: Body) -> Result<Response, Problem> {
    let new: NewContext = read(body).await?;
    let cwd = new.cwd.filter(|cwd| !cwd.is_empty());
    let language = normalized(new.language.as_deref());
    let created = create(
        state,
        contexts,
        &language,
        cwd.as_deref().unwrap_or(DIRECTORY),
    )
    .await;
    let context = created.map_err(bad_request)?;
    Ok(json(&View::of(&context)))
}

fn remove(contexts: &Contexts, id: &str) -> Result<Response, Problem> {
    let context = find(contexts, id)?;
    contexts.remove(&context);
    Ok(json(&()))
}

async fn restart(state: &State, contexts: &Contexts, id: &str) -> Result<Response, Problem> {
    let context = find(contexts, id)?;
    let started = launch(state, &context.language, &context.cwd).await;
    let process = started
        .map_err(|problem| bad_request(format!("Failed to restart context {id}: {problem}")))?;
    contexts.restart(&context, process);
    Ok(json(&()))
}

fn find(contexts: &Contexts, id: &str) -> Result<Arc<Context>, Problem> {
    let missing = || Problem::Refused(StatusCode::NOT_FOUND, format!("Context {id} not found"));
    contexts.find(id).ok_or_else(missing)
}

/// Returns the full name of a language in lower case.
fn normalized(language: Option<&str>) -> String {
    let language = language.unwrap_or_default().trim().to_lowercase();
    match language.as_str() {
        "" => "python",
        "js" => "javascript",
        "ts" => "typescript",
        other => other,
    }
    .to_owned()
}

/// Reads a JSON body, or returns the refusal of one that does not fit.
async fn read<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    let body = to_bytes(body, BODY_LIMIT).await;
    let body = body.map_err(|problem| Problem::Malformed(problem.to_string()))?;
    serde_json::from_slice(&body).map_err(|problem| Problem::Malformed(problem.to_string()))
}

fn settle(result: Result<Response, Problem>) -> Response {
    result.unwrap_or_else(Problem::into_response)
}

fn json(body: &impl Serialize) -> Response {
    json_with(StatusCode::OK, body)
}

fn json_with(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = respond::json(status, body);
    let plain = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

fn text(status: StatusCode, body: impl Into<String>) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

impl<'a> View<'a> {
    fn of(context: &'a Context) -> Self {
        Self {
            id: &context.id,
            language: &context.language,
            cwd: &context.cwd,
        }
    }
}
