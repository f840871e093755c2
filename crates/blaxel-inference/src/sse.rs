//! Server-sent events: the format in which models and agents stream their answers.
//!
//! A [`Decoder`] is fed the chunks of a body as they arrive and gives out each [`Event`] as soon as
//! it is complete. It does no input or output of its own, so it works under any runtime:
//!
//! ```text
//! chunk -> push -> next_event, next_event, ... None -> chunk -> push -> ...   end -> finish
//! ```
//!
//! Inside there are two steps. The chunks are cut into lines, and `Draft` gathers the fields of one
//! event from them. Every byte is looked at a fixed number of times however the body is cut
//! into chunks, and what is kept at once never passes the decoder's limit.

use std::time::Duration;
use std::{fmt, mem};

use blaxel_core::Error;
use bytes::{Buf, Bytes};
use bytestring::ByteString;

pub use crate::decode::DecodeError;
use crate::decode::{Decode, Text, unreadable};
use crate::split::{LineEnd, Lines, TooLong, count_work, extra_space};

#[cfg(test)]
mod tests;

/// One event of a stream.
///
/// An event usually borrows from the chunk it arrived in rather than copying out of it. Holding on
/// to an event therefore holds on to that chunk; copy the text out to keep it for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    name: Option<ByteString>,
    data: ByteString,
    id: Option<ByteString>,
    retry: Option<Duration>,
}

impl Event {
    /// The kind of event, as named by the server. `"message"` when the server named none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("message")
    }

    /// The text of the event. When the server sent it on several lines, they are joined by `\n`.
    #[must_use]
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The text of the event as bytes, without copying it. The bytes are valid UTF-8.
    #[must_use]
    pub fn into_data(self) -> Bytes {
        self.data.into_bytes()
    }

    /// The text of the event, without copying it.
    #[must_use]
    pub fn into_text(self) -> Text {
        self.data.into()
    }

    /// The id that came with this event, if one did.
    ///
    /// An id is not passed on to later events. To take up a broken stream again, remember the last
    /// id seen.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// How long the server asks its clients to wait before they connect again, if this event says
    /// so. The server gives it in whole milliseconds.
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }
}

/// Turns the chunks of a body into events.
///
/// Chunks may be cut anywhere, even inside a character or between the two bytes of a line end: the
/// events are the same.
///
/// ```
/// # use blaxel_inference::sse::Decoder;
/// let mut decoder = Decoder::new();
/// decoder.push("data: Hel".into());
/// assert!(decoder.next_event().is_none());
///
/// decoder.push("lo\n\n".into());
/// let event = decoder.next_event().unwrap()?;
/// assert_eq!(event.data(), "Hello");
/// # Ok::<(), blaxel_inference::sse::DecodeError>(())
/// ```
pub struct Decoder {
    limit: usize,
    lines: Lines,
    draft: Draft,
    over: bool,
}

impl Decoder {
    /// The size up to which an event is accepted unless another is chosen: 16 MiB, in bytes.
    pub const DEFAULT_LIMIT: usize = 16 * 1024 * 1024;

    /// A decoder that accepts events of up to [`DEFAULT_LIMIT`](Self::DEFAULT_LIMIT) bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(Self::DEFAULT_LIMIT)
    }

    /// A decoder that accepts events of up to `limit` bytes.
    ///
    /// Counted are the data, name and id gathered so far plus the whole of the line being read.
    /// Comments and unknown fields count only while their line is read.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            lines: Lines::new(LineEnd::Any),
            draft: Draft::default(),
            over: false,
        }
    }

    /// Hands over the next chunk of the body.
    ///
    /// Chunks wait in a queue, outside the limit, until [`next_event`](Self::next_event) gets to
    /// them. Call that until it returns `None` before pushing more.
    ///
    /// After an error, or once [`finish`](Self::finish) has given out the last event, chunks are
    /// ignored.
    pub fn push(&mut self, chunk: Bytes) {
        if !self.over {
            self.lines.push(chunk);
        }
    }

    /// The next event, or `None` when more of the body is needed.
    ///
    /// After an error there are no more events, and this returns `None` from then on.
    pub fn next_event(&mut self) -> Option<Result<Event, DecodeError>> {
        let outcome = self.read_event().transpose();
        if matches!(outcome, Some(Err(_))) {
            self.stop();
        }
        outcome
    }

    /// The events that are left once the body has come to its proper end. Call it until it returns
    /// `None`.
    ///
    /// By the letter of the standard an event that lacks its closing blank line is dropped. Model
    /// servers are known to leave that line out after their last event, so here such an event is
    /// given out rather than lost. Do not call this when the body broke off with an error: the
    /// last event may then be half of one.
    pub fn finish(&mut self) -> Option<Result<Event, DecodeError>> {
        if let Some(outcome) = self.next_event() {
            return Some(outcome);
        }
        let last = self.read_rest().transpose();
        self.stop();
        last
    }

    fn read_event(&mut self) -> Result<Option<Event>, DecodeError> {
        while let Some(line) = self.next_line()? {
            if !line.is_empty() {
                self.draft.read(line, self.limit)?;
            } else if let Some(event) = self.draft.take_event() {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn next_line(&mut self) -> Result<Option<Bytes>, DecodeError> {
        let room = self.limit.saturating_sub(self.draft.size());
        let limit = self.limit;
        self.lines
            .next_line(room)
            .map_err(|TooLong| DecodeError::TooLarge { limit })
    }

    fn read_rest(&mut self) -> Result<Option<Event>, DecodeError> {
        self.draft.read(self.lines.take_rest(), self.limit)?;
        Ok(self.draft.take_event())
    }

    /// Ends the stream and gives back the memory it took.
    fn stop(&mut self) {
        *self = Self {
            over: true,
            ..Self::with_limit(self.limit)
        };
    }
}

impl Decode for Decoder {
    type Item = Event;

    fn push(&mut self, chunk: Bytes) {
        self.push(chunk);
    }

    fn next_item(&mut self) -> Option<Result<Event, Error>> {
        self.next_event().map(|event| event.map_err(unreadable))
    }

    fn finish(&mut self) -> Option<Result<Event, Error>> {
        self.finish().map(|event| event.map_err(unreadable))
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Tells how much is held, not what: the text of a stream does not belong in a log.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("limit", &self.limit)
            .field("held", &(self.draft.size() + self.lines.held()))
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

/// The event being gathered.
#[derive(Default)]
struct Draft {
    name: Option<ByteString>,
    data: Option<Data>,
    id: Option<ByteString>,
    retry: Option<Duration>,
}

impl Draft {
    /// How many bytes of text it holds.
    fn size(&self) -> usize {
        let name = self.name.as_ref().map_or(0, |name| name.len());
        let data = self.data.as_ref().map_or(0, Data::len);
        let id = self.id.as_ref().map_or(0, |id| id.len());
        name + data + id
    }

    /// Takes in one line: a field name, then optionally a colon and the value. A comment is a line
    /// whose field name is empty, and like any unknown field it is passed over.
    fn read(&mut self, line: Bytes, limit: usize) -> Result<(), DecodeError> {
        let name_end = memchr::memchr(b':', &line).unwrap_or(line.len());
        count_work(name_end);
        match &line[..name_end] {
            b"data" => self.add_data(text(value(line, name_end))?, limit),
            b"event" => self.name = Some(text(value(line, name_end))?),
            b"id" => self.set_id(text(value(line, name_end))?),
            b"retry" => self.set_retry(&value(line, name_end)),
            _ => {}
        }
        Ok(())
    }

    fn add_data(&mut self, line: ByteString, limit: usize) {
        self.data = Some(match self.data.take() {
            None => Data::Line(line),
            Some(before) => Data::Joined(before.join(&line, limit)),
        });
    }

    /// The standard has an id with a NUL passed over.
    fn set_id(&mut self, id: ByteString) {
        if !id.contains('\0') {
            self.id = Some(id);
        }
    }

    /// Anything but a plain number of milliseconds is passed over.
    fn set_retry(&mut self, value: &[u8]) {
        let digits = str::from_utf8(value)
            .ok()
            .filter(|_| value.iter().all(u8::is_ascii_digit));
        if let Some(milliseconds) = digits.and_then(|digits| digits.parse().ok()) {
            self.retry = Some(Duration::from_millis(milliseconds));
        }
    }

    /// The finished event. There is none when no data came: a lone id, name or delay is not an
    /// event.
    fn take_event(&mut self) -> Option<Event> {
        let Self {
            name,
            data,
            id,
            retry,
        } = mem::take(self);
        let name = name.filter(|name| !name.is_empty());
        Some(Event {
            name,
            data: data?.into_text(),
            id,
            retry,
        })
    }
}

/// The data of an event. Nearly always it is one line, which needs no copying.
enum Data {
    Line(ByteString),
    Joined(String),
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::Line(line) => line.len(),
            Self::Joined(text) => text.len(),
        }
    }

    fn join(self, line: &str, limit: usize) -> String {
        let mut text = match self {
            Self::Line(first) => first.to_string(),
            Self::Joined(text) => text,
        };
        count_work(line.len());
        text.reserve_exact(extra_space(
            text.len(),
            text.capacity(),
            line.len() + 1,
            limit,
        ));
        text.push('\n');
        text.push_str(line);
        text
    }

    fn into_text(self) -> ByteString {
        match self {
            Self::Line(line) => line,
            Self::Joined(text) => text.into(),
        }
    }
}

/// What stands behind the colon, without the one space that may follow it.
fn value(mut line: Bytes, name_end: usize) -> Bytes {
    line.advance(line.len().min(name_end + 1));
    if line.starts_with(b" ") {
        line.advance(1);
    }
    line
}

fn text(value: Bytes) -> Result<ByteString, DecodeError> {
    count_work(value.len());
    ByteString::try_from(value).map_err(|_| DecodeError::NotUtf8)
}
