//! Responses that are wrong rather than hostile, and what their errors say.

use std::time::Duration;

use blaxel_core::{Delivery, Error, ErrorKind, ErrorOrigin};
use blaxel_inference::{ChatRequest, Inference, Message};
use blaxel_management::Management;
use blaxel_management::agents::Agent;
use blaxel_tests::{Reply, WireServer};
use blaxel_transport::{Client, TimeLimits};

async fn list(client: Client) -> Error {
    Management::new(client).agents().list().await.unwrap_err()
}

async fn list_from(reply: Reply) -> Error {
    let server = WireServer::start(reply).await;
    list(server.client()).await
}

fn short_limits() -> TimeLimits {
    let mut limits = TimeLimits::default();
    limits.control = Duration::from_millis(300);
    limits.run = Duration::from_millis(300);
    limits.idle = Duration::from_millis(300);
    limits
}

const OK_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

#[tokio::test]
async fn html_in_place_of_json_is_an_error() {
    let page = "<html><title>Be right back</title></html>";
    let error = list_from(Reply::http("200 OK", "text/html", page)).await;
    assert!(
        error.is_decode() && error.to_string().contains("text/html"),
        "{error}"
    );

    let error = list_from(Reply::http("502 Bad Gateway", "text/html", page)).await;
    assert_eq!(error.api().unwrap().origin(), ErrorOrigin::Edge);
    assert!(
        error.is_transient() && error.to_string().contains("Be right back"),
        "{error}"
    );
}

#[tokio::test]
async fn an_empty_reply_is_an_error() {
    let error = list_from(Reply::Bytes(Vec::new())).await;
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::Transport, Delivery::Unknown),
        "{error}"
    );

    let error = list_from(Reply::http("200 OK", "application/json", "")).await;
    assert!(
        error.is_decode() && error.to_string().contains("empty"),
        "{error}"
    );
}

#[tokio::test]
async fn a_truncated_body_is_an_error() {
    let cut = format!("{OK_HEAD}content-length: 100\r\n\r\n{{\"data\":[");
    let error = list_from(Reply::Bytes(cut.into_bytes())).await;
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
    assert_eq!(error.status().unwrap(), 200);

    // Chunked, and the last chunks are missing.
    let cut = format!("{OK_HEAD}transfer-encoding: chunked\r\n\r\n5\r\n{{\"dat");
    assert_eq!(
        list_from(Reply::Bytes(cut.into_bytes())).await.kind(),
        ErrorKind::Transport
    );

    // Complete by its `content-length`, but incomplete JSON.
    let error = list_from(Reply::http("200 OK", "application/json", "{\"data\":[")).await;
    assert!(error.is_decode(), "{error}");
}

#[tokio::test]
async fn an_interrupted_change_may_have_been_applied() {
    let server = WireServer::start(Reply::Bytes(Vec::new())).await;
    let agents = Management::new(server.client()).agents();
    let error = agents.create(&Agent::new("bot")).await.unwrap_err();
    assert!(
        error.maybe_applied() && error.to_string().contains("may have taken effect"),
        "{error}"
    );
    assert!(!list(server.client()).await.maybe_applied());
}

#[tokio::test]
async fn a_reply_that_is_not_http_is_an_error() {
    let error = list_from(Reply::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())).await;
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
}

#[tokio::test]
async fn a_stalled_response_times_out() {
    for stalled in [
        "",
        "HTTP/1.1 200 OK\r\nconte",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{",
    ] {
        let server = WireServer::start(Reply::Stall(stalled.as_bytes().to_vec())).await;
        let error = list(server.client_within(short_limits())).await;
        assert!(error.is_timeout(), "{stalled:?}: {error}");
        assert!(error.to_string().starts_with("ListAgents: "), "{error}");
    }
}

#[tokio::test]
async fn an_error_status_with_an_endless_body_is_returned() {
    let head = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 9\r\n\r\n{";
    let server = WireServer::start(Reply::Stall(head.as_bytes().to_vec())).await;
    let error = list(server.client_within(short_limits())).await;
    assert_eq!(error.status().unwrap(), 500, "{error}");
}

#[tokio::test]
async fn a_stalled_stream_times_out() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 999\r\n\r\n\
                data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    let server = WireServer::start(Reply::Stall(head.as_bytes().to_vec())).await;
    let model = Inference::new(server.client_within(short_limits())).model("m");
    let mut stream = model
        .stream(&ChatRequest::new([Message::user("?")]))
        .await
        .unwrap();
    assert_eq!(stream.try_next().await.unwrap().unwrap().text(), "a");
    let error = stream.try_next().await.unwrap_err();
    assert!(
        error.is_timeout() && error.to_string().contains("idle"),
        "{error}"
    );
    assert!(stream.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_refused_connection_is_a_connect_error() {
    // A port on which nothing listens, and which no other test is given meanwhile.
    let url = "http://127.0.0.1:1".to_owned();
    let client = Client::builder()
        .api_key("k")
        .workspace("w")
        .api_url(url.clone())
        .build()
        .unwrap();
    let error = list(client).await;
    assert!(
        error.is_connect() && error.to_string().contains(&url),
        "{error}"
    );
    assert_eq!(error.delivery(), Delivery::NotSent);
}
