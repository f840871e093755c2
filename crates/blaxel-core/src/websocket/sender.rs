//! [`Sender`], the sending half of a WebSocket.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::Error;
use crate::source::Source;

use super::failure;
use super::message::{Close, Message};
use super::silence::{Silence, Step};
use super::socket::Socket;

/// Maximum number of bytes of a reason: a control frame has at most 125.
const MAX_REASON: usize = 123;

/// The sending half of a [`WebSocket`](super::WebSocket).
///
/// The connection is closed when both halves are dropped.
pub struct Sender {
    pub(super) socket: Arc<Socket>,
}

impl Sender {
    /// Sends a message and waits until the connection has accepted it.
    ///
    /// If the future is dropped, the message is sent as a whole, or not at all. What was accepted in part is sent
    /// before the next message.
    ///
    /// ```no_run
    /// # use blaxel_core::Error;
    /// # async fn example(socket: blaxel_core::websocket::WebSocket) -> Result<(), Error> {
    /// let (mut sender, mut receiver) = socket.split();
    /// sender.send("hello").await?;
    /// println!("{:?}", receiver.try_next().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the message is larger than the limit; [`Error::is_timeout`] if the connection accepts
    /// nothing for the idle limit; [`ErrorKind::Transport`](crate::ErrorKind::Transport) if the connection has
    /// failed or is closed.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.send_then(message.into(), || {}).await
    }

    /// Sends a message, and calls a function as soon as it is certain that the message will be sent.
    pub(crate) async fn send_then(
        &mut self,
        message: Message,
        accepted: impl FnOnce(),
    ) -> Result<(), Error> {
        let mut message = Some(self.socket.prepare(message)?);
        let mut accepted = Some(accepted);
        let socket = Arc::clone(&self.socket);
        self.drive(move |cx| {
            let poll = socket.poll_send(cx, &mut message);
            if message.is_none()
                && let Some(accepted) = accepted.take()
            {
                accepted();
            }
            poll
        })
        .await
    }

    /// Announces the end, and why. The receiver then returns the messages that the server sends until it confirms.
    /// If the server has already closed the WebSocket, this does nothing.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`Error::is_input`] for a code that must not be sent, and for a reason of more
    /// than 123 bytes.
    pub async fn close(&mut self, close: Close) -> Result<(), Error> {
        let problem = if !matches!(close.code, 1000 | 1001 | 1003 | 1007..=1014 | 3000..=4999) {
            Some("its code must not be sent")
        } else if close.reason.len() > MAX_REASON {
            Some("it is longer than 123 bytes")
        } else {
            None
        };
        if let Some(problem) = problem {
            return Err(Error::input("close reason", &Source::Code, problem));
        }
        let (mut close, socket) = (Some(close), Arc::clone(&self.socket));
        self.drive(move |cx| socket.poll_close(cx, &mut close))
            .await
    }

    /// Polls a step of the protocol to its end, or until nothing is accepted for the idle limit.
    async fn drive(
        &mut self,
        mut step: impl FnMut(&mut Context<'_>) -> Poll<Result<(), Error>>,
    ) -> Result<(), Error> {
        let mut silence = Silence::new(self.socket.idle);
        poll_fn(|cx| match step(cx) {
            Poll::Ready(outcome) => Poll::Ready(outcome),
            Poll::Pending => match silence.poll(cx, self.socket.sent()) {
                Step::Over(limit) => {
                    let error = failure::stuck(limit);
                    Poll::Ready(Err(self.socket.explain(error)))
                }
                Step::Wait | Step::Ask => Poll::Pending,
            },
        })
        .await
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}
