//! What a failure says about how far the request got: not at all, perhaps, or there and back.

use std::time::Duration;

use blaxel_core::{Body, BoxFuture, Delivery, Error, ErrorKind, HttpService};
use blaxel_transport::{HttpVersion, HyperTransport};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::frames::{
    CANCEL, ENHANCE_YOUR_CALM, INTERNAL_ERROR, MAX_CONCURRENT_STREAMS, NO_ERROR, PROTOCOL_ERROR,
    REFUSED_STREAM, Wire,
};
use crate::server::{Log, Server, answer, read_head, speak_http1};
use crate::{leaf, plain, text};

fn http2() -> HyperTransport {
    leaf().http_version(HttpVersion::Http2).build()
}

fn post(url: &str) -> http::Request<Body> {
    http::Request::post(url).body(Body::from("{}")).unwrap()
}

/// What happens to a request after it has arrived on its stream.
type Fault = fn(Wire<TcpStream>, u32) -> BoxFuture<()>;

macro_rules! fault {
    (|$wire:ident, $stream:ident| $($step:tt)*) => {
        |mut $wire, $stream| Box::pin(async move { $($step)* })
    };
}

/// What the innermost error is.
fn cause(error: &Error) -> String {
    let causes = std::iter::successors(error.cause(), |cause| (*cause).source());
    let last = causes.last().map(|cause| format!("{cause:?}"));
    last.unwrap_or_else(|| format!("{error:?}"))
}

#[tokio::test]
async fn http2_tells_what_was_refused_from_what_may_have_been_done() {
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
            "go away below us: NO_ERROR",
            NotSent,
            fault!(|wire, _stream| {
                wire.go_away(0, NO_ERROR).await;
                wire.closed().await;
            }),
        ),
        (
            "go away below us, and close: NO_ERROR",
            NotSent,
            fault!(|wire, _stream| {
                wire.go_away(0, NO_ERROR).await;
            }),
        ),
        (
            "go away below us: ENHANCE_YOUR_CALM",
            NotSent,
            fault!(|wire, _stream| {
                wire.go_away(0, ENHANCE_YOUR_CALM).await;
            }),
        ),
        (
            "go away below us: INTERNAL_ERROR",
            NotSent,
            fault!(|wire, _stream| {
                wire.go_away(0, INTERNAL_ERROR).await;
            }),
        ),
        (
            "go away twice, as for a gentle end: NO_ERROR",
            NotSent,
            fault!(|wire, _stream| {
                wire.go_away((1 << 31) - 1, NO_ERROR).await;
                wire.go_away(0, NO_ERROR).await;
                wire.closed().await;
            }),
        ),
        (
            "go away with us, and close: NO_ERROR",
            Unknown,
            fault!(|wire, stream| {
                wire.go_away(stream, NO_ERROR).await;
            }),
        ),
        (
            "go away with us, and close: ENHANCE_YOUR_CALM",
            Unknown,
            fault!(|wire, stream| {
                wire.go_away(stream, ENHANCE_YOUR_CALM).await;
            }),
        ),
        (
            "go away with us, reset: INTERNAL_ERROR",
            Unknown,
            fault!(|wire, stream| {
                wire.go_away(stream, NO_ERROR).await;
                wire.reset(stream, INTERNAL_ERROR).await;
                wire.closed().await;
            }),
        ),
        (
            "a frame that must not be",
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
                    log.note("request");
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
async fn a_request_that_is_let_finish_does() {
    let server = Server::start(|number, stream, log| async move {
        let mut wire = Wire::accept(stream).await;
        while let Some(stream) = wire.request().await {
            log.note(format!("request on {number}"));
            wire.go_away(stream, NO_ERROR).await;
            wire.head(stream, false).await;
            wire.data(stream, b"whole", true).await;
        }
    })
    .await;
    let leaf = http2();
    for number in 0..3 {
        assert_eq!(text(&leaf, post(&server.url())).await.unwrap(), "whole");
        // The connection is not used again.
        assert_eq!(server.log.count(&format!("request on {number}")), 1);
    }
}

#[tokio::test]
async fn a_stream_refused_in_the_middle_of_its_answer_was_answered() {
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
                Ok(None) => panic!("the answer is not complete"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.delivery(), Delivery::Answered, "{error}");
        assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
        assert!(error.to_string().contains("complete"), "{error}");
    }
}

#[tokio::test]
async fn a_request_refused_before_its_body_was_sent_is_not_sent() {
    let server = Server::start(|_, stream, _| async move {
        let mut wire = Wire::accept(stream).await;
        let stream = wire.request().await.unwrap();
        wire.reset(stream, REFUSED_STREAM).await;
        wire.closed().await;
    })
    .await;
    // A body of which nothing ever comes.
    let body = Body::new(http_body_util::StreamBody::new(Never));
    let request = http::Request::post(server.url()).body(body).unwrap();
    let error = text(&http2(), request).await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent, "{error}");
}

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
async fn a_request_in_line_for_a_stream_when_the_server_goes_away_is_not_proven_unsent() {
    // The next in line is lost as it would be if the runtime ended under a request on its way, and
    // nothing tells the two apart.
    let server = Server::start(|_, stream, log| async move {
        let mut wire = Wire::accept_with(stream, &[(MAX_CONCURRENT_STREAMS, 1)]).await;
        let stream = wire.request().await.unwrap();
        wire.head(stream, false).await;
        log.note("request");
        wire.data(stream, b"begun", false).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        wire.go_away(stream, NO_ERROR).await;
        wire.data(stream, b" and ended", true).await;
        log.note(format!("a second one: {:?}", wire.request().await));
    })
    .await;
    let leaf = http2();
    let first = leaf.send(plain(&server.url())).await.unwrap();
    let second = leaf.send(post(&server.url())).await.unwrap_err();
    println!("in line: {:?}: {}", second.delivery(), cause(&second));
    assert_eq!(second.delivery(), Delivery::Unknown, "{second}");
    let first = blaxel_core::response::collect(first.into_body(), 100).await;
    assert_eq!(&first.unwrap()[..], b"begun and ended");
    server.log.wait_for("a second one: None", 1).await;
    assert_eq!(server.log.count("connection"), 1);
}

#[tokio::test]
async fn a_reused_connection_found_closed_costs_a_connection_and_no_request() {
    let server = Server::start(|_, mut stream, log| async move {
        let head = read_head(&mut stream).await;
        log.note(if head.is_some() { "request" } else { "nothing" });
        stream.write_all(answer("yes").as_bytes()).await.unwrap();
        // The connection ends here, and the client may not have noticed.
    })
    .await;
    let leaf = leaf().build();
    for round in 1..20 {
        let outcome = text(&leaf, post(&server.url())).await;
        assert_eq!(outcome.unwrap(), "yes");
        assert_eq!(server.log.count("request"), round);
        // The client's end learns of it now, before the next request is made.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn http1_tells_apart_before_and_within_the_answer() {
    for (sent, delivery) in [
        ("", Delivery::Unknown),
        ("HTTP/1.1 200 OK\r\ncontent-le", Delivery::Unknown),
        ("not HTTP at all\r\n\r\n", Delivery::Unknown),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
            Delivery::Answered,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            Delivery::Answered,
        ),
    ] {
        let server = Server::start(move |_, mut stream, _| async move {
            read_head(&mut stream).await;
            stream.write_all(sent.as_bytes()).await.unwrap();
        })
        .await;
        let error = text(&leaf().build(), plain(&server.url()))
            .await
            .unwrap_err();
        println!("{sent:?}: {:?}: {}", error.delivery(), cause(&error));
        assert_eq!(error.delivery(), delivery, "{sent:?}: {error}");
        assert_eq!(error.kind(), ErrorKind::Transport, "{sent:?}: {error}");
        let place = format!("http://{}", server.address);
        assert!(error.to_string().contains(&place), "{error}");
    }
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    for url in [
        format!("http://{nobody}/"),
        "http://nowhere.invalid/".to_owned(),
    ] {
        let error = text(&leaf().build(), post(&url)).await.unwrap_err();
        assert_eq!(error.delivery(), Delivery::NotSent, "{error}");
        assert!(error.is_connect(), "{error}");
    }
}

#[tokio::test]
async fn a_connection_lost_in_the_handshake_of_http2_sent_nothing() {
    // The handshake of HTTP/2 does not wait for the server, so a request may be written into a
    // connection whose server does not speak it: that is a loss like any other.
    let server = Server::answering("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let error = text(&http2(), plain(&server.url())).await.unwrap_err();
    println!("no HTTP/2: {:?}: {}", error.delivery(), cause(&error));
    assert_eq!(error.delivery(), Delivery::Unknown, "{error}");
}

#[tokio::test]
async fn a_silent_handshake_ends_at_the_connect_limit() {
    let authority = crate::certificates::Authority::new();
    let server = Server::start(|_, stream, log: Log| async move {
        log.note("held");
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let leaf = leaf()
        .add_root_certificate(authority.pem())
        .unwrap()
        .connect_timeout(Duration::from_millis(100))
        .build();
    let url = format!("https://{}/", server.address);
    let error = text(&leaf, post(&url)).await.unwrap_err();
    assert!(
        error.is_connect() && error.delivery() == Delivery::NotSent,
        "{error}"
    );
    assert!(error.to_string().contains("100ms"), "{error}");
    assert_eq!(server.log.count("held"), 1);
}

#[tokio::test]
async fn an_unanswered_ping_ends_what_is_under_way() {
    let server = Server::start(|_, stream, log| async move {
        let mut wire = Wire::accept(stream).await;
        wire.answers_pings = false;
        let stream = wire.request().await.unwrap();
        log.note("request");
        wire.head(stream, false).await;
        let _second = wire.request().await;
        log.note("request");
        wire.closed().await;
        log.note("closed");
    })
    .await;
    let leaf = leaf()
        .http_version(HttpVersion::Http2)
        .http2_ping_interval(Duration::from_millis(50))
        .http2_ping_timeout(Duration::from_millis(50))
        .build();
    let answered = leaf.send(plain(&server.url())).await.unwrap();
    let error = leaf.send(post(&server.url())).await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::Unknown, "{error}");
    let within = blaxel_core::response::collect(answered.into_body(), 1).await;
    assert_eq!(within.unwrap_err().delivery(), Delivery::Answered);
    server.log.wait_for("closed", 1).await;
}

#[tokio::test]
async fn an_answer_before_the_request_is_complete_is_an_answer() {
    let server = Server::start(|_, mut stream, log| async move {
        read_head(&mut stream).await;
        stream.write_all(answer("enough").as_bytes()).await.unwrap();
        speak_http1(stream, Vec::new(), log).await;
    })
    .await;
    let body = Body::new(http_body_util::StreamBody::new(Never));
    let request = http::Request::post(server.url()).body(body).unwrap();
    assert_eq!(text(&leaf().build(), request).await.unwrap(), "enough");
}
