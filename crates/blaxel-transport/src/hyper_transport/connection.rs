//! [`Connection`], which carries requests over HTTP/1.1 or HTTP/2.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{HOST, HeaderValue};
use http::uri::{Parts, PathAndQuery, Uri};
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
            Self::Http2(_) if request.uri().authority().is_some() && is_rooted(request.uri()) => {
                return;
            }
            // It may have been to be sent over HTTP/1.1 before.
            Self::Http2(_) => origin.parts(),
        };
        let path = std::mem::take(request.uri_mut())
            .into_parts()
            .path_and_query;
        target.path_and_query = Some(rooted(path));
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

/// Returns `true` if the path of an address is sent as it is.
fn is_rooted(uri: &Uri) -> bool {
    let path = uri.path_and_query();
    path.is_some_and(|path| path.as_str().starts_with('/'))
}

/// Returns a path that begins with a slash. That of an address that ends with its host or with a fragment is empty,
/// and one with a query alone has nothing before it.
fn rooted(path: Option<PathAndQuery>) -> PathAndQuery {
    let root = PathAndQuery::from_static("/");
    match path {
        // The text of an empty path is a slash, too.
        Some(path) if path.as_str() == "/" => root,
        Some(path) if path.as_str().starts_with('?') => {
            PathAndQuery::try_from(format!("/{}", path.as_str())).unwrap_or(path)
        }
        path => path.unwrap_or(root),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_each_address_begins_with_a_slash() {
        for (rest, sent) in [
            ("", "/"),
            ("/", "/"),
            ("#part", "/"),
            ("?q=1", "/?q=1"),
            ("/a?q=1", "/a?q=1"),
        ] {
            let uri: Uri = format!("https://api.blaxel.ai{rest}").parse().unwrap();
            assert_eq!(is_rooted(&uri), rest != "?q=1", "{rest}");
            let path = rooted(uri.into_parts().path_and_query);
            assert_eq!(path.as_str(), sent, "{rest}");
        }
        assert_eq!(rooted(None), "/");
    }
}
