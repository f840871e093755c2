//! The frames of a WebSocket, and the messages of a terminal in them.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use blaxel_core::__private::upgrade_request;
use blaxel_core::{Body, CallContext, Upgraded};
use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::input::{Format, Input};
use super::run::run;
use super::service::{Answer, paused, problem, sandbox};

/// A connection from which chunks come, and that takes everything.
struct Connection(VecDeque<Bytes>);

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(chunk) = self.0.front_mut() {
            let size = chunk.len().min(buffer.remaining());
            buffer.put_slice(&chunk[..size]);
            chunk.advance(size);
            if chunk.is_empty() {
                self.0.pop_front();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn upgrade(request: &http::Request<Body>, input: &Input) -> Answer {
    let context = CallContext::of(request.extensions()).unwrap();
    let wanted = upgrade_request(context).unwrap();
    wanted.send();
    wanted.hand_over(Upgraded::new(Connection(input.chunks().into())));
    let key = request.headers()["sec-websocket-key"].as_bytes();
    http::Response::builder()
        .status(101)
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("sec-websocket-accept", derive_accept_key(key))
        .body(Body::empty())
        .unwrap()
}

/// Returns a frame with a kind and a content of less than 64 KiB.
fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut frame = vec![kind];
    match u8::try_from(content.len()) {
        Ok(size @ 0..=125) => frame.push(size),
        _ => {
            frame.push(126);
            frame.extend_from_slice(&u16::try_from(content.len()).unwrap().to_be_bytes());
        }
    }
    frame.extend_from_slice(content);
    frame
}

fn format() -> Format {
    let messages: &[&[u8]] = &[
        b"{\"type\":\"output\",\"data\":\"\xc3\xa9\"}",
        b"{\"type\":\"output\"}",
        b"{\"type\":\"output\",\"data\":7}",
        b"{\"type\":\"error\",\"data\":\"no shell\"}",
        b"{\"type\":\"title\",\"data\":{}}",
        b"{\"type\":",
        b"[]",
        b"\xff",
        b"",
        &[b' '; 300],
    ];
    let mut tokens = Vec::new();
    for message in messages {
        // Text and binary messages, the starts and ends of parts, and control frames.
        for kind in [0x81, 0x82, 0x01, 0x00, 0x80, 0x89, 0x8a] {
            tokens.push(frame(kind, message));
        }
    }
    tokens.push(frame(0x88, b"\x03\xe8Shell exited"));
    tokens.push(frame(0x88, b"\x03\xf3\xff"));
    tokens.push(frame(0x88, b"\x03"));
    tokens.push(b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff".to_vec());
    tokens.push(b"\x81\x7f\x00\x00\x00\x00\x7f\xff\xff\xff".to_vec());
    tokens.push(b"\xf1\x00".to_vec());
    tokens.push(b"\x81\x80mask".to_vec());
    let messages: Vec<u8> = tokens
        .iter()
        .step_by(7)
        .take(5)
        .flatten()
        .copied()
        .collect();
    Format {
        seeds: vec![messages],
        tokens,
    }
}

#[test]
fn messages_of_terminals_do_not_depend_on_the_chunks() {
    let runtime = paused();
    run(&format(), |input| {
        let input = input.clone();
        let sandbox = sandbox(move |request| upgrade(request, &input));
        runtime.block_on(async {
            let mut terminal = sandbox.terminal().open().await.unwrap();
            let mut seen = String::new();
            loop {
                match terminal.try_next().await {
                    Ok(Some(event)) => write!(seen, "\n{event:?}").unwrap(),
                    Ok(None) => return format!("{seen}\n{:?}", terminal.closed()),
                    Err(error) => return seen + "\n" + &problem(&error),
                }
            }
        })
    });
}
