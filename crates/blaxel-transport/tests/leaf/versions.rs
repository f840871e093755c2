//! Which HTTP is spoken, and how HTTP/2 is set up.

use std::time::Duration;

use blaxel_core::HttpService;
use blaxel_transport::HttpVersion;

use crate::certificates::Authority;
use crate::frames::{
    INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE, PING, SETTINGS, WINDOW_UPDATE, Wire,
};
use crate::server::{Server, answer};
use crate::{leaf, plain, text};

#[tokio::test]
async fn the_handshake_decides_unless_one_version_is_set() {
    let authority = Authority::new();
    let both = authority.server(&["localhost"], &["h2", "http/1.1"]).await;
    let old = authority.server(&["localhost"], &["http/1.1"]).await;
    let mute = authority.server(&["localhost"], &[]).await;
    for (version, server, expected) in [
        (HttpVersion::Auto, &both, Some("h2")),
        (HttpVersion::Auto, &old, Some("http/1.1")),
        (HttpVersion::Auto, &mute, Some("http/1.1")),
        (HttpVersion::Http1, &both, Some("http/1.1")),
        (HttpVersion::Http1, &mute, Some("http/1.1")),
        (HttpVersion::Http2, &both, Some("h2")),
        (HttpVersion::Http2, &old, None),
        (HttpVersion::Http2, &mute, None),
    ] {
        let leaf = leaf()
            .add_root_certificate(authority.pem())
            .unwrap()
            .http_version(version)
            .build();
        let url = format!("https://localhost:{}/thing", server.address.port());
        let mut request = plain(&url);
        // What the request says of versions does not matter.
        *request.version_mut() = http::Version::HTTP_2;
        match (text(&leaf, request).await, expected) {
            (Ok(found), Some(expected)) => assert_eq!(found, expected, "{version:?}"),
            (Err(error), None) => assert!(error.is_connect(), "{error}"),
            (outcome, expected) => panic!("{version:?}: {outcome:?}, not {expected:?}"),
        }
    }
    assert_eq!(old.log.count("request"), 1);
}

#[tokio::test]
async fn plain_addresses_get_http1_unless_http2_is_known_beforehand() {
    let old = Server::answering(answer("http/1.1")).await;
    let leaf = leaf().build();
    assert_eq!(text(&leaf, plain(&old.url())).await.unwrap(), "http/1.1");
    let new = Server::start(|_, stream, _| async move {
        let mut wire = Wire::accept(stream).await;
        while let Some(stream) = wire.request().await {
            wire.head(stream, false).await;
            wire.data(stream, b"h2", true).await;
        }
    })
    .await;
    let leaf = crate::leaf().http_version(HttpVersion::Http2).build();
    for _ in 0..3 {
        assert_eq!(text(&leaf, plain(&new.url())).await.unwrap(), "h2");
    }
    assert_eq!(new.log.count("connection"), 1);
}

/// What the client says at the beginning: its settings, and how much more than HTTP/2's own 65,535
/// bytes may be sent on the connection.
async fn opening(leaf: blaxel_transport::HyperBuilder) -> Vec<(u16, u32)> {
    let server = Server::start(|_, stream, log| async move {
        let mut wire = Wire::accept(stream).await;
        let settings = wire.next(SETTINGS).await.unwrap().payload;
        for setting in settings.chunks(6) {
            let (name, value) = setting.split_at(2);
            let name = u16::from_be_bytes(name.try_into().unwrap());
            let value = u32::from_be_bytes(value.try_into().unwrap());
            log.note(format!("{name} {value}"));
        }
        let update = wire.next(WINDOW_UPDATE).await.unwrap();
        assert_eq!(update.stream, 0);
        let more = u32::from_be_bytes(update.payload.try_into().unwrap());
        log.note(format!("0 {more}"));
        log.note("done");
    })
    .await;
    let leaf = leaf.http_version(HttpVersion::Http2).build();
    let _ = text(&leaf, plain(&server.url())).await;
    server.log.wait_for("done", 1).await;
    let numbers = |line: &String| {
        let (name, value) = line.split_once(' ')?;
        Some((name.parse().ok()?, value.parse().ok()?))
    };
    server.log.lines().iter().filter_map(numbers).collect()
}

#[tokio::test]
async fn windows_are_wide_and_can_be_set() {
    const MIB: u32 = 1024 * 1024;
    let said = opening(leaf()).await;
    assert!(said.contains(&(INITIAL_WINDOW_SIZE, 16 * MIB)), "{said:?}");
    assert!(said.contains(&(0, 32 * MIB - 65_535)), "{said:?}");
    assert!(
        said.contains(&(MAX_HEADER_LIST_SIZE, 32 * 1024)),
        "{said:?}"
    );
    let said = opening(leaf().http2_windows(MIB, 2 * MIB)).await;
    assert!(said.contains(&(INITIAL_WINDOW_SIZE, MIB)), "{said:?}");
    assert!(said.contains(&(0, 2 * MIB - 65_535)), "{said:?}");
    let said = opening(leaf().http2_windows(u32::MAX, u32::MAX)).await;
    assert!(
        said.contains(&(INITIAL_WINDOW_SIZE, (1 << 31) - 1)),
        "{said:?}"
    );
}

#[tokio::test]
async fn pings_are_sent_only_while_an_answer_is_awaited() {
    let server = Server::start(|_, stream, log| async move {
        let mut wire = Wire::accept(stream).await;
        let first = wire.request().await.unwrap();
        for _ in 0..2 {
            wire.next(PING).await.unwrap();
            log.note("ping");
        }
        wire.head(first, true).await;
        // One more may have been on its way.
        let late = tokio::time::timeout(Duration::from_millis(120), wire.next(PING)).await;
        let quiet = tokio::time::timeout(Duration::from_millis(200), wire.next(PING)).await;
        log.note(format!("late {}, idle {}", late.is_ok(), quiet.is_ok()));
        log.note("done");
    })
    .await;
    let leaf = leaf()
        .http_version(HttpVersion::Http2)
        .http2_ping_interval(Duration::from_millis(30))
        .build();
    let response = leaf.send(plain(&server.url())).await.unwrap();
    assert_eq!(server.log.count("ping"), 2);
    server.log.wait_for("done", 1).await;
    let lines = server.log.lines();
    assert!(
        lines.iter().any(|line| line.ends_with("idle false")),
        "{lines:?}"
    );
    drop(response);
}

#[tokio::test]
async fn pings_can_be_switched_off() {
    let server = Server::start(|_, stream, log| async move {
        let mut wire = Wire::accept(stream).await;
        let stream = wire.request().await.unwrap();
        let ping = tokio::time::timeout(Duration::from_millis(100), wire.next(PING)).await;
        log.note(format!("ping {}", ping.is_ok()));
        wire.head(stream, true).await;
        wire.closed().await;
    })
    .await;
    let leaf = leaf()
        .http_version(HttpVersion::Http2)
        .http2_ping_interval(Duration::from_millis(10))
        .http2_ping_interval(None)
        .build();
    text(&leaf, plain(&server.url())).await.unwrap();
    assert_eq!(server.log.count("ping false"), 1);
}
