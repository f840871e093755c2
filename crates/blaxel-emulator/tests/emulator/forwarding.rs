//! Workloads that are forwarded to servers on this machine.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use blaxel_emulator::{Behavior, Chunks, Emulator, Workload};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::{Ask, as_client, ask, get, post};

/// A server on this machine that records its requests.
struct Local {
    url: String,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Local {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Local {
    async fn new(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self { url, server }
    }

    /// Starts a server that returns what it received.
    async fn mirror() -> Self {
        let tell = async |request: Request| {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let headers = head.headers.iter();
            let headers = headers.map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
            let headers: Vec<_> = headers.collect();
            let told = json!({
                "method": head.method.as_str(),
                "uri": head.uri.to_string(),
                "headers": headers,
                "body": String::from_utf8_lossy(&body),
            });
            let status = StatusCode::IM_A_TEAPOT;
            (
                status,
                [("x-own", "1"), ("x-blaxel-source", "platform")],
                axum::Json(told),
            )
        };
        Self::new(Router::new().fallback(tell)).await
    }

    fn emulator(&self) -> blaxel_emulator::Builder {
        let workload = Workload::agent("bot");
        Emulator::builder().forward(workload, &self.url).unwrap()
    }
}

fn url(emulator: &Emulator) -> String {
    format!("{}/demo/agents/bot", emulator.run_url())
}

fn hello(emulator: &Emulator) -> Ask {
    post(url(emulator), &json!({"inputs": "Hello"}))
}

/// Returns the values of a header that the mirror received.
fn got<'a>(told: &'a Value, name: &str) -> Vec<&'a str> {
    let headers = told["headers"].as_array().unwrap().iter();
    let values = headers.filter(|header| header[0] == name);
    values.map(|header| header[1].as_str().unwrap()).collect()
}

/// A body that is fed through a channel.
fn channel() -> (mpsc::Sender<Bytes>, Sent) {
    let (sender, receiver) = mpsc::channel(1);
    (sender, Sent(receiver))
}

struct Sent(mpsc::Receiver<Bytes>);

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let received = self.0.poll_recv(cx);
        received.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[tokio::test]
async fn a_call_and_its_response_are_forwarded_unchanged() {
    let local = Local::mirror().await;
    let emulator = local.emulator().start().await.unwrap();
    get("/agents/bot").on(&emulator).await.expect(200);
    for (method, below, expected) in [
        (Method::POST, "", "/"),
        (Method::PUT, "/", "/"),
        (
            Method::DELETE,
            "/v1/a%20b//c?x=%201&y",
            "/v1/a%20b//c?x=%201&y",
        ),
    ] {
        let call = ask(method.clone(), format!("{}{below}", url(&emulator)));
        let call = call.header("x-own", "a").bytes("Hello");
        let reply = as_client(call, &emulator).over_socket().await.unwrap();
        let told = reply.expect(418);
        assert_eq!(told["method"], method.as_str());
        assert_eq!(told["uri"], expected);
        assert_eq!(told["body"], "Hello");
        assert_eq!(got(&told, "x-own"), ["a"]);
        assert_eq!(got(&told, "content-length"), ["5"]);
        assert_eq!(reply.header("x-own"), Some("1"));
        // The response is not from the platform.
        assert_eq!(reply.header("x-blaxel-source"), None);
    }
    let journal = emulator.journal();
    let last = journal.last().unwrap();
    assert_eq!(last.operation.as_deref(), Some("InvokeAgent"));
    assert_eq!(last.status, Some(418));
}

#[tokio::test]
async fn the_gateway_removes_credentials_and_identifies_the_caller() {
    let local = Local::mirror().await;
    let emulator = local.emulator().build();
    let key = format!("Bearer {}", emulator.api_key());
    let call = hello(&emulator)
        .header("authorization", &key)
        .header("x-blaxel-authorization", &key)
        .header("x-blaxel-subject-id", "somebody")
        .header("x-request-id", "mine")
        .header("connection", "close, x-hop")
        .header("x-hop", "1")
        .header("keep-alive", "timeout=5")
        .header("te", "trailers")
        .header("x-blaxel-thread-id", "t-42");
    let reply = call.on(&emulator).await;
    let told = reply.expect(418);
    for gone in [
        "authorization",
        "x-blaxel-authorization",
        "x-hop",
        "keep-alive",
        "te",
    ] {
        assert_eq!(got(&told, gone), [""; 0], "{gone}");
    }
    assert_eq!(
        got(&told, "host"),
        [local.url.strip_prefix("http://").unwrap()]
    );
    assert_eq!(got(&told, "x-blaxel-thread-id"), ["t-42"]);
    assert_eq!(got(&told, "x-blaxel-workspace"), ["demo"]);
    assert_eq!(got(&told, "x-blaxel-subject-id"), ["developer@example.com"]);
    assert_eq!(got(&told, "x-blaxel-subject-type"), ["user"]);
    assert_eq!(got(&told, "x-blaxel-auth-method"), ["api_key"]);
    let id = reply.header("x-request-id").unwrap();
    assert_eq!(got(&told, "x-request-id"), [id]);

    let bare = emulator.service().verbatim();
    let refused = hello(&emulator).to(&bare).await;
    refused.gateway(401, "AUTHENTICATION_REQUIRED");
}

/// Nothing is buffered in either direction.
#[tokio::test]
async fn bodies_flow_both_ways_at_once() {
    let echo = async |request: Request| request.into_body().into_response();
    let local = Local::new(Router::new().fallback(echo)).await;
    let emulator = local.emulator().start().await.unwrap();
    let uri: http::Uri = url(&emulator).parse().unwrap();
    let stream = TcpStream::connect(uri.authority().unwrap().as_str()).await;
    let stream = TokioIo::new(stream.unwrap());
    let handshake = hyper::client::conn::http1::handshake(stream).await;
    let (mut sender, connection) = handshake.unwrap();
    tokio::spawn(connection);
    let (body_in, body) = channel();
    let request = http::Request::post(uri.path())
        .header("host", "emulator")
        .header(
            "x-blaxel-authorization",
            format!("Bearer {}", emulator.api_key()),
        )
        .body(body)
        .unwrap();
    body_in.send("first".into()).await.unwrap();
    let mut answer = sender.send_request(request).await.unwrap().into_body();
    for piece in ["first", "second", "third"] {
        if piece != "first" {
            body_in.send(piece.into()).await.unwrap();
        }
        let came = answer.frame().await.unwrap().unwrap();
        assert_eq!(came.into_data().unwrap(), piece);
    }
    drop(body_in);
    assert!(answer.frame().await.is_none());
}

#[tokio::test]
async fn a_forwarded_stream_that_breaks_off_is_broken_off() {
    let torn = async || Response::new(Body::new(Torn(0)));
    let local = Local::new(Router::new().fallback(torn)).await;
    let emulator = local.emulator().start().await.unwrap();
    let response = as_client(hello(&emulator), &emulator).open().await.unwrap();
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "data: a\n\n");
    assert!(body.frame().await.unwrap().is_err());
}

/// A body that yields after its first chunk, so that the chunk is sent, and then fails.
struct Torn(u8);

impl http_body::Body for Torn {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.0 += 1;
        match self.0 {
            1 => Poll::Ready(Some(Ok(Frame::data("data: a\n\n".into())))),
            2 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(Some(Err(std::io::Error::other("torn")))),
        }
    }
}

#[tokio::test]
async fn forwarding_stops_when_the_caller_disconnects() {
    let (gone, mut told) = mpsc::channel::<()>(1);
    let endless = move || {
        let gone = gone.clone();
        async move {
            let (sender, body) = channel();
            tokio::spawn(async move {
                let _gone = gone;
                while sender.send("more\n".into()).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
            Response::new(Body::new(body))
        }
    };
    let local = Local::new(Router::new().fallback(endless)).await;
    let emulator = local.emulator().start().await.unwrap();
    let response = as_client(hello(&emulator), &emulator).open().await.unwrap();
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    // The router that creates the responses holds a sender too.
    drop(local);
    let waited = tokio::time::timeout(Duration::from_secs(10), told.recv()).await;
    assert_eq!(waited.unwrap(), None);
}

#[tokio::test]
async fn an_unreachable_server_is_a_gateway_error() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let workload = Workload::agent("bot");
    let emulator = Emulator::builder()
        .forward(workload, &nobody)
        .unwrap()
        .build();
    let reply = hello(&emulator).on(&emulator).await;
    reply.gateway(502, "BAD_GATEWAY");
    let error = &reply.json()["error"];
    assert_eq!(error["retryable"], true);
    assert!(
        error["message"].as_str().unwrap().contains(&nobody),
        "{error}"
    );
}

#[tokio::test]
async fn models_and_functions_are_forwarded_and_the_path_of_the_server_is_a_prefix() {
    let local = Local::mirror().await;
    let base = format!("{}/base/", local.url);
    let emulator = Emulator::builder()
        .forward(Workload::model("sandbox-openai"), &base)
        .unwrap()
        .forward(Workload::function("tools"), &base)
        .unwrap()
        .build();
    for (path, expected) in [
        (
            "models/sandbox-openai/v1/chat/completions",
            "/base/v1/chat/completions",
        ),
        ("functions/tools/mcp", "/base/mcp"),
        ("functions/tools", "/base"),
    ] {
        let uri = format!("{}/demo/{path}", emulator.run_url());
        let told = post(uri, &json!({})).on(&emulator).await.expect(418);
        assert_eq!(told["uri"], expected);
    }
    let uri = format!("{}/demo/models/gpt-4o-mini/v1/x", emulator.run_url());
    post(uri, &json!({})).on(&emulator).await.expect(404);
}

#[tokio::test]
async fn a_script_takes_precedence_over_forwarding() {
    let local = Local::mirror().await;
    let emulator = local.emulator().build();
    let script = emulator.script(&Workload::agent("bot"));
    script
        .then(Behavior::unavailable())
        .then(Behavior::stream(Chunks::new().then("scripted")));
    let cold = hello(&emulator).on(&emulator).await;
    cold.gateway(404, "WORKLOAD_UNAVAILABLE");
    assert_eq!(hello(&emulator).on(&emulator).await.bytes, "scripted");
    let told = hello(&emulator).on(&emulator).await.expect(418);
    assert_eq!(told["body"], json!({"inputs": "Hello"}).to_string());
    assert_eq!(script.calls().len(), 3);
}

#[tokio::test]
async fn a_forwarded_workload_can_be_called_asynchronously() {
    let (sender, mut came) = mpsc::unbounded_channel();
    let take = move |headers: HeaderMap, uri: http::Uri, body: Bytes| {
        let _ = sender.send((headers, uri, body));
        std::future::ready("done")
    };
    let local = Local::new(Router::new().fallback(take)).await;
    let emulator = local.emulator().build();
    let call = post(
        format!("{}/x?async=true&y=1", url(&emulator)),
        &json!({"inputs": "Hello"}),
    );
    call.on(&emulator).await.expect(202);
    let waited = tokio::time::timeout(Duration::from_secs(10), came.recv()).await;
    let (_, uri, body) = waited.unwrap().unwrap();
    assert_eq!(uri, "/x?y=1");
    assert_eq!(body, json!({"inputs": "Hello"}).to_string());
}

/// Forwarded bodies have no limit of the emulator's.
#[tokio::test]
async fn a_large_body_is_forwarded() {
    let count = async |request: Request| {
        let mut body = request.into_body();
        let mut count = 0;
        while let Some(frame) = body.frame().await {
            count += frame.unwrap().into_data().unwrap().len();
        }
        count.to_string()
    };
    let local = Local::new(Router::new().fallback(count)).await;
    let emulator = local.emulator().build();
    let size = 20 << 20;
    let call = ask(Method::POST, url(&emulator)).bytes(vec![b'x'; size]);
    assert_eq!(call.on(&emulator).await.bytes, size.to_string());
}

#[test]
fn only_servers_on_this_machine_can_be_forwarded_to() {
    for (bad, part) in [
        ("http://example.com", "`http://example.com`"),
        ("https://localhost/x", "`https://localhost`"),
        ("localhost:1338", "no scheme"),
        ("http://10.0.0.1", "`http://10.0.0.1`"),
        ("http://localhost:99999", "port"),
        ("http://me:pa55@localhost", "names a user"),
    ] {
        let refused = Emulator::builder().forward(Workload::agent("bot"), bad);
        let problem = refused.unwrap_err().to_string();
        assert!(
            problem.contains(part) && !problem.contains("pa55"),
            "{problem}"
        );
    }
}
