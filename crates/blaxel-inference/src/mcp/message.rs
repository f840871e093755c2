//! The messages of a server, in the forms in which servers send them.
//!
//! `rmcp` ignores a message that deviates from the protocol, and the call that waits for it would not end. So
//! messages are read here. A response may have its id as text, or none; an error may have its code as text, no
//! message, or be a text; a result may come with an empty error; there may be a byte order mark, and several
//! messages may be in one list.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::JsonRpcError;
use super::lenient::to_integer;
use super::model::Notification;
use crate::report::says_something;

/// A message of a server.
#[derive(Debug)]
pub(super) enum Message {
    /// The response to the request with this id. `None` if it has no id.
    Response {
        id: Option<String>,
        outcome: Result<Value, JsonRpcError>,
    },
    /// A request of the server, or a notification.
    Call(Value),
    /// JSON that is not a message.
    Unknown,
}

impl Message {
    fn new(message: Value) -> Self {
        let Value::Object(mut members) = message else {
            return Self::Unknown;
        };
        // Some servers repeat the method in a response.
        let has = |name| members.get(name).is_some_and(|value| !value.is_null());
        let is_response = has("result") || has("error");
        if members.get("method").is_some_and(Value::is_string) && !is_response {
            return Self::Call(Value::Object(members));
        }
        let id = members.get("id").and_then(id);
        let result = members.remove("result");
        // Some servers send both. An error that says nothing does not take the place of a result.
        let error = members.remove("error").filter(|error| match error {
            Value::Null | Value::Bool(false) => false,
            error => result.as_ref().is_none_or(Value::is_null) || says_something(error),
        });
        let outcome = match (error, result) {
            (Some(error), result) => Err(JsonRpcError::from_value(error).with_result(result)),
            (None, Some(result)) => Ok(result),
            (None, None) => return Self::Unknown,
        };
        Self::Response { id, outcome }
    }
}

/// Reads one message, or a list of messages.
pub(super) fn read(text: &str) -> Result<Vec<Message>, serde_json::Error> {
    Ok(match serde_json::from_str(without_mark(text))? {
        Value::Array(batch) => batch.into_iter().map(Message::new).collect(),
        one => vec![Message::new(one)],
    })
}

/// Reads the data of an event that is named `error`: a response, a bare error, or a text for people.
pub(super) fn read_error(data: &str) -> Message {
    let outcome = match serde_json::from_str(without_mark(data)) {
        Ok(Value::Object(members)) => match Message::new(Value::Object(members.clone())) {
            Message::Unknown => JsonRpcError::from_value(Value::Object(members)),
            message => return message,
        },
        Ok(Value::String(message)) => JsonRpcError::from_value(Value::String(message)),
        _ => JsonRpcError::from_value(Value::String(data.trim().to_owned())),
    };
    Message::Response {
        id: None,
        outcome: Err(outcome),
    }
}

/// Returns the text without a byte order mark.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Returns an id in the form in which ids are compared, since servers echo a number as text. `None` for null.
pub(super) fn id(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if to_integer(value).is_none() => Some(text.clone()),
        other => Some(to_integer(other).map_or_else(|| other.to_string(), |id| id.to_string())),
    }
}

/// The members of a notification.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(default)]
    id: Value,
    #[serde(default)]
    params: Value,
}

/// Returns the notification in a message; `None` for a request.
pub(super) fn notification(message: &Value) -> Option<Notification> {
    let Head { method, id, params } = Head::deserialize(message).ok()?;
    id.is_null().then(|| Notification {
        method: method.into_owned(),
        params,
    })
}

/// Creates the response by which `rmcp` learns that a request was answered.
pub(super) fn for_rmcp(id: &Value, outcome: Result<Value, &JsonRpcError>) -> String {
    let (member, content) = match outcome {
        Ok(result) => ("result", result),
        Err(refusal) => {
            // Codes of `rmcp` have 32 bits.
            let code = i32::try_from(refusal.code).unwrap_or(-32603);
            let mut error = Map::new();
            error.insert("code".to_owned(), code.into());
            error.insert("message".to_owned(), refusal.message.clone().into());
            error.insert("data".to_owned(), refusal.data.clone());
            ("error", Value::Object(error))
        }
    };
    serde_json::json!({"jsonrpc": "2.0", "id": id, member: content}).to_string()
}
