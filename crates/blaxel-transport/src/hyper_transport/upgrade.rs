//! Connections that leave HTTP/1.1 for another protocol.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::__private::{ErrorParts, upgrade_request};
use blaxel_core::{Body, CallContext, Error, Upgraded};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderValue, UPGRADE};
use http::response::Parts;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
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

/// The future of a response with the status 101. It hands the connection over to the call.
pub(super) struct Upgrading {
    connection: OnUpgrade,
    head: Option<Parts>,
    context: CallContext,
    origin: Origin,
    permit: Option<Permit>,
}

impl Upgrading {
    pub(super) fn new(
        mut response: http::Response<Incoming>,
        context: CallContext,
        origin: Origin,
        permit: Option<Permit>,
    ) -> Self {
        Self {
            connection: hyper::upgrade::on(&mut response),
            head: Some(response.into_parts().0),
            context,
            origin,
            permit,
        }
    }
}

impl Future for Upgrading {
    type Output = Result<http::Response<Body>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.head.is_none() {
            return Poll::Pending;
        }
        let outcome = ready!(Pin::new(&mut self.connection).poll(cx));
        let head = self.head.take();
        let io = outcome.map_err(|cause| {
            let origin = &self.origin;
            // Not a failure that is retried: the server may have begun already.
            Error::truncated(format!("the connection to {origin} ended with its upgrade"))
                .caused_by(cause)
        })?;
        let connection = Connection {
            io: TokioIo::new(io),
            _permit: self.permit.take(),
        };
        if let Some(request) = upgrade_request(&self.context) {
            request.hand_over(Upgraded::new(connection));
        }
        match head {
            Some(head) => Poll::Ready(Ok(http::Response::from_parts(head, Body::empty()))),
            None => Poll::Pending,
        }
    }
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
