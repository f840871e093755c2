//! Promise: the WebSockets of `blaxel-sandbox` work over the real transport, against a server that shares no code of
//! ours with it.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel_core::{HttpService, OperationInfo, Plane, RequestWriter, Source};
use blaxel_sandbox::websocket::{Close, Message, Options, WebSocket};
use blaxel_transport::{Client, HyperTransport, Proxy};
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderValue, Method};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self};

static OPEN: OperationInfo =
    OperationInfo::new("OpenFeed", Method::GET, "/feed").with_plane(Plane::Run);

const LIMIT: Duration = Duration::from_secs(10);

/// A server that returns every message, and closes after the text `close`.
struct Echo {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<(String, HeaderMap)>>>,
    task: JoinHandle<()>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<_>>>::default();
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&log)));
            }
        });
        Self {
            address,
            seen,
            task,
        }
    }

    fn client(&self) -> Client {
        let transport = HyperTransport::builder().proxy(Proxy::none()).build();
        Client::builder()
            .api_key("bl_canary")
            .workspace("w")
            .trust(format!("http://{}", self.address))
            .transport(transport)
            .build()
            .unwrap()
    }

    fn request(&self) -> RequestWriter {
        let mut request = RequestWriter::new(&OPEN);
        let address = format!("http://{}/port/8080", self.address);
        request.address(&address, &Source::Code).unwrap();
        request.below("feed").unwrap();
        request.query("cols", 80);
        request
    }

    async fn connect(&self, service: &impl HttpService, options: Options) -> WebSocket {
        let connecting = WebSocket::connect(service, self.request(), options);
        timeout(LIMIT, connecting).await.unwrap().unwrap()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves a connection.
async fn serve(stream: tokio::net::TcpStream, seen: Arc<Mutex<Vec<(String, HeaderMap)>>>) {
    #[expect(clippy::result_large_err, reason = "the server's signature")]
    let check = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        let uri = request.uri().to_string();
        let mut seen = seen.lock().unwrap();
        seen.push((uri, request.headers().clone()));
        if request.headers().contains_key("sec-websocket-protocol") {
            let chosen = HeaderValue::from_static("v2");
            response
                .headers_mut()
                .insert("sec-websocket-protocol", chosen);
        }
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(stream, check)
        .await
        .unwrap();
    while let Some(Ok(message)) = socket.next().await {
        match message {
            tungstenite::Message::Text(text) if text.as_str() == "close" => {
                let frame = CloseFrame {
                    code: 4004.into(),
                    reason: "no such shell".into(),
                };
                socket.close(Some(frame)).await.unwrap();
            }
            message @ (tungstenite::Message::Text(_) | tungstenite::Message::Binary(_)) => {
                let sent = socket.send(message).await;
                if sent.is_err() {
                    break;
                }
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn messages_of_all_sizes_come_back() {
    let server = Echo::start().await;
    let mut socket = server.connect(&server.client(), Options::new()).await;
    assert_eq!(socket.protocol(), None);
    for size in [0, 1, 125, 126, 65_535, 65_536, 3 << 20] {
        let sent = Message::from(vec![b'x'; size]);
        let exchange = async {
            socket.send(sent.clone()).await.unwrap();
            socket.try_next().await.unwrap().unwrap()
        };
        assert_eq!(timeout(LIMIT, exchange).await.unwrap(), sent, "{size}");
    }
    timeout(LIMIT, socket.close()).await.unwrap().unwrap();
    let (uri, headers) = server.seen.lock().unwrap()[0].clone();
    assert_eq!(uri, "/port/8080/feed?cols=80");
    assert_eq!(headers["x-blaxel-authorization"], "Bearer bl_canary");
}

#[tokio::test]
async fn both_halves_work_at_the_same_time() {
    let server = Echo::start().await;
    let socket = server.connect(&server.client(), Options::new()).await;
    let (mut sender, mut receiver) = socket.split();
    let sending = tokio::spawn(async move {
        for number in 0..2000_u32 {
            sender.send(format!("{number:01000}")).await.unwrap();
        }
        sender
    });
    let receiving = async {
        for number in 0..2000_u32 {
            let message = receiver.try_next().await.unwrap().unwrap();
            assert_eq!(message, Message::from(format!("{number:01000}")));
        }
    };
    timeout(LIMIT, receiving).await.unwrap();
    drop(sending.await.unwrap());
}

#[tokio::test]
async fn a_subprotocol_is_negotiated() {
    let server = Echo::start().await;
    let options = Options::new().protocol("v1").protocol("v2");
    let socket = server.connect(&server.client(), options).await;
    assert_eq!(socket.protocol(), Some("v2"));
    let options = Options::new().protocol("v1");
    let error = WebSocket::connect(&server.client(), server.request(), options).await;
    let error = error.unwrap_err();
    assert!(error.is_decode(), "{error}");
    assert!(error.to_string().contains("subprotocol"), "{error}");
}

#[tokio::test]
async fn the_close_of_a_server_has_its_reason() {
    let server = Echo::start().await;
    let mut socket = server.connect(&server.client(), Options::new()).await;
    socket.send("close").await.unwrap();
    let outcome = timeout(LIMIT, socket.try_next()).await.unwrap();
    let error = outcome.unwrap_err();
    assert!(error.is_failed(), "{error}");
    assert_eq!(socket.closed(), Some(&Close::new(4004, "no such shell")));
}

/// A session of a sandbox is an address and a token.
#[tokio::test]
async fn a_session_carries_no_credential() {
    let server = Echo::start().await;
    let mut request = server.request();
    let token = http::HeaderName::from_static("x-blaxel-preview-token");
    request.header(token, "token").unwrap();
    request.without_credential();
    let client = server.client();
    let connecting = WebSocket::connect(&client, request, Options::new());
    let mut socket = timeout(LIMIT, connecting).await.unwrap().unwrap();
    socket.send("hello").await.unwrap();
    assert!(socket.try_next().await.unwrap().is_some());
    let (_, headers) = server.seen.lock().unwrap()[0].clone();
    assert_eq!(headers["x-blaxel-preview-token"], "token");
    for name in [
        "x-blaxel-authorization",
        "authorization",
        "x-blaxel-workspace",
    ] {
        assert!(!headers.contains_key(name), "{headers:?}");
    }
}

#[tokio::test]
async fn a_service_without_upgrades_is_named() {
    let emulator = blaxel_emulator::Emulator::offline();
    let mut request = RequestWriter::new(&OPEN);
    let address = emulator.run_url().replace("/run", "/nowhere");
    request.address(&address, &Source::Code).unwrap();
    let outcome = WebSocket::connect(&emulator.service(), request, Options::new()).await;
    let error = outcome.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(error.to_string().contains("cannot upgrade"), "{error}");
}
