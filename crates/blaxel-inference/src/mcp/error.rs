//! Errors of a session: the server's refusals, told apart from failures to reach it.

use std::fmt;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Delivery, Error, OperationInfo};
use rmcp::model::ErrorData;
use rmcp::service::{ClientInitializeError, ServiceError};
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::StreamableHttpError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An MCP server's refusal of a request, as a JSON-RPC error. It is the cause of the [`Error`] that the
/// call fails with:
///
/// ```
/// # use blaxel_core::Error;
/// use blaxel_inference::mcp::JsonRpcError;
///
/// # fn advise(error: &Error) {
/// if JsonRpcError::of(error).is_some_and(|refusal| refusal.code == JsonRpcError::INVALID_PARAMS) {
///     println!("the arguments are not what the tool takes");
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JsonRpcError {
    /// The error code. Negative for those that the protocol defines.
    pub code: i64,
    /// The server's message.
    #[serde(default)]
    pub message: String,
    /// Further data of the server; null for none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
}

impl JsonRpcError {
    /// The request is malformed.
    pub const INVALID_REQUEST: i64 = -32600;
    /// The server does not know the method.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// The server knows the method but cannot use the parameters: no such tool, arguments of another
    /// shape.
    pub const INVALID_PARAMS: i64 = -32602;
    /// The server failed.
    pub const INTERNAL_ERROR: i64 = -32603;
    /// There is no such resource.
    pub const RESOURCE_NOT_FOUND: i64 = -32002;

    /// Returns the refusal that caused an error, if the server refused.
    #[must_use]
    pub fn of(error: &Error) -> Option<&Self> {
        error.find_cause()
    }

    /// Returns `true` if the request itself was rejected, so that nothing was executed.
    fn is_of_the_request(&self) -> bool {
        [
            Self::INVALID_REQUEST,
            Self::METHOD_NOT_FOUND,
            Self::INVALID_PARAMS,
            Self::RESOURCE_NOT_FOUND,
        ]
        .contains(&self.code)
    }

    /// Reads a refusal from the body of a response; `None` if it is none.
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
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for JsonRpcError {}

/// The cause of a failure, recorded by the wire: `rmcp` says only that a connection has ended.
pub(super) type Witnessed = Option<Error>;

/// Makes an error of a failed request.
pub(super) fn of_request(problem: ServiceError, witnessed: Witnessed) -> Error {
    match problem {
        ServiceError::McpError(refusal) => refused(refusal),
        ServiceError::TransportSend(problem) => of_transport(problem, witnessed),
        ServiceError::TransportClosed => witnessed.unwrap_or_else(|| ended(problem)),
        other => Error::transport("the exchange with the MCP server failed", other),
    }
}

/// Makes an error of a session that did not begin.
pub(super) fn of_start(problem: ClientInitializeError, witnessed: Witnessed) -> Error {
    match problem {
        ClientInitializeError::JsonRpcError(refusal) => refused(refusal),
        ClientInitializeError::TransportError { error, .. } => of_transport(error, witnessed),
        ClientInitializeError::ConnectionClosed(_) => witnessed.unwrap_or_else(|| ended(problem)),
        other => Error::decode("the MCP server did not begin a session").caused_by(other),
    }
}

fn of_transport(problem: DynamicTransportError, witnessed: Witnessed) -> Error {
    match problem.error.downcast::<StreamableHttpError<Error>>() {
        Ok(problem) => match *problem {
            StreamableHttpError::Client(ours) => ours,
            StreamableHttpError::ReinitializationFailed(refusal) => refused(refusal),
            StreamableHttpError::SessionExpired => {
                Error::failed("the MCP server has ended the session")
            }
            other => witnessed.unwrap_or_else(|| ended(other)),
        },
        Err(other) => Error::transport("the exchange with the MCP server failed", other),
    }
}

fn refused(refusal: ErrorData) -> Error {
    let refusal = JsonRpcError::from(refusal);
    let error = Error::failed("the MCP server refused");
    let error = if refusal.is_of_the_request() {
        error.with_delivery(Delivery::NotSent)
    } else {
        error
    };
    error.caused_by(refusal)
}

fn ended(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::transport("the MCP server's response did not arrive", cause)
}

/// Makes an error of a response that has not the shape of its method.
pub(super) fn unreadable(method: &str, problem: serde_json::Error) -> Error {
    Error::decode(format!(
        "the response to `{method}` has not the expected shape"
    ))
    .caused_by(problem)
}

/// Adds the operation to an error.
pub(super) fn named(error: Error, operation: &'static OperationInfo) -> Error {
    error.in_operation(Some(operation))
}
