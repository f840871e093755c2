//! One connection, from its first byte to its end.

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::TcpStream;

use super::body::{LateError, drained};
use super::ending::{Endable, Ending};
use super::handler::Handler;
use super::protocol::{self, Protocol};
use super::proxy::{self, Destination, Tunnel};
use super::site::Site;
use super::streams::Streams;
use crate::fault::Disconnected;
use crate::lock::lock;

/// Serves a connection, and the tunnel that it may become. A client that closes it early, or that does
/// not trust the certificate, is no error.
pub(super) async fn serve<H: Handler>(stream: TcpStream, site: Arc<Site<H>>) -> io::Result<()> {
    // Otherwise a streamed chunk would wait for the acknowledgement of the one before.
    stream.set_nodelay(true)?;
    let protocol = protocol::peek(&stream).await?;
    let (handler, stream) = site.handler.connected(stream);
    let link = Link::new(site, handler);
    serve_as(protocol, stream, &link).await?;
    let opened = lock(&link.opened).take();
    let Some(Tunnel { upgrade, to }) = opened else {
        return Ok(());
    };
    let mut upgraded = TokioIo::new(upgrade.await.map_err(io::Error::other)?);
    match to {
        Destination::Here => {
            let (protocol, stream) = protocol::read(upgraded).await?;
            serve_as(protocol, stream, &link.within_tunnel()).await
        }
        Destination::Elsewhere(mut other) => {
            copy_bidirectional(&mut upgraded, &mut other).await?;
            Ok(())
        }
    }
}

async fn serve_as<I, H: Handler>(protocol: Protocol, io: I, link: &Link<H>) -> io::Result<()>
where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    match (protocol, &link.site.tls) {
        (Protocol::Tls, Some(tls)) => {
            let (io, is_http2) = tls.accept(io).await?;
            match is_http2 {
                true => serve_http2(io, link).await,
                false => serve_http1(io, link).await,
            }
        }
        (Protocol::Http2, _) => serve_http2(io, link).await,
        // A client that wrongly begins with TLS gets an error of HTTP.
        (Protocol::Http1 | Protocol::Tls, _) => serve_http1(io, link).await,
    }
}

async fn serve_http1<I, H: Handler>(io: I, link: &Link<H>) -> io::Result<()>
where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(|request| handle(link.clone(), None, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    connection.await.map_err(io::Error::other)
}

async fn serve_http2<I, H: Handler>(io: I, link: &Link<H>) -> io::Result<()>
where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (ending, streams) = (Ending::default(), Streams::default());
    let _end = streams.end();
    let io = TokioIo::new(Endable::new(io, ending.clone()));
    let service = service_fn(|request| handle(link.clone(), Some(ending.clone()), request));
    let connection = http2::Builder::new(streams)
        .timer(TokioTimer::new())
        .serve_connection(io, service);
    connection.await.map_err(io::Error::other)
}

/// The connection of a request.
#[derive(Clone)]
struct Link<H> {
    site: Arc<Site<H>>,
    /// That of the site, which knows the connection.
    handler: H,
    is_tunnel: bool,
    /// The tunnel that it becomes.
    opened: Arc<Mutex<Option<Tunnel>>>,
}

impl<H> Link<H> {
    fn new(site: Arc<Site<H>>, handler: H) -> Self {
        Self {
            site,
            handler,
            is_tunnel: false,
            opened: Arc::default(),
        }
    }

    fn within_tunnel(self) -> Self {
        Self {
            is_tunnel: true,
            ..self
        }
    }
}

/// Handles a request; `ending` is that of a connection with HTTP/2. An error ends the stream or the
/// connection without a response.
async fn handle<H: Handler>(
    link: Link<H>,
    ending: Option<Ending>,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Box<dyn Error + Send + Sync>> {
    if request.method() == Method::CONNECT {
        // Boxed, so that the futures of all other requests are small.
        let opening = Box::pin(proxy::open(&link.site, request, !link.is_tunnel));
        let opened = opening
            .await
            .map(|tunnel| *lock(&link.opened) = Some(tunnel));
        return Ok(opened.map_or_else(|refusal| refusal, |()| Response::default()));
    }
    if let Some(refusal) = proxy::refused(&link.site, &mut request) {
        return Ok(refusal);
    }
    let response = drained(request, |request| link.handler.call(request)).await;
    let Some(cut) = response.extensions().get::<Disconnected>() else {
        return Ok(match ending {
            Some(_) => response.map(|body| Body::new(LateError::new(body))),
            None => response,
        });
    };
    match (cut, ending) {
        // hyper closes a connection with HTTP/1.1.
        (cut, None) => Err(Box::new(*cut)),
        // hyper resets the stream with this reason.
        (Disconnected::Refused, _) => Err(Box::new(h2::Error::from(h2::Reason::REFUSED_STREAM))),
        (cut, Some(ending)) => {
            match cut {
                Disconnected::Calmed => ending.calm_down(),
                _ => ending.close(),
            }
            // hyper would reset the stream, but what it writes next ends the connection.
            Err(Box::new(*cut))
        }
    }
}
