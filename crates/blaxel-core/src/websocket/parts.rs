//! The parts of a WebSocket that the sibling crates need and users do not.

use super::WebSocket;
use super::message::Message;
use super::options::Options;
use super::receiver::Receiver;
use super::sender::Sender;
use crate::context::CallContext;
use crate::error::Error;

/// Joins the halves of a WebSocket whose subprotocol is not needed any more.
#[must_use]
pub fn join(sender: Sender, receiver: Receiver) -> WebSocket {
    WebSocket::join(sender, receiver)
}

/// Adds the facts of the call that opened a WebSocket to an error.
#[must_use]
pub fn explain(receiver: &Receiver, error: Error) -> Error {
    receiver.explain(error)
}

/// Returns the context of the call that opened a WebSocket.
#[must_use]
pub fn context(receiver: &Receiver) -> &CallContext {
    receiver.context()
}

/// Sends a message, and calls a function as soon as it is certain that the message will be sent.
///
/// # Errors
///
/// As [`Sender::send`].
pub async fn send_then(
    sender: &mut Sender,
    message: Message,
    accepted: impl FnOnce(),
) -> Result<(), Error> {
    sender.send_then(message, accepted).await
}

/// Sets a message that is sent together with each ping, for a server that notices an end only by a message.
pub fn with_probe(options: Options, message: &'static str) -> Options {
    options.probe(message)
}
