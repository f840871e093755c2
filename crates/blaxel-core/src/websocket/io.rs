//! The connection below `tungstenite`, which reads and writes without waiting.
//!
//! `tungstenite` is used without its async binding, which costs 5 more crates. The binding also remembers one task
//! that writes, so a ping of the receiving half would make it forget the sending half.

use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::upgraded::Upgraded;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The tasks of both halves. What one waits for may be what the other one needs too: a write of the receiving half
/// is a pong, and waits for the same space. So both are woken.
#[derive(Default)]
pub(super) struct Tasks {
    reader: Mutex<Option<Waker>>,
    writer: Mutex<Option<Waker>>,
}

impl Tasks {
    /// Sets the task that waits for a message.
    pub(super) fn set_reader(&self, waker: &Waker) {
        set(&self.reader, waker);
    }

    /// Sets the task that waits until a message is sent.
    pub(super) fn set_writer(&self, waker: &Waker) {
        set(&self.writer, waker);
    }
}

/// Replaces the waker in a slot.
fn set(slot: &Mutex<Option<Waker>>, waker: &Waker) {
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    match &mut *slot {
        Some(own) => own.clone_from(waker),
        None => *slot = Some(waker.clone()),
    }
}

impl Wake for Tasks {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        for slot in [&self.reader, &self.writer] {
            let waker = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

/// A connection whose reads and writes fail with [`ErrorKind::WouldBlock`] instead of waiting. Then the tasks are
/// woken when it makes sense to try again.
pub(super) struct Io {
    connection: Upgraded,
    tasks: Waker,
    /// Number of bytes received so far. It wraps around.
    pub(super) received: u64,
    /// Number of bytes sent so far. It wraps around.
    pub(super) sent: u64,
}

impl Io {
    pub(super) fn new(connection: Upgraded, tasks: &Arc<Tasks>) -> Self {
        Self {
            connection,
            tasks: Waker::from(Arc::clone(tasks)),
            received: 0,
            sent: 0,
        }
    }
}

/// Converts an outcome that is not there yet to an error.
fn now<T>(outcome: Poll<io::Result<T>>) -> io::Result<T> {
    match outcome {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

impl Read for Io {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut cx = Context::from_waker(&self.tasks);
        let mut buffer = ReadBuf::new(bytes);
        now(Pin::new(&mut self.connection).poll_read(&mut cx, &mut buffer))?;
        let count = buffer.filled().len();
        self.received = self.received.wrapping_add(count as u64);
        Ok(count)
    }
}

impl Write for Io {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut cx = Context::from_waker(&self.tasks);
        let count = now(Pin::new(&mut self.connection).poll_write(&mut cx, bytes))?;
        self.sent = self.sent.wrapping_add(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut cx = Context::from_waker(&self.tasks);
        now(Pin::new(&mut self.connection).poll_flush(&mut cx))
    }
}
