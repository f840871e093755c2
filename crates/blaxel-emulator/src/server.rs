//! The HTTP/1.1 server on 127.0.0.1.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use http::header::EXPECT;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tower_service::Service as _;

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

    pub(crate) fn serve(self, router: Router) -> RunningServer {
        let listener = Arc::new(Mutex::new(Some(self.listener)));
        let task = tokio::spawn(accept_all(Arc::clone(&listener), router)).abort_handle();
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
async fn accept_all(listener: SharedListener, router: Router) {
    let mut connections = JoinSet::new();
    while let Some(accepted) = accept(&listener).await {
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok(stream) => {
                connections.spawn(serve_connection(stream, router.clone()));
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

async fn serve_connection(stream: TcpStream, router: Router) {
    // Otherwise a streamed chunk would wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| handle(router.clone(), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    // A client that closes its connection early is not an error.
    let _ = connection.await;
}

/// Handles a request. An error closes the connection without a response.
///
/// A refusal may not have read the body. It is drained before the response is sent, because hyper closes
/// a connection with an unread body, and a client that has pooled it would fail with its next request.
async fn handle(
    mut router: Router,
    request: Request<Incoming>,
) -> Result<Response<Body>, Disconnected> {
    let unread = Arc::new(Mutex::new(None));
    // Such a client waits for the refusal before it sends the body.
    let is_expecting = request.headers().contains_key(EXPECT);
    let request = request.map(|body| {
        Body::new(RequestBody {
            body: Some(body),
            unread: Arc::clone(&unread),
        })
    });
    let result: Result<_, Infallible> = router.call(request).await;
    let Ok(response) = result;
    if let Some(cut) = response.extensions().get::<Disconnected>() {
        return Err(*cut);
    }
    let unread = lock(&unread).take();
    if let Some(body) = unread.filter(|_| !is_expecting) {
        drain(body).await;
    }
    Ok(response)
}

/// The limits on a body that is drained. Beyond them the connection is closed.
const DRAIN_LIMIT: usize = 64 << 10;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Reads the rest of a body and drops it.
async fn drain(mut body: Incoming) {
    let mut read = 0;
    let draining = async {
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > DRAIN_LIMIT {
                break;
            }
        }
    };
    // The response is sent even if the body does not end in time.
    let _ = tokio::time::timeout(DRAIN_TIME, draining).await;
}

/// A request body that leaves its rest in `unread` when it is dropped before its end.
struct RequestBody {
    body: Option<Incoming>,
    unread: Arc<Mutex<Option<Incoming>>>,
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.get_mut().body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| !body.is_end_stream());
        *lock(&self.unread) = rest;
    }
}
