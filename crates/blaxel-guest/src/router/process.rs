//! Processes: starting, following and ending them.

mod follow;
mod format;
mod request;
mod run;
mod start;
mod stdin;
mod ticker;
mod view;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures_util::stream::unfold;
use http::header::{ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use serde::Serialize;

use self::follow::Follow;
use self::format::Format;
pub(super) use self::request::{Body as ProcessBody, Request};
use self::run::Run;
pub(super) use self::start::{deadline, start, wait_for_end, wait_for_ports};
pub(super) use self::view::{Logs, View};
use super::call::{Call, empty, into_response};
use super::respond::{HandlerResult, Refusal, ok};
use super::route::Route;
use crate::state::{Record, SignalError, State};
use crate::version::ServerVersion::{self, August, Current};

/// The longest poll of `GET /process/{identifier}/wait`.
const LONGEST_WAIT: u64 = 120;
/// The poll without a `timeout`.
const USUAL_WAIT: u64 = 60;

/// Declares routes. A `HEAD` route tells nothing but that the path is one of the API.
macro_rules! routes {
    ($($operation:literal $method:ident $pattern:literal $since:ident $handler:expr;)*) => {
        &[$(Route {
            operation: $operation,
            method: Method::$method,
            pattern: $pattern,
            since: $since,
            handler: $handler,
        }),*]
    };
}

pub(super) const ROUTES: &[Route] = routes! {
    "ListProcesses" GET "/process" August
        |call| Box::pin(async move { into_response(list(&call)) });
    "HeadProcesses" HEAD "/process" August |_| Box::pin(async { empty() });
    "ExecuteProcess" POST "/process" August
        |mut call| Box::pin(async move { into_response(execute(&mut call).await) });
    "GetProcess" GET "/process/:identifier" August
        |call| Box::pin(async move { into_response(get(&call)) });
    "HeadProcess" HEAD "/process/:identifier" August |_| Box::pin(async { empty() });
    "StopProcess" DELETE "/process/:identifier" August
        |call| Box::pin(async move { into_response(handle_stop(call).await) });
    "KillProcess" DELETE "/process/:identifier/kill" August
        |call| Box::pin(async move { into_response(handle_kill(call).await) });
    "GetProcessLogs" GET "/process/:identifier/logs" August
        |call| Box::pin(async move { into_response(logs(&call)) });
    "HeadProcessLogs" HEAD "/process/:identifier/logs" August |_| Box::pin(async { empty() });
    "StreamProcessLogs" GET "/process/:identifier/logs/stream" August
        |call| Box::pin(async move { into_response(stream_logs(&call)) });
    "HeadProcessLogsStream" HEAD "/process/:identifier/logs/stream" August
        |_| Box::pin(async { empty() });
    "WaitProcess" GET "/process/:identifier/wait" Current
        |call| Box::pin(async move { into_response(wait(call).await) });
    "WriteProcessStdin" POST "/process/:identifier/stdin" Current
        |mut call| Box::pin(async move { into_response(stdin::write(&mut call).await) });
    "CloseProcessStdin" DELETE "/process/:identifier/stdin" Current
        |call| Box::pin(async move { into_response(stdin::close(&call)) });
};

#[derive(Serialize)]
struct Done {
    message: &'static str,
}

fn list(call: &Call) -> HandlerResult {
    ok(&views(&call.state))
}

/// Returns all processes.
pub(super) fn views(state: &State) -> Vec<View> {
    let all = state.processes.all();
    all.iter().map(|record| View::listed(record)).collect()
}

async fn execute(call: &mut Call) -> HandlerResult {
    let accept = call.header(ACCEPT);
    let is_streamed = accept.contains("text/event-stream")
        || (call.state.version() >= Current && accept.contains("application/x-ndjson"));
    let mut request = Request::read(call).await?;
    if is_streamed {
        let run = Run::start(Arc::clone(&call.state), request).await;
        let lines = unfold(run, |mut run| async move {
            let bytes = run.next().await?;
            Some((Ok::<_, Infallible>(bytes), run))
        });
        return Ok(stream("application/x-ndjson", Body::from_stream(lines)));
    }
    let record = start(&call.state, &mut request).await?;
    start::wait(&call.state, &request, &record).await?;
    ok(&match request.waits {
        true => View::completed(&record),
        false => View::started(&record),
    })
}

fn get(call: &Call) -> HandlerResult {
    ok(&view(&call.state, call.param("identifier"))?)
}

/// Returns the process with an identifier.
pub(super) fn view(state: &State, identifier: &str) -> Result<View, Refusal> {
    Ok(View::single(&*find(state, identifier)?))
}

async fn handle_stop(call: Call) -> HandlerResult {
    stop(&call.state, call.param("identifier")).await?;
    ok(&Done {
        message: "Process stopped successfully",
    })
}

/// Asks the process with an identifier to end.
pub(super) async fn stop(state: &State, identifier: &str) -> Result<(), Refusal> {
    let stopped = find_named(state, identifier)?.stop().await;
    stopped.map_err(|error| refusal(identifier, error, "send SIGTERM to"))
}

async fn handle_kill(call: Call) -> HandlerResult {
    kill(&call.state, call.param("identifier")).await?;
    ok(&Done {
        message: "Process killed successfully",
    })
}

/// Ends the process with an identifier.
pub(super) async fn kill(state: &State, identifier: &str) -> Result<(), Refusal> {
    let killed = find_named(state, identifier)?.kill().await;
    killed.map_err(|error| refusal(identifier, error, "kill"))
}

/// The server answers every failure of a signal with 404.
fn refusal(identifier: &str, error: SignalError, action: &str) -> Refusal {
    Refusal::not_found(match error {
        SignalError::NotRunning => {
            format!("process with Identifier {identifier} is not running")
        }
        SignalError::NoProcess => {
            format!("failed to {action} process with Identifier {identifier}: no such process")
        }
    })
}

fn logs(call: &Call) -> HandlerResult {
    ok(&output(&call.state, call.param("identifier"))?)
}

/// Returns the output of the process with an identifier.
pub(super) fn output(state: &State, identifier: &str) -> Result<Logs, Refusal> {
    let record = state.processes.find(identifier);
    let record = record
        .ok_or_else(|| Refusal::not_found(format!("process with PID {identifier} not found")))?;
    Ok(Logs::of(&record))
}

fn stream_logs(call: &Call) -> HandlerResult {
    const TEXT: &str = "text/plain; charset=utf-8";
    let (state, version) = (&call.state, call.state.version());
    let record = match find_named(state, call.param("identifier")) {
        Ok(record) => record,
        // The server of August has sent the head before it looks for the process.
        Err(refusal) if version == ServerVersion::August => {
            return Ok(stream(TEXT, refusal.into_response().into_body()));
        }
        Err(refusal) => return Err(refusal),
    };
    let is_json = version >= Current && call.header(ACCEPT).contains("application/x-ndjson");
    if is_json && record.order.version < Current {
        let message = "the output of this process was recorded by an older server";
        return Err(Refusal::new(StatusCode::CONFLICT, message));
    }
    let (content_type, format) = match is_json {
        true => ("application/x-ndjson", Format::Events),
        false => (TEXT, Format::text(version)),
    };
    let follow = Follow::new(record, format, state.guest.clock());
    let chunks = unfold(follow, |mut follow| async move {
        let bytes = follow.next().await?;
        Some((Ok::<_, Infallible>(bytes), follow))
    });
    Ok(stream(content_type, Body::from_stream(chunks)))
}

async fn wait(call: Call) -> HandlerResult {
    let record = find(&call.state, call.param("identifier"))?;
    let seconds = match call.query("timeout").as_str() {
        "" => USUAL_WAIT,
        text => text
            .parse::<u64>()
            .map_err(|_| Refusal::bad_request(format!("invalid timeout: {text}")))?,
    };
    let limit = Duration::from_secs(seconds.min(LONGEST_WAIT));
    // The view tells whether it has ended.
    let _ = call.state.guest.clock().timeout(limit, record.wait()).await;
    ok(&View::single(&record))
}

/// Returns the process with an identifier.
fn find(state: &State, identifier: &str) -> Result<Arc<Record>, Refusal> {
    let found = state.processes.find(identifier);
    found.ok_or_else(|| Refusal::not_found("process not found"))
}

/// Returns the process with an identifier, or a refusal that names it.
fn find_named(state: &State, identifier: &str) -> Result<Arc<Record>, Refusal> {
    let found = state.processes.find(identifier);
    found.ok_or_else(|| {
        Refusal::not_found(format!("process with Identifier {identifier} not found"))
    })
}

/// Returns the response of a stream.
fn stream(content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
