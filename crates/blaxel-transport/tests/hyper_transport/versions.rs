//! The HTTP version in use, and the settings of HTTP/2.

use std::time::Duration;

use blaxel_core::HttpService;
use blaxel_transport::HttpVersion;

use crate::certificates::Authority;
use crate::frames::{
    INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE, PING, SETTINGS, WINDOW_UPDATE, Wire,
};
use crate::server::{Server, response};
use crate::{builder, plain, text};

#[tokio::test]
async fn the_tls_handshake_decides_unless_a_version_is_set() {
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
        let transport = builder()
            .add_root_certificate(authority.pem())
            .unwrap()
            .http_version(version)
            .build();
        let url = format!("https://localhost:{}/thing", server.address.port());
        let mut request = plain(&url);
        // The version of the request is ignored.
        *request.version_mut() = http::Version::HTTP_2;
        match (text(&transport, request).await, expected) {
            (Ok(found), Some(expected)) => assert_eq!(found, expected, "{version:?}"),
            (Err(error), None) => assert!(error.is_connect(), "{error}"),
            (outcome, expected) => panic!("{version:?}: {outcome:?}, not {expected:?}"),
        }
    }
    assert_eq!(old.log.count("request"), 1);
}

#[tokio::test]
async fn plain_http_uses_http1_unless_http2_is_set() {
    let old = Server::responding(response("http/1.1")).await;
    let transport = builder().build();
    assert_eq!(
        text(&transport, plain(&old.url())).await.unwrap(),
        "http/1.1"
    );
    let new = Server::start(|_, stream, _| async move {
        let mut wire = Wire::accept(stream).await;
        while let Some(stream) = wire.request().await {
            wire.head(stream, false).await;
            wire.data(stream, b"h2", true).await;
        }
    })
    .await;
    let transport = crate::builder().http_version(HttpVersion::Http2).build();
    for _ in 0..3 {
        assert_eq!(text(&transport, plain(&new.url())).await.unwrap(), "h2");
    }
    assert_eq!(new.log.count("connection"), 1);
}

/// Returns what the client announces at the start of a connection: its settings, and as number 0 by
/// how much it enlarges HTTP/2's default connection window of 65,535 bytes.
async fn announced_settings(transport: blaxel_transport::HyperBuilder) -> Vec<(u16, u32)> {
    let server = Server::start(|_, stream, log| async move {
        let mut wire = Wire::accept(stream).await;
        let settings = wire.next(SETTINGS).await.unwrap().payload;
        for setting in settings.chunks(6) {
            let (name, value) = setting.split_at(2);
            let name = u16::from_be_bytes(name.try_into().unwrap());
            let value = u32::from_be_bytes(value.try_into().unwrap());
            log.add(format!("{name} {value}"));
        }
        let update = wire.next(WINDOW_UPDATE).await.unwrap();
        assert_eq!(update.stream, 0);
        let more = u32::from_be_bytes(update.payload.try_into().unwrap());
        log.add(format!("0 {more}"));
        log.add("done");
    })
    .await;
    let transport = transport.http_version(HttpVersion::Http2).build();
    let _ = text(&transport, plain(&server.url())).await;
    server.log.wait_for("done", 1).await;
    let numbers = |line: &String| {
        let (name, value) = line.split_once(' ')?;
        Some((name.parse().ok()?, value.parse().ok()?))
    };
    server.log.lines().iter().filter_map(numbers).collect()
}

#[tokio::test]
async fn flow_control_windows_are_large_and_configurable() {
    const MIB: u32 = 1024 * 1024;
    let announced = announced_settings(builder()).await;
    assert!(
        announced.contains(&(INITIAL_WINDOW_SIZE, 16 * MIB)),
        "{announced:?}"
    );
    assert!(announced.contains(&(0, 32 * MIB - 65_535)), "{announced:?}");
    assert!(
        announced.contains(&(MAX_HEADER_LIST_SIZE, 32 * 1024)),
        "{announced:?}"
    );
    let announced = announced_settings(builder().http2_windows(MIB, 2 * MIB)).await;
    assert!(
        announced.contains(&(INITIAL_WINDOW_SIZE, MIB)),
        "{announced:?}"
    );
    assert!(announced.contains(&(0, 2 * MIB - 65_535)), "{announced:?}");
    let announced = announced_settings(builder().http2_windows(u32::MAX, u32::MAX)).await;
    assert!(
        announced.contains(&(INITIAL_WINDOW_SIZE, (1 << 31) - 1)),
        "{announced:?}"
    );
}

#[tokio::test]
async fn pings_are_sent_only_while_a_response_is_awaited() {
    let server = Server::start(|_, stream, log| async move {
        let mut wire = Wire::accept(stream).await;
        let first = wire.request().await.unwrap();
        for _ in 0..2 {
            wire.next(PING).await.unwrap();
            log.add("ping");
        }
        wire.head(first, true).await;
        // One more ping may have been in flight.
        let late = tokio::time::timeout(Duration::from_millis(120), wire.next(PING)).await;
        let quiet = tokio::time::timeout(Duration::from_millis(200), wire.next(PING)).await;
        log.add(format!("late {}, idle {}", late.is_ok(), quiet.is_ok()));
        log.add("done");
    })
    .await;
    let transport = builder()
        .http_version(HttpVersion::Http2)
        .http2_ping_interval(Duration::from_millis(30))
        .build();
    let response = transport.send(plain(&server.url())).await.unwrap();
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
async fn pings_can_be_disabled() {
    let server = Server::start(|_, stream, log| async move {
        let mut wire = Wire::accept(stream).await;
        let stream = wire.request().await.unwrap();
        let ping = tokio::time::timeout(Duration::from_millis(100), wire.next(PING)).await;
        log.add(format!("ping {}", ping.is_ok()));
        wire.head(stream, true).await;
        wire.closed().await;
    })
    .await;
    let transport = builder()
        .http_version(HttpVersion::Http2)
        .http2_ping_interval(Duration::from_millis(10))
        .http2_ping_interval(None)
        .build();
    text(&transport, plain(&server.url())).await.unwrap();
    assert_eq!(server.log.count("ping false"), 1);
}
