//! Errors of a session: the server's own errors, as opposed to failures to reach it.

use std::fmt;

use blaxel_core::__private::{ErrorParts, MAX_MESSAGE_CHARS, one_line, unclosed};
use blaxel_core::{BoxError, Delivery, Error, ErrorOrigin, OperationInfo};
use rmcp::model::ErrorData;
use rmcp::service::{ClientInitializeError, ServiceError};
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::StreamableHttpError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::lenient;
use crate::report::is_stated;

/// Members with the message of an error that has no `message`.
const OTHER_MESSAGES: [&str; 6] = [
    "message",
    "detail",
    "msg",
    "error_message",
    "reason",
    "error",
];

/// A JSON-RPC error, with which an MCP server refused a request. It is the cause of the [`Error`] of the
/// call. Its `Display` output is one line of limited length, and its `Debug` output has no `data`:
///
/// ```
/// # use blaxel_core::Error;
/// use blaxel_inference::mcp::JsonRpcError;
///
/// # fn advise(error: &Error) {
/// if JsonRpcError::of(error).is_some_and(|refusal| refusal.code == JsonRpcError::INVALID_PARAMS) {
///     println!("the arguments do not match the tool's schema");
/// }
/// # }
/// ```
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JsonRpcError {
    /// The error code. It is negative for the codes that the protocol defines, and 0 if the server sent none.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub code: i64,
    /// The server's message. A code that is not a number is put before it.
    #[serde(default, deserialize_with = "lenient::text_or_empty")]
    pub message: String,
    /// Additional data of the server; null for none. If the server sent a result together with the error, and no
    /// data, it has the result as its member `result`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
}

impl JsonRpcError {
    /// The request is malformed.
    pub const INVALID_REQUEST: i64 = -32600;
    /// The server does not know the method.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// The server knows the method but cannot use the parameters: for instance, there is no such tool, or the
    /// arguments do not match its schema.
    pub const INVALID_PARAMS: i64 = -32602;
    /// The server failed.
    pub const INTERNAL_ERROR: i64 = -32603;
    /// There is no such resource.
    pub const RESOURCE_NOT_FOUND: i64 = -32002;

    /// Returns the JSON-RPC error that caused `error`, if there is one.
    #[must_use]
    pub fn of(error: &Error) -> Option<&Self> {
        error.find_cause()
    }

    /// Returns `true` if the request itself was rejected, so that nothing was executed.
    fn rejects_the_request(&self) -> bool {
        [
            Self::INVALID_REQUEST,
            Self::METHOD_NOT_FOUND,
            Self::INVALID_PARAMS,
            Self::RESOURCE_NOT_FOUND,
        ]
        .contains(&self.code)
    }

    /// Reads a JSON-RPC error from the body of a response; `None` if the body is not one.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Response {
            jsonrpc: String,
            error: Value,
        }
        let response: Response = serde_json::from_slice(body).ok()?;
        let is_error = response.jsonrpc == "2.0" && !response.error.is_null();
        is_error.then(|| Self::from_value(response.error))
    }

    /// Reads the member `error` of a response, whatever its shape.
    pub(super) fn from_value(error: Value) -> Self {
        let written = match &error {
            Value::Object(_) => Self::deserialize(&error).ok(),
            _ => None,
        };
        let mut read = written.unwrap_or_else(|| Self {
            code: 0,
            message: lenient::to_text(error.clone()).unwrap_or_else(|| error.to_string()),
            data: Value::Null,
        });
        if read.message.is_empty()
            && let Some(found) = OTHER_MESSAGES
                .iter()
                .filter_map(|name| error.get(*name))
                .find(|it| is_stated(it))
        {
            read.message = lenient::to_text(found.clone()).unwrap_or_else(|| found.to_string());
        }
        if let Some(Value::String(code)) = error.get("code")
            && read.code == 0
        {
            read.message = format!("{code}: {}", read.message);
        }
        read
    }

    /// Keeps a result that was sent together with the error.
    pub(super) fn with_result(mut self, result: Option<Value>) -> Self {
        if let Some(result) = result.filter(|result| !result.is_null())
            && self.data.is_null()
        {
            self.data = json!({"result": result});
        }
        self
    }
}

impl From<ErrorData> for JsonRpcError {
    fn from(refusal: ErrorData) -> Self {
        Self {
            code: refusal.code.0.into(),
            message: refusal.message.into_owned(),
            data: refusal.data.unwrap_or_default(),
        }
    }
}

impl fmt::Display for JsonRpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = one_line(&self.message, MAX_MESSAGE_CHARS);
        match (unclosed(&message), self.code) {
            ("", 0) => f.write_str("no message"),
            ("", code) => write!(f, "code {code}"),
            (message, 0) => f.write_str(message),
            (message, code) => write!(f, "{message} ({code})"),
        }
    }
}

impl fmt::Debug for JsonRpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonRpcError")
            .field("code", &self.code)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for JsonRpcError {}

/// Creates the error of a failed request of which the transport recorded no cause.
pub(super) fn from_service_error(problem: ServiceError) -> Error {
    match problem {
        ServiceError::TransportSend(problem) => from_transport_error(problem),
        // The errors of `rmcp` itself: the server's are recorded.
        other => no_response(other),
    }
}

/// Creates the error of a session that did not start, and of which the transport recorded no cause.
pub(super) fn from_initialize_error(problem: ClientInitializeError) -> Error {
    match problem {
        ClientInitializeError::TransportError { error, .. } => from_transport_error(error),
        ClientInitializeError::ConnectionClosed(_) => no_response(problem),
        other => Error::decode("the MCP server did not start a session").caused_by(other),
    }
}

fn from_transport_error(problem: DynamicTransportError) -> Error {
    match problem.error.downcast::<StreamableHttpError<Error>>() {
        Ok(problem) => match *problem {
            StreamableHttpError::Client(error) => error,
            StreamableHttpError::ReinitializationFailed(refusal) => refused(refusal.into()),
            StreamableHttpError::SessionExpired => {
                Error::failed("the MCP server has ended the session")
            }
            other => no_response(other),
        },
        Err(other) => no_response(other),
    }
}

/// Creates the error of a request that the server refused.
pub(super) fn refused(refusal: JsonRpcError) -> Error {
    let error = Error::failed("the MCP server refused");
    let error = if refusal.rejects_the_request() {
        error.with_delivery(Delivery::NotSent)
    } else {
        error
    };
    error.caused_by(refusal)
}

/// Creates the error of a request without a response.
pub(super) fn no_response(cause: impl Into<BoxError>) -> Error {
    Error::transport("the MCP server's response did not arrive", cause)
}

/// Creates the error of a request after the end of the session's connection.
pub(super) fn ended(reason: Error) -> Error {
    Error::transport(
        "the session with the MCP server has ended; connect again",
        reason,
    )
    .with_delivery(Delivery::NotSent)
}

/// Adds to the error of a server that does not speak streamable HTTP that it may speak WebSocket.
pub(super) fn not_over_http(error: Error) -> Error {
    let advice = "the server may speak WebSocket only; start the session with `connect_websocket`";
    advised(error, &[404, 405, 426], advice)
}

/// Adds to the error of a server that does not speak WebSocket that it may speak streamable HTTP.
#[cfg(feature = "mcp-websocket")]
pub(super) fn not_by_websocket(error: Error) -> Error {
    let advice = "the server may speak streamable HTTP only; start the session with `connect`";
    advised(error, &[200, 400, 404, 405, 406], advice)
}

/// Adds advice to the error of a server that responded with one of these statuses, unless the platform did.
fn advised(error: Error, statuses: &[u16], advice: &'static str) -> Error {
    let by_server = match error.api() {
        Some(api) => api.origin() == ErrorOrigin::Workload,
        None => error.is_decode(),
    };
    let status = error.status().map(|status| status.as_u16());
    let applies = status.is_some_and(|status| statuses.contains(&status));
    if by_server && applies && error.cause().is_none() {
        error.caused_by(advice)
    } else {
        error
    }
}

/// Creates the error of a response that belongs to no request that waits for it.
pub(super) fn unmatched(
    expected: Option<&str>,
    id: Option<&str>,
    outcome: Result<Value, JsonRpcError>,
) -> Error {
    let id = id.map_or("without an id".to_owned(), |id| format!("with the id {id}"));
    let error = Error::decode(match expected {
        Some(expected) => format!("the MCP server sent a response {id} instead of {expected}"),
        None => format!("the MCP server sent a response {id}, which no request has"),
    });
    match outcome {
        Ok(_) => error,
        Err(refusal) => error.caused_by(refusal),
    }
}

/// Creates the error for a response whose result does not match its method.
pub(super) fn unexpected_result(method: &str) -> Error {
    Error::decode(format!(
        "the response to `{method}` does not have the expected shape"
    ))
}

/// Adds the operation to an error.
pub(super) fn in_operation(error: Error, operation: &'static OperationInfo) -> Error {
    error.in_operation(Some(operation))
}
