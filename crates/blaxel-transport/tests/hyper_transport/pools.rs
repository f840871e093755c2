//! The idle timeouts of pooled connections.

use std::time::Duration;

use blaxel_transport::HttpVersion;
use tokio::time::Instant;

use crate::frames::Wire;
use crate::server::{Server, response};
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
