//! The way of a request that meets a fault.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::Value;

use super::{Action, Disconnected, Fault};
use crate::clock::Clock;
use crate::errors::ErrorResponse;
use crate::state::status;

/// Maximum size of a body that is changed as a whole, or sent twice.
const LIMIT: usize = 16 << 20;

/// Performs an operation, or the fault that was injected into it. The clock gives the time of an error.
pub(crate) async fn meet<F: Future<Output = Response>>(
    fault: Option<Fault>,
    clock: &Clock,
    request: Request,
    operation: impl Fn(Request) -> F,
) -> Response {
    let Some(fault) = fault else {
        return operation(request).await;
    };
    // Boxed, so that the way without a fault stays small.
    Box::pin(meet_fault(fault, clock, request, operation)).await
}

async fn meet_fault<F: Future<Output = Response>>(
    fault: Fault,
    clock: &Clock,
    request: Request,
    operation: impl Fn(Request) -> F,
) -> Response {
    let mut response = match fault.action {
        Action::Delay(delay) => {
            tokio::time::sleep(delay).await;
            operation(request).await
        }
        Action::Twice => match twice(request).await {
            (first, Some(second)) => {
                // Only its effects count.
                drop(operation(first).await);
                operation(second).await
            }
            (only, None) => operation(only).await,
        },
        Action::Body(change) => {
            let mut response = operation(request).await;
            if !change.keeps_length() {
                response.headers_mut().remove(header::CONTENT_LENGTH);
            }
            response.map(|body| change.apply(body))
        }
        Action::Member(pointer, value) => {
            let set = |document: &mut Value| set_member(document, &pointer, &value);
            edit(operation(request).await, set).await
        }
        Action::Reverse => edit(operation(request).await, reverse).await,
        Action::Outdate => edit(operation(request).await, outdate).await,
        action => {
            if fault.after_processing {
                operation(request).await;
            }
            instead(action, clock)
        }
    };
    response.headers_mut().extend(fault.headers);
    response
}

/// Returns the response that comes in place of the usual one.
fn instead(action: Action, clock: &Clock) -> Response {
    match action {
        Action::Respond(status, body) => {
            let mut response = Response::new(body.into());
            *response.status_mut() = status;
            response
        }
        Action::Gateway {
            status,
            code,
            retryable,
        } => {
            let message = "a fault requested by the test";
            let now = clock.now();
            ErrorResponse::envelope(status, &code, message, retryable, now.as_str()).into_response()
        }
        Action::Disconnect(end) => disconnected(end),
        // All others change the usual response.
        _ => disconnected(Disconnected::Closed),
    }
}

fn disconnected(end: Disconnected) -> Response {
    let mut response = StatusCode::BAD_GATEWAY.into_response();
    response.extensions_mut().insert(end);
    response
}

/// Returns a request twice, or once if its body is too large or breaks off.
async fn twice(request: Request) -> (Request, Option<Request>) {
    let (head, body) = request.into_parts();
    let is_small = http_body::Body::size_hint(&body)
        .upper()
        .is_none_or(|size| size <= LIMIT as u64);
    if !is_small {
        return (Request::from_parts(head, body), None);
    }
    match to_bytes(body, LIMIT).await {
        Ok(bytes) => {
            let again = Request::from_parts(head.clone(), Body::from(bytes.clone()));
            (Request::from_parts(head, Body::from(bytes)), Some(again))
        }
        Err(_) => (Request::from_parts(head, Body::empty()), None),
    }
}

/// Changes the JSON of a successful response.
async fn edit(response: Response, change: impl FnOnce(&mut Value)) -> Response {
    if !response.status().is_success() {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, LIMIT).await else {
        return disconnected(Disconnected::Closed);
    };
    let Ok(mut document) = serde_json::from_slice(&bytes) else {
        return Response::from_parts(head, Body::from(bytes));
    };
    change(&mut document);
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(document.to_string()))
}

/// Sets a member of an object that exists.
fn set_member(document: &mut Value, pointer: &str, value: &Value) {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        return;
    };
    let parent = document.pointer_mut(parent).and_then(Value::as_object_mut);
    if let Some(parent) = parent {
        parent.insert(name.to_owned(), value.clone());
    }
}

fn reverse(document: &mut Value) {
    let items = match document {
        Value::Array(items) => Some(items),
        other => other.get_mut("data").and_then(Value::as_array_mut),
    };
    if let Some(items) = items {
        items.reverse();
    }
}

/// Shows a resource as its last failed deployment left it. The events of one that never failed are not changed.
fn outdate(document: &mut Value) {
    set_member(document, "/status", &status::FAILED.into());
    let events = document.get_mut("events").and_then(Value::as_array_mut);
    if let Some(events) = events {
        let failed = events
            .iter()
            .rposition(|event| event["status"] == status::FAILED);
        let kept = failed.map_or(events.len(), |failed| failed + 1);
        events.truncate(kept);
    }
}
