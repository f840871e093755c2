//! Calls of previews, which show a port of a sandbox under an address of their own.

use std::sync::Arc;

use axum::extract::Request;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::access_level::AccessLevel;
use super::call::Call;
use super::data_plane::call_guest;
use super::route::{HandlerResult, Route};
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

/// The port of the sandbox API itself. Sessions are previews of it.
const API_PORT: u64 = 443;

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

/// Passes a call on to the port of a preview, and streams the response back.
pub(super) async fn handle(engine: &Arc<Engine>, route: &Route, request: Request) -> HandlerResult {
    let (head, body) = request.into_parts();
    let unread = Request::from_parts(head.clone(), axum::body::Body::empty());
    let (mut call, _) = Call::authorize(engine, route.operation, route.access, unread).await?;
    let sandbox = call.path(SANDBOX).to_owned();
    let (document, server) = {
        let mut store = engine.store.open();
        let document = authorize(&call, &store)?;
        let collection = Collection::top(&SANDBOXES);
        let is_deployed = |store: &OpenStore| {
            let record = store.get(&collection, &sandbox);
            record.is_some_and(|record| record.status(store.now()) == status::DEPLOYED)
        };
        if !is_deployed(&store) {
            return Err(unavailable(&call));
        }
        store.touch(&collection, &sandbox);
        (document, engine.guests.of(&store, &sandbox))
    };
    let server = server.ok_or_else(|| unavailable(&call))?;
    let port = member::get(&document, "spec/port").and_then(Value::as_u64);
    let path = match port.unwrap_or_default() {
        API_PORT => call.below.clone(),
        port => format!("/port/{port}{}", call.below),
    };
    let query = without_token(head.uri.query());
    call.headers.remove(TOKEN_HEADER);
    replace(&mut call.headers, headers(&document, "spec/requestHeaders"));
    let mut response = call_guest(&call, &server, head, body, &path, query.as_deref()).await?;
    replace(
        response.headers_mut(),
        headers(&document, "spec/responseHeaders"),
    );
    Ok(response)
}

/// Returns the preview if the call may see it.
fn authorize(call: &Call, store: &OpenStore) -> Result<Document, ErrorResponse> {
    let sandbox = call.path(SANDBOX).to_owned();
    let preview = call.path(PREVIEW);
    let collection = Collection::under(&PREVIEWS, vec![sandbox.clone()]);
    let record = store.get(&collection, preview);
    let record = record.filter(|_| call.path("workspace") == store.setting().workspace);
    let record = record.ok_or_else(|| not_found(call))?;
    let is_public = member::get(&record.document, "spec/public").and_then(Value::as_bool);
    if is_public == Some(true) {
        return Ok(record.document.clone());
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
    let tokens = Collection::under(&PREVIEW_TOKENS, vec![sandbox, preview.to_owned()]);
    let is_valid = store.all(&tokens).any(|token| {
        let shown = store.shown(&tokens, token);
        let expired = member::get(&shown, "spec/expired").and_then(Value::as_bool);
        expired != Some(true) && store.rows().secret_of(token) == given
    });
    if is_valid {
        return Ok(record.document.clone());
    }
    let message = "The token of the preview is not valid.";
    Err(ErrorResponse::gateway(
        Gateway::AuthenticationFailed,
        message,
        &call.now(),
    ))
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

fn unavailable(call: &Call) -> ErrorResponse {
    let message = "The sandbox of the preview does not run.";
    ErrorResponse::gateway(Gateway::WorkloadUnavailable, message, &call.now())
}
