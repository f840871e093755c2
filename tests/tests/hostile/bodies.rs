//! Response bodies that are too large, too slow, too deep or badly framed.

use std::io::Write;
use std::time::Duration;

use blaxel_inference::Inference;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::clients::{CALL, Dripping, answered, client, create, list, reply};
use crate::table::{Attack, MIB, Outcome, on_paused_clock, on_sockets};
use crate::wire::{OK, endless, read_request, response, sends};

const JSON: &str = "content-type: application/json\r\n";
const GZIP: &str = "content-type: application/json\r\ncontent-encoding: gzip\r\n";

/// Returns JSON that repeats an item, and its size when it is compressed.
fn list_of(item: &str, count: usize) -> Vec<u8> {
    let mut text = String::with_capacity((item.len() + 1) * count + 2);
    text.push('[');
    for _ in 1..count {
        text.push_str(item);
        text.push(',');
    }
    text.push_str(item);
    text.push(']');
    text.into_bytes()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

/// Invokes an agent, whose reply is kept as JSON of any form.
async fn invoke(address: String) -> Outcome {
    let agent = Inference::new(client(&address)).agent("a");
    Outcome::of(agent.invoke::<Value>(&json!({})).await)
}

/// Returns an attack by a server that sends these bytes to a client that lists agents.
fn listing(name: &'static str, bytes: Vec<u8>) -> Attack {
    Attack::new(
        name,
        on_sockets(sends(bytes), |address| async move {
            list(client(&address)).await
        }),
    )
}

/// Returns an attack by a server that sends these bytes and then more of them without end.
fn flooding(name: &'static str, start: String, rest: &'static [u8], pause: Duration) -> Attack {
    let server = endless(start, rest, pause);
    Attack::new(
        name,
        on_sockets(
            server,
            |address| async move { list(client(&address)).await },
        ),
    )
}

const NOW: Duration = Duration::ZERO;
const TIMEOUT: &[&str] = &["timeout, responded, 1 attempt"];
const UNREADABLE: &[&str] = &["decode, responded, 1 attempt"];
const LOST: &[&str] = &["transport, unknown, 1 attempt"];
const BROKEN: &[&str] = &["transport, responded, 1 attempt"];

pub(crate) fn attacks() -> Vec<Attack> {
    let drip = Duration::from_millis(200);
    vec![
        listing(
            "gzip of 4 million empty objects",
            response("200 OK", GZIP, gzip(&list_of("{}", 4_000_000))),
        )
        .limit("objects for each byte", Duration::from_secs(5))
        .outcome(UNREADABLE)
        .memory(40 * MIB),
        listing(
            "gzip of 200,000 empty objects",
            response("200 OK", GZIP, gzip(&list_of("{}", 199_999))),
        )
        .limit("objects of a response", Duration::from_secs(5))
        .outcome(&["ok"])
        .memory(400 * MIB),
        listing(
            "JSON 100,000 levels deep",
            response("200 OK", JSON, nested(100_000)),
        )
        .limit("depth of JSON", NOW)
        .outcome(UNREADABLE),
        listing(
            "an unknown member 100,000 levels deep",
            response(
                "200 OK",
                JSON,
                format!("{{\"data\":[],\"x\":{}}}", nested(100_000)),
            ),
        )
        .limit("depth of JSON", NOW)
        .outcome(&["ok"])
        .memory(2 * MIB),
        Attack::new(
            "an agent's reply 100,000 levels deep",
            on_sockets(sends(response("200 OK", JSON, nested(100_000))), invoke),
        )
        .limit("depth of JSON", NOW)
        .outcome(&["decode, responded, maybe applied, 1 attempt"]),
        listing(
            "an error body 30,000 levels deep",
            response(
                "400 Bad Request",
                JSON,
                format!("{{\"error\":{}}}", nested(30_000)),
            ),
        )
        .limit("depth of JSON", NOW)
        .outcome(&["status 400, responded, 1 attempt"]),
        flooding(
            "an endless success",
            format!("{OK}connection: close\r\n\r\n"),
            b"xxxxxxxxxxxxxxxx",
            NOW,
        )
        .limit("32 MiB of a response", Duration::from_secs(5))
        .outcome(&[
            "decode, responded, 1 attempt",
            "timeout, responded, 1 attempt",
        ])
        .memory(66 * MIB),
        listing(
            "a success that announces 100 MB",
            format!("{OK}content-length: 100000000\r\n\r\n").into_bytes(),
        )
        .limit("32 MiB of a response", NOW)
        .outcome(UNREADABLE),
        flooding(
            "a 100 MB error body",
            "HTTP/1.1 500 Oops\r\ncontent-length: 100000000\r\n\r\n".to_owned(),
            b"xxxxxxxxxxxxxxxx",
            NOW,
        )
        .limit("64 KiB of an error", NOW)
        .outcome(&["status 500, responded, 1 attempt"]),
        Attack::new(
            "a success at 1 byte each 200 ms",
            on_paused_clock(move || async move {
                list(answered(move |_| reply(200, Dripping::body("[", drip)))).await
            }),
        )
        .limit("whole call", CALL)
        .outcome(TIMEOUT),
        Attack::new(
            "an error at 1 byte each 200 ms",
            on_paused_clock(move || async move {
                list(answered(move |_| reply(503, Dripping::body("x", drip)))).await
            }),
        )
        .limit("whole call", CALL)
        .outcome(&["status 503, responded, 1 attempt"]),
        Attack::new(
            "an error to a creation at 1 byte each 200 ms",
            on_paused_clock(move || async move {
                create(answered(move |_| reply(500, Dripping::body("x", drip)))).await
            }),
        )
        .limit("whole call", CALL)
        .outcome(&["status 500, responded, maybe applied, 1 attempt"]),
        flooding(
            "a chunk extension without end",
            format!("{OK}transfer-encoding: chunked\r\n\r\n5;"),
            b"extension=value;",
            NOW,
        )
        .limit("extensions of a body", NOW)
        .outcome(BROKEN),
        flooding(
            "a thousand small chunks with long extensions",
            format!("{OK}transfer-encoding: chunked\r\n\r\n"),
            b"1;a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n[\r\n",
            NOW,
        )
        .limit("extensions of a body", NOW)
        .outcome(BROKEN),
        flooding(
            "a chunk size of endless zeros",
            format!("{OK}transfer-encoding: chunked\r\n\r\n"),
            b"0000000000000000",
            NOW,
        )
        .limit("whole call", CALL)
        .outcome(&[
            "timeout, responded, 1 attempt",
            "transport, responded, 1 attempt",
        ]),
        listing(
            "a chunk of 2^68 bytes",
            format!("{OK}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n[").into_bytes(),
        )
        .limit("size of a chunk", NOW)
        .outcome(BROKEN),
        listing(
            "a chunk of 2^64 - 1 bytes",
            format!("{OK}transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n[").into_bytes(),
        )
        .limit("whole call", CALL)
        .outcome(&[
            "timeout, responded, 1 attempt",
            "decode, responded, 1 attempt",
        ]),
        flooding(
            "trailers without end",
            format!("{OK}transfer-encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n"),
            b"x-trailer: value\r\n",
            NOW,
        )
        .limit("trailers", NOW)
        .outcome(BROKEN),
        listing(
            "two lengths",
            format!("{OK}content-length: 2\r\ncontent-length: 3\r\n\r\n[]").into(),
        )
        .limit("framing", NOW)
        .outcome(LOST),
        listing(
            "a length of -1",
            format!("{OK}content-length: -1\r\n\r\n[]").into(),
        )
        .limit("framing", NOW)
        .outcome(LOST),
        listing(
            "a length of 2^70",
            format!("{OK}content-length: 1180591620717411303424\r\n\r\n[]").into(),
        )
        .limit("framing", NOW)
        .outcome(LOST),
        Attack::new(
            "a second response inside of the first",
            on_sockets(
                |mut socket| async move {
                    let forged = response("200 OK", JSON, "[\"forged\"]");
                    let body = response("200 OK", JSON, "[]");
                    while read_request(&mut socket).await.is_some() {
                        // The second one waits in the socket for the next request.
                        if socket
                            .write_all(&[&body[..], &forged[..]].concat())
                            .await
                            .is_err()
                        {
                            return;
                        }
                    }
                },
                |address| async move {
                    let client = client(&address);
                    for _ in 0..20 {
                        let found = blaxel_management::Management::new(client.clone())
                            .agents()
                            .list()
                            .await;
                        if let Err(error) = found {
                            return Outcome::of_error(&error);
                        }
                    }
                    "ok".into()
                },
            ),
        )
        .limit("responses of a connection", NOW)
        .outcome(&["ok"]),
    ]
}
