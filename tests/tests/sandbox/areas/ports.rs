//! Programs on the ports of the sandbox, and its terminals.

use std::time::Duration;

use axum::Router;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::routing::get;
use blaxel_emulator::blaxel_guest::SimulatedGuest;
use blaxel_sandbox::terminal::{Terminal, TerminalEvent};
use blaxel_sandbox::websocket::Message;
use tokio::time::timeout;

use crate::support::{Age, World};

const LIMIT: Duration = Duration::from_secs(10);

/// Lets a program of the sandbox return each message at the port 3000.
pub fn prepare(guest: &SimulatedGuest) {
    async fn echo(mut socket: WebSocket) {
        while let Some(Ok(message)) = socket.recv().await {
            if socket.send(message).await.is_err() {
                return;
            }
        }
    }
    let upgrade = |upgrade: WebSocketUpgrade| async move { upgrade.on_upgrade(echo) };
    guest.on_port(3000, Router::new().route("/feed", get(upgrade)));
}

pub fn unsent(_: Age) -> &'static [&'static str] {
    &[]
}

pub async fn perform(world: &World) {
    sockets(world).await;
    terminals(world).await;
}

async fn sockets(world: &World) {
    let port = world.sandbox().port(3000);
    let connecting = port.websocket("/feed").connect();
    let mut socket = timeout(LIMIT, connecting).await.unwrap().unwrap();
    socket.send("hello").await.unwrap();
    let message = timeout(LIMIT, socket.try_next()).await.unwrap();
    assert_eq!(message.unwrap(), Some(Message::from("hello")));
    socket.close().await.unwrap();
    world.expect(&["OpenPortSocket"]);

    let error = port.websocket("/nothing").connect().await.unwrap_err();
    assert_eq!(error.status(), Some(http::StatusCode::NOT_FOUND));
    world.expect(&["OpenPortSocket"]);
    let closed = world.sandbox().port(3001);
    let error = closed.websocket("/").connect().await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    world.expect(&["OpenPortSocket"]);
}

/// Reads the screen until it has a text.
async fn read_until(terminal: &mut Terminal, text: &str) -> String {
    let mut screen = String::new();
    let reading = async {
        while !screen.contains(text) {
            match terminal.try_next().await.unwrap() {
                Some(TerminalEvent::Output(output)) => screen += &output,
                other => panic!("{other:?} after {screen:?}"),
            }
        }
    };
    let outcome = timeout(LIMIT, reading).await;
    outcome.unwrap_or_else(|_| panic!("no {text:?} in {screen:?}"));
    screen
}

/// Old servers do not say that the shell has exited.
async fn terminals(world: &World) {
    world.put("/data/file", "");
    let sandbox = world.sandbox();
    let options = sandbox
        .terminal()
        .size(100, 30)
        .shell("/bin/sh")
        .current_dir("/data")
        .session("one");
    let mut terminal = options.open().await.unwrap();
    world.expect(&["OpenTerminal"]);
    terminal.send("ls; stty size\r").await.unwrap();
    read_until(&mut terminal, "30 100").await;
    terminal.resize(120, 40).await.unwrap();
    terminal.send("stty size\r").await.unwrap();
    read_until(&mut terminal, "40 120").await;
    terminal.detach().await.unwrap();

    // The session is still there, with its screen.
    let mut terminal = sandbox.terminal().session("one").open().await.unwrap();
    world.expect(&["OpenTerminal"]);
    read_until(&mut terminal, "40 120").await;
    terminal.send("exit\r").await.unwrap();
    let end = async {
        loop {
            match terminal.try_next().await {
                Ok(Some(_)) => {}
                end => return end,
            }
        }
    };
    let end = timeout(LIMIT, end).await.unwrap();
    match world.age {
        Age::August => assert!(end.unwrap_err().is_truncated()),
        Age::Current => {
            assert_eq!(end.unwrap(), None);
            let close = terminal.closed().unwrap();
            assert_eq!(close.reason, "Shell exited");
        }
    }
}
