//! The errors of a WebSocket.

use std::time::Duration;

use crate::error::ErrorParts;
use crate::error::{Delivery, Error};
use tungstenite::Error as Failure;
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::frame::coding::CloseCode;

use super::message::Close;

/// Returns `true` if a read or a write has to be tried again later.
pub(super) fn would_block(failure: &Failure) -> bool {
    matches!(failure, Failure::Io(io) if io.kind() == std::io::ErrorKind::WouldBlock)
}

/// Returns the code with which the server is told about a failure to read, if it was the server's fault.
pub(super) fn close_code(failure: &Failure) -> Option<CloseCode> {
    match failure {
        Failure::Capacity(_) => Some(CloseCode::Size),
        Failure::Utf8(_) => Some(CloseCode::Invalid),
        Failure::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Failure::Protocol(_) => Some(CloseCode::Protocol),
        _ => None,
    }
}

/// Converts a failure to read.
pub(super) fn while_reading(failure: Failure) -> Error {
    match failure {
        Failure::Io(problem) => Error::transport("the WebSocket connection failed", problem)
            .with_delivery(Delivery::Responded),
        Failure::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            Error::truncated("the connection ended before the WebSocket was closed")
        }
        Failure::Capacity(CapacityError::MessageTooLong { max_size, .. }) => Error::decode(
            format!("the message is larger than the limit of {max_size} bytes"),
        ),
        // The text of the failure quotes the message.
        Failure::Utf8(_) => Error::decode("the text message is not UTF-8"),
        other => Error::decode("the server broke the WebSocket protocol").caused_by(other),
    }
}

/// Converts a failure to send.
pub(super) fn while_sending(failure: Failure) -> Error {
    match failure {
        Failure::Io(problem) => Error::transport("the WebSocket connection failed", problem),
        _ => closed(),
    }
}

/// Creates the error of a message that is sent after the end.
pub(super) fn closed() -> Error {
    Error::transport("the message was not sent", "the WebSocket is closed")
        .with_delivery(Delivery::NotSent)
}

/// Creates the error of a server that neither sends nor answers a ping.
pub(super) fn silent(limit: Duration) -> Error {
    Error::timeout("wait for a message or a pong", limit).with_delivery(Delivery::Responded)
}

/// Creates the error of a server that does not accept the bytes of a message.
pub(super) fn stuck(limit: Duration) -> Error {
    Error::timeout("wait for the server to accept the message", limit)
}

/// Returns the error of a close with any code but that of a normal end.
pub(super) fn of_close(close: Option<&Close>) -> Option<Error> {
    let close = close.filter(|close| close.code != Close::NORMAL)?;
    let (code, reason) = (close.code, close.reason.as_str());
    let colon = if reason.is_empty() { "" } else { ": " };
    let message = format!("the server closed the WebSocket with the code {code}{colon}{reason}");
    // Going away, an internal error, a restart, and a server that is overloaded or not there.
    let transient = matches!(code, 1001 | 1011..=1014);
    Some(if transient {
        Error::truncated(message)
    } else {
        Error::failed(message)
    })
}
