//! WebSockets over any service that can upgrade connections.
//!
//! A port of a sandbox, its terminal, and some MCP servers are reached by WebSocket. [`WebSocket::connect`] opens one.

mod failure;
mod handshake;
mod io;
mod message;
mod options;
pub(crate) mod parts;
mod receiver;
mod sender;
mod silence;
mod socket;
#[cfg(test)]
mod tests;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::context::CallContext;
use crate::error::Error;
use crate::error::ErrorParts;
use crate::request::RequestWriter;
use crate::service::HttpService;
use crate::upgrade::upgrade;
use futures_core::Stream;
use tungstenite::protocol::Role;

use self::handshake::Handshake;
use self::socket::Socket;

pub use self::message::{Close, Message};
pub use self::options::Options;
pub use self::receiver::Receiver;
pub use self::sender::Sender;

/// Time limit on the confirmation of a close.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// A WebSocket to a server.
///
/// It needs a tokio runtime with timers. [`split`](Self::split) it to send and receive at the same time. Dropping it
/// closes the connection without a word; [`close`](Self::close) takes leave first.
///
/// ```no_run
/// use blaxel_core::{Error, HttpService, OperationInfo, Plane, RequestWriter, Source};
/// use blaxel_core::websocket::{Options, WebSocket};
/// use http::Method;
///
/// static OPEN: OperationInfo =
///     OperationInfo::new("OpenFeed", Method::GET, "/feed").with_plane(Plane::Run);
///
/// async fn example(client: impl HttpService, address: &str) -> Result<(), Error> {
///     let mut request = RequestWriter::new(&OPEN);
///     request.address(address, &Source::Code)?;
///     let mut socket = WebSocket::connect(&client, request, Options::new()).await?;
///     socket.send("hello").await?;
///     while let Some(message) = socket.try_next().await? {
///         println!("{message:?}");
///     }
///     Ok(())
/// }
/// ```
pub struct WebSocket {
    sender: Sender,
    receiver: Receiver,
    protocol: Option<String>,
}

impl WebSocket {
    /// Opens a WebSocket with a request that has an address, and perhaps a query and headers. The headers of the
    /// handshake are added.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the request has a body, or a subprotocol is not a token; the server's error if it
    /// refuses; [`Error::is_decode`] if its response is not the handshake of a WebSocket, and for a service that cannot
    /// upgrade connections.
    pub async fn connect<S: HttpService>(
        service: &S,
        mut request: RequestWriter,
        options: Options,
    ) -> Result<Self, Error> {
        let operation = request.operation();
        let handshake = Handshake::new()?;
        let request = handshake
            .write(&mut request, &options)
            .and_then(|()| request.finish())
            .map_err(|error| error.in_operation(Some(operation)))?;
        let context = CallContext::of(request.extensions()).cloned();
        let context = context.unwrap_or_else(|| CallContext::new(operation));
        let (head, connection) = upgrade(service, request).await?;
        let protocol = handshake
            .check(&head, &options)
            .map_err(|error| error.with_context(&context))?;
        let socket = Socket::new(connection, Role::Client, &options, context);
        Ok(Self::new(socket, protocol))
    }

    fn new(socket: Socket, protocol: Option<String>) -> Self {
        let socket = Arc::new(socket);
        Self {
            sender: Sender {
                socket: Arc::clone(&socket),
            },
            receiver: Receiver::new(socket),
            protocol,
        }
    }

    /// Joins the halves of a WebSocket whose subprotocol is not needed any more.
    pub(crate) fn join(sender: Sender, receiver: Receiver) -> Self {
        Self {
            sender,
            receiver,
            protocol: None,
        }
    }

    /// Returns the subprotocol that the server chose, if it chose one.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Sends a message and waits until the connection has accepted it, as [`Sender::send`] does.
    ///
    /// # Errors
    ///
    /// As [`Sender::send`].
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.sender.send(message).await
    }

    /// Returns the next message, or `None` after a normal close, as [`Receiver::try_next`] does.
    ///
    /// # Errors
    ///
    /// As [`Receiver::try_next`].
    pub async fn try_next(&mut self) -> Result<Option<Message>, Error> {
        self.receiver.try_next().await
    }

    /// Returns the code and the reason with which the server closed the WebSocket, also if its code was an error.
    #[must_use]
    pub fn closed(&self) -> Option<&Close> {
        self.receiver.closed()
    }

    /// Closes the WebSocket normally, and waits at most 5 seconds until the server confirms. Messages that arrive
    /// until then are discarded.
    ///
    /// ```no_run
    /// # use blaxel_core::Error;
    /// # async fn example(mut socket: blaxel_core::websocket::WebSocket) -> Result<(), Error> {
    /// socket.send("bye").await?;
    /// socket.close().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Sender::close`]. The connection is closed in any case.
    pub async fn close(mut self) -> Result<(), Error> {
        self.sender.close(Close::normal()).await?;
        let confirmed = async { while let Ok(Some(_)) = self.receiver.try_next().await {} };
        // Without a confirmation, it is closed all the same.
        let _ = tokio::time::timeout(CLOSE_LIMIT, confirmed).await;
        Ok(())
    }

    /// Splits the WebSocket into halves, which can be used at the same time, also by different tasks.
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }
}

impl Stream for WebSocket {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_message(cx)
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("protocol", &self.protocol)
            .field("receiver", &self.receiver)
            .finish_non_exhaustive()
    }
}
