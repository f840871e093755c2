//! [`Connection`], which carries requests over HTTP/1.1 or HTTP/2.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{HOST, HeaderValue};
use http::uri::{Parts, Uri};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::rt::Executor as _;
use pin_project_lite::pin_project;

use super::executor::Executor;
use super::origin::Origin;
use super::request_body::RequestBody;
use super::stream::Boxed;

/// The end of a connection that sends requests. The other end is a task of the runtime, which closes the
/// connection when this and its copies are dropped and nothing is in flight.
pub(super) enum Connection {
    Http1(http1::SendRequest<RequestBody>),
    Http2(http2::SendRequest<RequestBody>),
}

/// The outcome of sending a request. The error has the request if nothing of it was written.
pub(super) type Outcome = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>;

impl Connection {
    /// Begins HTTP/1.1 on a stream.
    pub(super) async fn http1(stream: Boxed) -> hyper::Result<Self> {
        let (mut sender, connection) = http1::handshake(stream).await?;
        let connection = tokio::spawn(Box::pin(connection.with_upgrades()));
        match sender.ready().await {
            Ok(()) => Ok(Self::Http1(sender)),
            // The reason is that of the task.
            Err(closed) => Err(match connection.await {
                Ok(Err(reason)) => reason,
                _ => closed,
            }),
        }
    }

    /// Begins HTTP/2 on a stream.
    pub(super) async fn http2(
        stream: Boxed,
        settings: &http2::Builder<Executor>,
    ) -> hyper::Result<Self> {
        let (mut sender, connection) = settings.handshake(stream).await?;
        Executor.execute(connection);
        sender.ready().await?;
        Ok(Self::Http2(sender))
    }

    /// Returns `true` if a request can be sent now.
    pub(super) fn is_ready(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_ready(),
            Self::Http2(sender) => sender.is_ready(),
        }
    }

    /// Waits until a request can be sent.
    ///
    /// # Errors
    ///
    /// Fails if the connection is closed.
    pub(super) async fn ready(&mut self) -> hyper::Result<()> {
        match self {
            Self::Http1(sender) => sender.ready().await,
            Self::Http2(sender) => sender.ready().await,
        }
    }

    /// Returns `true` if it carries any number of requests at the same time.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Http2(_))
    }

    /// Returns a copy, if the connection carries any number of requests at the same time.
    pub(super) fn share(&self) -> Option<Self> {
        match self {
            Self::Http1(_) => None,
            Self::Http2(sender) => Some(Self::Http2(sender.clone())),
        }
    }

    /// Gives a request the address and the `Host` that this version of HTTP sends.
    pub(super) fn address(
        &self,
        request: &mut Request<RequestBody>,
        origin: &Origin,
        host: &HeaderValue,
    ) {
        let mut target = match self {
            Self::Http1(_) => {
                let headers = request.headers_mut();
                headers.entry(HOST).or_insert_with(|| host.clone());
                Parts::default()
            }
            // It has its address already.
            Self::Http2(_) if request.uri().authority().is_some() => return,
            // It was to be sent over HTTP/1.1 before.
            Self::Http2(_) => origin.parts(),
        };
        target.path_and_query = request.uri().path_and_query().cloned();
        // The parts are those of an address.
        *request.uri_mut() = Uri::from_parts(target).unwrap_or_default();
    }

    /// Sends a request.
    pub(super) fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> impl Future<Output = Outcome> + Send + use<> {
        match self {
            Self::Http1(sender) => Sending::Http1 {
                response: sender.try_send_request(request),
            },
            Self::Http2(sender) => Sending::Http2 {
                response: sender.try_send_request(request),
            },
        }
    }
}

pin_project! {
    /// The response over either version.
    #[project = SendingProjection]
    enum Sending<A, B> {
        Http1 { #[pin] response: A },
        Http2 { #[pin] response: B },
    }
}

impl<A: Future<Output = Outcome>, B: Future<Output = Outcome>> Future for Sending<A, B> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        match self.project() {
            SendingProjection::Http1 { response } => response.poll(cx),
            SendingProjection::Http2 { response } => response.poll(cx),
        }
    }
}
