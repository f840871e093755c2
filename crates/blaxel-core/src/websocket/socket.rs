//! [`Socket`], which the two halves of a WebSocket share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::context::CallContext;
use crate::error::{Delivery, Error, ErrorParts};
use crate::source::Source;
use crate::upgraded::Upgraded;
use tungstenite::protocol::frame::{CloseFrame, Utf8Bytes};
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};

use super::failure::{self, close_code, while_reading, while_sending, would_block};
use super::io::{Io, Tasks};
use super::message::{Close, Message};
use super::options::Options;

/// Number of bytes that are read at once.
const READ_BUFFER: usize = 16 * 1024;

/// Number of bytes of pongs and pings that wait for a server which does not read them.
const CONTROL_BUFFER: usize = 64 * 1024;

/// Number of control frames that are read before other tasks get a turn.
const CONTROL_BURST: usize = 32;

/// A WebSocket whose operations do not wait, but can be polled by two tasks: one that reads and one that writes.
pub(super) struct Socket {
    /// Locked while it is polled, and never across a wait.
    protocol: Mutex<WebSocket<Io>>,
    tasks: Arc<Tasks>,
    pub(super) context: CallContext,
    max_message: usize,
    pub(super) idle: Option<Duration>,
    probe: Option<&'static str>,
}

/// A received unit.
#[derive(Debug)]
pub(super) enum Received {
    Message(Message),
    Close(Option<Close>),
}

impl Socket {
    pub(super) fn new(
        connection: Upgraded,
        role: Role,
        options: &Options,
        context: CallContext,
    ) -> Self {
        let tasks = Arc::<Tasks>::default();
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            // Each frame is sent at once.
            .write_buffer_size(0)
            .max_write_buffer_size(options.max_message.saturating_add(CONTROL_BUFFER))
            .max_message_size(Some(options.max_message))
            .max_frame_size(Some(options.max_frame));
        let io = Io::new(connection, &tasks);
        Self {
            protocol: Mutex::new(WebSocket::from_raw_socket(io, role, Some(config))),
            tasks,
            context,
            max_message: options.max_message,
            idle: options.idle,
            probe: options.probe,
        }
    }

    /// Polls for the next message. Pings are answered.
    pub(super) fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Result<Received, Error>> {
        self.tasks.set_reader(cx.waker());
        let mut protocol = self.lock();
        // A server that does not accept bytes may still send some.
        let _ = protocol.flush();
        for _ in 0..CONTROL_BURST {
            let received = match protocol.read() {
                Ok(tungstenite::Message::Text(text)) => Message::Text(text.as_str().to_owned()),
                Ok(tungstenite::Message::Binary(bytes)) => Message::Binary(bytes),
                Ok(tungstenite::Message::Close(frame)) => {
                    // The confirmation.
                    let _ = protocol.flush();
                    let close = frame.map(|frame| Close {
                        code: frame.code.into(),
                        reason: frame.reason.as_str().to_owned(),
                    });
                    return Poll::Ready(Ok(Received::Close(close)));
                }
                Ok(_) => continue,
                Err(failure) if would_block(&failure) => return Poll::Pending,
                Err(failure) => {
                    if let Some(code) = close_code(&failure) {
                        let reason = Utf8Bytes::default();
                        let _ = protocol.close(Some(CloseFrame { code, reason }));
                    }
                    return Poll::Ready(Err(self.explain(while_reading(failure))));
                }
            };
            return Poll::Ready(Ok(Received::Message(received)));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Asks the server for a sign of life.
    pub(super) fn ping(&self) {
        let mut protocol = self.lock();
        if protocol.can_write() {
            // If the server accepts nothing, the silence goes on.
            let _ = protocol.write(tungstenite::Message::Ping(bytes::Bytes::new()));
            if let Some(probe) = self.probe {
                let _ = protocol.write(tungstenite::Message::Text(probe.into()));
            }
            let _ = protocol.flush();
        }
    }

    /// Checks the size of a message before it is sent.
    pub(super) fn prepare(&self, message: Message) -> Result<tungstenite::Message, Error> {
        if message.size() > self.max_message {
            let limit = self.max_message;
            let problem = format_args!("it is larger than the limit of {limit} bytes");
            return Err(Error::input("message", &Source::Code, problem));
        }
        Ok(match message {
            Message::Text(text) => tungstenite::Message::Text(text.into()),
            Message::Binary(bytes) => tungstenite::Message::Binary(bytes),
        })
    }

    /// Sends a message once what was sent before is accepted. It takes the message as soon as it is in the buffer.
    pub(super) fn poll_send(
        &self,
        cx: &mut Context<'_>,
        message: &mut Option<tungstenite::Message>,
    ) -> Poll<Result<(), Error>> {
        self.tasks.set_writer(cx.waker());
        let mut protocol = self.lock();
        if let Err(failure) = ready!(self.poll_flush(&mut protocol)) {
            // The flush was of earlier messages, or of this one.
            return Poll::Ready(Err(match message {
                Some(_) => failure.with_delivery(Delivery::NotSent),
                None => failure,
            }));
        }
        let Some(message) = message.take() else {
            return Poll::Ready(Ok(()));
        };
        match protocol.write(message) {
            Ok(()) => {}
            // It is in the buffer.
            Err(failure) if would_block(&failure) => {}
            Err(failure) => return Poll::Ready(Err(self.explain(while_sending(failure)))),
        }
        self.poll_flush(&mut protocol)
    }

    /// Sends the close frame, unless the server has closed already. It takes the reason as soon as it is in the
    /// buffer.
    pub(super) fn poll_close(
        &self,
        cx: &mut Context<'_>,
        close: &mut Option<Close>,
    ) -> Poll<Result<(), Error>> {
        self.tasks.set_writer(cx.waker());
        let mut protocol = self.lock();
        if let Some(close) = close.take() {
            if !protocol.can_write() {
                return Poll::Ready(Ok(()));
            }
            let frame = CloseFrame {
                code: close.code.into(),
                reason: close.reason.into(),
            };
            match protocol.close(Some(frame)) {
                Ok(()) => {}
                Err(failure) if would_block(&failure) => {}
                Err(failure) => return Poll::Ready(Err(self.explain(while_sending(failure)))),
            }
        }
        self.poll_flush(&mut protocol)
    }

    /// Flushes the buffer.
    fn poll_flush(&self, protocol: &mut WebSocket<Io>) -> Poll<Result<(), Error>> {
        match protocol.flush() {
            Ok(()) => Poll::Ready(Ok(())),
            Err(failure) if would_block(&failure) => Poll::Pending,
            Err(failure) => Poll::Ready(Err(self.explain(while_sending(failure)))),
        }
    }

    /// Returns the number of bytes received so far.
    pub(super) fn received(&self) -> u64 {
        self.lock().get_ref().received
    }

    /// Returns the number of bytes sent so far.
    pub(super) fn sent(&self) -> u64 {
        self.lock().get_ref().sent
    }

    /// Returns the error of a close that is not a normal end.
    pub(super) fn close_error(&self, close: Option<&Close>) -> Option<Error> {
        failure::of_close(close).map(|error| self.explain(error))
    }

    /// Adds the facts of the request that opened the WebSocket to an error.
    pub(super) fn explain(&self, error: Error) -> Error {
        error.on_connection(&self.context)
    }

    fn lock(&self) -> MutexGuard<'_, WebSocket<Io>> {
        self.protocol.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
