//! Promise: a body in a content coding or a charset is read, or the error says which it was. It is never a decode
//! error without a reason, and never an empty stream.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use blaxel_billing::Billing;
use blaxel_core::{Body, Error};
use blaxel_inference::{ChatRequest, Inference, Message};
use blaxel_management::Management;
use blaxel_tests::{API_KEY, Reply, WireServer};
use blaxel_transport::Client;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn reply(status: &str, headers: &str, body: &[u8]) -> Reply {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    Reply::Bytes([head.as_bytes(), body].concat())
}

fn question() -> ChatRequest {
    ChatRequest::new([Message::user("?")])
}

#[tokio::test]
async fn every_kind_of_call_reads_gzip_that_it_did_not_ask_for() {
    let coded = |kind: &str, text: &str| {
        let headers = format!("content-type: {kind}\r\ncontent-encoding: gzip");
        WireServer::start(reply("200 OK", &headers, &gzip(text)))
    };
    let server = coded("application/json", "{\"output\": 1}").await;
    let agent = Inference::new(server.client()).agent("a");
    assert_eq!(agent.invoke::<Value>(&1).await.unwrap()["output"], 1);
    let text = agent.post(&1).send().await.unwrap().text().await.unwrap();
    assert_eq!(text, "{\"output\": 1}");
    let asked = |head: &String| {
        head.to_ascii_lowercase()
            .contains("accept-encoding: gzip\r\n")
    };
    assert!(server.requests().iter().all(asked));

    let chunk = r#"{"choices": [{"delta": {"content": "Hi"}}]}"#;
    let stream = format!("data: {chunk}\n\ndata: [DONE]\n\n");
    let server = coded("text/event-stream", &stream).await;
    let inference = Inference::new(server.client());
    let answer = inference.model("m").stream(&question()).await.unwrap();
    assert_eq!(answer.into_completion().await.unwrap().text(), Some("Hi"));
    let mut events = inference.agent("a").post(&1).events().await.unwrap();
    assert_eq!(events.try_next().await.unwrap().unwrap().data(), chunk);
    let asked = |head: &String| {
        head.to_ascii_lowercase()
            .contains("accept-encoding: identity\r\n")
    };
    assert!(server.requests().iter().all(asked));

    let server = coded("application/json", "[]").await;
    assert!(
        Management::new(server.client())
            .agents()
            .list()
            .await
            .unwrap()
            .is_empty()
    );

    let headers = "content-type: application/json\r\ncontent-encoding: gzip";
    let refusal = reply(
        "400 Bad Request",
        headers,
        &gzip("{\"error\": \"no inputs\"}"),
    );
    let server = WireServer::start(refusal).await;
    let agent = Inference::new(server.client()).agent("a");
    let error = agent.invoke::<Value>(&1).await.unwrap_err();
    assert_eq!(error.api().unwrap().message(), Some("no inputs"));
}

#[tokio::test]
async fn every_facade_names_a_coding_that_it_cannot_read() {
    for status in ["200 OK", "400 Bad Request"] {
        let headers = "content-type: application/json\r\ncontent-encoding: br";
        let server = WireServer::start(reply(status, headers, b"\x0b\x02\x80{}\x03")).await;
        // The engine of another HTTP client, which returns bodies as they were sent.
        let own = tower::service_fn(move |_: http::Request<Body>| {
            let response = http::Response::builder()
                .status(&status[..3])
                .header("content-encoding", "br");
            let response = response.body(Body::from("\u{b}\u{2}{}\u{3}"));
            std::future::ready(response)
        });
        let inference = Inference::new(server.client());
        let errors: [Error; 5] = [
            Management::new(server.client())
                .agents()
                .list()
                .await
                .unwrap_err(),
            Billing::new(own).accounts().await.unwrap_err(),
            inference.agent("a").invoke::<Value>(&1).await.unwrap_err(),
            inference.model("m").chat(&question()).await.unwrap_err(),
            match inference.model("m").stream(&question()).await {
                Ok(mut stream) => stream.try_next().await.unwrap_err(),
                Err(error) => error,
            },
        ];
        for error in errors {
            assert!(
                error.to_string().contains("compressed with `br`"),
                "{error}"
            );
        }
    }
}

/// A server whose compressor flushes each event.
#[tokio::test]
async fn each_event_of_a_compressed_stream_arrives_before_the_next_one_is_sent() {
    let (send, pieces) = unbounded_channel::<Vec<u8>>();
    let url = serve(pieces).await;
    let client = Client::builder()
        .api_key(API_KEY)
        .workspace("demo")
        .run_url(url)
        .build()
        .unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut flushed = |text: &str| {
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.flush().unwrap();
        std::mem::take(encoder.get_mut())
    };
    let agent = Inference::new(client).agent("a");
    send.send(flushed("data: 0\n\n")).unwrap();
    let mut events = agent.post(&1).events().await.unwrap();
    for number in 0..20 {
        let text = number.to_string().repeat(1 + number * 2_000);
        if number > 0 {
            send.send(flushed(&format!("data: {text}\n\n"))).unwrap();
        }
        let event = tokio::time::timeout(Duration::from_secs(10), events.try_next());
        assert_eq!(event.await.unwrap().unwrap().unwrap().data(), text);
    }
    // The checksum is missing.
    drop(send);
    let error = events.try_next().await.unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains("corrupt"),
        "{error}"
    );
}

/// Serves the pieces as one compressed stream.
async fn serve(pieces: UnboundedReceiver<Vec<u8>>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let pieces = Arc::new(Mutex::new(Some(pieces)));
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let respond = service_fn(move |_| {
            let pieces = Arc::clone(&pieces);
            async move {
                let pieces = pieces.lock().await.take().unwrap();
                let frames = futures_util::stream::unfold(pieces, async |mut pieces| {
                    let piece = pieces.recv().await?;
                    Some((
                        Ok::<_, Error>(Frame::data(bytes::Bytes::from(piece))),
                        pieces,
                    ))
                });
                http::Response::builder()
                    .header("content-type", "text/event-stream")
                    .header("content-encoding", "gzip")
                    .body(StreamBody::new(frames))
            }
        });
        let connection = hyper::server::conn::http1::Builder::new();
        let _ = connection
            .serve_connection(TokioIo::new(socket), respond)
            .await;
    });
    url
}
