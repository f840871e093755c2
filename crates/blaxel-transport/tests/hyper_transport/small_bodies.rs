//! Small bodies are read with the headers if they have arrived, and all others as before.

use std::time::Duration;

use blaxel_core::{Body, HttpService};
use http_body::Body as _;
use tokio::io::AsyncWriteExt;

use crate::server::{Server, read_head};
use crate::{builder, plain, text};

/// Sends a request to a server that writes these parts of a response, one after another. Returns the server too,
/// which ends when it is dropped.
async fn response(parts: &'static [&'static str]) -> (http::Response<Body>, Server) {
    let server = Server::start(move |_, mut stream, _| async move {
        read_head(&mut stream).await;
        for part in parts {
            stream.write_all(part.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let transport = builder().build();
    let response = transport.send(plain(&server.url())).await.unwrap();
    (response, server)
}

#[tokio::test]
async fn a_body_that_arrives_with_the_headers_is_in_memory() {
    let (whole, _server) = response(&["HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes"]).await;
    assert_eq!(whole.headers()["content-length"], "3");
    assert_eq!(whole.body().bytes().unwrap(), "yes");
}

#[tokio::test]
async fn a_body_that_arrives_in_parts_is_complete_and_its_size_known() {
    for parts in [
        &["HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nyes", "yes"][..],
        &["HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n", "yesyes"],
    ] {
        let (response, _server) = response(parts).await;
        let mut body = response.into_body();
        assert!(body.bytes().is_none() && !body.is_end_stream());
        assert_eq!(body.size_hint().exact(), Some(6), "{parts:?}");
        let mut read = Vec::new();
        while let Some(chunk) = body.chunk().await.unwrap() {
            read.extend_from_slice(&chunk);
        }
        assert_eq!(read, b"yesyes", "{parts:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_cut_short_ends_with_an_error() {
    let server = Server::start(|_, mut stream, _| async move {
        read_head(&mut stream).await;
        let half = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nyes";
        stream.write_all(half.as_bytes()).await.unwrap();
    })
    .await;
    let error = text(&builder().build(), plain(&server.url())).await;
    let error = error.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("before the response was complete"),
        "{error}"
    );
}

#[tokio::test]
async fn a_stream_is_not_read_before_its_caller_asks() {
    let chunked = &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n"];
    let (response, _server) = response(chunked).await;
    let mut body = response.into_body();
    assert!(body.bytes().is_none());
    assert_eq!(body.chunk().await.unwrap().unwrap(), "yes");
    assert!(body.chunk().await.unwrap().is_none());
}
