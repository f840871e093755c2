//! The messages of a server, event by event.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use blaxel_core::Body;
use futures_core::Stream;
use rmcp::transport::streamable_http_client::SseError;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use sse_stream_02::Sse;

use super::exchange::ExchangeRef;
use super::model::{Notification, Progress};
use super::shared::Shared;
use crate::sse::{Decoder, Event};
use crate::stream::EventStream;

const PROGRESS: &str = "notifications/progress";

/// The events of a response, as `rmcp` expects them. Listeners are called here, in order and before the
/// result that follows a notification; `rmcp` would deliver notifications out of order.
pub(super) struct Events {
    events: EventStream,
    exchange: Option<ExchangeRef>,
    shared: Arc<Shared>,
}

impl Events {
    pub(super) fn new(
        body: Body,
        limit: usize,
        exchange: Option<ExchangeRef>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            events: EventStream::with_decoder(body, Decoder::with_limit(limit)),
            exchange,
            shared,
        }
    }
}

impl Stream for Events {
    type Item = Result<Sse, SseError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(Pin::new(&mut self.events).poll_next(cx));
        Poll::Ready(event.map(|event| match event {
            Ok(event) => {
                notify(&self.shared, event.data());
                Ok(to_rmcp(event))
            }
            Err(error) => {
                self.shared.record_failure(self.exchange.as_ref(), &error);
                Err(SseError::Body(Box::new(error)))
            }
        }))
    }
}

fn to_rmcp(event: Event) -> Sse {
    Sse {
        // `rmcp` expects no name for plain messages.
        event: (event.name() != "message").then(|| event.name().to_owned()),
        id: event.id().map(str::to_owned),
        retry: event
            .retry()
            .and_then(|wait| u64::try_from(wait.as_millis()).ok()),
        data: Some(event.data().to_owned()),
    }
}

/// The members that distinguish a notification from other messages.
#[derive(Deserialize)]
struct MessageHead<'a> {
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    id: Option<IgnoredAny>,
    #[serde(default)]
    params: Value,
}

/// Calls the listener if the message is a notification.
fn notify(shared: &Shared, message: &str) {
    let Ok(MessageHead {
        method: Some(method),
        id: None,
        params,
    }) = serde_json::from_str(message)
    else {
        return;
    };
    if method == PROGRESS
        && let Some(listener) = shared.tokens.listener(&params["progressToken"])
    {
        if let Ok(progress) = Progress::deserialize(params) {
            listener(progress);
        }
        return;
    }
    if let Some(listener) = &shared.listener {
        listener(Notification {
            method: method.into_owned(),
            params,
        });
    }
}
