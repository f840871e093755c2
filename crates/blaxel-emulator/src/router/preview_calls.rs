//! Calls of previews, which show a port of a sandbox under an address of their own.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::IntoResponse;
use http::header::ACCESS_CONTROL_ALLOW_ORIGIN as ALLOW_ORIGIN;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::Value;

use super::access;
use super::access_level::AccessLevel;
use super::call::Call;
use super::data_plane::{Target, call_sandbox};
use super::forward::remove_hop_by_hop;
use super::host_names::ByHost;
use super::route::{HandlerResult, Route};
use super::workload;
use crate::engine::Engine;
use crate::errors::{ErrorResponse, Gateway};
use crate::state::{
    Collection, Document, OpenStore, PREVIEW_TOKENS, PREVIEWS, SANDBOXES, member, status,
};

/// The operation of all calls of previews.
pub(super) const OPERATION: &str = "CallPreview";

/// The path parameters.
const SANDBOX: &str = "sandbox";
const PREVIEW: &str = "preview";

/// The header and the query parameter of a preview's token.
const TOKEN_HEADER: &str = "x-blaxel-preview-token";
const TOKEN_PARAMETER: &str = "bl_preview_token";

/// Takes its origin from a page that is shown by a path: otherwise it had that of the emulator's own page, and could
/// control the emulator. At its host name, a page has an origin of its own.
const NO_ORIGIN: HeaderValue = HeaderValue::from_static(
    "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts",
);

/// The port of the sandbox API itself. Sessions are previews of it.
const API_PORT: u64 = 443;

/// The operations of the sandbox API that a session may perform: files, directories and processes.
const SESSION_OPERATIONS: [&str; 23] = [
    "GetWelcome",
    "GetHealth",
    "ReadFile",
    "StatFile",
    "WriteFile",
    "RemoveFile",
    "RemoveDirectory",
    "ReadTree",
    "WriteTree",
    "WatchDirectory",
    "ListProcesses",
    "HeadProcesses",
    "ExecuteProcess",
    "GetProcess",
    "HeadProcess",
    "StopProcess",
    "KillProcess",
    "GetProcessLogs",
    "HeadProcessLogs",
    "StreamProcessLogs",
    "WaitProcess",
    "WriteProcessStdin",
    "CloseProcessStdin",
];

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(
        OPERATION,
        None,
        [
            "/preview/{workspace}/{sandbox}/{preview}",
            "/preview/{workspace}/{sandbox}/{preview}/",
            "/preview/{workspace}/{sandbox}/{preview}/{*rest}",
        ],
        AccessLevel::Open,
        // `handle` answers all of its calls, because their bodies are streamed.
        |call| Err(not_found(call)),
    )]
}

/// Passes a call on to the port of a preview, and streams the response back. Every response has the
/// headers of the preview.
pub(super) async fn handle(engine: &Arc<Engine>, route: &Route, request: Request) -> HandlerResult {
    let (head, body) = request.into_parts();
    let is_by_path = head.extensions.get::<ByHost>().is_none();
    let unread = Request::from_parts(head.clone(), Body::empty());
    let (call, _) = Call::authorize(engine, route.operation, route.access, unread).await?;
    let preview = find(&call, &engine.store.open())?;
    let added = headers(&preview, "spec/responseHeaders");
    let mut response = if is_preflight(&call) && added.contains_key(ALLOW_ORIGIN) {
        // A browser sends no token with it.
        StatusCode::NO_CONTENT.into_response()
    } else {
        let shown = show(engine, &call, &preview, (head, body)).await;
        shown.unwrap_or_else(IntoResponse::into_response)
    };
    replace(response.headers_mut(), added);
    if is_by_path {
        // Besides the policy of the program: a browser obeys both.
        response
            .headers_mut()
            .append(header::CONTENT_SECURITY_POLICY, NO_ORIGIN);
    }
    Ok(response)
}

/// Returns the response of the program behind a preview.
async fn show(
    engine: &Arc<Engine>,
    call: &Call,
    preview: &Document,
    request: (Parts, Body),
) -> HandlerResult {
    let sandbox = call.path(SANDBOX);
    {
        let store = engine.store.open();
        authorize(call, &store, preview)?;
        let record = store.get(&Collection::top(&SANDBOXES), sandbox);
        let status = record.map(|record| record.status(store.now()));
        if !matches!(status, Some(status::DEPLOYED | status::UNARCHIVING)) {
            return Err(unavailable(call, status));
        }
    }
    let port = member::get(preview, "spec/port").and_then(Value::as_u64);
    let path = match port.unwrap_or_default() {
        API_PORT => {
            require_session_operation(call)?;
            call.below.clone()
        }
        port => format!("/port/{port}{}", call.below),
    };
    let query = without_token(call.raw_query.as_deref());
    // The program may have credentials of its own; only the platform's are not for it.
    let mut headers = call.headers.clone();
    remove_hop_by_hop(&mut headers);
    for name in [TOKEN_HEADER, "x-blaxel-authorization"] {
        headers.remove(name);
    }
    replace(&mut headers, self::headers(preview, "spec/requestHeaders"));
    let target = Target {
        path,
        query,
        headers,
    };
    call_sandbox(call, sandbox, request, target).await
}

/// Returns the preview of a call.
fn find(call: &Call, store: &OpenStore) -> Result<Document, ErrorResponse> {
    let collection = Collection::under(&PREVIEWS, vec![call.path(SANDBOX).to_owned()]);
    let record = store.get(&collection, call.path(PREVIEW));
    let record = record.filter(|_| call.path("workspace") == store.setting().workspace);
    let record = record.ok_or_else(|| not_found(call))?;
    Ok(Document::clone(&record.document))
}

/// Returns `true` if a browser asks for the permission to send a request.
fn is_preflight(call: &Call) -> bool {
    let has = |name| call.headers.contains_key(name);
    call.method == Method::OPTIONS
        && has(header::ORIGIN)
        && has(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Requires that the preview is public, or that the call has a valid token.
fn authorize(call: &Call, store: &OpenStore, preview: &Document) -> Result<(), ErrorResponse> {
    if member::get(preview, "spec/public").and_then(Value::as_bool) == Some(true) {
        return Ok(());
    }
    let Some(given) = call
        .header(TOKEN_HEADER)
        .or(call.query.get(TOKEN_PARAMETER))
    else {
        let message = "The preview is private and the call has no token.";
        return Err(ErrorResponse::gateway(
            Gateway::AuthenticationRequired,
            message,
            &call.now(),
        ));
    };
    let parents = [SANDBOX, PREVIEW].map(|name| call.path(name).to_owned());
    let tokens = Collection::under(&PREVIEW_TOKENS, parents.into());
    let is_valid = store.all(&tokens).any(|token| {
        let shown = store.shown(&tokens, token).into_document();
        let expired = member::get(&shown, "spec/expired").and_then(Value::as_bool);
        expired != Some(true) && store.rows().secret_of(token) == given
    });
    if is_valid {
        return Ok(());
    }
    let message = "The token of the preview is not valid.";
    Err(ErrorResponse::gateway(
        Gateway::AuthenticationFailed,
        message,
        &call.now(),
    ))
}

/// Requires that a session may perform the operation of a call. Others need the credential of the
/// workspace besides the token.
fn require_session_operation(call: &Call) -> Result<(), ErrorResponse> {
    let path = if call.below.is_empty() {
        "/"
    } else {
        &call.below
    };
    let operation = blaxel_guest::operation(&call.method, path);
    let is_allowed = operation.is_some_and(|name| SESSION_OPERATIONS.contains(&name));
    if is_allowed || call.method == Method::OPTIONS {
        return Ok(());
    }
    access::authenticated(&call.identity).map_err(|_| {
        let message = "A session may only use files and processes.";
        ErrorResponse::gateway(Gateway::AuthenticationRequired, message, &call.now())
    })
}

/// Returns the headers that a preview adds.
fn headers(document: &Document, path: &str) -> HeaderMap {
    let given = member::get(document, path).and_then(Value::as_object);
    let pairs = given.into_iter().flatten().filter_map(|(name, value)| {
        let name = HeaderName::try_from(name).ok()?;
        Some((name, HeaderValue::try_from(value.as_str()?).ok()?))
    });
    pairs.collect()
}

fn replace(headers: &mut HeaderMap, by: HeaderMap) {
    for (name, value) in by {
        if let Some(name) = name {
            headers.insert(name, value);
        }
    }
}

/// Returns the query without the token, which is not for the program behind the port.
fn without_token(query: Option<&str>) -> Option<String> {
    let is_token = |pair: &&str| pair.split('=').next() == Some(TOKEN_PARAMETER);
    let kept: Vec<_> = query?.split('&').filter(|pair| !is_token(pair)).collect();
    (!kept.is_empty()).then(|| kept.join("&"))
}

fn not_found(call: &Call) -> ErrorResponse {
    ErrorResponse::gateway(
        Gateway::RouteNotFound,
        "There is no such preview.",
        &call.now(),
    )
}

fn unavailable(call: &Call, status: Option<&str>) -> ErrorResponse {
    let message = "The sandbox of the preview does not run.";
    let what = workload::unavailable(status.unwrap_or_default());
    ErrorResponse::gateway(what, message, &call.now())
}
