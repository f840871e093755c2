//! Promise: a WebSocket never returns part of a message, or an early end as the end; every wait has a limit; both
//! halves work at the same time.

use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::context::upgrade_request;
use crate::{
    Body, CallContext, Delivery, Error, HttpService, OperationInfo, Plane, RequestWriter, Source,
    Upgraded,
};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, timeout};
use tungstenite::protocol::Role;

use super::handshake::accept;
use super::socket::Socket;
use super::{Close, Message, Options, WebSocket};

static OPEN: OperationInfo =
    OperationInfo::new("OpenFeed", http::Method::GET, "/feed").with_plane(Plane::Run);

const SECOND: Duration = Duration::from_secs(1);

/// Returns a WebSocket over one end of a pipe that holds `size` bytes, and the other end.
fn raw(size: usize, options: &Options) -> (WebSocket, DuplexStream) {
    let (near, far) = tokio::io::duplex(size);
    let context = CallContext::new(&OPEN);
    let socket = Socket::new(Upgraded::new(near), Role::Client, options, context);
    (WebSocket::new(socket, None), far)
}

/// Returns a client and a server.
fn pair(size: usize, options: &Options) -> (WebSocket, WebSocket) {
    let (client, far) = raw(size, options);
    let context = CallContext::new(&OPEN);
    let patient = Options::new().idle_limit(None);
    let server = Socket::new(Upgraded::new(far), Role::Server, &patient, context);
    (client, WebSocket::new(server, None))
}

/// Returns the bytes of an unmasked frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match u8::try_from(payload.len()) {
        Ok(length @ 0..126) => bytes.push(length),
        _ => {
            bytes.push(126);
            bytes.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

/// Reads a masked frame of fewer than 126 bytes; returns its first byte and its payload.
async fn read_frame(far: &mut DuplexStream) -> (u8, Vec<u8>) {
    let mut head = [0; 6];
    far.read_exact(&mut head).await.unwrap();
    assert_eq!(head[1] & 0x80, 0x80, "it is not masked");
    let mut payload = vec![0; usize::from(head[1] & 0x7f)];
    far.read_exact(&mut payload).await.unwrap();
    for (index, byte) in payload.iter_mut().enumerate() {
        *byte ^= head[2 + index % 4];
    }
    (head[0], payload)
}

fn text(message: Option<Message>) -> String {
    match message {
        Some(Message::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn messages_go_both_ways() {
    let (mut client, mut server) = pair(64, &Options::new());
    let big = vec![7_u8; 100_000];
    let sent = big.clone();
    let talk = async {
        client.send("hello ü").await.unwrap();
        client.send(sent).await.unwrap();
        assert_eq!(text(client.try_next().await.unwrap()), "hi");
        client.close().await.unwrap();
    };
    let listen = async {
        assert_eq!(text(server.try_next().await.unwrap()), "hello ü");
        let Some(Message::Binary(bytes)) = server.try_next().await.unwrap() else {
            panic!("no bytes");
        };
        assert_eq!(bytes, big);
        server.send("hi").await.unwrap();
        assert_eq!(server.try_next().await.unwrap(), None);
        assert_eq!(server.closed(), Some(&Close::normal()));
    };
    tokio::join!(talk, listen);
}

/// Each direction is larger than the pipe, so that neither side could send first and receive afterwards.
#[tokio::test(start_paused = true)]
async fn both_halves_work_at_the_same_time() {
    let (client, server) = pair(64, &Options::new());
    let exchange = |socket: WebSocket| async move {
        let (mut sender, mut receiver) = socket.split();
        let sending = tokio::spawn(async move {
            for number in 0..200_u32 {
                sender.send(format!("{number:0100}")).await.unwrap();
            }
            sender
        });
        for number in 0..200_u32 {
            let received = text(receiver.try_next().await.unwrap());
            assert_eq!(received, format!("{number:0100}"));
        }
        (sending.await.unwrap(), receiver)
    };
    let both = async { tokio::join!(exchange(client), exchange(server)) };
    let halves = timeout(10 * SECOND, both).await;
    drop(halves.expect("they wait for each other"));
}

#[tokio::test(start_paused = true)]
async fn a_fragmented_message_is_put_together_around_a_ping() {
    let (mut client, mut far) = raw(1024, &Options::new());
    for bytes in [
        frame(0x01, "f\u{fc}".as_bytes().get(..2).unwrap()),
        frame(0x89, b"ping"),
        frame(0x00, "\u{fc}".as_bytes().get(1..).unwrap()),
        frame(0x80, b"nf"),
    ] {
        far.write_all(&bytes).await.unwrap();
    }
    assert_eq!(text(client.try_next().await.unwrap()), "f\u{fc}nf");
    assert_eq!(read_frame(&mut far).await, (0x8a, b"ping".to_vec()));
}

#[tokio::test(start_paused = true)]
async fn an_end_without_a_close_is_an_error() {
    for sent in [&b""[..], b"\x81", b"\x81\x05hel"] {
        let (mut client, mut far) = raw(64, &Options::new());
        far.write_all(sent).await.unwrap();
        drop(far);
        let error = client.try_next().await.unwrap_err();
        assert!(error.is_truncated(), "{error}");
        assert_eq!(error.operation().unwrap().name(), "OpenFeed");
        assert_eq!(client.try_next().await.unwrap(), None);
        assert_eq!(client.closed(), None);
        client.send("late").await.unwrap_err();
    }
}

#[tokio::test(start_paused = true)]
async fn the_code_of_a_close_says_whether_it_is_an_end() {
    #[derive(Debug, PartialEq)]
    enum Outcome {
        End,
        Truncated,
        Failed,
    }
    for (code, outcome) in [
        (None, Outcome::End),
        (Some(1000), Outcome::End),
        (Some(1001), Outcome::Truncated),
        (Some(1013), Outcome::Truncated),
        (Some(1008), Outcome::Failed),
        (Some(4001), Outcome::Failed),
    ] {
        let (mut client, mut far) = raw(256, &Options::new());
        let payload = code.map_or(Vec::new(), |code: u16| {
            [&code.to_be_bytes()[..], b"Shell exited"].concat()
        });
        far.write_all(&frame(0x88, &payload)).await.unwrap();
        let found = match client.try_next().await {
            Ok(None) => Outcome::End,
            Ok(Some(message)) => panic!("{message:?}"),
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains("Shell exited"), "{text}");
                assert_eq!(error.is_truncated(), error.is_transient(), "{text}");
                if error.is_truncated() {
                    Outcome::Truncated
                } else {
                    assert!(error.is_failed(), "{text}");
                    Outcome::Failed
                }
            }
        };
        assert_eq!(found, outcome, "{code:?}");
        assert_eq!(client.closed().map(|close| close.code), code);
        assert_eq!(client.try_next().await.unwrap(), None);
        // The confirmation has the same code.
        assert_eq!(read_frame(&mut far).await, (0x88, payload));
        client.send("late").await.unwrap_err();
        client.close().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_breaks_the_protocol_is_an_error_that_the_server_is_told() {
    let options = Options::new().max_message_size(1000).max_frame_size(500);
    let large = frame(0x82, &[0; 501]);
    let many: Vec<u8> = [
        frame(0x02, &[0; 500]),
        frame(0x00, &[0; 500]),
        frame(0x80, &[0]),
    ]
    .concat();
    let masked = b"\x81\x81\0\0\0\0a".to_vec();
    for (sent, code, part) in [
        (large, 1009, "larger than the limit of 500"),
        (many, 1009, "larger than the limit of 1000"),
        (frame(0x81, b"\xff\xfe canary"), 1007, "UTF-8"),
        (
            frame(0xc1, b"compressed"),
            1002,
            "broke the WebSocket protocol",
        ),
        (masked, 1002, "broke the WebSocket protocol"),
        (frame(0x80, b"nothing to continue"), 1002, "broke"),
    ] {
        let (mut client, mut far) = raw(2048, &options);
        far.write_all(&sent).await.unwrap();
        let error = client.try_next().await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(error.is_decode() && shown.contains(part), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
        let (first, payload) = read_frame(&mut far).await;
        assert_eq!((first, payload), (0x88, u16::to_be_bytes(code).to_vec()));
        assert_eq!(client.try_next().await.unwrap(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_above_the_limit_is_not_sent() {
    let (mut client, mut server) = pair(64, &Options::new().max_message_size(10));
    let error = client.send("elevenbytes").await.unwrap_err();
    assert!(error.is_input(), "{error}");
    client.send("ten bytes!").await.unwrap();
    assert_eq!(text(server.try_next().await.unwrap()), "ten bytes!");
}

#[tokio::test(start_paused = true)]
async fn a_message_after_the_end_was_not_sent_although_the_upgrade_was() {
    let (near, mut far) = tokio::io::duplex(256);
    let context = CallContext::new(&OPEN);
    context.journal().dispatch();
    context.journal().finish(true);
    let socket = Socket::new(Upgraded::new(near), Role::Client, &Options::new(), context);
    let mut client = WebSocket::new(socket, None);
    far.write_all(&frame(0x88, &[])).await.unwrap();
    assert_eq!(client.try_next().await.unwrap(), None);
    let error = client.send("late").await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent, "{error}");
    assert_eq!(error.operation().unwrap().name(), "OpenFeed");
    // One that was accepted before the connection failed may have arrived.
    let (mut client, far) = raw(4, &Options::new());
    let cut = async {
        tokio::time::sleep(SECOND).await;
        drop(far);
    };
    let (outcome, ()) = tokio::join!(client.send("in part"), cut);
    assert_eq!(outcome.unwrap_err().delivery(), Delivery::Unknown);
    let error = client.send("late").await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent, "{error}");
}

/// The pings come at half of the limit, and any byte of the server starts it anew.
#[tokio::test(start_paused = true)]
async fn a_silent_server_is_asked_and_then_given_up() {
    let (mut client, mut far) = raw(1024, &Options::new().idle_limit(10 * SECOND));
    let start = Instant::now();
    let server = tokio::spawn(async move {
        for _ in 0..3 {
            let (first, payload) = read_frame(&mut far).await;
            assert_eq!(first, 0x89);
            far.write_all(&frame(0x8a, &payload)).await.unwrap();
        }
        // It takes what it gets and does not answer.
        let mut rest = Vec::new();
        far.read_to_end(&mut rest).await.unwrap();
    });
    let error = client.try_next().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("limit of 10s"), "{error}");
    // Three times 5 seconds with an answer, then 10 without.
    assert_eq!(start.elapsed().as_secs(), 25);
    drop(client);
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_accepts_nothing_is_given_up_unless_it_makes_progress() {
    let options = Options::new().idle_limit(10 * SECOND);
    let (mut client, mut far) = raw(8, &options);
    let start = Instant::now();
    let slow = async {
        for _ in 0..5 {
            tokio::time::sleep(4 * SECOND).await;
            far.read_exact(&mut [0; 4]).await.unwrap();
        }
        std::future::pending::<()>().await;
    };
    let sending = client.send(vec![0_u8; 100]);
    let error = tokio::select! {
        outcome = sending => outcome.unwrap_err(),
        () = slow => unreachable!(),
    };
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("accept"), "{error}");
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_send_leaves_no_part_of_a_message() {
    let (client, mut server) = pair(16, &Options::new());
    let (mut sender, _receiver) = client.split();
    for _ in 0..3 {
        let sending = sender.send("a message that does not fit into the pipe");
        assert!(timeout(SECOND, sending).await.is_err());
    }
    let last = tokio::spawn(async move { sender.send("last").await.map(|()| sender) });
    let mut received = vec![text(server.try_next().await.unwrap())];
    while received.last().is_some_and(|text| text != "last") {
        received.push(text(server.try_next().await.unwrap()));
    }
    last.await.unwrap().unwrap();
    for text in &received[..received.len() - 1] {
        assert_eq!(text, "a message that does not fit into the pipe");
    }
    // Only the first one began.
    assert_eq!(received.len(), 2, "{received:?}");
}

/// A server that sends pings and reads no pongs costs neither memory without a limit nor the time of other tasks.
#[tokio::test(start_paused = true)]
async fn a_flood_of_pings_holds_nothing_up() {
    let (mut client, mut far) = raw(1024, &Options::new().max_message_size(1000));
    let flood = tokio::spawn(async move {
        let pings = frame(0x89, &[0; 125]).repeat(8);
        for _ in 0..2000 {
            far.write_all(&pings).await.unwrap();
        }
        far.write_all(&frame(0x81, b"at last")).await.unwrap();
        far
    });
    let other = tokio::spawn(async {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(text(client.try_next().await.unwrap()), "at last");
    other.await.unwrap();
    // Of 16,000 pongs, as many as the buffer holds were kept.
    let mut far = flood.await.unwrap();
    let mut pongs = 0;
    let reading = async {
        let mut buffer = [0; 1024];
        while let Ok(Ok(count @ 1..)) = timeout(SECOND, far.read(&mut buffer)).await {
            pongs += count;
        }
    };
    let receiving = client.try_next();
    tokio::select! {
        () = reading => {}
        outcome = receiving => panic!("{outcome:?}"),
    }
    assert!((1024..80 * 1024).contains(&pongs), "{pongs}");
}

#[tokio::test(start_paused = true)]
async fn a_close_is_complete_without_a_confirmation() {
    let (client, mut far) = raw(64, &Options::new());
    let start = Instant::now();
    client.close().await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 5);
    assert_eq!(read_frame(&mut far).await, (0x88, vec![3, 232]));
    // The connection is gone.
    assert_eq!(far.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_close_reason_is_checked() {
    let (client, _far) = raw(256, &Options::new());
    let (mut sender, _receiver) = client.split();
    for close in [
        Close::new(999, ""),
        Close::new(1005, ""),
        Close::new(1006, ""),
        Close::new(5000, ""),
        Close::new(1000, "x".repeat(124)),
    ] {
        let error = sender.close(close.clone()).await.unwrap_err();
        assert!(error.is_input(), "{close:?}: {error}");
    }
    sender
        .close(Close::new(4000, "x".repeat(123)))
        .await
        .unwrap();
    sender.send("after").await.unwrap_err();
}

#[test]
fn nothing_shows_a_message() {
    let shown = format!(
        "{:?} {:?}",
        Message::from("canary"),
        Message::from(Bytes::from_static(b"canary"))
    );
    assert_eq!(shown, "Text(6 bytes) Binary(6 bytes)");
}

/// The requests that a service received.
type Seen = Arc<Mutex<Vec<http::HeaderMap>>>;

/// Returns a service that upgrades, and answers the key with `accept`.
fn service(
    seen: &Seen,
    answer: fn(&http::HeaderMap, http::response::Builder) -> http::response::Builder,
) -> impl HttpService {
    let seen = Arc::clone(seen);
    tower::service_fn(
        move |request: http::Request<Body>| -> Ready<Result<_, Error>> {
            let context = CallContext::of(request.extensions()).unwrap();
            let wanted = upgrade_request(context).unwrap();
            assert_eq!(wanted.send(), "websocket");
            let (near, far) = tokio::io::duplex(64);
            // Kept open.
            std::mem::forget(far);
            wanted.hand_over(Upgraded::new(near));
            let response = http::Response::builder()
                .status(101)
                .header("upgrade", "websocket")
                .header("connection", "upgrade");
            let response = answer(request.headers(), response);
            seen.lock().unwrap().push(request.headers().clone());
            ready(Ok(response.body(Body::empty()).unwrap()))
        },
    )
}

fn request() -> RequestWriter {
    let mut request = RequestWriter::new(&OPEN);
    request
        .address("https://sbx-x.bl.run", &Source::Code)
        .unwrap();
    request
}

#[tokio::test]
async fn the_handshake_of_a_connection_is_checked() {
    let seen = Seen::default();
    let good = service(&seen, |headers, response| {
        let key = headers["sec-websocket-key"].to_str().unwrap();
        response
            .header("sec-websocket-accept", accept(key))
            .header("sec-websocket-protocol", "two")
    });
    let options = Options::new().protocol("one").protocol("two");
    let socket = WebSocket::connect(&good, request(), options).await.unwrap();
    assert_eq!(socket.protocol(), Some("two"));
    let headers = seen.lock().unwrap()[0].clone();
    assert_eq!(headers["sec-websocket-version"], "13");
    assert_eq!(headers["sec-websocket-protocol"], "one, two");
    // The transport sets them.
    assert!(!headers.contains_key("upgrade") && !headers.contains_key("connection"));

    let wrong = service(&seen, |_, response| {
        response.header("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    });
    let error = WebSocket::connect(&wrong, request(), Options::new())
        .await
        .unwrap_err();
    assert!(error.is_decode(), "{error}");
    assert_eq!(error.operation().unwrap().name(), "OpenFeed");
    assert_eq!(error.status().unwrap(), 101);

    let bad = Options::new().protocol("a b");
    let error = WebSocket::connect(&wrong, request(), bad)
        .await
        .unwrap_err();
    assert!(error.is_input(), "{error}");
}
