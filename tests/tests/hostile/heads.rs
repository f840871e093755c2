//! Response heads: too long, too early, without end, or with values that mislead.

use std::time::Duration;

use blaxel_core::Body;
use blaxel_transport::{Client, RetryPolicy};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::clients::{CALL, builder, client, create, list, transport};
use crate::table::{Attack, MIB, Outcome, on_paused_clock, on_sockets};
use crate::wire::{endless, read_request, response, sends};

const NOW: Duration = Duration::ZERO;
const LOST: &[&str] = &["transport, unknown, 1 attempt"];

fn listing(name: &'static str, bytes: impl Into<Vec<u8>>) -> Attack {
    Attack::new(
        name,
        on_sockets(sends(bytes), |address| async move {
            list(client(&address)).await
        }),
    )
}

fn flooding(name: &'static str, start: &str, rest: &'static [u8]) -> Attack {
    let server = endless(start, rest, NOW);
    Attack::new(
        name,
        on_sockets(
            server,
            |address| async move { list(client(&address)).await },
        ),
    )
}

/// Returns an attack by a 429 that asks for this wait, on a client that waits as long as a server
/// wants, for each of the headers' values.
fn waits(name: &'static str, values: &'static [&'static str]) -> Attack {
    Attack::new(
        name,
        on_paused_clock(move || async move {
            let mut outcomes = Vec::new();
            for value in values {
                let respond = move |_| {
                    let response = http::Response::builder().status(429);
                    response
                        .header("retry-after", *value)
                        .body(Body::empty())
                        .unwrap()
                };
                let client = builder(Client::builder(), "https://hostile.test")
                    .transport(transport(respond))
                    .retry(RetryPolicy::new().max_retry_after(Duration::MAX).seed(1))
                    .build()
                    .unwrap();
                let start = Instant::now();
                let outcome = list(client).await.to_string();
                if start.elapsed() > CALL {
                    return format!("{value:?} took {:?}", start.elapsed()).into();
                }
                outcomes.push(outcome);
            }
            outcomes.dedup();
            outcomes.join("; ").into()
        }),
    )
}

/// Returns an attack by a server that redirects to another host, with each status.
fn redirects() -> Attack {
    Attack::new(
        "redirects to another host, by each status",
        on_sockets(
            |mut socket| async move {
                let Some(head) = read_request(&mut socket).await else { return };
                if head.contains("Host: 127.0.0.1") || head.contains("host: 127.0.0.1") {
                    let status = head.split("/agents/").nth(1).and_then(|rest| rest.get(..3));
                    let port = socket.local_addr().unwrap().port();
                    let location = format!(
                        // Without the first, the next request may be sent on the connection that ends here.
                        "connection: close\r\nlocation: http://localhost:{port}/\r\n\
                         refresh: 0; url=http://localhost:{port}/\r\nalt-svc: http1=\"localhost:{port}\"\r\n"
                    );
                    let status = format!("{} Moved", status.unwrap_or("302"));
                    let _ = socket.write_all(&response(&status, &location, "")).await;
                } else {
                    let _ = socket.write_all(&response("200 OK", "", "{}")).await;
                }
            },
            |address| async move {
                let agents = blaxel_management::Management::new(client(&address)).agents();
                let mut outcomes = Vec::new();
                for status in ["301", "302", "303", "307", "308"] {
                    let outcome = Outcome::of(agents.get(status).await).to_string();
                    outcomes.push(outcome.replace(status, "3xx"));
                }
                outcomes.dedup();
                outcomes.join("; ").into()
            },
        ),
    )
    .limit("no redirects", NOW)
    .outcome(&["status 3xx, responded, 1 attempt"])
}

pub(crate) fn attacks() -> Vec<Attack> {
    vec![
        flooding(
            "a header without end",
            "HTTP/1.1 200 OK\r\nx-a: ",
            b"aaaaaaaaaaaaaaaa",
        )
        .limit("size of a head", NOW)
        .outcome(LOST)
        .memory(2 * MIB),
        flooding("headers without end", "HTTP/1.1 200 OK\r\n", b"x-a: b\r\n")
            .limit("number of headers", NOW)
            .outcome(LOST)
            .memory(2 * MIB),
        listing(
            "10,000 headers",
            format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-a: b\r\n".repeat(10_000)),
        )
        .limit("number of headers", NOW)
        .outcome(LOST)
        .memory(2 * MIB),
        flooding(
            "interim responses without end",
            "",
            b"HTTP/1.1 103 Early Hints\r\n\r\n",
        )
        .limit("response headers", CALL)
        .outcome(&["timeout, unknown, 1 attempt"]),
        Attack::new(
            "an interim response each 100 ms",
            on_sockets(
                endless(
                    "",
                    b"HTTP/1.1 102 Processing\r\n\r\n",
                    Duration::from_millis(100),
                ),
                |address| async move { create(client(&address)).await },
            ),
        )
        .limit("response headers", CALL)
        .outcome(&["timeout, unknown, maybe applied, 1 attempt"]),
        flooding("empty lines without end", "", b"\r\n\r\n\r\n\r\n")
            .limit("response headers", CALL)
            .outcome(&[
                "timeout, unknown, 1 attempt",
                "transport, unknown, 1 attempt",
            ])
            .memory(2 * MIB),
        listing(
            "an upgrade that nobody asked for",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
        )
        .limit("response headers", CALL)
        .outcome(&[
            "status 101, responded, 1 attempt",
            "transport, unknown, 1 attempt",
        ]),
        listing("status 999", response("999 Beyond", "", "[]"))
            .limit("status", NOW)
            .outcome(&["status 999, responded, 1 attempt"]),
        listing("status 0", response("000 Nothing", "", "[]"))
            .limit("status", NOW)
            .outcome(LOST),
        Attack::new(
            "a refusal before the request was read",
            on_sockets(
                |mut socket| async move {
                    let _ = socket
                        .write_all(&response("400 Bad Request", "", "{}"))
                        .await;
                    let _ = socket.shutdown().await;
                    let _ = read_request(&mut socket).await;
                },
                |address| async move { create(client(&address)).await },
            ),
        )
        .limit("order of messages", NOW)
        .outcome(&[
            "connect, not sent, 1 attempt",
            "status 400, responded, 1 attempt",
            "transport, unknown, maybe applied, 1 attempt",
            "transport, not sent, 1 attempt",
        ]),
        Attack::new(
            "a success before the request was read",
            on_sockets(
                |mut socket| async move {
                    let _ = socket.write_all(&response("200 OK", "", "{}")).await;
                    let _ = read_request(&mut socket).await;
                },
                |address| async move { create(client(&address)).await },
            ),
        )
        .limit("order of messages", CALL)
        .outcome(&[
            "connect, not sent, 1 attempt",
            "ok",
            "transport, unknown, maybe applied, 1 attempt",
            "transport, not sent, 1 attempt",
        ]),
        waits(
            "a wait that is no number",
            &["NaN", "-1", "-1e400", "0x10", "", "soon", "1e-400"],
        )
        .limit("the usual delays", 8 * CALL)
        .outcome(&["status 429, responded, 3 attempts"]),
        waits(
            "a wait beyond the call",
            &[
                "1e400",
                "inf",
                "1e19",
                "99999999999999999999",
                "Fri, 31 Dec 9999 23:59:59 GMT",
            ],
        )
        .limit("whole call", NOW)
        .outcome(&["status 429, responded, 1 attempt"]),
        redirects(),
    ]
}
