//! Errors of a session: the server's own errors, as opposed to failures to reach it.

use std::fmt;

use blaxel_core::__private::{ErrorParts, MAX_MESSAGE_CHARS, one_line, unclosed};
use blaxel_core::{Delivery, Error, OperationInfo};
use rmcp::model::ErrorData;
use rmcp::service::{ClientInitializeError, ServiceError};
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::StreamableHttpError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// The error code. It is negative for the codes that the protocol defines.
    pub code: i64,
    /// The server's message.
    #[serde(default)]
    pub message: String,
    /// Additional data of the server; null for none.
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
            error: JsonRpcError,
        }
        let response: Response = serde_json::from_slice(body).ok()?;
        (response.jsonrpc == "2.0").then_some(response.error)
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
        write!(f, "{} ({})", unclosed(&message), self.code)
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

/// The cause of a failure as recorded by [`Transport`](super::transport::Transport): `rmcp` reports only that a
/// connection has ended.
pub(super) type RecordedCause = Option<Error>;

/// Creates the error of a failed request.
pub(super) fn from_service_error(problem: ServiceError, recorded: RecordedCause) -> Error {
    match problem {
        ServiceError::McpError(refusal) => refused(refusal),
        ServiceError::TransportSend(problem) => from_transport_error(problem, recorded),
        ServiceError::TransportClosed => recorded.unwrap_or_else(|| no_response(problem)),
        other => Error::transport("the exchange with the MCP server failed", other),
    }
}

/// Creates the error of a session that did not start.
pub(super) fn from_initialize_error(
    problem: ClientInitializeError,
    recorded: RecordedCause,
) -> Error {
    match problem {
        ClientInitializeError::JsonRpcError(refusal) => refused(refusal),
        ClientInitializeError::TransportError { error, .. } => {
            from_transport_error(error, recorded)
        }
        ClientInitializeError::ConnectionClosed(_) => {
            recorded.unwrap_or_else(|| no_response(problem))
        }
        other => Error::decode("the MCP server did not start a session").caused_by(other),
    }
}

fn from_transport_error(problem: DynamicTransportError, recorded: RecordedCause) -> Error {
    match problem.error.downcast::<StreamableHttpError<Error>>() {
        Ok(problem) => match *problem {
            StreamableHttpError::Client(error) => error,
            StreamableHttpError::ReinitializationFailed(refusal) => refused(refusal),
            StreamableHttpError::SessionExpired => {
                Error::failed("the MCP server has ended the session")
            }
            other => recorded.unwrap_or_else(|| no_response(other)),
        },
        Err(other) => Error::transport("the exchange with the MCP server failed", other),
    }
}

fn refused(refusal: ErrorData) -> Error {
    let refusal = JsonRpcError::from(refusal);
    let error = Error::failed("the MCP server refused");
    let error = if refusal.rejects_the_request() {
        error.with_delivery(Delivery::NotSent)
    } else {
        error
    };
    error.caused_by(refusal)
}

fn no_response(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::transport("the MCP server's response did not arrive", cause)
}

/// Creates the error for a response whose result does not match its method.
pub(super) fn unexpected_result(method: &str, problem: serde_json::Error) -> Error {
    Error::decode(format!(
        "the response to `{method}` does not have the expected shape"
    ))
    .caused_by(problem)
}

/// Adds the operation to an error.
pub(super) fn in_operation(error: Error, operation: &'static OperationInfo) -> Error {
    error.in_operation(Some(operation))
}
