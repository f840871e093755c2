//! Server-sent events: the format in which models and agents stream their answers.
//!
//! A [`Decoder`] receives the chunks of a body as they arrive, and returns each [`Event`] as soon as it is
//! complete. It does no I/O, so it works with any runtime:
//!
//! ```text
//! chunk -> push -> next_event, next_event, ... None -> chunk -> push -> ...   end -> finish
//! ```
//!
//! There are two steps: the chunks are split into lines, and `EventBuilder` collects the fields of one event
//! from them. Decoding takes time linear in the length of the body, however it is split into chunks, and
//! the memory used never exceeds the decoder's limit.

use std::time::Duration;
use std::{fmt, mem};

use bytes::{Buf, Bytes};
use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use super::body_start::BodyStart;
use super::decode::{Decode, DecodeError, Text, read_error};
use super::split::{LineEnd, Lines, TooLong, count_work, extra_space};
use crate::error::Error;

#[cfg(test)]
mod tests;

/// A field that is not part of the standard, by which a model server reports an error.
const ERROR_FIELD: &[u8] = b"error:";

/// One event of a stream.
///
/// It usually shares the memory of the chunk it arrived in, and keeps that chunk alive. Copy the text of an
/// event that is kept for long.
///
/// As JSON it has the members `event`, `data`, `id`, and `retry` in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    #[serde(default, rename = "event", skip_serializing_if = "Option::is_none")]
    name: Option<Text>,
    data: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Text>,
    #[serde(
        default,
        with = "milliseconds",
        skip_serializing_if = "Option::is_none"
    )]
    retry: Option<Duration>,
}

impl Event {
    /// Returns the type of the event, which is `"message"` if the server sent none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("message")
    }

    /// Returns the data of the event. Data on several lines is joined by `\n`.
    #[must_use]
    pub fn data(&self) -> &str {
        &self.data
    }

    /// Returns the data as bytes, without copying it. The bytes are valid UTF-8.
    #[must_use]
    pub fn into_data(self) -> Bytes {
        self.data.into_bytes()
    }

    /// Returns the data as text, without copying it.
    #[must_use]
    pub fn into_text(self) -> Text {
        self.data
    }

    /// Returns the id that was sent with this event, if there is one.
    ///
    /// An id is not inherited by later events. To resume a broken stream, remember the last id.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Returns the reconnection delay that was sent with this event, if there is one, in whole milliseconds.
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }
}

/// A delay in JSON, as a number of milliseconds like in the event stream.
mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        delay: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let number = delay.and_then(|delay| u64::try_from(delay.as_millis()).ok());
        number.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(Duration::from_millis))
    }
}

/// Decodes the chunks of a body into events.
///
/// Chunks may be split anywhere, even inside a character or between the two bytes of a line end: the
/// events are the same.
///
/// ```
/// # use blaxel_core::stream::sse::Decoder;
/// let mut decoder = Decoder::new();
/// decoder.push("data: Hel".into());
/// assert!(decoder.next_event().is_none());
///
/// decoder.push("lo\n\n".into());
/// let event = decoder.next_event().unwrap()?;
/// assert_eq!(event.data(), "Hello");
/// # Ok::<(), blaxel_core::stream::DecodeError>(())
/// ```
pub struct Decoder {
    limit: usize,
    lines: Lines,
    event: EventBuilder,
    /// `true` if lines of JSON without the field name `data` are read too.
    bare_json: bool,
    /// `true` if the last line was one of those.
    in_json: bool,
    ended: bool,
}

impl Decoder {
    /// The default maximum size of an event in bytes: 16 MiB.
    pub const DEFAULT_LIMIT: usize = 16 * 1024 * 1024;

    /// Creates a decoder that accepts events of up to [`DEFAULT_LIMIT`](Self::DEFAULT_LIMIT) bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(Self::DEFAULT_LIMIT)
    }

    /// Creates a decoder that accepts events of up to `limit` bytes.
    ///
    /// The size is that of the data, name and id collected so far plus the whole line that is being read.
    /// Comments and unknown fields count only while their line is read.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            lines: Lines::new(LineEnd::Any),
            event: EventBuilder::default(),
            bare_json: false,
            in_json: false,
            ended: false,
        }
    }

    /// Returns this decoder, which also reads JSON without a field name, or with the name `error`, as an event. By
    /// the standard it is ignored, but model servers report errors in this way.
    pub(crate) fn with_bare_json(mut self) -> Self {
        self.bare_json = true;
        self
    }

    /// Adds the next chunk of the body.
    ///
    /// Chunks are queued, outside of the limit, until [`next_event`](Self::next_event) reads them. Call
    /// that until it returns `None` before adding more.
    ///
    /// After an error, or once [`finish`](Self::finish) has returned the last event, chunks are ignored.
    pub fn push(&mut self, chunk: Bytes) {
        if !self.ended {
            self.lines.push(chunk);
        }
    }

    /// Returns the next event, or `None` if more of the body is needed.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for an event that is too large or not UTF-8. After it, this returns `None`.
    pub fn next_event(&mut self) -> Option<Result<Event, DecodeError>> {
        let outcome = self.read_event().transpose();
        if matches!(outcome, Some(Err(_))) {
            self.stop();
        }
        outcome
    }

    /// Returns the next of the events that remain after the end of the body, or `None` if there are no
    /// more.
    ///
    /// The standard drops an event without its closing blank line. Some model servers omit that line
    /// after their last event, so such an event is returned here. Do not call this after a body that
    /// failed: the last event may then be incomplete.
    ///
    /// # Errors
    ///
    /// Those of [`next_event`](Self::next_event).
    pub fn finish(&mut self) -> Option<Result<Event, DecodeError>> {
        if let Some(outcome) = self.next_event() {
            return Some(outcome);
        }
        let last = self.read_rest().transpose();
        if !self.event.has_data() || matches!(last, Some(Err(_))) {
            self.stop();
        }
        last
    }

    fn read_event(&mut self) -> Result<Option<Event>, DecodeError> {
        while let Some(line) = self.next_line()? {
            if let Some(event) = self.read_line(line)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// Reads one line. Returns the event before it, if the line is the end of one: a blank line, or the change
    /// between fields and bare JSON.
    fn read_line(&mut self, line: Bytes) -> Result<Option<Event>, DecodeError> {
        let is_json = self.bare_json && is_bare_json(&line, self.in_json);
        let changes = is_json != mem::replace(&mut self.in_json, is_json);
        let is_end = line.is_empty() || (changes && self.event.has_data());
        let event = if is_end {
            self.event.take_event()
        } else {
            None
        };
        if is_json {
            self.event.add_data(text(line)?, self.limit);
        } else if self.bare_json && line.starts_with(ERROR_FIELD) {
            self.event.name = Some("error".into());
            self.event
                .add_data(text(value(line, ERROR_FIELD.len() - 1))?, self.limit);
        } else if !line.is_empty() {
            self.event.read(line, self.limit)?;
        }
        Ok(event)
    }

    fn next_line(&mut self) -> Result<Option<Bytes>, DecodeError> {
        let remaining = self.limit.saturating_sub(self.event.size());
        let limit = self.limit;
        self.lines
            .next_line(remaining)
            .map_err(|TooLong| DecodeError::TooLarge { limit })
    }

    fn read_rest(&mut self) -> Result<Option<Event>, DecodeError> {
        let rest = self.lines.take_rest();
        match self.read_line(rest)? {
            None => self.read_line(Bytes::new()),
            event => Ok(event),
        }
    }

    /// Ends the stream and releases its memory.
    fn stop(&mut self) {
        *self = Self {
            bare_json: self.bare_json,
            ended: true,
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
        self.next_event().map(|event| event.map_err(read_error))
    }

    fn finish(&mut self) -> Option<Result<Event, Error>> {
        self.finish().map(|event| event.map_err(read_error))
    }

    /// Returns `true` if the first line is neither a comment nor a field of an event.
    fn is_foreign(&self, start: &[u8]) -> bool {
        let line = BodyStart::first_line(start);
        let name_end = memchr::memchr(b':', line).unwrap_or(line.len());
        !matches!(
            &line[..name_end],
            b"" | b"data" | b"event" | b"id" | b"retry"
        )
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Formats the number of buffered bytes, not the text, which must not get into logs.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("limit", &self.limit)
            .field("buffered", &(self.event.size() + self.lines.buffered()))
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// The event that is being collected.
#[derive(Default)]
struct EventBuilder {
    name: Option<ByteString>,
    data: Option<Data>,
    id: Option<ByteString>,
    retry: Option<Duration>,
}

impl EventBuilder {
    /// Returns the number of bytes of its texts.
    fn size(&self) -> usize {
        let name = self.name.as_ref().map_or(0, |name| name.len());
        let data = self.data.as_ref().map_or(0, Data::len);
        let id = self.id.as_ref().map_or(0, |id| id.len());
        name + data + id
    }

    fn has_data(&self) -> bool {
        self.data.is_some()
    }

    /// Reads one line: a field name, then optionally a colon and the value. A comment is a line with an
    /// empty field name, and is ignored like any unknown field.
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

    /// Sets the id. By the standard, an id with a NUL is ignored.
    fn set_id(&mut self, id: ByteString) {
        if !id.contains('\0') {
            self.id = Some(id);
        }
    }

    /// Sets the delay. By the standard, anything but a plain number of milliseconds is ignored.
    fn set_retry(&mut self, value: &[u8]) {
        let digits = str::from_utf8(value)
            .ok()
            .filter(|_| value.iter().all(u8::is_ascii_digit));
        if let Some(milliseconds) = digits.and_then(|digits| digits.parse().ok()) {
            self.retry = Some(Duration::from_millis(milliseconds));
        }
    }

    /// Returns the complete event, or `None` if it has no data: an id, name or delay alone is not an event.
    fn take_event(&mut self) -> Option<Event> {
        let Self {
            name,
            data,
            id,
            retry,
        } = mem::take(self);
        let name = name.filter(|name| !name.is_empty());
        Some(Event {
            name: name.map(Text::from),
            data: data?.into_text().into(),
            id: id.map(Text::from),
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

/// Returns `true` for a line that starts JSON, or continues it: one without a known field or a comment.
fn is_bare_json(line: &[u8], continues: bool) -> bool {
    let fields: [&[u8]; 5] = [b":", b"data", b"event", b"id", b"retry"];
    match line.trim_ascii_start() {
        [b'{' | b'[', ..] => true,
        text => continues && !text.is_empty() && !fields.iter().any(|it| text.starts_with(it)),
    }
}

/// Returns the text after the colon, without the one space that may follow the colon.
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
