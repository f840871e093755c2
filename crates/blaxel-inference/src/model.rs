//! Calls to models.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::{
    Error, HttpService, Operation, OperationInfo, Plane, RequestWriter, call, open, response,
};
use bytes::Bytes;
use futures_core::Stream;
use http::Method;
use http::header::ACCEPT;
use serde::Serialize;
use serde_json::{Value, json};

use crate::chat::{ChatChunk, ChatCompletion, ChatRequest, Usage};
use crate::stream::EventStream;
use crate::target::{Target, target_setters};

const PATH: &str = "/models/{modelName}";
const CHAT: &str = "v1/chat/completions";
/// What a chat stream ends with.
const END_MARK: &str = "[DONE]";

static STREAM_CHAT: OperationInfo = OperationInfo::new("StreamChatCompletion", Method::POST, PATH)
    .on(Plane::Run)
    .streaming();

/// A model to be called. It is got from [`Inference::model`](crate::Inference::model).
#[derive(Clone)]
pub struct ModelCall<S> {
    service: S,
    target: Target,
}

impl<S: HttpService> ModelCall<S> {
    pub(crate) fn new(service: S, name: &str) -> Self {
        Self {
            service,
            target: Target::new(name),
        }
    }

    target_setters!();

    /// Asks the model and waits for its whole answer.
    /// `POST /{workspace}/models/{modelName}/v1/chat/completions`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such model; [`Error::is_rate_limited`] if the
    /// provider's limit or a token policy of the workspace is used up; the provider's own error.
    pub async fn chat(&self, request: &ChatRequest) -> Result<ChatCompletion, Error> {
        call(
            &self.service,
            &Chat {
                target: &self.target,
                request,
            },
        )
        .await
    }

    /// Asks the model and reads its answer piece by piece.
    /// `POST /{workspace}/models/{modelName}/v1/chat/completions` with `stream: true`; usage is asked
    /// for too.
    ///
    /// # Errors
    ///
    /// As for [`chat`](Self::chat), up to the head of the response.
    pub async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let mut writer = RequestWriter::new(&STREAM_CHAT);
        writer.json(&Wire::new(&self.target, request, true))?;
        self.target.write(&mut writer, CHAT)?;
        writer.header(ACCEPT, "text/event-stream")?;
        let response = open(&self.service, writer.finish()?).await?;
        Ok(ChatStream::new(EventStream::new(response.into_body())))
    }
}

impl<S> fmt::Debug for ModelCall<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ModelCall")
            .field(&self.target.name())
            .finish()
    }
}

/// A request as it is sent.
#[derive(Serialize)]
struct Wire<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(flatten)]
    request: &'a ChatRequest,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<Value>,
}

impl<'a> Wire<'a> {
    fn new(target: &'a Target, request: &'a ChatRequest, stream: bool) -> Self {
        Self {
            // A name set by the caller stands in the request itself.
            model: request.model.is_none().then_some(target.name()),
            request,
            stream: stream.then_some(true),
            stream_options: stream.then(|| json!({"include_usage": true})),
        }
    }
}

/// A chat completion whose answer is read whole.
struct Chat<'a> {
    target: &'a Target,
    request: &'a ChatRequest,
}

impl Operation for Chat<'_> {
    type Output = ChatCompletion;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("CreateChatCompletion", Method::POST, PATH).on(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.json(&Wire::new(self.target, self.request, false))?;
        self.target.write(request, CHAT)
    }

    fn read(response: &http::Response<Bytes>) -> Result<ChatCompletion, Error> {
        response::json(response)
    }
}

/// A model's answer, piece by piece as it is said.
///
/// It ends after the end mark `[DONE]`. A stream that ends without one was cut, which is an error:
/// half an answer is not taken for a whole one.
#[must_use = "the answer is read only when it is asked for"]
#[derive(Debug)]
pub struct ChatStream {
    events: EventStream,
    usage: Option<Usage>,
    ended: bool,
}

impl ChatStream {
    fn new(events: EventStream) -> Self {
        Self {
            events,
            usage: None,
            ended: false,
        }
    }

    /// The next piece, or `None` after the whole answer.
    ///
    /// It may be dropped while it waits: no piece is lost.
    ///
    /// # Errors
    ///
    /// When the connection fails or falls silent, when the stream is cut, when the provider reports
    /// an error midway, and [`Error::is_decode`] for what is no piece of a chat.
    pub async fn next(&mut self) -> Option<Result<ChatChunk, Error>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// What the call used, once a piece has told it.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ChatChunk, Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let outcome = match ready!(Pin::new(&mut self.events).poll_next(cx)) {
            Some(Ok(event)) if event.data().trim() == END_MARK => None,
            Some(Ok(event)) => Some(read_chunk(event.data())),
            Some(Err(error)) => Some(Err(error)),
            None => Some(Err(cut())),
        };
        match &outcome {
            Some(Ok(chunk)) => self.usage = chunk.usage.or(self.usage),
            Some(Err(_)) | None => self.ended = true,
        }
        Poll::Ready(outcome.map(|chunk| chunk.map_err(|e| e.in_operation(Some(&STREAM_CHAT)))))
    }
}

fn cut() -> Error {
    Error::decode(format!(
        "the answer was cut: the stream ended without its end mark `{END_MARK}`"
    ))
}

fn read_chunk(data: &str) -> Result<ChatChunk, Error> {
    let decoded = match serde_json::from_str::<ChatChunk>(data) {
        // An error has none of a piece's members, so it decodes as an empty piece.
        Ok(chunk) if !chunk.choices.is_empty() || chunk.usage.is_some() => return Ok(chunk),
        other => other,
    };
    if let Some(message) = reported_error(data) {
        return Err(Error::decode(format!("the model failed midway: {message}")));
    }
    decoded.map_err(|problem| {
        Error::decode("an event of the stream is no piece of a chat").caused_by(problem)
    })
}

/// The message of an error sent in place of a piece.
fn reported_error(data: &str) -> Option<String> {
    let event: Value = serde_json::from_str(data).ok()?;
    let error = event.get("error").filter(|error| !error.is_null())?;
    let message = error.get("message").unwrap_or(error);
    Some(
        message
            .as_str()
            .map_or_else(|| message.to_string(), str::to_owned),
    )
}

impl Stream for ChatStream {
    type Item = Result<ChatChunk, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_chunk(cx)
    }
}
