//! A streamed answer of a model.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{fmt, mem};

use blaxel_core::__private::{DecodedParts, ErrorParts, with_bare_json};
use blaxel_core::stream::EventStream;
use blaxel_core::stream::sse::Event;
use blaxel_core::{Body, Error, Plane};
use futures_core::Stream;
use serde_json::Value;

use super::answer::{ChatCompletion, Usage};
use super::assembler::ChatAssembler;
use super::chunk::ChatChunk;
use crate::report;

/// The end mark of a chat stream.
const END_MARK: &str = "[DONE]";

/// The name of an event that reports an error.
const ERROR: &str = "error";

/// The names of events that only keep the connection open.
const HEARTBEATS: [&str; 4] = ["ping", "heartbeat", "keepalive", "keep-alive"];

/// The maximum size of an assembled answer, in bytes. Models stay below a tenth of it.
const COMPLETION_LIMIT: usize = 32 * 1024 * 1024;

/// A streamed answer of a model, as chunks.
///
/// It ends with the end mark `[DONE]`. A stream that ends without it is [`Error::is_truncated`], so an
/// incomplete answer is never taken for a whole one.
///
/// Memory use, idle timeout and cancellation are those of [`Decoded`](crate::Decoded).
///
/// ```no_run
/// # async fn example(mut answer: blaxel_inference::ChatStream) -> Result<(), blaxel_core::Error> {
/// while let Some(chunk) = answer.try_next().await? {
///     print!("{}", chunk.text());
/// }
/// println!("{:?}", answer.usage());
/// # Ok(())
/// # }
/// ```
#[must_use = "the answer is read only when chunks are requested"]
pub struct ChatStream {
    events: EventStream,
    usage: Option<Usage>,
    /// `true` until a chunk has a choice or the stream has failed.
    unanswered: bool,
    /// `true` if the last chunk was a whole answer, after which there may be no end mark.
    whole: bool,
}

impl ChatStream {
    /// Creates a stream of the body of a successful response, with server-sent events.
    pub fn new(body: Body) -> Self {
        Self::of(EventStream::new(body))
    }

    pub(crate) fn of(events: EventStream) -> Self {
        Self {
            events: events.map_decoder(with_bare_json).until(END_MARK, is_end),
            usage: None,
            unanswered: true,
            whole: false,
        }
    }

    /// Returns the next chunk, or `None` after the whole answer.
    ///
    /// It is cancel safe: a future that is dropped before it completes loses no chunk.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transport`](blaxel_core::ErrorKind) if the connection fails,
    /// [`Error::is_timeout`] if no data arrives for too long; [`Error::is_truncated`] if the stream is cut off;
    /// [`Error::is_failed`] if the provider reports an error, with its code and message in
    /// [`Error::api`]; [`Error::is_decode`] for an event that is not a chunk of a chat, and for a stream without
    /// any choice. After an error the stream has ended. The chunks before it remain valid.
    pub async fn try_next(&mut self) -> Result<Option<ChatChunk>, Error> {
        poll_fn(|cx| self.poll_chunk(cx)).await.transpose()
    }

    /// Returns the numbers of tokens used, once a chunk has reported them.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Reads the stream to its end, and assembles its chunks into a whole answer.
    ///
    /// Chunks that [`try_next`](Self::try_next) has returned before are not part of it. To keep the part of an
    /// answer that was received before an error, use a [`ChatAssembler`].
    ///
    /// ```no_run
    /// # async fn example(answer: blaxel_inference::ChatStream) -> Result<(), blaxel_core::Error> {
    /// let completion = answer.into_completion().await?;
    /// println!("{}", completion.text().unwrap_or_default());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`try_next`](Self::try_next), those of [`ChatAssembler::add`], and [`Error::is_decode`] for an
    /// answer of more than 32 MiB of text.
    pub async fn into_completion(mut self) -> Result<ChatCompletion, Error> {
        let mut assembler = ChatAssembler::new();
        while let Some(chunk) = self.try_next().await? {
            let added = assembler.add(&chunk);
            added.map_err(|error| self.events.annotate(error))?;
            if assembler.size() > COMPLETION_LIMIT {
                let message =
                    format!("the answer is larger than the limit of {COMPLETION_LIMIT} bytes");
                return Err(self.events.annotate(Error::decode(message)));
            }
        }
        Ok(assembler.finish())
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ChatChunk, Error>>> {
        loop {
            let Some(event) = ready!(Pin::new(&mut self.events).poll_next(cx)) else {
                return Poll::Ready(self.end().err().map(Err));
            };
            match event.and_then(|event| self.read(event)) {
                Ok(Some(chunk)) => {
                    self.usage = chunk.usage.or(self.usage);
                    self.unanswered &= chunk.choices.is_empty();
                    self.whole = chunk.whole;
                    return Poll::Ready(Some(Ok(chunk)));
                }
                Ok(None) => {}
                Err(error) if error.is_truncated() && self.whole => return Poll::Ready(None),
                Err(error) => {
                    self.events.close();
                    self.unanswered = false;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }

    /// Returns the chunk of an event, or `None` for an event without content.
    fn read(&self, event: Event) -> Result<Option<ChatChunk>, Error> {
        let head = || self.events.head();
        let error = match read_event(&event) {
            Found::Chunk(mut chunk) => {
                chunk.raw = event.into_text();
                return Ok(Some(chunk));
            }
            Found::Nothing => return Ok(None),
            Found::Report(report) => {
                report::error("the model failed midway", &head(), report.as_bytes())
            }
            Found::Other(problem) => {
                let error = Error::decode("an event of the stream is not a chunk of a chat");
                let error = error.caused_by(problem);
                error.with_report(Plane::Run, &head(), event.data().as_bytes())
            }
        };
        Err(self.events.annotate(error))
    }

    /// Checks a stream that has ended: one without any choice is not an answer.
    fn end(&mut self) -> Result<(), Error> {
        if !mem::take(&mut self.unanswered) {
            return Ok(());
        }
        let error = Error::decode("the stream has no answer: it ended without a choice");
        Err(self.events.annotate(error))
    }
}

fn is_end(event: &Event) -> bool {
    event.data().trim() == END_MARK && event.name() != ERROR
}

/// The content of an event.
enum Found {
    Chunk(ChatChunk),
    /// The event only keeps the connection open.
    Nothing,
    /// An error in any of the formats of error responses.
    Report(String),
    /// Anything else, with the reason why it is not a chunk.
    Other(serde_json::Error),
}

fn read_event(event: &Event) -> Found {
    let data = report::json(event.data());
    if event.name() == ERROR {
        return Found::Report(data.to_owned());
    }
    if matches!(data, "" | "null") || HEARTBEATS.contains(&event.name()) {
        return Found::Nothing;
    }
    let chunk = match serde_json::from_str::<ChatChunk>(data) {
        Ok(chunk) if !chunk.choices.is_empty() || chunk.usage.is_some() => {
            return Found::Chunk(chunk);
        }
        other => other,
    };
    // An object without choices is a chunk too, unless it is something else by its other members.
    let value = serde_json::from_str(data).unwrap_or(Value::Null);
    if let Some(report) = report::find(&value) {
        return Found::Report(report.to_string());
    }
    let kind = value.get("type").and_then(Value::as_str);
    if kind.is_some_and(|kind| HEARTBEATS.contains(&kind)) {
        return Found::Nothing;
    }
    chunk.map_or_else(Found::Other, Found::Chunk)
}

impl Stream for ChatStream {
    type Item = Result<ChatChunk, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_chunk(cx)
    }
}

impl fmt::Debug for ChatStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatStream")
            .field("events", &self.events)
            .field("usage", &self.usage)
            .finish_non_exhaustive()
    }
}
