//! [`TerminalReceiver`], the half of a terminal that has the output.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::__private::ErrorParts;
use blaxel_core::__private::websocket::explain;
use blaxel_core::Error;
use futures_core::Stream;

use super::event::TerminalEvent;
use super::message;
use crate::websocket::{Close, Receiver};

/// The half of a [`Terminal`](super::Terminal) that has the output.
///
/// Events are read by [`try_next`](Self::try_next), or through [`Stream`].
#[must_use = "events are read only when they are requested"]
pub struct TerminalReceiver {
    receiver: Receiver,
    /// The last failure that the sandbox told of.
    failure: Option<String>,
    ended: bool,
}

impl TerminalReceiver {
    pub(super) fn new(receiver: Receiver) -> Self {
        Self {
            receiver,
            failure: None,
            ended: false,
        }
    }

    /// Returns the next event, or `None` after the shell has exited. After an error it returns `None`.
    ///
    /// It is cancel-safe: no event is lost if the future is dropped.
    ///
    /// Older sandboxes do not tell that the shell has exited. The connection then ends without a close, at the next
    /// input or after half of the [idle limit](super::TerminalOptions::idle_limit), which is an error with
    /// [`Error::is_truncated`] like any other lost connection.
    ///
    /// # Errors
    ///
    /// [`Error::is_truncated`] if the connection ends without a close; the shell may still run, so open a terminal with
    /// the same session. [`Error::is_failed`] if the connection ends after a failure that the sandbox told of, such as
    /// a shell that cannot be started. [`Error::is_timeout`] if the sandbox is silent for the idle limit;
    /// [`Error::is_decode`] for a malformed message.
    pub async fn try_next(&mut self) -> Result<Option<TerminalEvent>, Error> {
        poll_fn(|cx| self.poll_event(cx)).await.transpose()
    }

    /// Returns the code and the reason with which the sandbox closed the terminal, also if its code was an error.
    #[must_use]
    pub fn closed(&self) -> Option<&Close> {
        self.receiver.closed()
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<TerminalEvent, Error>>> {
        while !self.ended {
            let outcome = match ready!(Pin::new(&mut self.receiver).poll_next(cx)) {
                None => Ok(None),
                Some(Err(error)) => Err(self.with_failure(error)),
                Some(Ok(message)) => match message::read(&message) {
                    Ok(None) => continue,
                    Ok(Some(event)) => {
                        if let TerminalEvent::Error(message) = &event {
                            self.failure = Some(message.clone());
                        }
                        return Poll::Ready(Some(Ok(event)));
                    }
                    Err(error) => Err(explain(&self.receiver, error)),
                },
            };
            self.ended = true;
            return Poll::Ready(outcome.transpose());
        }
        Poll::Ready(None)
    }

    /// Returns the error of an end, with the failure that the sandbox told of before.
    fn with_failure(&mut self, error: Error) -> Error {
        match self.failure.take() {
            Some(failure) if error.is_truncated() => {
                let error = Error::failed(format!("the terminal ended after an error: {failure}"));
                explain(&self.receiver, error)
            }
            _ => error,
        }
    }

    pub(super) fn into_inner(self) -> Receiver {
        self.receiver
    }
}

impl Stream for TerminalReceiver {
    type Item = Result<TerminalEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_event(cx)
    }
}

impl fmt::Debug for TerminalReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TerminalReceiver")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
