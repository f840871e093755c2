//! The messages of a server, event by event.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use blaxel_core::__private::{DecodedParts, decoded, one_line};
use blaxel_core::stream::EventStream;
use blaxel_core::stream::sse::{Decoder, Event};
use blaxel_core::{Body, Error, OperationInfo};
use futures_core::Stream;
use http::Response;
use rmcp::transport::streamable_http_client::SseError;
use serde_json::Value;
use sse_stream_02::Sse;

use super::error;
use super::inbox::deliver;
use super::message::{self, Message};
use super::pending::Waiting;
use super::shared::Shared;

/// Maximum length of the start of an event in an error, in characters.
const EXCERPT: usize = 200;

/// The events of a response, as `rmcp` expects them. Listeners are called here, in order and before the
/// result that follows a notification; `rmcp` would deliver notifications out of order.
pub(super) struct Events {
    events: EventStream,
    /// The request of which this is the response. `None` for the stream of other messages.
    own: Option<Waiting>,
    shared: Arc<Shared>,
    /// The events that `rmcp` gets next.
    ready: VecDeque<Sse>,
}

impl Events {
    pub(super) fn new(
        response: Response<Body>,
        operation: &'static OperationInfo,
        limit: usize,
        own: Option<Waiting>,
        shared: Arc<Shared>,
    ) -> Self {
        let events = decoded(response, operation, Decoder::with_limit(limit), true);
        Self {
            events: events.or_whole(whole),
            own,
            shared,
            ready: VecDeque::new(),
        }
    }

    fn read(&mut self, event: &Event) {
        let exchange = self.own.as_ref().and_then(Waiting::exchange);
        if let (Some(exchange), Some(id)) = (&exchange, event.id()) {
            exchange.record_event_id(id);
        }
        let retry = event.retry().map(|wait| wait.as_millis());
        let control = Sse {
            event: None,
            id: event.id().map(str::to_owned),
            retry: retry.and_then(|wait| u64::try_from(wait).ok()),
            data: None,
        };
        if control.id.is_some() || control.retry.is_some() {
            self.ready.push_back(control);
        }
        for message in messages(event) {
            let text = match message {
                Ok(message) => deliver(&self.shared, self.own.as_ref(), message),
                Err(stray) => {
                    if let Some(exchange) = &exchange {
                        exchange.record_stray(stray);
                    }
                    None
                }
            };
            self.ready.extend(text.map(to_rmcp));
        }
    }

    /// Records that the response is missing, if it is. `rmcp` resumes it if the server has sent an event id.
    fn end(&self) {
        let exchange = self.own.as_ref().and_then(Waiting::exchange);
        if let (Some(own), Some(exchange)) = (&self.own, exchange)
            && !exchange.is_complete()
        {
            let ended = format!(
                "the stream ended without the response to request {}",
                own.id
            );
            exchange.record_failure(match exchange.take_stray() {
                Some(stray) => error::no_response(stray),
                None => error::no_response(ended),
            });
        }
    }
}

impl Stream for Events {
    type Item = Result<Sse, SseError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            match ready!(Pin::new(&mut self.events).poll_next(cx)) {
                Some(Ok(event)) => self.read(&event),
                Some(Err(error)) => {
                    if let Some(exchange) = self.own.as_ref().and_then(Waiting::exchange) {
                        exchange.record_failure(error.clone());
                    }
                    return Poll::Ready(Some(Err(SseError::Body(Box::new(error)))));
                }
                None => {
                    self.end();
                    return Poll::Ready(None);
                }
            }
        }
    }
}

/// Converts a body of JSON, which some servers call a stream of events, to an event.
fn whole(body: &[u8]) -> Option<Decoder> {
    let message: Value = serde_json::from_slice(body).ok()?;
    let mut decoder = Decoder::with_limit(usize::MAX);
    decoder.push(format!("data: {message}\n\n").into());
    Some(decoder)
}

/// Returns the messages in an event. An event that is named other than `message` may have none.
fn messages(event: &Event) -> Vec<Result<Message, Error>> {
    let data = event.data();
    match event.name() {
        "error" => vec![Ok(message::read_error(data))],
        _ if data.trim().is_empty() => Vec::new(),
        name => match message::read(data) {
            Ok(messages) => messages.into_iter().map(Ok).collect(),
            Err(_) if name != "message" => Vec::new(),
            Err(_) => {
                let text = one_line(data, EXCERPT);
                let stray = format!("the MCP server sent an event that is not JSON: {text}");
                vec![Err(Error::decode(stray))]
            }
        },
    }
}

/// Creates the event with a message for `rmcp`.
pub(super) fn to_rmcp(message: String) -> Sse {
    Sse {
        event: None,
        data: Some(message),
        id: None,
        retry: None,
    }
}
