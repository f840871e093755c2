//! Requests at the same time, and the connections that they make and share.

use std::sync::Arc;
use std::time::Duration;

use blaxel_core::HttpService;
use blaxel_transport::{HttpVersion, HyperTransport};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::certificates::Authority;
use crate::frames::Wire;
use crate::server::{Server, read_head, response};
use crate::{builder, plain, text};

/// The number of requests at the same time.
const MANY: usize = 10;
/// A time in which a connection that is made by mistake would have arrived.
const LITTLE: Duration = Duration::from_millis(50);

/// Sends requests at the same time.
fn send_many(transport: &HyperTransport, url: &str) -> JoinSet<Result<String, blaxel_core::Error>> {
    let mut all = JoinSet::new();
    for _ in 0..MANY {
        let (transport, url) = (transport.clone(), url.to_owned());
        all.spawn(async move { text(&transport, plain(&url)).await });
    }
    all
}

#[tokio::test]
async fn requests_at_the_same_time_share_one_http2_connection() {
    let server = Server::start(|_, stream, _| async move {
        let mut wire = Wire::accept(stream).await;
        while let Some(stream) = wire.request().await {
            wire.head(stream, false).await;
            wire.data(stream, b"h2", true).await;
        }
    })
    .await;
    let transport = builder().http_version(HttpVersion::Http2).build();
    for text in send_many(&transport, &server.url()).join_all().await {
        assert_eq!(text.unwrap(), "h2");
    }
    assert_eq!(server.log.count("connection"), 1);
}

/// It is not known before the handshake that the server speaks HTTP/2.
#[tokio::test]
async fn one_connection_is_left_when_the_server_chooses_http2() {
    let authority = Authority::new();
    let server = authority.server(&["localhost"], &["h2"]).await;
    let transport = builder()
        .add_root_certificate(authority.pem())
        .unwrap()
        .build();
    let url = format!("https://localhost:{}/thing", server.address.port());
    for text in send_many(&transport, &url).join_all().await {
        assert_eq!(text.unwrap(), "h2");
    }
    let made = server.log.count("connection");
    for text in send_many(&transport, &url).join_all().await {
        assert_eq!(text.unwrap(), "h2");
    }
    assert_eq!(server.log.count("connection"), made);
}

/// Returns a server that never answers a TLS handshake until it gets a permit, and then closes the connection.
async fn silent() -> (Server, Arc<Semaphore>) {
    let permits = Arc::new(Semaphore::new(0));
    let given = Arc::clone(&permits);
    let server = Server::start(move |_, stream, _| {
        let given = Arc::clone(&given);
        async move {
            let _permit = given.acquire().await.unwrap();
            drop(stream);
        }
    });
    (server.await, permits)
}

/// Neither a request that is dropped nor one that nobody polls holds up the others.
#[tokio::test]
async fn a_connection_for_all_is_made_whatever_becomes_of_the_first_request() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["localhost"], &["h2"]);
    let permits = Arc::new(Semaphore::new(0));
    let given = Arc::clone(&permits);
    let server = Server::start(move |_, stream, log| {
        let (acceptor, given) = (acceptor.clone(), Arc::clone(&given));
        async move {
            given.acquire().await.unwrap().forget();
            let stream = acceptor.accept(stream).await.unwrap();
            let mut wire = Wire::accept(stream).await;
            while let Some(stream) = wire.request().await {
                log.add("request");
                wire.head(stream, false).await;
                wire.data(stream, b"h2", true).await;
            }
        }
    })
    .await;
    for is_dropped in [true, false] {
        let transport = builder()
            .add_root_certificate(authority.pem())
            .unwrap()
            .http_version(HttpVersion::Http2)
            .build();
        let url = format!("https://localhost:{}/thing", server.address.port());
        let before = server.log.count("connection");
        let mut first = Box::pin(transport.send(plain(&url)));
        let polled = tokio::time::timeout(LITTLE, &mut first).await;
        assert!(polled.is_err());
        server.log.wait_for("connection", before + 1).await;
        let others = send_many(&transport, &url);
        let first = (!is_dropped).then_some(first);
        tokio::time::sleep(LITTLE).await;
        permits.add_permits(1);
        for text in others.join_all().await {
            assert_eq!(text.unwrap(), "h2");
        }
        assert_eq!(server.log.count("connection"), before + 1);
        drop(first);
    }
}

#[tokio::test]
async fn when_the_one_that_connects_fails_each_finds_out_the_reason() {
    let (server, permits) = silent().await;
    let transport = builder()
        .add_root_certificate(Authority::new().pem())
        .unwrap()
        .http_version(HttpVersion::Http2)
        .build();
    let url = format!("https://localhost:{}/thing", server.address.port());
    let all = send_many(&transport, &url);
    server.log.wait_for("connection", 1).await;
    permits.add_permits(MANY);
    for outcome in all.join_all().await {
        let error = outcome.unwrap_err();
        assert!(error.is_connect(), "{error}");
    }
    assert_eq!(server.log.count("connection"), MANY);
}

/// The second request waits for the handshake of its own connection when the first one ends.
#[tokio::test]
async fn a_connection_that_becomes_idle_is_taken_before_a_new_one_is_finished() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["localhost"], &["http/1.1"]);
    let permits = Arc::new(Semaphore::new(0));
    let given = Arc::clone(&permits);
    let server = Server::start(move |number, stream, log| {
        let (acceptor, given) = (acceptor.clone(), Arc::clone(&given));
        async move {
            if number > 0 {
                // It answers the handshake when the test allows it.
                given.acquire().await.unwrap().forget();
            }
            let mut stream = acceptor.accept(stream).await.unwrap();
            log.add("handshake");
            while read_head(&mut stream).await.is_some() {
                log.add(format!("request on {number}"));
                given.acquire().await.unwrap().forget();
                stream.write_all(response("yes").as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let transport = builder()
        .add_root_certificate(authority.pem())
        .unwrap()
        .build();
    let url = format!("https://localhost:{}/thing", server.address.port());
    let send = || {
        let (transport, request) = (transport.clone(), plain(&url));
        tokio::spawn(async move { text(&transport, request).await })
    };
    let first = send();
    server.log.wait_for("request on 0", 1).await;
    let second = send();
    server.log.wait_for("connection", 2).await;
    // Semaphores are fair, so these are for the first response, the handshake, and the second response.
    let permit = |count| permits.add_permits(count);
    permit(1);
    assert_eq!(first.await.unwrap().unwrap(), "yes");
    server.log.wait_for("request on 0", 2).await;
    permit(2);
    assert_eq!(second.await.unwrap().unwrap(), "yes");
    // The new connection is finished, and then both are idle.
    server.log.wait_for("handshake", 2).await;
    tokio::time::sleep(LITTLE).await;
    permit(2 * MANY);
    let third = (send(), send());
    assert_eq!(third.0.await.unwrap().unwrap(), "yes");
    assert_eq!(third.1.await.unwrap().unwrap(), "yes");
    assert_eq!(server.log.count("connection"), 2);
}
