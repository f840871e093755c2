//! A session by WebSocket: each message of the protocol is a text.

use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::serve_server;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::server::Function;

/// Maximum size of a message, in bytes.
const LIMIT: usize = 8 * 1024 * 1024;

/// Serves a function until the client closes the connection. A message that is not JSON is ignored.
pub(super) async fn serve(function: Function, connection: OnUpgrade) {
    // A client that has left before is not an error.
    let Ok(connection) = connection.await else {
        return;
    };
    let limits = WebSocketConfig::default()
        .max_message_size(Some(LIMIT))
        .max_frame_size(Some(LIMIT));
    let connection = TokioIo::new(connection);
    let socket = WebSocketStream::from_raw_socket(connection, Role::Server, Some(limits)).await;
    let (sink, stream) = socket.split();
    let is_cut = Arc::new(AtomicBool::new(false));
    let cut = Cut(Arc::clone(&is_cut));
    let sink = sink.with(move |message: ServerJsonRpcMessage| {
        if is_cut.load(Ordering::Acquire) {
            return ready(Err(Error::ConnectionClosed));
        }
        let text = serde_json::to_string(&message);
        ready(
            text.map(Message::text)
                .map_err(|problem| Error::Io(problem.into())),
        )
    });
    let stream = stream
        .take_while(|message| ready(message.is_ok()))
        .filter_map(|message| {
            let message: Option<ClientJsonRpcMessage> = match message {
                Ok(Message::Text(text)) => serde_json::from_str(&text).ok(),
                _ => None,
            };
            ready(message)
        });
    let Ok(session) = serve_server(function, (sink, stream)).await else {
        return;
    };
    // The futures are dropped in this order, so the connection is cut before `rmcp` learns of the end: it would still
    // send the results of the calls that it cancels.
    tokio::select! {
        biased;
        () = held(cut) => {}
        _ = session.waiting() => {}
    }
}

/// Cuts the connection when it is dropped: nothing is sent any more.
struct Cut(Arc<AtomicBool>);

impl Drop for Cut {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Holds a value until the future is dropped.
async fn held(value: Cut) {
    let _value = value;
    pending::<()>().await;
}
