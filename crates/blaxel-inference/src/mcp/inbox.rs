//! Delivery of a server's messages to the callers that wait for them.

use blaxel_core::__private::{MAX_MESSAGE_CHARS, one_line};
use blaxel_core::Error;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{self, JsonRpcError};
use super::message::{self, Message};
use super::model::{Progress, ServerInfo};
use super::pending::Waiting;
use super::shared::{REQUESTED_VERSION, Shared};

const PROGRESS: &str = "notifications/progress";

/// Delivers a message, and returns the message that `rmcp` gets in its place.
///
/// `own` is the request to which the HTTP response belongs that has the message; `None` for the stream of messages
/// that are not responses to a particular request. The caller gets the response as the server sent it, and `rmcp`
/// learns only that there is one.
pub(super) fn deliver(shared: &Shared, own: Option<&Waiting>, message: Message) -> Option<String> {
    match message {
        Message::Call(call) => {
            notify(shared, &call);
            Some(call.to_string())
        }
        Message::Response { id, outcome } => {
            let expected = own.and_then(|own| message::id(&own.id));
            let waiting = match (own, &id) {
                // An HTTP response is that of a single request, so the id is not needed.
                (Some(own), None) => Some(own.clone()),
                (Some(own), id) => (expected == *id).then(|| own.clone()),
                (None, Some(id)) => shared.pending.by_id(id),
                (None, None) => None,
            };
            if let Some(waiting) = waiting {
                return Some(complete(&waiting, outcome));
            }
            let id = id.as_deref().map(|id| one_line(id, MAX_MESSAGE_CHARS));
            let stray = error::unmatched(expected.as_deref(), id.as_deref(), outcome);
            let affected = match own {
                Some(own) => own.exchange().into_iter().collect(),
                None => shared.pending.all(),
            };
            for exchange in affected {
                exchange.record_stray(stray.clone());
            }
            None
        }
        Message::Unknown => None,
    }
}

/// Completes a request, and returns the response that `rmcp` gets.
fn complete(waiting: &Waiting, outcome: Result<Value, JsonRpcError>) -> String {
    let (for_caller, for_rmcp) = match outcome {
        Err(refusal) => {
            let for_rmcp = message::for_rmcp(&waiting.id, Err(&refusal));
            (Err(error::refused(refusal)), for_rmcp)
        }
        Ok(result) if waiting.starts_session => start(waiting, result),
        Ok(result) => (Ok(result), message::for_rmcp(&waiting.id, Ok(json!({})))),
    };
    if let Some(exchange) = waiting.exchange() {
        exchange.complete(for_caller);
    }
    for_rmcp
}

/// Reads the result of the request that starts a session. `rmcp` needs no more of it than the protocol version.
fn start(waiting: &Waiting, result: Value) -> (Result<Value, Error>, String) {
    let Some(info) = ServerInfo::read(&result, REQUESTED_VERSION.as_str()) else {
        let refusal = JsonRpcError::from_value("not the result of `initialize`".into());
        let for_rmcp = message::for_rmcp(&waiting.id, Err(&refusal));
        return (Err(error::unexpected_result("initialize")), for_rmcp);
    };
    let for_rmcp = json!({
        "protocolVersion": info.protocol_version,
        "capabilities": {},
        "serverInfo": {"name": info.name, "version": info.version},
    });
    (Ok(result), message::for_rmcp(&waiting.id, Ok(for_rmcp)))
}

/// Calls the listener if the message is a notification.
fn notify(shared: &Shared, call: &Value) {
    let Some(notification) = message::notification(call) else {
        return;
    };
    if notification.method == PROGRESS
        && let Some(listener) = shared
            .pending
            .progress_listener(&notification.params["progressToken"])
    {
        if let Ok(progress) = Progress::deserialize(notification.params) {
            listener(progress);
        }
        return;
    }
    if let Some(listener) = &shared.listener {
        listener(notification);
    }
}
