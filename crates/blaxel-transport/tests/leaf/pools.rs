//! How long connections are kept.

use std::time::Duration;

use blaxel_transport::HttpVersion;
use tokio::time::Instant;

use crate::frames::Wire;
use crate::server::{Server, answer};
use crate::{READ, RUN, described, leaf, plain, text};

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_time() {
    let server = Server::answering(answer("yes")).await;
    let leaf = leaf().control_idle(SHORT).workload_idle(LONG).build();
    let start = Instant::now();
    for _ in 0..2 {
        assert_eq!(text(&leaf, plain(&server.url())).await.unwrap(), "yes");
    }
    assert_eq!(server.log.count("connection"), 1);
    server.log.wait_for("closed", 1).await;
    // The pool looks once in such a span, so it takes up to two.
    assert!(start.elapsed() >= SHORT, "{:?}", start.elapsed());
    assert!(start.elapsed() < 10 * SHORT, "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_idle_http2_connection_is_closed_after_its_time() {
    let server = Server::start(|_, stream, log| async move {
        let mut wire = Wire::accept(stream).await;
        while let Some(stream) = wire.request().await {
            wire.head(stream, true).await;
        }
        log.note("closed");
    })
    .await;
    let leaf = leaf()
        .http_version(HttpVersion::Http2)
        .control_idle(SHORT)
        .build();
    for _ in 0..2 {
        text(&leaf, plain(&server.url())).await.unwrap();
    }
    assert_eq!(server.log.count("connection"), 1);
    server.log.wait_for("closed", 1).await;
}

#[tokio::test]
async fn workloads_and_the_control_plane_have_pools_of_their_own() {
    let server = Server::answering(answer("yes")).await;
    let leaf = leaf().control_idle(LONG).workload_idle(SHORT).build();
    for info in [&READ, &RUN] {
        text(&leaf, described(info, &server.url())).await.unwrap();
    }
    assert_eq!(server.log.count("connection"), 2);
    server.log.wait_for("closed", 1).await;
    tokio::time::sleep(3 * SHORT).await;
    assert_eq!(server.log.count("closed"), 1);
    text(&leaf, described(&READ, &server.url())).await.unwrap();
    assert_eq!(server.log.count("connection"), 2);
}

#[tokio::test]
async fn a_host_can_be_said_to_run_workloads() {
    let server = Server::answering(answer("yes")).await;
    let leaf = leaf()
        .control_idle(LONG)
        .workload_idle(SHORT)
        .workload_host("127.0.0.1")
        .build();
    text(&leaf, plain(&server.url())).await.unwrap();
    server.log.wait_for("closed", 1).await;
}

#[tokio::test]
async fn an_answer_that_flows_on_outlives_the_idle_time_of_its_connection() {
    let server = Server::start(|_, stream, log| async move {
        let mut wire = Wire::accept(stream).await;
        let stream = wire.request().await.unwrap();
        wire.head(stream, false).await;
        tokio::time::sleep(4 * SHORT).await;
        wire.data(stream, b"late", true).await;
        wire.closed().await;
        log.note("closed");
    })
    .await;
    let leaf = leaf()
        .http_version(HttpVersion::Http2)
        .control_idle(SHORT)
        .build();
    assert_eq!(text(&leaf, plain(&server.url())).await.unwrap(), "late");
    server.log.wait_for("closed", 1).await;
}

#[tokio::test]
async fn no_connection_outlives_the_leaf() {
    let server = Server::answering(answer("yes")).await;
    let leaf = leaf().control_idle(LONG).build();
    text(&leaf, plain(&server.url())).await.unwrap();
    assert_eq!(server.log.count("closed"), 0);
    drop(leaf);
    server.log.wait_for("closed", 1).await;
}
