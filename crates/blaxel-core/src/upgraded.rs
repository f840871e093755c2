//! [`Upgraded`], a connection that has left HTTP, and [`UpgradeRequest`], by which a transport hands it
//! over to the caller.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http::HeaderValue;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection on which a server has agreed to speak another protocol than HTTP.
///
/// It carries the bytes of that protocol in both directions, also those that the server sent together
/// with its response. [`upgrade`](crate::upgrade()) returns one. Dropping it closes the connection.
///
/// ```
/// use blaxel_core::Upgraded;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// // As a transport does with its connection.
/// let (near, mut far) = tokio::io::duplex(64);
/// let mut connection = Upgraded::new(near);
/// connection.write_all(b"ping").await?;
/// let mut bytes = [0; 4];
/// far.read_exact(&mut bytes).await?;
/// assert_eq!(&bytes, b"ping");
/// # Ok(())
/// # }
/// ```
pub struct Upgraded(Box<dyn Connection>);

/// A connection of any type.
trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

impl Upgraded {
    /// Boxes a connection.
    #[must_use]
    pub fn new(connection: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self(Box::new(connection))
    }

    /// Projects to the connection.
    fn inner(self: Pin<&mut Self>) -> Pin<&mut dyn Connection> {
        Pin::new(&mut *self.get_mut().0)
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.inner().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Upgraded {
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
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write_vectored(cx, slices)
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upgraded")
    }
}

/// The upgrade that a call asks for, in its context.
///
/// The transport at the bottom of the stack hands the connection over here, and not in its response,
/// because layers may replace a response.
pub struct UpgradeRequest {
    protocol: HeaderValue,
    sent: AtomicBool,
    connection: Mutex<Option<Upgraded>>,
}

impl UpgradeRequest {
    /// Creates the request for a protocol, a single token such as `websocket`. Returns `None` for any
    /// other text.
    pub(crate) fn new(protocol: &str) -> Option<Self> {
        // More than one token would offer the server a choice that nobody made.
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if protocol.is_empty() || !protocol.bytes().all(is_token) {
            return None;
        }
        Some(Self {
            protocol: HeaderValue::from_str(protocol).ok()?,
            sent: AtomicBool::new(false),
            connection: Mutex::default(),
        })
    }

    /// Records that a transport sends the request for the upgrade, and returns the protocol, for the
    /// header `Upgrade`.
    pub fn send(&self) -> HeaderValue {
        self.sent.store(true, Ordering::Release);
        self.protocol.clone()
    }

    /// Hands the connection over to the caller, after a response with the status 101.
    pub fn hand_over(&self, connection: Upgraded) {
        *self.lock() = Some(connection);
    }

    /// Returns the connection, if one was handed over.
    pub(crate) fn take(&self) -> Option<Upgraded> {
        self.lock().take()
    }

    /// Returns `true` if a transport has sent the request for the upgrade.
    pub(crate) fn was_sent(&self) -> bool {
        self.sent.load(Ordering::Acquire)
    }

    /// Returns `true` if a header `Upgrade` names the protocol.
    pub(crate) fn is_agreed(&self, header: Option<&HeaderValue>) -> bool {
        let agreed = header.map(|value| value.as_bytes().trim_ascii());
        agreed.is_some_and(|value| value.eq_ignore_ascii_case(self.protocol.as_bytes()))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Upgraded>> {
        // A replaced value is complete, so a poisoned lock does no harm.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_is_a_single_token() {
        for (protocol, valid) in [
            ("websocket", true),
            ("x-port.1", true),
            ("", false),
            ("websocket, h2c", false),
            ("a b", false),
            ("a\r\nx: y", false),
            ("h2c/1", false),
        ] {
            let request = UpgradeRequest::new(protocol);
            assert_eq!(request.is_some(), valid, "{protocol:?}");
        }
        let request = UpgradeRequest::new("websocket").unwrap();
        for (header, agreed) in [
            ("websocket", true),
            (" WebSocket ", true),
            ("h2c", false),
            ("websocket, h2c", false),
        ] {
            let header = HeaderValue::from_str(header).unwrap();
            assert_eq!(request.is_agreed(Some(&header)), agreed, "{header:?}");
        }
        assert!(!request.is_agreed(None));
    }
}
