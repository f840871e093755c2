//! Connections that leave HTTP/1.1 for another protocol.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use blaxel_core::__private::{ErrorParts, upgrade_request};
use blaxel_core::{Body, CallContext, Error, Upgraded};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderValue, UPGRADE};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::origin::Origin;
use super::origin_limiter::Permit;

/// Sets the headers of an upgrade and returns `true`, if the call asks for one.
pub(super) fn ask(context: &CallContext, request: &mut http::Request<Body>) -> bool {
    let Some(wanted) = upgrade_request(context) else {
        return false;
    };
    let protocol = wanted.send();
    let headers = request.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
    // The call has no body. One that a layer has wrapped would be sent in chunks.
    headers.remove(CONTENT_LENGTH);
    *request.body_mut() = Body::empty();
    true
}

/// Hands the connection of a response with the status 101 over to the call.
pub(super) async fn hand_over(
    mut response: http::Response<Incoming>,
    context: CallContext,
    origin: &Origin,
    permit: Option<Permit>,
) -> Result<http::Response<Body>, Error> {
    let connection = hyper::upgrade::on(&mut response);
    let head = response.into_parts().0;
    let io = connection.await.map_err(|cause| {
        // Not a failure that is retried: the server may have begun already.
        Error::truncated(format!("the connection to {origin} ended with its upgrade"))
            .caused_by(cause)
    })?;
    let connection = Connection {
        io: TokioIo::new(io),
        _permit: permit,
    };
    if let Some(request) = upgrade_request(&context) {
        request.hand_over(Upgraded::new(connection));
    }
    Ok(http::Response::from_parts(head, Body::empty()))
}

/// An upgraded connection, which keeps its permit until it is dropped.
struct Connection {
    io: TokioIo<hyper::upgrade::Upgraded>,
    _permit: Option<Permit>,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }
}
