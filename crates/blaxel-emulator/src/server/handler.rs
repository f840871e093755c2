//! [`Handler`], what answers the requests of a server.

use axum::body::Body;
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::connections::Tracked;
use crate::control::Front;

/// A service that answers the requests of a server.
pub(crate) trait Handler: Clone + Send + Sync + 'static {
    /// The stream of a connection.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Returns the service for the requests of a new connection, and its stream.
    fn connected(&self, stream: TcpStream) -> (Self, Self::Stream);

    fn call(&self, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send;
}

impl Handler for Front {
    type Stream = Tracked<TcpStream>;

    fn connected(&self, stream: TcpStream) -> (Self, Self::Stream) {
        Self::connected(self, stream)
    }

    fn call(&self, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send {
        Self::call(self, request)
    }
}
