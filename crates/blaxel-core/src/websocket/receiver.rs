//! [`Receiver`], the receiving half of a WebSocket.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::context::CallContext;
use crate::error::Error;
use futures_core::Stream;

use super::failure;
use super::message::{Close, Message};
use super::silence::{Silence, Step};
use super::socket::{Received, Socket};

/// The receiving half of a [`WebSocket`](super::WebSocket).
///
/// Messages are read by [`try_next`](Self::try_next), or through [`Stream`]. Pings of the server are answered, and the
/// idle limit is applied, only while a message is awaited. The connection is closed when both halves are dropped.
#[must_use = "messages are read only when they are requested"]
pub struct Receiver {
    socket: Arc<Socket>,
    silence: Silence,
    ended: bool,
    close: Option<Close>,
}

impl Receiver {
    pub(super) fn new(socket: Arc<Socket>) -> Self {
        Self {
            silence: Silence::new(socket.idle),
            socket,
            ended: false,
            close: None,
        }
    }

    /// Returns the next message, or `None` after the WebSocket was closed normally: with the code 1000, or without a
    /// code. After an error it returns `None`.
    ///
    /// It is cancel-safe: no message is lost if the future is dropped.
    ///
    /// ```no_run
    /// # use blaxel_core::Error;
    /// # async fn example(mut socket: blaxel_core::websocket::WebSocket) -> Result<(), Error> {
    /// while let Some(message) = socket.try_next().await? {
    ///     println!("{} bytes", message.size());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_truncated`] if the connection ends without a close, and for a close with a code by which a server
    /// says that it goes away or is overloaded; [`Error::is_failed`] for a close with any other code;
    /// [`Error::is_timeout`] if the server is silent for the idle limit; [`Error::is_decode`] for a message that is
    /// larger than the limit, is not UTF-8, or breaks the protocol.
    pub async fn try_next(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.poll_message(cx)).await.transpose()
    }

    /// Returns the code and the reason with which the server closed the WebSocket, also if its code was an error.
    #[must_use]
    pub fn closed(&self) -> Option<&Close> {
        self.close.as_ref()
    }

    /// Adds the facts of the call to an error.
    pub(crate) fn explain(&self, error: Error) -> Error {
        self.socket.explain(error)
    }

    /// Returns the context of the call that opened the WebSocket.
    pub(crate) fn context(&self) -> &CallContext {
        &self.socket.context
    }

    pub(crate) fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Message, Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let outcome = match self.socket.poll_receive(cx) {
            Poll::Ready(Ok(Received::Message(message))) => return Poll::Ready(Some(Ok(message))),
            Poll::Ready(Ok(Received::Close(close))) => {
                self.close = close;
                let error = self.socket.close_error(self.close.as_ref());
                error.map(Err)
            }
            Poll::Ready(Err(error)) => Some(Err(error)),
            Poll::Pending => match self.silence.poll(cx, self.socket.received()) {
                Step::Wait => return Poll::Pending,
                Step::Ask => {
                    self.socket.ping();
                    return Poll::Pending;
                }
                Step::Over(limit) => Some(Err(self.socket.explain(failure::silent(limit)))),
            },
        };
        self.ended = true;
        Poll::Ready(outcome)
    }
}

impl Stream for Receiver {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_message(cx)
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
