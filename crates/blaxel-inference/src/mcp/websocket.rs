//! MCP by WebSocket, as the transport that `rmcp` expects: each message is a text.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use blaxel_core::__private::websocket::context;
use blaxel_core::__private::{ErrorParts, WithOptions, one_line, time_limit};
use blaxel_core::websocket::{Close, Options, Receiver, Sender, WebSocket};
use blaxel_core::{BoxService, Delivery, Error, ErrorKind, RequestWriter};
use rmcp::RoleClient;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::sync::{Mutex, watch};

use super::error;
use super::exchange::ExchangeRef;
use super::inbox::deliver;
use super::message;
use super::shared::{MESSAGE_LIMIT, Shared};

/// The time limit on the last message of a session.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);
/// Maximum length of the start of a message in an error, in characters.
const EXCERPT: usize = 200;

/// Sends and receives the messages of one session.
pub(super) struct WebSocketTransport {
    sender: Arc<Mutex<Sender>>,
    receiver: Receiver,
    shared: Arc<Shared>,
    owned: watch::Receiver<()>,
    /// The time limit on calls, if the service has one.
    limit: Option<Duration>,
    /// The messages that `rmcp` gets next.
    ready: VecDeque<ServerJsonRpcMessage>,
}

impl WebSocketTransport {
    /// Opens the connection.
    pub(super) async fn connect(
        service: BoxService,
        shared: Arc<Shared>,
        owned: watch::Receiver<()>,
    ) -> Result<Self, Error> {
        let operation = &shared.operations.open;
        let mut request = RequestWriter::new(operation);
        let written = shared.target.write(&mut request);
        written.map_err(|error| error::in_operation(error, operation))?;
        let service = WithOptions::new(service, shared.target.options());
        let options = Options::new()
            .max_message_size(MESSAGE_LIMIT)
            .max_frame_size(MESSAGE_LIMIT);
        let socket = WebSocket::connect(&service, request, options).await?;
        let (sender, receiver) = socket.split();
        Ok(Self {
            sender: Arc::new(Mutex::new(sender)),
            limit: time_limit(context(&receiver)),
            receiver,
            shared,
            owned,
            ready: VecDeque::new(),
        })
    }

    /// Delivers the messages in a text.
    fn read(&mut self, text: &str) {
        match message::read(text) {
            Ok(messages) => {
                let delivered = messages
                    .into_iter()
                    .filter_map(|message| deliver(&self.shared, None, message))
                    .filter_map(|text| serde_json::from_str(&text).ok());
                self.ready.extend(delivered);
            }
            Err(_) => {
                let text = one_line(text, EXCERPT);
                let stray = format!("the MCP server sent a message that is not JSON: {text}");
                let stray = Error::decode(stray);
                for exchange in self.shared.pending.all() {
                    exchange.record_stray(stray.clone());
                }
            }
        }
    }
}

impl Transport<RoleClient> for WebSocketTransport {
    type Error = Error;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Error>> + Send + 'static {
        // The request that starts a session is made by `rmcp`.
        let exchange = ExchangeRef::of(&message)
            .unwrap_or_else(|| ExchangeRef(Arc::downgrade(&self.shared.startup)));
        let is_request = self.shared.pending.register(&message, exchange.clone());
        let exchange = is_request.and_then(|_| exchange.get());
        let mut turn = Box::pin(tokio::task::unconstrained(
            Arc::clone(&self.sender).lock_owned(),
        ));
        // The first poll takes a place in the queue, so messages are sent in their order.
        let sender = turn.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let (shared, limit) = (Arc::clone(&self.shared), self.limit);
        async move {
            let sending = async {
                let text = serde_json::to_string(&message).map_err(|problem| {
                    Error::not_sent(format!("the message cannot be written as JSON: {problem}"))
                })?;
                let mut sender = match sender {
                    Poll::Ready(sender) => sender,
                    Poll::Pending => turn.await,
                };
                if let Some(exchange) = &exchange {
                    exchange.record_sent_on_connection(limit);
                }
                sender.send(text).await
            };
            let outcome = sending.await;
            if let Err(failure) = &outcome {
                let delivery = failure.delivery();
                let failure = match (failure.kind(), delivery) {
                    (ErrorKind::Transport, Delivery::NotSent) => error::ended(failure.clone()),
                    _ => error::no_response(failure.clone()).with_delivery(delivery),
                };
                match &exchange {
                    Some(exchange) => exchange.record_failure(failure),
                    None => shared.record_failure(failure),
                }
            }
            outcome
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Some(message);
            }
            let reason = match self.receiver.try_next().await {
                Ok(Some(message)) => {
                    // Some servers send bytes, which are a text all the same.
                    self.read(&String::from_utf8_lossy(message.as_bytes()));
                    continue;
                }
                Ok(None) => Error::truncated("the MCP server closed the WebSocket"),
                Err(error) => error,
            };
            self.shared.record_end(&reason);
            return None;
        }
    }

    async fn close(&mut self) -> Result<(), Error> {
        // Once the owner is gone, nothing is sent any more.
        if self.owned.has_changed().is_err() {
            return Ok(());
        }
        let close = async { self.sender.lock().await.close(Close::normal()).await };
        // A server that does not listen has ended the session, too.
        tokio::time::timeout(CLOSE_LIMIT, close)
            .await
            .unwrap_or(Ok(()))
    }
}
