//! The idle timeouts of pooled connections.

use std::time::Duration;

use blaxel_core::HttpService as _;
use blaxel_transport::HttpVersion;
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

use crate::frames::Wire;
use crate::server::{Server, read_head, response};
use crate::{READ, RUN, builder, described, plain, text};

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_timeout() {
    let server = Server::responding(response("yes")).await;
    let transport = builder().control_idle(SHORT).workload_idle(LONG).build();
    let start = Instant::now();
    for _ in 0..2 {
        assert_eq!(text(&transport, plain(&server.url())).await.unwrap(), "yes");
    }
    assert_eq!(server.log.count("connection"), 1);
    server.log.wait_for("closed", 1).await;
    assert!(start.elapsed() >= SHORT, "{:?}", start.elapsed());
    assert!(start.elapsed() < 10 * SHORT, "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_idle_http2_connection_is_closed_after_its_timeout() {
    let server = Server::start(|_, stream, log| async move {
        let mut wire = Wire::accept(stream).await;
        while let Some(stream) = wire.request().await {
            wire.head(stream, true).await;
        }
        log.add("closed");
    })
    .await;
    let transport = builder()
        .http_version(HttpVersion::Http2)
        .control_idle(SHORT)
        .build();
    for _ in 0..2 {
        text(&transport, plain(&server.url())).await.unwrap();
    }
    assert_eq!(server.log.count("connection"), 1);
    server.log.wait_for("closed", 1).await;
}

#[tokio::test]
async fn workloads_and_the_control_plane_have_separate_pools() {
    let server = Server::responding(response("yes")).await;
    let transport = builder().control_idle(LONG).workload_idle(SHORT).build();
    for info in [&READ, &RUN] {
        text(&transport, described(info, &server.url()))
            .await
            .unwrap();
    }
    assert_eq!(server.log.count("connection"), 2);
    server.log.wait_for("closed", 1).await;
    tokio::time::sleep(3 * SHORT).await;
    assert_eq!(server.log.count("closed"), 1);
    text(&transport, described(&READ, &server.url()))
        .await
        .unwrap();
    assert_eq!(server.log.count("connection"), 2);
}

#[tokio::test]
async fn an_added_workload_host_uses_the_workload_pool() {
    let server = Server::responding(response("yes")).await;
    let transport = builder()
        .control_idle(LONG)
        .workload_idle(SHORT)
        .workload_host("127.0.0.1")
        .build();
    text(&transport, plain(&server.url())).await.unwrap();
    server.log.wait_for("closed", 1).await;
}

#[tokio::test]
async fn a_response_in_progress_outlives_the_idle_timeout() {
    let server = Server::start(|_, stream, log| async move {
        let mut wire = Wire::accept(stream).await;
        let stream = wire.request().await.unwrap();
        wire.head(stream, false).await;
        tokio::time::sleep(4 * SHORT).await;
        wire.data(stream, b"late", true).await;
        wire.closed().await;
        log.add("closed");
    })
    .await;
    let transport = builder()
        .http_version(HttpVersion::Http2)
        .control_idle(SHORT)
        .build();
    assert_eq!(
        text(&transport, plain(&server.url())).await.unwrap(),
        "late"
    );
    server.log.wait_for("closed", 1).await;
}

#[tokio::test]
async fn connections_are_closed_with_the_transport() {
    let server = Server::responding(response("yes")).await;
    let transport = builder().control_idle(LONG).build();
    text(&transport, plain(&server.url())).await.unwrap();
    assert_eq!(server.log.count("closed"), 0);
    drop(transport);
    server.log.wait_for("closed", 1).await;
}

#[tokio::test]
async fn idle_connections_are_closed_with_the_transport_while_a_response_is_read() {
    let server = Server::start(|number, mut stream, log| async move {
        while read_head(&mut stream).await.is_some() {
            let body = if number == 0 { "half" } else { "the whole" };
            let text = format!("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{body}");
            stream.write_all(text.as_bytes()).await.unwrap();
            log.add(format!("response on {number}"));
        }
        log.add(format!("closed {number}"));
    })
    .await;
    let transport = builder().control_idle(LONG).build();
    let held = transport.send(plain(&server.url())).await.unwrap();
    assert_eq!(
        text(&transport, plain(&server.url())).await.unwrap(),
        "the whole"
    );
    drop(transport);
    server.log.wait_for("closed 1", 1).await;
    assert_eq!(server.log.count("closed 0"), 0);
    drop(held);
    server.log.wait_for("closed 0", 1).await;
}

/// The path of such an address is empty.
#[tokio::test]
async fn an_address_without_a_path_asks_for_the_root() {
    let server = Server::responding(response("yes")).await;
    let transport = builder().build();
    for rest in ["", "/", "#part", "?q=1", "/#part"] {
        let url = format!("http://{}{rest}", server.address);
        assert_eq!(text(&transport, plain(&url)).await.unwrap(), "yes");
        let line = if rest == "?q=1" {
            "get /?q=1 http/1.1\r\n"
        } else {
            "get / http/1.1\r\n"
        };
        let lines = server.log.lines();
        let head = lines.iter().rfind(|head| head.starts_with("get")).unwrap();
        assert!(head.starts_with(line), "{rest}: {head}");
    }
}

#[tokio::test]
async fn a_tunnel_is_refused() {
    let mut request = plain("http://127.0.0.1:1/");
    *request.method_mut() = http::Method::CONNECT;
    let error = text(&builder().build(), request).await.unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("CONNECT"),
        "{error}"
    );
}
