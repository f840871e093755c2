//! Promise: a terminal of a sandbox carries text both ways at once over the real transport, its end is never taken for
//! that of the shell, and its credential is in a header.

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel::sandbox::terminal::{Terminal, TerminalEvent};
use blaxel::sandbox::websocket::Close;
use blaxel::sandbox::{SandboxHandle, SandboxRef, Sandboxes};
use blaxel::transport::{HyperTransport, Proxy};
use blaxel::{Client, Error};
use futures_util::{SinkExt, StreamExt};
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self};

const LIMIT: Duration = Duration::from_secs(10);

/// A server of terminals that does what its input says.
///
/// - `exit` closes it as a new server does, and `crash` cuts the connection;
/// - `old exit` lets the shell exit as on an old server: it notices only at the next message;
/// - `deaf` stops reading;
/// - `fail` reports an error and cuts the connection;
/// - any other input is sent back in upper case.
struct Machine {
    url: String,
    seen: Arc<Mutex<Vec<(String, HeaderMap)>>>,
    received: Arc<Mutex<Vec<Value>>>,
    _task: JoinSet<()>,
}

impl Machine {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (seen, received) = (Arc::<Mutex<Vec<_>>>::default(), Arc::default());
        let (log, messages) = (Arc::clone(&seen), Arc::clone(&received));
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&log), Arc::clone(&messages)));
            }
        });
        Self {
            url,
            seen,
            received,
            _task: task,
        }
    }

    fn sandboxes(&self) -> Sandboxes<Client> {
        let transport = HyperTransport::builder().proxy(Proxy::none()).build();
        let client = Client::builder()
            .api_key("bl_canary")
            .workspace("w")
            .trust(&self.url)
            .transport(transport)
            .build();
        Sandboxes::new(client.unwrap())
    }

    fn sandbox(&self) -> SandboxHandle<Client> {
        let reference = SandboxRef::new("dev").url(self.url.clone());
        self.sandboxes().join(&reference)
    }

    async fn open(&self) -> Terminal {
        let opening = self.sandbox().terminal().open();
        timeout(LIMIT, opening).await.unwrap().unwrap()
    }

    fn received(&self) -> Vec<Value> {
        self.received.lock().unwrap().clone()
    }
}

async fn serve(
    stream: TcpStream,
    seen: Arc<Mutex<Vec<(String, HeaderMap)>>>,
    received: Arc<Mutex<Vec<Value>>>,
) {
    #[expect(clippy::result_large_err, reason = "the server's signature")]
    let check = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let head = (request.uri().to_string(), request.headers().clone());
        seen.lock().unwrap().push(head);
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(stream, check)
        .await
        .unwrap();
    if seen.lock().unwrap().len() > 1 {
        output(&mut socket, "\u{1b}[0mreplay").await;
    }
    let mut is_dead = false;
    while let Some(Ok(message)) = socket.next().await {
        let tungstenite::Message::Text(text) = message else {
            continue;
        };
        let message: Value = serde_json::from_str(&text).unwrap();
        received.lock().unwrap().push(message.clone());
        if is_dead {
            return;
        }
        match message["data"].as_str() {
            Some("exit") => {
                output(&mut socket, "bye").await;
                let frame = CloseFrame {
                    code: 1000.into(),
                    reason: "Shell exited".into(),
                };
                socket.close(Some(frame)).await.unwrap();
            }
            Some("crash") => return,
            Some("old exit") => is_dead = true,
            Some("deaf") => std::future::pending().await,
            Some("fail") => {
                let text = json!({"type": "error", "data": "no such shell"}).to_string();
                socket.send(text.into()).await.unwrap();
                return;
            }
            Some("") | None => {}
            Some(text) => output(&mut socket, &text.to_uppercase()).await,
        }
    }
}

async fn output(socket: &mut WebSocketStream<TcpStream>, text: &str) {
    let text = json!({"type": "output", "data": text}).to_string();
    socket.send(text.into()).await.unwrap();
}

async fn next(terminal: &mut Terminal) -> Result<Option<TerminalEvent>, Error> {
    timeout(LIMIT, terminal.try_next()).await.unwrap()
}

fn out(text: &str) -> Option<TerminalEvent> {
    Some(TerminalEvent::Output(text.into()))
}

#[tokio::test]
async fn input_and_output_are_text_and_the_end_is_that_of_the_shell() {
    let machine = Machine::start().await;
    let opening = machine
        .sandbox()
        .terminal()
        .size(120, 40)
        .shell("/bin/zsh")
        .current_dir("/my app")
        .session("s/1")
        .open();
    let mut terminal = timeout(LIMIT, opening).await.unwrap().unwrap();
    assert_eq!(terminal.session(), "s/1");
    terminal.send("ls \u{3}é").await.unwrap();
    assert_eq!(next(&mut terminal).await.unwrap(), out("LS \u{3}É"));
    // A character that arrives in two parts.
    terminal.send(b"a\xc3").await.unwrap();
    terminal.send(b"\xa9b").await.unwrap();
    assert_eq!(next(&mut terminal).await.unwrap(), out("A"));
    assert_eq!(next(&mut terminal).await.unwrap(), out("ÉB"));
    assert!(terminal.send(b"\xff").await.unwrap_err().is_input());
    terminal.resize(100, 30).await.unwrap();
    assert!(terminal.resize(0, 30).await.unwrap_err().is_input());
    terminal.send("exit").await.unwrap();
    assert_eq!(
        next(&mut terminal).await.unwrap(),
        out("BYE").map(|_| TerminalEvent::Output("bye".into()))
    );
    assert_eq!(next(&mut terminal).await.unwrap(), None);
    assert_eq!(next(&mut terminal).await.unwrap(), None);
    assert_eq!(terminal.closed(), Some(&Close::new(1000, "Shell exited")));
    terminal.send("late").await.unwrap_err();

    let (uri, headers) = machine.seen.lock().unwrap()[0].clone();
    assert_eq!(
        uri,
        "/terminal/ws?cols=120&rows=40&shell=%2Fbin%2Fzsh&workingDir=%2Fmy%20app&sessionId=s%2F1"
    );
    assert_eq!(headers["x-blaxel-authorization"], "Bearer bl_canary");
    let resize = json!({"type": "resize", "cols": 100, "rows": 30});
    assert!(machine.received().contains(&resize));
}

#[tokio::test]
async fn a_session_sends_its_token_in_a_header() {
    let machine = Machine::start().await;
    let session = machine.sandboxes().session(&machine.url, "token");
    let mut terminal = session.terminal().open().await.unwrap();
    assert_eq!(terminal.session(), "default");
    terminal.send("hi").await.unwrap();
    assert_eq!(next(&mut terminal).await.unwrap(), out("HI"));
    let (uri, headers) = machine.seen.lock().unwrap()[0].clone();
    assert_eq!(uri, "/terminal/ws?cols=80&rows=24");
    assert_eq!(headers["x-blaxel-preview-token"], "token");
    for name in [
        "authorization",
        "x-blaxel-authorization",
        "x-blaxel-workspace",
    ] {
        assert!(!headers.contains_key(name), "{headers:?}");
    }
}

#[tokio::test]
async fn a_cut_connection_is_not_the_end_of_the_shell() {
    let machine = Machine::start().await;
    let mut terminal = machine.open().await;
    terminal.send("crash").await.unwrap();
    let error = next(&mut terminal).await.unwrap_err();
    assert!(error.is_truncated() && error.is_transient(), "{error}");
    assert_eq!(error.operation().unwrap().name(), "OpenTerminal");
    assert_eq!(next(&mut terminal).await.unwrap(), None);
    assert_eq!(terminal.closed(), None);

    let mut terminal = machine.open().await;
    assert_eq!(next(&mut terminal).await.unwrap(), out("\u{1b}[0mreplay"));
    terminal.send("fail").await.unwrap();
    let event = next(&mut terminal).await.unwrap();
    assert_eq!(event, Some(TerminalEvent::Error("no such shell".into())));
    let error = next(&mut terminal).await.unwrap_err();
    assert!(error.is_failed() && !error.is_transient(), "{error}");
    assert!(error.to_string().contains("no such shell"), "{error}");
}

/// Such a server would leave the terminal open forever.
#[tokio::test]
async fn an_old_server_is_made_to_notice_the_end_of_the_shell() {
    let machine = Machine::start().await;
    let opening = machine
        .sandbox()
        .terminal()
        .idle_limit(Duration::from_millis(600))
        .open();
    let mut terminal = opening.await.unwrap();
    terminal.send("old exit").await.unwrap();
    let error = next(&mut terminal).await.unwrap_err();
    assert!(error.is_truncated(), "{error}");
    let nothing = json!({"type": "input", "data": ""});
    assert_eq!(machine.received().last(), Some(&nothing));
}

#[tokio::test]
async fn a_server_that_takes_no_input_holds_the_sender_up_and_is_given_up() {
    let machine = Machine::start().await;
    let limit = Duration::from_secs(1);
    let opening = machine.sandbox().terminal().idle_limit(limit).open();
    let (mut sender, mut receiver) = opening.await.unwrap().split();
    sender.send("deaf").await.unwrap();
    let flood = async {
        let part = "x".repeat(256 << 10);
        let mut accepted = 0;
        loop {
            match sender.send(&part).await {
                Ok(()) => accepted += part.len(),
                Err(error) => return (accepted, error),
            }
        }
    };
    let (accepted, error) = timeout(LIMIT, flood).await.unwrap();
    assert!(error.is_timeout(), "{error}");
    assert!(accepted < 64 << 20, "{accepted}");
    let error = timeout(LIMIT, receiver.try_next())
        .await
        .unwrap()
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
}

/// Input of a dropped future is sent as a whole or not at all, and what was pending before is not lost.
#[tokio::test]
async fn dropped_futures_lose_and_repeat_nothing() {
    let machine = Machine::start().await;
    let (mut sender, mut receiver) = machine.open().await.split();
    let writing = tokio::spawn(async move {
        sender.send(b"\xc3").await.unwrap();
        let mut text = b"\xa9".to_vec();
        text.extend(vec![b'x'; 1 << 20]);
        let (mut sent, mut dropped) = (0, 0);
        for _ in 0..6 {
            // Dropped at its first wait.
            let sending = sender.send(&text);
            dropped += u32::from(timeout(Duration::ZERO, sending).await.is_err());
            // The second half of a character fits only if the first half is still pending.
            match sender.send(&text).await {
                Ok(()) => sent += 1,
                Err(error) => {
                    assert!(error.is_input(), "{error}");
                    sent += 1;
                }
            }
            sender.send(b"\xc3").await.unwrap();
        }
        sender
            .send("\u{e9}".as_bytes()[1..].to_vec())
            .await
            .unwrap();
        sender.send("end").await.unwrap();
        (sender, sent, dropped)
    });
    let reading = async {
        let mut sizes = Vec::new();
        loop {
            // Reads that are dropped lose nothing either.
            let reading = timeout(Duration::from_millis(1), receiver.try_next()).await;
            let Ok(event) = reading else { continue };
            let Some(TerminalEvent::Output(text)) = event.unwrap() else {
                panic!("the terminal has ended");
            };
            if text == "END" {
                return sizes;
            }
            assert!(text.starts_with('É'));
            sizes.push(text.len());
        }
    };
    let sizes = timeout(LIMIT, reading).await.unwrap();
    let (sender, sent, dropped) = writing.await.unwrap();
    let mut expected = vec![(1 << 20) + 2; sent];
    // The last half of a character.
    expected.push(2);
    assert_eq!(sizes, expected);
    assert!(dropped > 0);
    drop(sender);
}

#[tokio::test]
async fn a_detached_session_can_be_joined_again() {
    let machine = Machine::start().await;
    let mut terminal = machine.open().await;
    terminal.send("last").await.unwrap();
    timeout(LIMIT, terminal.detach()).await.unwrap().unwrap();
    let last = json!({"type": "input", "data": "last"});
    assert_eq!(machine.received(), [last]);
    let mut terminal = machine.open().await;
    let events = terminal.by_ref().take(1).collect::<Vec<_>>().await;
    let events: Result<Vec<_>, _> = events.into_iter().collect();
    assert_eq!(
        events.unwrap(),
        [TerminalEvent::Output("\u{1b}[0mreplay".into())]
    );
}

#[tokio::test]
async fn both_halves_work_at_the_same_time() {
    let machine = Machine::start().await;
    let (mut sender, mut receiver) = machine.open().await.split();
    let sending = tokio::spawn(async move {
        for number in 0..500 {
            sender.send(format!("{number:05000}")).await.unwrap();
        }
        sender
    });
    let receiving = async {
        for number in 0..500 {
            let event = receiver.try_next().await.unwrap();
            assert_eq!(event, out(&format!("{number:05000}")));
        }
    };
    timeout(LIMIT, receiving).await.unwrap();
    drop(sending.await.unwrap());
}

#[tokio::test]
async fn invalid_options_are_refused_before_anything_is_sent() {
    let machine = Machine::start().await;
    let sandbox = machine.sandbox();
    for terminal in [
        sandbox.terminal().size(0, 24),
        sandbox.terminal().size(80, 0),
        sandbox.terminal().shell(""),
        sandbox.terminal().current_dir(""),
        sandbox.terminal().session(""),
    ] {
        let error = terminal.open().await.unwrap_err();
        assert!(error.is_input(), "{error}");
    }
    assert!(machine.seen.lock().unwrap().is_empty());
    let event = TerminalEvent::Output("canary".into());
    assert_eq!(format!("{event:?}"), "Output(6 bytes)");
}
