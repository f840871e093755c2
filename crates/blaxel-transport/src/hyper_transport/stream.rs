//! Boxed connections.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

/// Number of bytes that are read before the timers of the runtime are looked at.
const BURST: usize = 256 * 1024;

/// A connection in a box of its own size. TLS state takes several kilobytes, which a type with room for it
/// reserves whether TLS is used or not, and so does each of the futures that it passes through.
///
/// It yields to the runtime after each [`BURST`]. Otherwise a server that floods hyper with what it
/// skips, such as interim responses, could hold up the time limits of a runtime with one thread for
/// many seconds.
pub(super) struct Boxed {
    stream: Box<dyn Stream>,
    /// Upper bound of the number of bytes that were read since the last wait.
    burst: usize,
}

/// A connection of any kind.
trait Stream: Connection + Read + Write + Send + Unpin {}

impl<T: Connection + Read + Write + Send + Unpin> Stream for T {}

impl Boxed {
    /// Boxes a connection.
    pub(super) fn new(stream: impl Connection + Read + Write + Send + Unpin + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            burst: 0,
        }
    }

    /// Projects to the connection.
    fn inner(self: Pin<&mut Self>) -> Pin<&mut dyn Stream> {
        Pin::new(&mut *self.get_mut().stream)
    }
}

impl Connection for Boxed {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

impl Read for Boxed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.burst >= BURST {
            self.burst = 0;
            // Wakes this task after the runtime has looked at its timers.
            ready!(pin!(tokio::task::yield_now()).poll(cx));
        }
        let space = buffer.remaining();
        let read = self.as_mut().inner().poll_read(cx, buffer);
        self.burst = if read.is_ready() {
            self.burst.saturating_add(space)
        } else {
            0
        };
        read
    }
}

impl Write for Boxed {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write_vectored(cx, slices)
    }
}
