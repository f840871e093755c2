//! The HTTP/1.1 server on 127.0.0.1.

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use http::header::EXPECT;
use http::{Request, Response};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::control::Front;
use crate::fault::Disconnected;
use crate::lock::lock;

/// A listener that several owners can close: taking it out of the option closes the port at once.
type SharedListener = Arc<Mutex<Option<TcpListener>>>;

/// A bound port that is not served yet.
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

/// A served port. Dropping it closes the port at once and ends every connection.
#[derive(Debug)]
pub(crate) struct RunningServer {
    listener: SharedListener,
    task: AbortHandle,
}

impl Server {
    pub(crate) async fn bind(port: u16) -> Result<Self, io::Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn serve(self, front: Front) -> RunningServer {
        let listener = Arc::new(Mutex::new(Some(self.listener)));
        let task = tokio::spawn(accept_all(Arc::clone(&listener), front)).abort_handle();
        RunningServer { listener, task }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        // An aborted task ends only when it is polled next; the port must not accept connections
        // until then.
        lock(&self.listener).take();
        self.task.abort();
    }
}

/// Serves connections until the listener is taken away. The connections end with this task.
async fn accept_all(listener: SharedListener, front: Front) {
    let mut connections = JoinSet::new();
    while let Some(accepted) = accept(&listener).await {
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok(stream) => {
                connections.spawn(serve_connection(stream, front.clone()));
            }
            // A transient error, such as running out of file descriptors.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn accept(listener: &SharedListener) -> Option<io::Result<TcpStream>> {
    poll_fn(|cx| match &*lock(listener) {
        Some(listener) => listener
            .poll_accept(cx)
            .map_ok(|(stream, _)| stream)
            .map(Some),
        None => Poll::Ready(None),
    })
    .await
}

async fn serve_connection(stream: TcpStream, front: Front) {
    // Otherwise a streamed chunk would wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| handle(front.clone(), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // A client that closes its connection early is not an error.
    let _ = connection.await;
}

/// Handles a request. An error closes the connection without a response.
///
/// A refusal may not have read the body. It is drained before the response is sent, because hyper closes
/// a connection with an unread body, and a client that has pooled it would fail with its next request.
async fn handle(front: Front, request: Request<Incoming>) -> Result<Response<Body>, Disconnected> {
    // Such a client waits for the refusal before it sends the body.
    let is_expecting = request.headers().contains_key(EXPECT);
    let (head, body) = request.into_parts();
    let body = Arc::new(Mutex::new(body));
    let shared = Body::new(SharedBody(Arc::clone(&body)));
    let response = front.call(Request::from_parts(head, shared)).await;
    if let Some(cut) = response.extensions().get::<Disconnected>() {
        return Err(*cut);
    }
    // A workload may go on reading the body beside the response.
    if let Some(Ok(rest)) = Arc::into_inner(body).map(Mutex::into_inner)
        && !rest.is_end_stream()
        && !is_expecting
    {
        let draining = to_bytes(Body::new(rest), DRAIN_LIMIT);
        // The response is sent even if the body does not end in time.
        let _ = tokio::time::timeout(DRAIN_TIME, draining).await;
    }
    Ok(response)
}

/// The limits on a body that is drained. Beyond them the connection is closed.
const DRAIN_LIMIT: usize = 64 << 10;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// A request body that can be drained when the router has dropped it.
struct SharedBody(Arc<Mutex<Incoming>>);

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut *lock(&self.0)).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.0).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.0).size_hint()
    }
}
