//! [`Connections`], those that clients have open.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::Method;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

use crate::lock::lock;

/// The open connections of an emulator.
pub(crate) struct Connections {
    open: Mutex<BTreeMap<u64, Arc<Connection>>>,
    next: AtomicU64,
    /// Counts the connections that have ended.
    ends: watch::Sender<u64>,
}

/// A connection. It counts as one of a client of the API from its first call on: the control of the
/// emulator is called over connections too.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    id: u64,
    calls: AtomicU64,
    last: Mutex<LastCall>,
}

/// The last call of a connection. A line is made of it when a message needs one.
#[derive(Debug, Default)]
struct LastCall {
    method: Method,
    path: String,
}

impl Connection {
    /// Records a call of the API.
    pub(crate) fn called(&self, method: &Method, path: &str) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut last = lock(&self.last);
        last.method.clone_from(method);
        path.clone_into(&mut last.path);
    }

    /// Returns the connection in one line, for messages.
    pub(crate) fn line(&self) -> String {
        let calls = self.calls.load(Ordering::Relaxed);
        let LastCall { method, path } = &*lock(&self.last);
        format!(
            "connection {} with {calls} calls, the last one {method} {path}",
            self.id
        )
    }
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            next: AtomicU64::new(1),
            ends: watch::Sender::new(0),
        }
    }
}

impl Connections {
    /// Adds a connection, which counts as open until the stream is dropped.
    pub(crate) fn track<S>(self: &Arc<Self>, stream: S) -> (Arc<Connection>, Tracked<S>) {
        let connection = Arc::new(Connection {
            id: self.next.fetch_add(1, Ordering::Relaxed),
            ..Connection::default()
        });
        lock(&self.open).insert(connection.id, Arc::clone(&connection));
        let place = Place {
            connections: Arc::clone(self),
            id: connection.id,
        };
        let tracked = Tracked {
            stream,
            _place: place,
        };
        (connection, tracked)
    }

    /// Returns the open connections that have carried calls, without one.
    pub(crate) fn open(&self, without: Option<&Connection>) -> Vec<Arc<Connection>> {
        let open = lock(&self.open);
        let others = open.values().filter(|connection| {
            let is_used = connection.calls.load(Ordering::Relaxed) > 0;
            is_used && without.is_none_or(|without| without.id != connection.id)
        });
        others.cloned().collect()
    }

    /// Returns a receiver that changes when a connection has ended.
    pub(crate) fn ends(&self) -> watch::Receiver<u64> {
        self.ends.subscribe()
    }
}

/// The place of a connection among the open ones.
struct Place {
    connections: Arc<Connections>,
    id: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.connections.open).remove(&self.id);
        self.connections
            .ends
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// The stream of a connection, also after it was upgraded.
pub(crate) struct Tracked<S> {
    stream: S,
    _place: Place,
}

impl<S: AsyncRead + Unpin> AsyncRead for Tracked<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tracked<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
