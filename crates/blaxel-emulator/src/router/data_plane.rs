//! The data plane of sandboxes, which their machines serve.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use hyper::upgrade::OnUpgrade;
use tokio::runtime::Handle;
use tower_service::Service as _;

use super::access_level::AccessLevel;
use super::call::{Call, below};
use super::forward::forwarded_headers;
use super::route::{HandlerResult, Route};
use super::workload::{NAME, require_running};
use crate::engine::Engine;
use crate::errors::{ErrorResponse, Gateway};
use crate::fault::{WAKE_SANDBOX, meet};
use crate::guests::{until_ended, wait_for_end};
use crate::state::{Collection, SANDBOXES, is_on_standby};

/// The operation of calls that only a program of the sandbox understands, such as those of a port.
pub(super) const OPERATION: &str = "CallSandbox";

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(
        OPERATION,
        None,
        [
            "/run/{workspace}/sandboxes/{name}",
            "/run/{workspace}/sandboxes/{name}/",
            "/run/{workspace}/sandboxes/{name}/{*rest}",
        ],
        AccessLevel::Workload,
        // `handle` answers all of its calls, because their bodies are streamed.
        |call| Err(unavailable(call, "The sandbox does not run.")),
    )]
}

/// Returns the operation of the sandbox API that a request calls.
pub(super) fn operation(request: &Request) -> &'static str {
    let path = below(request.uri().path());
    blaxel_guest::operation(request.method(), &path).unwrap_or(OPERATION)
}

/// Passes a call on to the machine of its sandbox, and streams the response back.
pub(super) async fn handle(engine: &Arc<Engine>, route: &Route, request: Request) -> HandlerResult {
    let (head, body) = request.into_parts();
    let unread = Request::from_parts(head.clone(), Body::empty());
    let (call, _) = Call::authorize(engine, route.operation, route.access, unread).await?;
    require_running(&call, &SANDBOXES)?;
    let target = Target {
        path: call.below.clone(),
        query: call.raw_query.clone(),
        headers: forwarded_headers(&call),
    };
    call_sandbox(&call, call.path(NAME), (head, body), target).await
}

/// A call as the machine of a sandbox gets it.
#[derive(Clone)]
pub(super) struct Target {
    /// Empty, or with a leading slash.
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
}

/// Calls the machine of a deployed sandbox, and wakes it up if it is on standby.
pub(super) async fn call_sandbox(
    call: &Call,
    sandbox: &str,
    request: (Parts, Body),
    target: Target,
) -> HandlerResult {
    if Handle::try_current().is_err() {
        let message = "The machines of sandboxes run on a tokio runtime, and there is none.";
        return Err(unavailable(call, message));
    }
    let engine = &call.engine;
    let is_asleep = {
        let store = engine.store.open();
        let record = store.get(&Collection::top(&SANDBOXES), sandbox);
        record.is_some_and(|record| is_on_standby(store.rows(), record))
    };
    if !is_asleep {
        return call_machine(call, sandbox, request, target).await;
    }
    // As long as faults are met, the sandbox does not wake up.
    let target = &target;
    let wake = async |request: Request| {
        let woken = wake_and_call(call, sandbox, request.into_parts(), target.clone()).await;
        woken.unwrap_or_else(IntoResponse::into_response)
    };
    let (head, body) = request;
    let request = Request::from_parts(head, body);
    let fault = engine.next_fault(WAKE_SANDBOX, None);
    Ok(meet(fault, &engine.clock, request, wake).await)
}

async fn wake_and_call(
    call: &Call,
    sandbox: &str,
    request: (Parts, Body),
    target: Target,
) -> HandlerResult {
    let engine = &call.engine;
    let guest = engine.guests.of(&mut engine.store.open(), sandbox);
    let _awake = guest.map(|guest| guest.clock.stay_awake());
    engine.clock.sleep(engine.config.wake_time).await;
    call_machine(call, sandbox, request, target).await
}

async fn call_machine(
    call: &Call,
    sandbox: &str,
    (mut head, body): (Parts, Body),
    target: Target,
) -> HandlerResult {
    let gone = || unavailable(call, "The sandbox has just ended.");
    let guest = {
        let mut store = call.engine.store.open();
        store.touch(&Collection::top(&SANDBOXES), sandbox);
        call.engine.guests.of(&mut store, sandbox)
    };
    let guest = guest.ok_or_else(gone)?;
    let server = guest.prepare().await.ok_or_else(gone)?;
    let ended = guest.ended.clone();
    // Only the machine's owner keeps it running.
    drop(guest);
    // It may have ended while the call waited for its server.
    if ended.has_changed().is_err() {
        return Err(gone());
    }
    let Target {
        path,
        query,
        mut headers,
    } = target;
    let path = if path.is_empty() { "/" } else { &path };
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    head.uri = Uri::try_from(format!("{path}{query}")).map_err(|_| {
        ErrorResponse::gateway(Gateway::BadRequest, "The path is malformed.", &call.now())
    })?;
    keep_upgrade(&head.method, &head.headers, &mut headers);
    head.headers = headers;
    // Those of this router would be taken for the machine's own.
    let upgrade = head.extensions.remove::<OnUpgrade>();
    head.extensions.clear();
    if let Some(upgrade) = upgrade {
        head.extensions.insert(upgrade);
    }
    let mut router = server.router();
    drop(server);
    let answered = router.call(Request::from_parts(head, body));
    let answered: Result<Response, Infallible> = tokio::select! {
        answered = answered => answered,
        () = wait_for_end(ended.clone()) => return Err(gone()),
    };
    let Ok(response) = answered;
    Ok(response.map(|body| until_ended(body, ended)))
}

/// Keeps the headers that ask for another protocol, such as that of a WebSocket.
fn keep_upgrade(method: &Method, from: &HeaderMap, to: &mut HeaderMap) {
    let Some(protocol) = from.get(header::UPGRADE).filter(|_| method == Method::GET) else {
        return;
    };
    to.insert(header::UPGRADE, protocol.clone());
    to.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
}

fn unavailable(call: &Call, message: &str) -> ErrorResponse {
    ErrorResponse::gateway(Gateway::WorkloadUnavailable, message, &call.now())
}
