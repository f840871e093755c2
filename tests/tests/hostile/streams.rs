//! Streams that never end, never say anything, or say too much.

use std::future::Future;
use std::time::Duration;

use blaxel_core::Error;
use blaxel_inference::{ChatRequest, Inference, Message};
use blaxel_transport::Client;
use serde_json::json;
use tokio::time::timeout;

use crate::clients::{CALL, Dripping, answered, client};
use crate::table::{Attack, MIB, Outcome, on_paused_clock, on_sockets};
use crate::wire::{EVENTS, LINES, endless, response, sends};

const NOW: Duration = Duration::ZERO;
/// The time after which the caller of a stream without end drops it.
const PATIENCE: Duration = Duration::from_secs(2);
const DROPPED: &[&str] = &["dropped by its caller"];
const TOO_LARGE: &[&str] = &["decode, responded, maybe applied, 1 attempt"];

/// Reads a chat to its end.
async fn chat(client: Client) -> Result<usize, Error> {
    let chat = ChatRequest::new([Message::user("?")]);
    let mut stream = Inference::new(client).model("m").stream(&chat).await?;
    let mut chunks = 0;
    while stream.try_next().await?.is_some() {
        chunks += 1;
    }
    Ok(chunks)
}

/// Reads the lines of an agent's reply to their end.
async fn lines(client: Client) -> Result<usize, Error> {
    let agent = Inference::new(client).agent("a");
    let mut lines = agent.post(&json!({})).lines().await?;
    let mut count = 0;
    while lines.try_next().await?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// Drops a stream that has no limit but its caller's patience.
async fn patiently(reading: impl Future<Output = Result<usize, Error>>) -> Outcome {
    match timeout(PATIENCE, reading).await {
        Ok(result) => Outcome::of(result),
        Err(_) => "dropped by its caller".into(),
    }
}

fn chat_flood(name: &'static str, start: &str, rest: &'static [u8]) -> Attack {
    let server = endless(start, rest, NOW);
    Attack::new(
        name,
        on_sockets(server, |address| async move {
            patiently(chat(client(&address))).await
        }),
    )
    .memory(3 * MIB)
}

fn line_flood(name: &'static str, rest: &'static [u8]) -> Attack {
    let server = endless(LINES, rest, NOW);
    Attack::new(
        name,
        on_sockets(server, |address| async move {
            patiently(lines(client(&address))).await
        }),
    )
    .memory(3 * MIB)
}

/// Returns a client whose calls get this body with this status, after each other.
fn dripping(status: u16, chunk: &'static str) -> Client {
    answered(move |_| {
        http::Response::builder()
            .status(status)
            .header("content-type", "text/event-stream")
            .body(Dripping::body(chunk, Duration::from_millis(200)))
            .unwrap()
    })
}

pub(crate) fn attacks() -> Vec<Attack> {
    vec![
        Attack::new(
            "an error to a stream at 1 byte each 200 ms",
            on_paused_clock(|| async { Outcome::of(chat(dripping(503, "x")).await) }),
        )
        .limit("whole call", CALL)
        .outcome(&["status 503, responded, maybe applied, 1 attempt"]),
        Attack::new(
            "a comment each 200 ms",
            on_paused_clock(|| async { patiently(chat(dripping(200, ": still here\n\n"))).await }),
        )
        .limit("the caller's own", PATIENCE)
        .outcome(DROPPED),
        Attack::new(
            "a stream that falls silent",
            on_sockets(
                sends(format!("{EVENTS}: hello\n\n")),
                |address| async move { Outcome::of(chat(client(&address)).await) },
            ),
        )
        .limit("idle body", CALL)
        .outcome(&["timeout, responded, maybe applied, 1 attempt"]),
        chat_flood("comments as fast as they are read", EVENTS, b": again\n")
            .limit("the caller's own", PATIENCE)
            .outcome(DROPPED),
        chat_flood("empty lines as fast as they are read", EVENTS, b"\n")
            .limit("the caller's own", PATIENCE)
            .outcome(DROPPED),
        chat_flood(
            "heartbeats without a payload, as fast as they are read",
            EVENTS,
            b"data:\n\n",
        )
        .limit("the caller's own", PATIENCE)
        .outcome(DROPPED),
        chat_flood(
            "fields of an event that never comes",
            EVENTS,
            b"event: a\nid: 1\nretry: 1\n",
        )
        .limit("the caller's own", PATIENCE)
        .outcome(DROPPED),
        chat_flood(
            "an event line without end",
            &format!("{EVENTS}data: "),
            b"aaaaaaaaaaaaaaaa",
        )
        .limit("16 MiB of an event", Duration::from_secs(5))
        .outcome(TOO_LARGE)
        .memory(50 * MIB),
        chat_flood("an event without end", EVENTS, b"data: a\n")
            .limit("16 MiB of an event", Duration::from_secs(5))
            .outcome(&[
                "decode, responded, maybe applied, 1 attempt",
                "dropped by its caller",
            ])
            .memory(50 * MIB),
        chat_flood(
            "a comment without end",
            &format!("{EVENTS}: "),
            b"aaaaaaaaaaaaaaaa",
        )
        .limit("16 MiB of an event", Duration::from_secs(5))
        .outcome(&[
            "decode, responded, maybe applied, 1 attempt",
            "dropped by its caller",
        ])
        .memory(50 * MIB),
        line_flood("a line without end", b"aaaaaaaaaaaaaaaa")
            .limit("16 MiB of a line", Duration::from_secs(5))
            .outcome(TOO_LARGE)
            .memory(50 * MIB),
        line_flood("empty lines without end", b"\n")
            .limit("the caller's own", PATIENCE)
            .outcome(DROPPED),
        chat_flood(
            "more events after the last one",
            &format!(
                "{EVENTS}data: {{\"choices\":[{{\"index\":0,\"delta\":{{}}}}]}}\n\ndata: [DONE]\n\n"
            ),
            b"data: {}\n\n",
        )
        .limit("end of a chat", NOW)
        .outcome(&["ok"]),
        Attack::new(
            "a chunk 100,000 levels deep",
            on_sockets(
                sends(format!("{EVENTS}data: {}\n\n", "[".repeat(100_000))),
                |address| async move { Outcome::of(chat(client(&address)).await) },
            ),
        )
        .limit("depth of JSON", NOW)
        .outcome(&["status 200, responded, maybe applied, 1 attempt"]),
        Attack::new(
            "an MCP session of nothing but comments",
            on_paused_clock(|| async {
                let client = answered(|_| {
                    let response = http::Response::builder();
                    response
                        .header("content-type", "text/event-stream")
                        .body(Dripping::body(": again\n\n", Duration::from_millis(200)))
                        .unwrap()
                });
                let function = Inference::new(client).function("f");
                Outcome::of(function.connect().await.map(drop))
            }),
        )
        .limit("whole call", CALL)
        .outcome(&["timeout, unknown, maybe applied, 1 attempt"]),
        Attack::new(
            "an MCP session that is silent",
            on_sockets(
                sends(response("202 Accepted", "", "")),
                |address| async move {
                    let function = Inference::new(client(&address)).function("f");
                    Outcome::of(function.connect().await.map(drop))
                },
            ),
        )
        .limit("whole call", CALL)
        .outcome(&["decode, responded, maybe applied, 0 attempts"]),
    ]
}
