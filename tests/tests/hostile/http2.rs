//! Servers that use the frames of HTTP/2 against their client.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use blaxel_tests::fault::frame::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE,
    PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame,
};
use blaxel_tests::fault::hpack;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::clients::{CALL, create, http2_client, list};
use crate::table::{Attack, MIB, on_sockets};

const NOW: Duration = Duration::ZERO;
const PUSH_PROMISE: u8 = 0x5;
const HEADER_TABLE_SIZE: u16 = 0x1;
const MAX_FRAME_SIZE: u16 = 0x5;

/// The server's end of a connection, after the client's first request.
struct Wire {
    socket: TcpStream,
    stream: u32,
}

impl Wire {
    /// Sends these settings, and waits for the head of a request.
    async fn accept(mut socket: TcpStream, settings: &[(u16, u32)]) -> Option<Self> {
        let mut preface = vec![0; PREFACE.len()];
        socket.read_exact(&mut preface).await.ok()?;
        let mut payload = Vec::new();
        for (name, value) in settings {
            payload.extend(name.to_be_bytes());
            payload.extend(value.to_be_bytes());
        }
        socket
            .write_all(&frame(SETTINGS, 0, 0, &payload))
            .await
            .ok()?;
        loop {
            let next = Frame::read(&mut socket).await.ok()?;
            if next.kind == SETTINGS && !next.has(ACK) {
                socket.write_all(&frame(SETTINGS, ACK, 0, &[])).await.ok()?;
            }
            if next.kind == HEADERS {
                return Some(Self {
                    socket,
                    stream: next.stream,
                });
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Option<()> {
        self.socket.write_all(bytes).await.ok()
    }

    async fn head(&mut self, flags: u8) -> Option<()> {
        let block = hpack::write(200, &[("content-type", "application/json".to_owned())]);
        self.send(&frame(HEADERS, flags | END_HEADERS, self.stream, &block))
            .await
    }

    /// Sends the same bytes until the client closes the connection. Some of the client's frames are
    /// read on the way, so that it is not the client's own writes that stop it.
    async fn flood(&mut self, bytes: &[u8]) -> Option<()> {
        let many = bytes.repeat((16 * 1024 / bytes.len()).max(1));
        let mut sink = vec![0; 64 * 1024];
        loop {
            let (mut reader, mut writer) = self.socket.split();
            let reading = timeout(Duration::from_micros(1), reader.read(&mut sink));
            let (written, read) = tokio::join!(writer.write_all(&many), reading);
            written.ok()?;
            if matches!(read, Ok(Ok(0) | Err(_))) {
                return None;
            }
        }
    }

    /// Reads until the client closes the connection.
    async fn hold(&mut self) {
        let mut sink = vec![0; 64 * 1024];
        while self
            .socket
            .read(&mut sink)
            .await
            .is_ok_and(|count| count > 0)
        {}
    }
}

type Scene<'a> = Pin<Box<dyn Future<Output = Option<()>> + Send + 'a>>;

/// Returns an attack by a server that plays this scene after the first request of a connection.
fn attack(
    name: &'static str,
    settings: &'static [(u16, u32)],
    scene: for<'a> fn(&'a mut Wire) -> Scene<'a>,
    creates: bool,
) -> Attack {
    Attack::new(
        name,
        on_sockets(
            move |socket| async move {
                if let Some(mut wire) = Wire::accept(socket, settings).await
                    && scene(&mut wire).await.is_some()
                {
                    wire.hold().await;
                }
            },
            move |address| async move {
                let client = http2_client(&address);
                if creates {
                    create(client).await
                } else {
                    list(client).await
                }
            },
        ),
    )
    .limit("response headers", CALL)
    .memory(2 * MIB)
}

fn flood(name: &'static str, scene: for<'a> fn(&'a mut Wire) -> Scene<'a>) -> Attack {
    attack(name, &[], scene, false).outcome(ENDED)
}

/// The server is stopped by a limit on the call, or by one of HTTP/2.
const ENDED: &[&str] = &[
    "timeout, unknown, 1 attempt",
    "transport, unknown, 1 attempt",
];
const ENDED_RESPONSE: &[&str] = &[
    "timeout, responded, 1 attempt",
    "transport, responded, 1 attempt",
];
const LOST_CREATION: &[&str] = &["transport, unknown, maybe applied, 1 attempt"];
const LATE_CREATION: &[&str] = &["timeout, unknown, maybe applied, 1 attempt"];

pub(crate) fn attacks() -> Vec<Attack> {
    vec![
        attack(
            "a window of 0 for ever",
            &[(INITIAL_WINDOW_SIZE, 0)],
            |_| Box::pin(async { Some(()) }),
            true,
        )
        .outcome(LATE_CREATION),
        attack(
            "a window that overflows",
            &[],
            |wire| {
                Box::pin(async {
                    let most = 0x7fff_ffff_u32.to_be_bytes();
                    wire.send(&frame(WINDOW_UPDATE, 0, 0, &most)).await?;
                    wire.send(&frame(WINDOW_UPDATE, 0, 0, &most)).await
                })
            },
            true,
        )
        .outcome(LOST_CREATION),
        flood("SETTINGS without end", |wire| {
            Box::pin(async {
                let setting = [0, 4, 0, 0, 0xff, 0xff];
                wire.flood(&frame(SETTINGS, 0, 0, &setting)).await
            })
        }),
        flood("PING without end", |wire| {
            Box::pin(async { wire.flood(&frame(PING, 0, 0, &[7; 8])).await })
        }),
        flood("acknowledgements without end", |wire| {
            Box::pin(async {
                wire.flood(&[frame(SETTINGS, ACK, 0, &[]), frame(PING, ACK, 0, &[7; 8])].concat())
                    .await
            })
        }),
        flood("RST_STREAM without end", |wire| {
            Box::pin(async {
                wire.flood(&frame(RST_STREAM, 0, wire.stream, &8_u32.to_be_bytes()))
                    .await
            })
        }),
        flood("WINDOW_UPDATE without end", |wire| {
            Box::pin(async {
                wire.flood(&frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes()))
                    .await
            })
        }),
        flood("unknown frames without end", |wire| {
            Box::pin(async { wire.flood(&frame(0xfa, 0, 0, &[0; 100])).await })
        }),
        flood("CONTINUATION without end", |wire| {
            Box::pin(async {
                let block = hpack::write(200, &[]);
                wire.send(&frame(HEADERS, 0, wire.stream, &block)).await?;
                let header = hpack::write(200, &[("x-a", "b".repeat(100))]);
                wire.flood(&frame(CONTINUATION, 0, wire.stream, &header[1..]))
                    .await
            })
        }),
        flood("empty CONTINUATION without end", |wire| {
            Box::pin(async {
                let block = hpack::write(200, &[]);
                wire.send(&frame(HEADERS, 0, wire.stream, &block)).await?;
                wire.flood(&frame(CONTINUATION, 0, wire.stream, &[])).await
            })
        }),
        flood("interim responses without end", |wire| {
            Box::pin(async {
                let block = hpack::write(103, &[]);
                wire.flood(&frame(HEADERS, END_HEADERS, wire.stream, &block))
                    .await
            })
        })
        // Those of one burst of reading are kept until the request looks for them.
        .memory(16 * MIB),
        flood("a pushed response", |wire| {
            Box::pin(async {
                let mut payload = 2_u32.to_be_bytes().to_vec();
                payload.push(0x88);
                wire.send(&frame(PUSH_PROMISE, END_HEADERS, wire.stream, &payload))
                    .await
            })
        }),
        attack(
            "empty DATA without end",
            &[],
            |wire| {
                Box::pin(async {
                    wire.head(0).await?;
                    wire.flood(&frame(DATA, 0, wire.stream, &[])).await
                })
            },
            false,
        )
        .limit("whole call", CALL)
        .outcome(ENDED_RESPONSE),
        attack(
            "headers after the body without end",
            &[],
            |wire| {
                Box::pin(async {
                    wire.head(0).await?;
                    let block = hpack::write(200, &[]);
                    wire.flood(&frame(HEADERS, END_HEADERS, wire.stream, &block))
                        .await
                })
            },
            false,
        )
        .limit("whole call", CALL)
        .outcome(ENDED_RESPONSE),
        attack(
            "data beyond the window",
            &[],
            |wire| {
                Box::pin(async {
                    wire.head(0).await?;
                    wire.flood(&frame(DATA, 0, wire.stream, &[b'x'; 16 * 1024]))
                        .await
                })
            },
            false,
        )
        .limit("32 MiB of a response", Duration::from_secs(3))
        .outcome(&[
            "decode, responded, 1 attempt",
            "timeout, responded, 1 attempt",
            "transport, responded, 1 attempt",
        ])
        // What is buffered is the window of the stream; what is read, up to the response limit.
        .memory(100 * MIB),
        attack(
            "a frame of 16 MiB",
            &[],
            |wire| {
                Box::pin(async {
                    wire.head(0).await?;
                    wire.send(&[0xff, 0xff, 0xff, DATA, 0]).await?;
                    wire.send(&wire.stream.to_be_bytes()).await?;
                    wire.flood(&[b'x'; 16 * 1024]).await
                })
            },
            false,
        )
        .outcome(ENDED_RESPONSE),
        attack(
            "data for a stream that was never opened",
            &[],
            |wire| Box::pin(async { wire.send(&frame(DATA, END_STREAM, 99, b"[]")).await }),
            true,
        )
        .outcome(LOST_CREATION),
        attack(
            "a header table of 4 GiB, then of 0",
            &[(HEADER_TABLE_SIZE, u32::MAX), (MAX_FRAME_SIZE, 0x00ff_ffff)],
            |wire| {
                Box::pin(async {
                    for _ in 0..1000 {
                        for size in [0_u32, u32::MAX, 1] {
                            let mut setting = HEADER_TABLE_SIZE.to_be_bytes().to_vec();
                            setting.extend(size.to_be_bytes());
                            wire.send(&frame(SETTINGS, 0, 0, &setting)).await?;
                        }
                    }
                    wire.head(0).await?;
                    wire.send(&frame(DATA, END_STREAM, wire.stream, b"[]"))
                        .await
                })
            },
            false,
        )
        .limit("header table", NOW)
        .outcome(&["ok", "transport, unknown, 1 attempt"]),
        attack(
            "a header of 4 KB a thousand times, by its index",
            &[],
            |wire| {
                Box::pin(async {
                    // A literal that enters the dynamic table, and then references to it.
                    let mut block = vec![0x88, 0x40, 3, b'x', b'-', b'a', 0x7f, 0x81, 0x1e];
                    block.extend([b'b'; 4000]);
                    block.extend([0xbe; 1000]);
                    wire.send(&frame(HEADERS, END_HEADERS, wire.stream, &block))
                        .await
                })
            },
            false,
        )
        .limit("32 KiB of headers", NOW)
        .outcome(ENDED),
        attack(
            "a header table larger than agreed",
            &[],
            |wire| {
                Box::pin(async {
                    // "The table has 2^20 bytes from here on."
                    wire.send(&frame(
                        HEADERS,
                        END_HEADERS,
                        wire.stream,
                        &[0x3f, 0xe1, 0xff, 0x3f, 0x88],
                    ))
                    .await
                })
            },
            true,
        )
        .limit("header table", NOW)
        .outcome(LOST_CREATION),
        attack(
            "GOAWAY with 0 as the last stream",
            &[],
            |wire| Box::pin(async { wire.send(&frame(GOAWAY, 0, 0, &[0; 8])).await }),
            true,
        )
        .limit("refused streams", NOW)
        .outcome(&["transport, not sent, 1 attempt"]),
        attack(
            "GOAWAY with the largest stream, and silence",
            &[],
            |wire| {
                Box::pin(async {
                    wire.send(&frame(GOAWAY, 0, 0, &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]))
                        .await
                })
            },
            true,
        )
        .outcome(LATE_CREATION),
        attack(
            "GOAWAY that takes back its last stream",
            &[],
            |wire| {
                Box::pin(async {
                    wire.send(&frame(GOAWAY, 0, 0, &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]))
                        .await?;
                    wire.send(&frame(GOAWAY, 0, 0, &[0; 8])).await
                })
            },
            true,
        )
        .limit("refused streams", NOW)
        .outcome(&["transport, not sent, 1 attempt"]),
        attack(
            "GOAWAY without end",
            &[],
            |wire| {
                Box::pin(async {
                    wire.flood(&frame(GOAWAY, 0, 0, &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]))
                        .await
                })
            },
            true,
        )
        .outcome(&[
            "timeout, unknown, maybe applied, 1 attempt",
            "transport, unknown, maybe applied, 1 attempt",
        ]),
    ]
}
