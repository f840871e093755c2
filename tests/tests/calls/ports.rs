//! Promise: a port of a sandbox can be used like the program behind it, over the real transport: streams in both
//! directions, cut connections, cancellation, proxies and WebSockets.

#![allow(clippy::unwrap_used)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body as AxumBody;
use axum::error_handling::HandleError;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use blaxel::Client;
use blaxel::blaxel_core::{Body, Error};
use blaxel::sandbox::websocket::{Message, Options};
use blaxel::sandbox::{PortService, SandboxHandle, SandboxRef, Sandboxes};
use blaxel::transport::{HyperTransport, Proxy};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, Method, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const LIMIT: Duration = Duration::from_secs(10);

/// A server that is stopped when it is dropped.
struct Server {
    address: SocketAddr,
    _task: JoinSet<()>,
}

impl Server {
    async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            _task: task,
        }
    }

    fn sandbox(&self) -> SandboxHandle<Client> {
        let url = format!("http://{}", self.address);
        Sandboxes::new(client(&url)).join(&SandboxRef::new("dev").url(url))
    }

    fn port(&self) -> PortService<Client> {
        self.sandbox().port(3000)
    }
}

fn client(url: &str) -> Client {
    let transport = HyperTransport::builder().proxy(Proxy::none()).build();
    Client::builder()
        .api_key("bl_canary")
        .workspace("w")
        .trust(url)
        .transport(transport)
        .build()
        .unwrap()
}

/// A body of chunks that are sent through a channel. It ends with an error if `cut` is sent.
struct Chunks(mpsc::Receiver<Result<Bytes, &'static str>>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        self.0.poll_recv(cx).map(|chunk| {
            chunk.map(|chunk| {
                chunk
                    .map(http_body::Frame::data)
                    .map_err(std::io::Error::other)
            })
        })
    }
}

async fn echo(request: axum::extract::Request) -> Response {
    let (head, body) = request.into_parts();
    let mut response = Response::new(body);
    let path = head.uri.to_string().parse().unwrap();
    response.headers_mut().insert("x-uri", path);
    if let Some(kind) = head.headers.get("content-type") {
        response.headers_mut().insert("content-type", kind.clone());
    }
    response
}

#[tokio::test]
async fn both_bodies_are_streamed_at_the_same_time() {
    let server = Server::start(Router::new().route("/port/3000/echo", any(echo))).await;
    let (sender, chunks) = mpsc::channel(1);
    let request = server
        .port()
        .post("/echo")
        .body(Body::new(Chunks(chunks)), "application/x-thing");
    let exchange = async {
        sender.send(Ok("one".into())).await.unwrap();
        let reply = request.open().await.unwrap();
        assert_eq!(reply.content_type(), Some("application/x-thing"));
        let mut body = reply.into_body();
        assert_eq!(body.chunk().await.unwrap().unwrap(), "one");
        // The answer comes before the request has ended.
        sender.send(Ok("two".into())).await.unwrap();
        assert_eq!(body.chunk().await.unwrap().unwrap(), "two");
        drop(sender);
        assert_eq!(body.chunk().await.unwrap(), None);
    };
    timeout(LIMIT, exchange).await.unwrap();
}

#[tokio::test]
async fn a_reader_that_pauses_holds_the_program_up() {
    let sent = Arc::new(AtomicUsize::new(0));
    let dropped = Arc::new(AtomicUsize::new(0));
    let (counter, ended) = (Arc::clone(&sent), Arc::clone(&dropped));
    let endless = move || async move {
        let (sender, chunks) = mpsc::channel(1);
        tokio::spawn(async move {
            while sender
                .send(Ok(Bytes::from(vec![0; 64 << 10])))
                .await
                .is_ok()
            {
                counter.fetch_add(64 << 10, Ordering::Relaxed);
            }
            ended.fetch_add(1, Ordering::Relaxed);
        });
        Response::new(AxumBody::new(Chunks(chunks)))
    };
    let server = Server::start(Router::new().route("/port/3000/", get(endless))).await;
    let mut body = server.port().get("/").open().await.unwrap().into_body();
    body.chunk().await.unwrap().unwrap();
    let mut before = usize::MAX;
    while before != sent.load(Ordering::Relaxed) {
        before = sent.load(Ordering::Relaxed);
        sleep(Duration::from_millis(300)).await;
    }
    // What lies in the buffers of the sockets.
    assert!(before < 32 << 20, "{before}");
    drop(body);
    let gone = async {
        while dropped.load(Ordering::Relaxed) == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LIMIT, gone).await.unwrap();
}

#[tokio::test]
async fn a_cut_body_is_never_a_whole_one() {
    let cut = || async {
        let (sender, chunks) = mpsc::channel(2);
        sender.send(Ok("half of".into())).await.unwrap();
        tokio::spawn(async move {
            sleep(Duration::from_millis(50)).await;
            let _ = sender.send(Err("cut")).await;
        });
        Response::new(AxumBody::new(Chunks(chunks)))
    };
    let server = Server::start(Router::new().route("/port/3000/", any(cut))).await;
    let port = server.port();
    let error = port.post("/").send().await.unwrap_err();
    assert_eq!(error.operation().unwrap().name(), "CallPort");
    assert!(error.maybe_applied(), "{error}");
    let reply = port.post("/").open().await.unwrap();
    assert!(reply.bytes().await.is_err());
    let mut lines = port.get("/").open().await.unwrap().lines();
    assert!(lines.try_next().await.is_err());
}

/// A response of the program is not repeated away, and a request that may have been processed is not repeated.
#[tokio::test]
async fn a_post_is_sent_once_whatever_the_program_responds() {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let fail = move || async move {
        seen.fetch_add(1, Ordering::Relaxed);
        (StatusCode::BAD_GATEWAY, [("server", "mine")], "my upstream")
    };
    let server = Server::start(Router::new().route("/port/3000/", any(fail))).await;
    let reply = server.port().post("/").text("x").send().await.unwrap();
    assert_eq!(reply.status(), 502);
    assert_eq!(reply.text().await.unwrap(), "my upstream");
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

/// A proxy in front of a port, in a few lines.
#[tokio::test]
async fn a_router_can_serve_a_port() {
    let server = Server::start(Router::new().route("/port/3000/{*rest}", any(echo))).await;
    let refuse = |error: Error| async move {
        let status = if error.is_input() { 400 } else { 502 };
        StatusCode::from_u16(status).unwrap()
    };
    let proxy = Router::new().fallback_service(HandleError::new(server.port(), refuse));
    let proxy = Server::start(proxy).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}/a/b%2Fc?d=e", proxy.address);
    let response = http
        .post(url)
        .body(vec![b'x'; 1 << 20])
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-uri"], "/port/3000/a/b%2Fc?d=e");
    assert_eq!(response.bytes().await.unwrap().len(), 1 << 20);
    let url = format!("http://{}/%2e%2e%2fprocess", proxy.address);
    let response = http.get(url).send().await.unwrap();
    assert_eq!(response.status(), 400);
}

async fn headers(State(seen): State<mpsc::Sender<HeaderMap>>, headers: HeaderMap) -> Response {
    seen.send(headers).await.unwrap();
    StatusCode::NO_CONTENT.into_response()
}

#[tokio::test]
async fn the_host_and_the_credential_are_those_of_the_sandbox() {
    let (sender, mut seen) = mpsc::channel(8);
    let router = Router::new().fallback(headers).with_state(sender);
    let server = Server::start(router).await;
    let request = http::Request::builder()
        .method(Method::PATCH)
        .uri("http://elsewhere.example/x")
        .header("host", "elsewhere.example")
        .header("authorization", "Bearer canary")
        .header("x-blaxel-authorization", "Bearer canary")
        .header("user-agent", "browser")
        .body(AxumBody::empty())
        .unwrap();
    let mut port = server.port();
    tower_service::Service::call(&mut port, request)
        .await
        .unwrap();
    let headers = seen.recv().await.unwrap();
    assert_eq!(headers["host"], server.address.to_string());
    assert_eq!(headers["x-blaxel-authorization"], "Bearer bl_canary");
    assert_eq!(headers["user-agent"], "browser");
    assert!(!headers.contains_key("authorization"));

    let url = format!("http://{}", server.address);
    let session = Sandboxes::new(client(&url)).session(url, "token");
    let reply = session.port(3000).get("/").await.unwrap();
    assert_eq!(reply.status(), 204);
    let headers = seen.recv().await.unwrap();
    assert_eq!(headers["x-blaxel-preview-token"], "token");
    for name in [
        "authorization",
        "x-blaxel-authorization",
        "x-blaxel-workspace",
    ] {
        assert!(!headers.contains_key(name), "{headers:?}");
    }
}

#[tokio::test]
async fn a_wait_ends_when_the_program_listens() {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let starting = move || async move {
        match seen.fetch_add(1, Ordering::Relaxed) {
            0..3 => StatusCode::BAD_GATEWAY.into_response(),
            _ => (StatusCode::NOT_FOUND, "no page yet").into_response(),
        }
    };
    let server = Server::start(Router::new().route("/port/3000/", any(starting))).await;
    server.port().wait_until_ready(LIMIT).await.unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 4);

    let nobody = Sandboxes::new(client("http://127.0.0.1:9"));
    let nobody = nobody.join(&SandboxRef::new("dev").url("http://127.0.0.1:9"));
    let limit = Duration::from_millis(500);
    let error = nobody.port(3000).wait_until_ready(limit).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
}

#[tokio::test]
async fn a_websocket_reaches_the_program() {
    use tokio_tungstenite::tungstenite;
    use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::<Result<(), Infallible>>::new();
    let (sender, mut seen) = mpsc::channel(4);
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let sender = sender.clone();
            #[expect(clippy::result_large_err, reason = "the server's signature")]
            let check = |request: &Request,
                         mut response: tungstenite::handshake::server::Response|
             -> Result<_, ErrorResponse> {
                let uri = request.uri().to_string();
                let headers = request.headers().clone();
                sender.try_send((uri, headers.clone())).unwrap();
                if let Some(offer) = headers.get("sec-websocket-protocol") {
                    let headers = response.headers_mut();
                    headers.insert("sec-websocket-protocol", offer.clone());
                    return Ok(response);
                }
                let mut refusal = ErrorResponse::new(Some("no protocol".into()));
                *refusal.status_mut() = StatusCode::UPGRADE_REQUIRED;
                Err(refusal)
            };
            let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, check).await else {
                continue;
            };
            while let Some(Ok(message)) = socket.next().await {
                if socket.send(message).await.is_err() {
                    break;
                }
            }
        }
    });
    let sandbox = Sandboxes::new(client(&url)).join(&SandboxRef::new("dev").url(url.clone()));
    let port = sandbox.port(3000);
    let connecting = port
        .websocket("/feed?a=1")
        .query("b", "2 3")
        .header("origin", "http://localhost:3000")
        .settings(Options::new().max_message_size(1000))
        .protocol("v1")
        .connect();
    let mut socket = timeout(LIMIT, connecting).await.unwrap().unwrap();
    assert_eq!(socket.protocol(), Some("v1"));
    socket.send("hello").await.unwrap();
    assert_eq!(
        socket.try_next().await.unwrap(),
        Some(Message::from("hello"))
    );
    assert!(socket.send(vec![0; 1001]).await.unwrap_err().is_input());
    socket.close().await.unwrap();
    let (uri, headers) = seen.recv().await.unwrap();
    assert_eq!(uri, "/port/3000/feed?a=1&b=2%203");
    assert_eq!(headers["origin"], "http://localhost:3000");
    assert_eq!(headers["x-blaxel-authorization"], "Bearer bl_canary");

    let error = port.websocket("/").connect().await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::UPGRADE_REQUIRED));
    assert_eq!(error.operation().unwrap().name(), "OpenPortSocket");
    for bad in [
        port.websocket("/../terminal/ws"),
        port.websocket("/").header("host", "x"),
        sandbox.port(8080).websocket("/"),
    ] {
        assert!(bad.connect().await.unwrap_err().is_input());
    }
}
