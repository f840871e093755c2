//! A streamed answer of a model.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Body, Error};
use futures_core::Stream;
use serde_json::Value;

use super::answer::{ChatCompletion, Usage};
use super::assembler::ChatAssembler;
use super::chunk::ChatChunk;
use crate::sse::Event;
use crate::stream::EventStream;

/// The end mark of a chat stream.
const END_MARK: &str = "[DONE]";

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
}

impl ChatStream {
    /// Creates a stream of a body of server-sent events.
    pub fn new(body: Body) -> Self {
        Self::of(EventStream::new(body))
    }

    pub(crate) fn of(events: EventStream) -> Self {
        Self {
            events: events.until(END_MARK, |event| event.data().trim() == END_MARK),
            usage: None,
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
    /// [`Error::is_failed`] if the provider reports an error midway; [`Error::is_decode`] for an event
    /// that is not a chunk of a chat. After an error the stream has ended.
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
    /// Chunks that [`try_next`](Self::try_next) has returned before are not part of it.
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
    /// Those of [`try_next`](Self::try_next), and [`Error::is_decode`] for an answer of more than 32 MiB of
    /// text.
    pub async fn into_completion(mut self) -> Result<ChatCompletion, Error> {
        let mut assembler = ChatAssembler::new();
        while let Some(chunk) = self.try_next().await? {
            assembler.add(&chunk);
            if assembler.size() > COMPLETION_LIMIT {
                let message =
                    format!("the answer is larger than the limit of {COMPLETION_LIMIT} bytes");
                return Err(self.events.annotate(Error::decode(message)));
            }
        }
        Ok(assembler.finish())
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ChatChunk, Error>>> {
        let Some(event) = ready!(Pin::new(&mut self.events).poll_next(cx)) else {
            return Poll::Ready(None);
        };
        Poll::Ready(Some(match event {
            Ok(event) => match read_chunk(event) {
                Ok(chunk) => {
                    self.usage = chunk.usage.or(self.usage);
                    Ok(chunk)
                }
                Err(error) => {
                    let error = self.events.annotate(error);
                    self.events.close();
                    Err(error)
                }
            },
            Err(error) => Err(error),
        }))
    }
}

fn read_chunk(event: Event) -> Result<ChatChunk, Error> {
    let decoded = match serde_json::from_str::<ChatChunk>(event.data()) {
        // An error object has none of the members of a chunk, so it decodes as an empty chunk.
        Ok(mut chunk) if !chunk.choices.is_empty() || chunk.usage.is_some() => {
            chunk.raw = event.into_text();
            return Ok(chunk);
        }
        other => other,
    };
    if let Some(message) = reported_error(&event) {
        return Err(Error::failed(format!("the model failed midway: {message}")));
    }
    match decoded {
        Ok(mut chunk) => {
            chunk.raw = event.into_text();
            Ok(chunk)
        }
        Err(problem) => {
            Err(Error::decode("an event of the stream is not a chunk of a chat").caused_by(problem))
        }
    }
}

/// Returns the message of an error that was sent in place of a chunk.
fn reported_error(event: &Event) -> Option<String> {
    let data: Value = serde_json::from_str(event.data()).ok()?;
    let error = match data.get("error").filter(|error| !error.is_null()) {
        Some(error) => error,
        None if event.name() == "error" => &data,
        None => return None,
    };
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

impl fmt::Debug for ChatStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatStream")
            .field("events", &self.events)
            .field("usage", &self.usage)
            .finish_non_exhaustive()
    }
}
