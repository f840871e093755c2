//! Servers that are difficult to connect to, or that close connections at the worst moment.

use std::collections::HashMap;
use std::time::Duration;

use blaxel_core::{Delivery, Plane};
use blaxel_tests::fault::calls::{Kind, call};
use blaxel_transport::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::clients::{CALL, CONNECT, builder, client, create};
use crate::table::{Attack, Log, MIB, Outcome, on_sockets};
use crate::wire::{read_request, response};

const NOW: Duration = Duration::ZERO;
const UNCONNECTED: &[&str] = &["connect, not sent, 1 attempt"];

/// Creates an agent at a server that should speak TLS.
async fn create_over_tls(address: String) -> Outcome {
    let client = builder(Client::builder(), &format!("https://{address}"));
    create(client.build().unwrap()).await
}

/// Sends TLS handshake bytes, one at a time.
async fn drip_handshake(mut socket: TcpStream) {
    let mut hello = [0; 1024];
    let _ = socket.read(&mut hello).await;
    // The head of a record of 16 KiB, and then its bytes.
    let head = [0x16, 3, 3, 0x40, 0];
    for byte in head.into_iter().chain(std::iter::repeat(2)) {
        if socket.write_all(&[byte]).await.is_err() {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

async fn flood_handshake(mut socket: TcpStream) {
    // Warnings, which TLS allows at any time.
    let alert = [0x15, 3, 3, 0, 2, 1, 90].repeat(1000);
    while socket.write_all(&alert).await.is_ok() {}
}

/// Keeps a connection open without reading from it.
async fn hold(socket: TcpStream) {
    std::future::pending::<()>().await;
    drop(socket);
}

/// The number of calls to a server that closes connections.
const CALLS: usize = 400;

/// Returns an attack by a server that closes each connection after some responses, at a moment that
/// differs from connection to connection: with the response, a little later, or when it has read
/// the next request and not processed it.
fn closing_connections() -> Attack {
    let processed = Log::default();
    let log = processed.clone();
    Attack::new(
        "400 creations over connections that close at the worst moment",
        on_sockets(
            move |mut socket| {
                let log = log.clone();
                async move {
                    let port = socket.peer_addr().map_or(0, |address| address.port());
                    for left in (0..port % 4).rev() {
                        let Some(head) = read_request(&mut socket).await else {
                            return;
                        };
                        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                        log.add(path.clone());
                        let body = format!("{{\"path\":\"{path}\"}}");
                        let reply = response("200 OK", "content-type: application/json\r\n", body);
                        if socket.write_all(&reply).await.is_err() {
                            return;
                        }
                        if left == 0 {
                            sleep(Duration::from_micros(u64::from(port % 7) * 200)).await;
                        }
                    }
                    if port % 2 == 0 {
                        // Closed with a request in its buffer, which looks like a reset.
                        let _ = socket.readable().await;
                    }
                }
            },
            move |address| async move {
                let client = client(&address);
                let mut calls = JoinSet::new();
                for lane in 0..8 {
                    let client = client.clone();
                    calls.spawn(async move {
                        let mut outcomes = Vec::new();
                        for number in 0..CALLS / 8 {
                            let id = format!("{lane}-{number}");
                            let outcome = call(&client, Kind::Post, Plane::Control, &id).await;
                            outcomes.push((format!("/things/{id}"), outcome));
                        }
                        outcomes
                    });
                }
                let mut times: HashMap<String, usize> = HashMap::new();
                let outcomes = calls.join_all().await;
                for path in processed.entries() {
                    *times.entry(path).or_default() += 1;
                }
                for (path, outcome) in outcomes.into_iter().flatten() {
                    let times = times.get(&path).copied().unwrap_or(0);
                    let wrong = match outcome {
                        _ if times > 1 => true,
                        Ok(()) => times != 1,
                        Err(error) => {
                            times == 1
                                && (error.delivery() == Delivery::NotSent || !error.maybe_applied())
                        }
                    };
                    if wrong {
                        return format!("{path} was processed {times} times").into();
                    }
                }
                "none twice, no false certainty".into()
            },
        ),
    )
    .limit("whole calls", Duration::from_secs(10))
    .outcome(&["none twice, no false certainty"])
    .memory(4 * MIB)
}

pub(crate) fn attacks() -> Vec<Attack> {
    vec![
        Attack::new(
            "a TLS handshake that never begins",
            on_sockets(hold, create_over_tls),
        )
        .limit("connect", CONNECT)
        .outcome(UNCONNECTED)
        .memory(2 * MIB),
        Attack::new(
            "a TLS handshake at a byte each 20 ms",
            on_sockets(drip_handshake, create_over_tls),
        )
        .limit("connect", CONNECT)
        .outcome(UNCONNECTED)
        .memory(2 * MIB),
        Attack::new(
            "TLS warnings without end",
            on_sockets(flood_handshake, create_over_tls),
        )
        .limit("connect", CONNECT)
        .outcome(UNCONNECTED)
        .memory(2 * MIB),
        Attack::new(
            "plain HTTP in place of TLS",
            on_sockets(
                |mut socket| async move {
                    let mut hello = [0; 1024];
                    let _ = socket.read(&mut hello).await;
                    let _ = socket
                        .write_all(&response("400 Bad Request", "", "use http"))
                        .await;
                },
                create_over_tls,
            ),
        )
        .limit("connect", NOW)
        .outcome(UNCONNECTED)
        .memory(2 * MIB),
        Attack::new(
            "a connection that is accepted and never read",
            on_sockets(
                hold,
                |address| async move { create(client(&address)).await },
            ),
        )
        .limit("response headers", CALL)
        .outcome(&["timeout, unknown, maybe applied, 1 attempt"]),
        Attack::new(
            "connections that close as they open",
            on_sockets(
                |socket| async move { drop(socket) },
                |address| async move { create(client(&address)).await },
            ),
        )
        .limit("whole call", NOW)
        .outcome(&[
            "connect, not sent, 1 attempt",
            "transport, unknown, maybe applied, 1 attempt",
            "transport, not sent, 1 attempt",
        ]),
        closing_connections(),
    ]
}
