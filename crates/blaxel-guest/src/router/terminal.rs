//! The terminal: its page and its WebSocket.

use axum::extract::FromRequestParts as _;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;

use super::call::Call;
use super::respond;
use super::route::Route;
use crate::errno::Errno;
use crate::process::{Command, Control, TerminalSize};
use crate::state::{Client, State};
use crate::version::ServerVersion::{self, August};

pub(super) const ROUTES: &[Route] = &[
    Route {
        operation: "GetTerminal",
        method: Method::GET,
        pattern: "/terminal",
        since: August,
        handler: |call| Box::pin(async move { page(&call) }),
    },
    Route {
        operation: "ConnectTerminal",
        method: Method::GET,
        pattern: "/terminal/ws",
        since: August,
        handler: |call| Box::pin(connect(call)),
    },
];

/// The text that resets the colors of a terminal before a replay.
const RESET: &str = "\u{1b}[0m";
/// The largest message of a client.
const MESSAGE: usize = 1 << 20;

const PAGE: &str = r#"<!DOCTYPE html>
<html>
<head><meta charset="utf-8"><title>Sandbox Terminal</title></head>
<body>
<pre id="screen" tabindex="0"></pre>
<script>
const screen = document.getElementById("screen");
const query = new URLSearchParams(location.search);
const scheme = location.protocol === "https:" ? "wss:" : "ws:";
const base = location.pathname.replace(/\/$/, "");
const socket = new WebSocket(`${scheme}//${location.host}${base}/ws?${query}`);
socket.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  screen.textContent += (message.data || "").replace(/\x1b\[[0-9;]*m|\r/g, "");
};
socket.onclose = () => { screen.textContent += "\n[closed]"; };
const names = { Enter: "\r", Backspace: "\x7f", Tab: "\t" };
addEventListener("keydown", (event) => {
  const control = event.ctrlKey && event.key.length === 1;
  const key = control ? String.fromCharCode(event.key.charCodeAt(0) & 31)
    : names[event.key] || (event.key.length === 1 ? event.key : "");
  if (key) {
    socket.send(JSON.stringify({ type: "input", data: key }));
    event.preventDefault();
  }
});
screen.focus();
</script>
</body>
</html>
"#;

/// A message of either side.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct TerminalMessage {
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    data: String,
    #[serde(skip_serializing)]
    cols: u16,
    #[serde(skip_serializing)]
    rows: u16,
}

impl TerminalMessage {
    fn encode(kind: &str, data: String) -> Message {
        let message = Self {
            kind: kind.to_owned(),
            data,
            ..Self::default()
        };
        // A type whose serialization cannot fail.
        Message::from(serde_json::to_string(&message).unwrap_or_default())
    }
}

fn is_disabled(state: &State) -> bool {
    let value = state.variable("DISABLE_TERMINAL");
    value.is_some_and(|value| matches!(value.as_str(), "true" | "1"))
}

fn not_found() -> Response {
    respond::text(StatusCode::NOT_FOUND, "text/plain", "404 page not found")
}

fn page(call: &Call) -> Response {
    if is_disabled(&call.state) {
        return not_found();
    }
    respond::text(StatusCode::OK, "text/html; charset=utf-8", PAGE)
}

async fn connect(mut call: Call) -> Response {
    if is_disabled(&call.state) {
        return not_found();
    }
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut call.head, &()).await {
        Ok(upgrade) => upgrade.max_message_size(MESSAGE),
        Err(rejection) => return rejection.into_response(),
    };
    let wanted = Wanted::of(&call);
    let state = call.state;
    let version = state.version();
    let client = wanted.attach(&state).await;
    let awake = state.guest.clock().stay_awake();
    upgrade.on_upgrade(move |socket| async move {
        serve(socket, client, version).await;
        drop(awake);
    })
}

/// A session that a client asks for.
struct Wanted {
    id: String,
    size: TerminalSize,
    shell: String,
    working_dir: String,
}

impl Wanted {
    fn of(call: &Call) -> Self {
        let state = &call.state;
        let number = |name: &str, usual: u16| call.query(name).parse().unwrap_or(usual);
        let text = |name: &str| Some(call.query(name)).filter(|text| !text.is_empty());
        let usual_shell = || {
            state
                .variable("SHELL")
                .unwrap_or_else(|| "/bin/sh".to_owned())
        };
        let working_dir = match text("workingDir") {
            None => state.working_dir.clone(),
            Some(path) if path.starts_with('/') => path,
            Some(path) => crate::files::join(&state.working_dir, &path),
        };
        Self {
            id: text("sessionId").unwrap_or_else(|| "default".to_owned()),
            size: TerminalSize {
                columns: number("cols", 80),
                rows: number("rows", 24),
            },
            shell: text("shell").unwrap_or_else(usual_shell),
            working_dir,
        }
    }

    /// Returns a client of the session, which is started if it does not run.
    async fn attach(self, state: &State) -> Result<Client, String> {
        let Self {
            id,
            size,
            shell,
            working_dir,
        } = self;
        if let Some(client) = state.terminals.attach(&id) {
            // The shell may just have ended.
            let _ = client.session().control.send(Control::Resize(size)).await;
            return Ok(client);
        }
        let mut env = state.variables();
        env.entry("TERM".to_owned())
            .or_insert_with(|| "xterm-256color".to_owned());
        let command = Command {
            shell: vec![shell.clone()],
            working_dir,
            env: env.into_iter().collect(),
            has_stdin: true,
            terminal: Some(size),
            ..Command::default()
        };
        let failed = |errno: Errno| format!("fork/exec {shell}: {errno}");
        let process = state.guest.spawn(command).await.map_err(failed)?;
        let clock = state.guest.clock().clone();
        let client = state.terminals.start(&id, process, clock);
        client.ok_or_else(|| failed(Errno::OutOfMemory))
    }
}

/// Serves a client until it or the shell ends.
async fn serve(mut socket: WebSocket, client: Result<Client, String>, version: ServerVersion) {
    let mut client = match client {
        Ok(client) => client,
        Err(message) => {
            // The client may be gone already, and then nobody is told.
            let _ = socket.send(TerminalMessage::encode("error", message)).await;
            return;
        }
    };
    let replay = std::mem::take(&mut client.replay);
    if !replay.is_empty() {
        let text = format!("{RESET}{}", String::from_utf8_lossy(&replay));
        if socket
            .send(TerminalMessage::encode("output", text))
            .await
            .is_err()
        {
            return;
        }
    }
    loop {
        tokio::select! {
            output = client.output.recv() => match output {
                Ok(bytes) => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    if socket.send(TerminalMessage::encode("output", text)).await.is_err() {
                        return;
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break,
            },
            message = socket.recv() => match message {
                Some(Ok(message)) => input(&client, &message).await,
                _ => return,
            },
        }
    }
    // The server of August closes the connection without a word.
    if version > August {
        let close = CloseFrame {
            code: close_code::NORMAL,
            reason: "Shell exited".into(),
        };
        let _ = socket.send(Message::Close(Some(close))).await;
    }
}

/// Passes a message of a client to the shell. Messages that are not understood are ignored.
async fn input(client: &Client, message: &Message) {
    let Ok(text) = message.to_text() else { return };
    let Ok(message) = serde_json::from_str::<TerminalMessage>(text) else {
        return;
    };
    let session = client.session();
    match message.kind.as_str() {
        "input" => {
            // A shell that has ended is noticed by its output.
            let _ = session.input.send(message.data.into_bytes().into()).await;
        }
        "resize" if message.cols > 0 && message.rows > 0 => {
            let size = TerminalSize {
                columns: message.cols,
                rows: message.rows,
            };
            let _ = session.control.send(Control::Resize(size)).await;
        }
        _ => {}
    }
}
