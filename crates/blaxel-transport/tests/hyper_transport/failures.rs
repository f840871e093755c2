//! The delivery that errors report: not sent, unknown or answered.

use std::time::Duration;

use blaxel_core::{Body, BoxFuture, Delivery, Error, ErrorKind, HttpService};
use blaxel_transport::{HttpVersion, HyperTransport};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::frames::{
    CANCEL, ENHANCE_YOUR_CALM, INTERNAL_ERROR, MAX_CONCURRENT_STREAMS, NO_ERROR, PROTOCOL_ERROR,
    REFUSED_STREAM, Wire,
};
use crate::server::{Log, Server, read_head, response, serve_http1};
use crate::{builder, plain, text};

fn http2() -> HyperTransport {
    builder().http_version(HttpVersion::Http2).build()
}

fn post(url: &str) -> http::Request<Body> {
    http::Request::post(url).body(Body::from("{}")).unwrap()
}

/// The server's reaction to a request that has arrived on its stream.
type Fault = fn(Wire<TcpStream>, u32) -> BoxFuture<()>;

macro_rules! fault {
    (|$wire:ident, $stream:ident| $($step:tt)*) => {
        |mut $wire, $stream| Box::pin(async move { $($step)* })
    };
}

/// Formats the innermost cause of an error.
fn cause(error: &Error) -> String {
    let causes = std::iter::successors(error.cause(), |cause| (*cause).source());
    let last = causes.last().map(|cause| format!("{cause:?}"));
    last.unwrap_or_else(|| format!("{error:?}"))
}

#[tokio::test]
async fn http2_refusals_are_distinguished_from_unclear_failures() {
    use Delivery::{NotSent, Unknown};

    let faults: [(&str, Delivery, Fault); 15] = [
        (
            "reset: REFUSED_STREAM",
            NotSent,
            fault!(|wire, stream| {
                wire.reset(stream, REFUSED_STREAM).await;
                wire.closed().await;
            }),
        ),
        (
            "reset: CANCEL",
            Unknown,
            fault!(|wire, stream| {
                wire.reset(stream, CANCEL).await;
                wire.closed().await;
            }),
        ),
        (
            "reset: INTERNAL_ERROR",
            Unknown,
            fault!(|wire, stream| {
                wire.reset(stream, INTERNAL_ERROR).await;
                wire.closed().await;
            }),
        ),
        (
            "reset: ENHANCE_YOUR_CALM",
            Unknown,
            fault!(|wire, stream| {
                wire.reset(stream, ENHANCE_YOUR_CALM).await;
                wire.closed().await;
            }),
        ),
        (
            "reset: NO_ERROR",
            Unknown,
            fault!(|wire, stream| {
                wire.reset(stream, NO_ERROR).await;
                wire.closed().await;
            }),
        ),
        (
            "GOAWAY below the request: NO_ERROR",
            NotSent,
            fault!(|wire, _stream| {
                wire.go_away(0, NO_ERROR).await;
                wire.closed().await;
            }),
        ),
        (
            "GOAWAY below the request, then close: NO_ERROR",
            NotSent,
            fault!(|wire, _stream| {
                wire.go_away(0, NO_ERROR).await;
            }),
        ),
        (
            "GOAWAY below the request: ENHANCE_YOUR_CALM",
            NotSent,
            fault!(|wire, _stream| {
                wire.go_away(0, ENHANCE_YOUR_CALM).await;
            }),
        ),
        (
            "GOAWAY below the request: INTERNAL_ERROR",
            NotSent,
            fault!(|wire, _stream| {
                wire.go_away(0, INTERNAL_ERROR).await;
            }),
        ),
        (
            "GOAWAY twice, as in a graceful shutdown: NO_ERROR",
            NotSent,
            fault!(|wire, _stream| {
                wire.go_away((1 << 31) - 1, NO_ERROR).await;
                wire.go_away(0, NO_ERROR).await;
                wire.closed().await;
            }),
        ),
        (
            "GOAWAY that includes the request, then close: NO_ERROR",
            Unknown,
            fault!(|wire, stream| {
                wire.go_away(stream, NO_ERROR).await;
            }),
        ),
        (
            "GOAWAY that includes the request, then close: ENHANCE_YOUR_CALM",
            Unknown,
            fault!(|wire, stream| {
                wire.go_away(stream, ENHANCE_YOUR_CALM).await;
            }),
        ),
        (
            "GOAWAY that includes the request, then reset: INTERNAL_ERROR",
            Unknown,
            fault!(|wire, stream| {
                wire.go_away(stream, NO_ERROR).await;
                wire.reset(stream, INTERNAL_ERROR).await;
                wire.closed().await;
            }),
        ),
        (
            "invalid frame",
            Unknown,
            fault!(|wire, _stream| {
                wire.data(0, b"data of no stream", false).await;
                wire.closed().await;
            }),
        ),
        (
            "close",
            Unknown,
            fault!(|_wire, _stream| {
                drop(_wire);
            }),
        ),
    ];
    for (name, expected, fault) in faults {
        for make in [plain, post] {
            let server = Server::start(move |_, stream, log| async move {
                let mut wire = Wire::accept(stream).await;
                if let Some(stream) = wire.request().await {
                    log.add("request");
                    fault(wire, stream).await;
                }
            })
            .await;
            let error = text(&http2(), make(&server.url())).await.unwrap_err();
            println!("{name}: {:?}: {}", error.delivery(), cause(&error));
            assert_eq!(error.delivery(), expected, "{name}: {error}");
            assert_eq!(error.kind(), ErrorKind::Transport, "{name}: {error}");
            assert_eq!(server.log.count("request"), 1, "{name}");
        }
    }
}

#[tokio::test]
async fn a_request_included_in_a_goaway_completes() {
    let server = Server::start(|number, stream, log| async move {
        let mut wire = Wire::accept(stream).await;
        while let Some(stream) = wire.request().await {
            log.add(format!("request on {number}"));
            wire.go_away(stream, NO_ERROR).await;
            wire.head(stream, false).await;
            wire.data(stream, b"whole", true).await;
        }
    })
    .await;
    let transport = http2();
    for number in 0..3 {
        assert_eq!(
            text(&transport, post(&server.url())).await.unwrap(),
            "whole"
        );
        // The connection is not used again.
        assert_eq!(server.log.count(&format!("request on {number}")), 1);
    }
}

#[tokio::test]
async fn a_stream_reset_within_its_response_counts_as_answered() {
    for (reason, go_away) in [(REFUSED_STREAM, false), (PROTOCOL_ERROR, true)] {
        let server = Server::start(move |_, stream, _| async move {
            let mut wire = Wire::accept(stream).await;
            let stream = wire.request().await.unwrap();
            wire.head(stream, false).await;
            wire.data(stream, b"begun", false).await;
            if go_away {
                wire.go_away(0, reason).await;
            } else {
                wire.reset(stream, reason).await;
            }
            wire.closed().await;
        })
        .await;
        let response = http2().send(plain(&server.url())).await.unwrap();
        let mut body = response.into_body();
        let error = loop {
            match body.chunk().await {
                Ok(Some(bytes)) => assert_eq!(&bytes[..], b"begun"),
                Ok(None) => panic!("the body must not end normally"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.delivery(), Delivery::Responded, "{error}");
        assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
        assert!(error.to_string().contains("complete"), "{error}");
    }
}

#[tokio::test]
async fn a_request_refused_before_its_body_counts_as_not_sent() {
    let server = Server::start(|_, stream, _| async move {
        let mut wire = Wire::accept(stream).await;
        let stream = wire.request().await.unwrap();
        wire.reset(stream, REFUSED_STREAM).await;
        wire.closed().await;
    })
    .await;
    // A body that never yields a chunk.
    let body = Body::new(http_body_util::StreamBody::new(Never));
    let request = http::Request::post(server.url()).body(body).unwrap();
    let error = text(&http2(), request).await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent, "{error}");
}

/// A stream that is always pending.
struct Never;

impl futures_core::Stream for Never {
    type Item = Result<http_body::Frame<bytes::Bytes>, Error>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Pending
    }
}

#[tokio::test]
async fn a_request_waiting_for_a_stream_at_a_goaway_has_unknown_delivery() {
    // The waiting request fails with the same error as a request in flight when the runtime shuts
    // down, and nothing distinguishes the two.
    let server = Server::start(|_, stream, log| async move {
        let mut wire = Wire::accept_with(stream, &[(MAX_CONCURRENT_STREAMS, 1)]).await;
        let stream = wire.request().await.unwrap();
        wire.head(stream, false).await;
        log.add("request");
        wire.data(stream, b"begun", false).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        wire.go_away(stream, NO_ERROR).await;
        wire.data(stream, b" and ended", true).await;
        log.add(format!("a second one: {:?}", wire.request().await));
    })
    .await;
    let transport = http2();
    let first = transport.send(plain(&server.url())).await.unwrap();
    let second = transport.send(post(&server.url())).await.unwrap_err();
    println!("waiting: {:?}: {}", second.delivery(), cause(&second));
    assert_eq!(second.delivery(), Delivery::Unknown, "{second}");
    let first = blaxel_core::response::collect(first.into_body(), 100).await;
    assert_eq!(&first.unwrap()[..], b"begun and ended");
    server.log.wait_for("a second one: None", 1).await;
    assert_eq!(server.log.count("connection"), 1);
}

#[tokio::test]
async fn a_request_on_a_closed_idle_connection_is_sent_on_another() {
    let server = Server::start(|_, mut stream, log| async move {
        let head = read_head(&mut stream).await;
        log.add(if head.is_some() {
            "request"
        } else {
            "no request"
        });
        stream.write_all(response("yes").as_bytes()).await.unwrap();
        // The connection ends here, and the client may not have noticed.
    })
    .await;
    let transport = builder().build();
    for round in 1..20 {
        let outcome = text(&transport, post(&server.url())).await;
        assert_eq!(outcome.unwrap(), "yes");
        assert_eq!(server.log.count("request"), round);
        // The client can notice the close now, before the next request.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn http1_failures_before_and_within_the_response_are_distinguished() {
    for (sent, delivery) in [
        ("", Delivery::Unknown),
        ("HTTP/1.1 200 OK\r\ncontent-le", Delivery::Unknown),
        ("not HTTP at all\r\n\r\n", Delivery::Unknown),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
            Delivery::Responded,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            Delivery::Responded,
        ),
    ] {
        let server = Server::start(move |_, mut stream, _| async move {
            read_head(&mut stream).await;
            stream.write_all(sent.as_bytes()).await.unwrap();
        })
        .await;
        let error = text(&builder().build(), plain(&server.url()))
            .await
            .unwrap_err();
        println!("{sent:?}: {:?}: {}", error.delivery(), cause(&error));
        assert_eq!(error.delivery(), delivery, "{sent:?}: {error}");
        assert_eq!(error.kind(), ErrorKind::Transport, "{sent:?}: {error}");
        let origin = format!("http://{}", server.address);
        assert!(error.to_string().contains(&origin), "{error}");
    }
}

#[tokio::test]
async fn without_a_connection_delivery_is_not_sent() {
    let unused = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    for url in [
        format!("http://{unused}/"),
        "http://nowhere.invalid/".to_owned(),
    ] {
        let error = text(&builder().build(), post(&url)).await.unwrap_err();
        assert_eq!(error.delivery(), Delivery::NotSent, "{error}");
        assert!(error.is_connect(), "{error}");
    }
}

#[tokio::test]
async fn a_failed_http2_preface_has_unknown_delivery() {
    // HTTP/2's connection preface does not wait for the server, so the request may already be written
    // to a server that does not support HTTP/2. That is like any other lost connection.
    let server = Server::start(|_, mut stream, _| async move {
        read_head(&mut stream).await;
        // The request follows.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let refusal = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        stream.write_all(refusal).await.unwrap();
    })
    .await;
    let error = text(&http2(), plain(&server.url())).await.unwrap_err();
    println!("no HTTP/2: {:?}: {}", error.delivery(), cause(&error));
    assert_eq!(error.delivery(), Delivery::Unknown, "{error}");
}

#[tokio::test]
async fn a_hanging_handshake_ends_at_the_connect_timeout() {
    let authority = crate::certificates::Authority::new();
    let server = Server::start(|_, stream, log: Log| async move {
        log.add("held");
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let transport = builder()
        .add_root_certificate(authority.pem())
        .unwrap()
        .connect_timeout(Duration::from_millis(100))
        .build();
    let url = format!("https://{}/", server.address);
    let error = text(&transport, post(&url)).await.unwrap_err();
    assert!(
        error.is_connect() && error.delivery() == Delivery::NotSent,
        "{error}"
    );
    assert!(error.to_string().contains("100ms"), "{error}");
    assert_eq!(server.log.count("held"), 1);
}

#[tokio::test]
async fn an_unanswered_ping_fails_the_requests_in_flight() {
    let server = Server::start(|_, stream, log| async move {
        let mut wire = Wire::accept(stream).await;
        wire.acknowledges_pings = false;
        let stream = wire.request().await.unwrap();
        log.add("request");
        wire.head(stream, false).await;
        let _second = wire.request().await;
        log.add("request");
        wire.closed().await;
        log.add("closed");
    })
    .await;
    let transport = builder()
        .http_version(HttpVersion::Http2)
        .http2_ping_interval(Duration::from_millis(50))
        .http2_ping_timeout(Duration::from_millis(50))
        .build();
    let in_progress = transport.send(plain(&server.url())).await.unwrap();
    let error = transport.send(post(&server.url())).await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::Unknown, "{error}");
    let within = blaxel_core::response::collect(in_progress.into_body(), 1).await;
    assert_eq!(within.unwrap_err().delivery(), Delivery::Responded);
    server.log.wait_for("closed", 1).await;
}

#[tokio::test]
async fn a_response_before_the_request_body_ends_is_returned() {
    let server = Server::start(|_, mut stream, log| async move {
        read_head(&mut stream).await;
        stream
            .write_all(response("enough").as_bytes())
            .await
            .unwrap();
        serve_http1(stream, Vec::new(), log).await;
    })
    .await;
    let body = Body::new(http_body_util::StreamBody::new(Never));
    let request = http::Request::post(server.url()).body(body).unwrap();
    assert_eq!(text(&builder().build(), request).await.unwrap(), "enough");
}
