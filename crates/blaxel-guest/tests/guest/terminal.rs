//! The terminal: its WebSocket and its page.

use std::time::Duration;

use blaxel_guest::{Clock, Listening, Server, ServerVersion, SimulatedGuest};
use futures_util::{SinkExt as _, StreamExt as _};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::Sandbox;

struct Terminal(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Terminal {
    async fn open(listening: &Listening, query: &str) -> Self {
        let url = format!("ws://{}/terminal/ws{query}", listening.address());
        Self(connect_async(url).await.unwrap().0)
    }

    async fn send(&mut self, message: Value) {
        self.0.send(message.to_string().into()).await.unwrap();
    }

    async fn input(&mut self, keys: &str) {
        self.send(json!({"type": "input", "data": keys})).await;
    }

    /// Reads messages of a kind until their text ends in `end`.
    async fn until(&mut self, kind: &str, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let next = tokio::time::timeout(Duration::from_secs(20), self.0.next()).await;
            let message = next.unwrap_or_else(|_| panic!("no {end:?} after {text:?}"));
            let message = message.unwrap().unwrap();
            let message: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
            assert_eq!(message["type"], kind);
            text.push_str(message["data"].as_str().unwrap());
        }
        text
    }
}

async fn listen(version: ServerVersion) -> (Clock, Server, Listening) {
    let clock = Clock::standing();
    let server = Server::builder(SimulatedGuest::new(clock.clone()))
        .version(version)
        .build();
    let listening = server
        .listen(TcpListener::bind("127.0.0.1:0").await.unwrap())
        .unwrap();
    (clock, server, listening)
}

#[tokio::test]
async fn a_shell_reads_keys_and_writes_the_screen() {
    let (_, _server, listening) = listen(ServerVersion::Current).await;
    let mut terminal = Terminal::open(&listening, "?cols=100&rows=30&workingDir=/tmp").await;
    terminal.until("output", "# ").await;
    terminal.input("echo hx\u{7f}i; pwd\r").await;
    let text = terminal.until("output", "/tmp\r\n# ").await;
    assert_eq!(text, "echo hx\u{8} \u{8}i; pwd\r\nhi\r\n/tmp\r\n# ");
    terminal.input("stty size\r").await;
    terminal.until("output", "\r\n30 100\r\n# ").await;
    terminal.input("if true\rthen echo two\rfi\r").await;
    terminal.until("output", "two\r\n# ").await;
    terminal.input("nosuch; echo $?; echo ${x?}\r").await;
    let text = terminal.until("output", "not set\r\n# ").await;
    assert!(text.contains("nosuch: not found\r\n127\r\n"), "{text}");
    terminal.input("sleep 1000\r").await;
    terminal.until("output", "sleep 1000\r\n").await;
    terminal.input("\u{3}").await;
    terminal.until("output", "# ").await;
    terminal
        .send(json!({"type": "resize", "cols": 80, "rows": 24}))
        .await;
    terminal.input("stty size\r").await;
    terminal.until("output", "\r\n24 80\r\n# ").await;
    terminal.input("read x; echo [$x]\r").await;
    terminal.until("output", "\r\n").await;
    terminal.input("typed\r").await;
    terminal.until("output", "[typed]\r\n# ").await;
}

#[tokio::test]
async fn a_new_size_is_signalled_to_the_shell() {
    let (_, _server, listening) = listen(ServerVersion::Current).await;
    let mut terminal = Terminal::open(&listening, "?cols=80&rows=24").await;
    terminal.until("output", "# ").await;
    terminal.input("trap 'echo resized' WINCH\r").await;
    terminal.until("output", "WINCH\r\n# ").await;
    let size = json!({"type": "resize", "cols": 81, "rows": 24});
    // The same size again is no change.
    for _ in 0..2 {
        terminal.send(size.clone()).await;
    }
    // As in dash, the action follows the next line.
    terminal.input("stty size\r").await;
    let text = terminal.until("output", "24 81\r\n# ").await;
    assert_eq!(text.matches("resized").count(), 1, "{text}");
    // A program goes on.
    terminal.input("sleep 1000; echo after $?\r").await;
    terminal.until("output", "after $?\r\n").await;
    terminal
        .send(json!({"type": "resize", "cols": 82, "rows": 24}))
        .await;
    terminal.input("\u{3}").await;
    terminal.until("output", "# ").await;
    terminal.input("trap - WINCH; stty size\r").await;
    terminal.until("output", "24 82\r\n# ").await;
}

#[tokio::test]
async fn the_end_of_the_shell_closes_the_connection() {
    for (version, keys, reason) in [
        (ServerVersion::Current, "exit\r", Some("Shell exited")),
        (ServerVersion::Current, "\u{4}", Some("Shell exited")),
        (ServerVersion::August, "exit\r", None),
    ] {
        let (_, _server, listening) = listen(version).await;
        let mut terminal = Terminal::open(&listening, "").await;
        terminal.until("output", "# ").await;
        terminal.input(keys).await;
        let close = loop {
            match terminal.0.next().await {
                Some(Ok(Message::Close(close))) => break close,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break None,
            }
        };
        let close = close.map(|close| (u16::from(close.code), close.reason.to_string()));
        assert_eq!(
            close,
            reason.map(|reason| (1000, reason.to_owned())),
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn a_session_goes_on_without_its_client() {
    let (clock, _server, listening) = listen(ServerVersion::Current).await;
    let mut first = Terminal::open(&listening, "?sessionId=a").await;
    first.until("output", "# ").await;
    first.input("x=kept; echo on the screen\r").await;
    first.until("output", "screen\r\n# ").await;
    drop(first);
    let mut second = Terminal::open(&listening, "?sessionId=a").await;
    let text = second.until("output", "# ").await;
    assert!(text.starts_with("\u{1b}[0m# x=kept"), "{text}");
    second.input("echo $x\r").await;
    second.until("output", "kept\r\n# ").await;
    let mut other = Terminal::open(&listening, "?sessionId=b").await;
    other.until("output", "# ").await;
    other.input("echo [$x]\r").await;
    other.until("output", "[]\r\n# ").await;
    drop(second);
    // After ten minutes without a client, the session ends.
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        clock.advance(Duration::from_secs(60));
    }
    let mut third = Terminal::open(&listening, "?sessionId=a").await;
    assert_eq!(third.until("output", "# ").await, "# ");
}

#[tokio::test]
async fn a_shell_that_cannot_start_is_an_error_frame() {
    let (_, _server, listening) = listen(ServerVersion::Current).await;
    let mut terminal = Terminal::open(&listening, "?shell=/bin/nope").await;
    let text = terminal.until("error", "directory").await;
    assert_eq!(text, "fork/exec /bin/nope: no such file or directory");
}

#[tokio::test]
async fn the_page_can_be_disabled() {
    let sandbox = Sandbox::new();
    let page = sandbox.get("/terminal").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.text().contains("WebSocket"));
    assert_eq!(
        sandbox.get("/terminal/ws").await.status,
        StatusCode::BAD_REQUEST
    );
    for value in ["true", "1"] {
        let sandbox = Sandbox::with(|builder| builder.env("DISABLE_TERMINAL", value));
        for path in ["/terminal", "/terminal/ws"] {
            assert_eq!(sandbox.get(path).await.status, StatusCode::NOT_FOUND);
        }
    }
}
