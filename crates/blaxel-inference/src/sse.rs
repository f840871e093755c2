//! Server-sent events: the format in which models and agents stream their answers.
//!
//! A [`Decoder`] is fed the chunks of a body as they arrive and gives out each [`Event`] as soon as
//! it is complete. It does no input or output of its own, so it works under any runtime:
//!
//! ```text
//! chunk -> push -> next_event, next_event, ... None -> chunk -> push -> ...   end -> finish
//! ```
//!
//! Inside there are two steps. `Lines` cuts the chunks into lines, `Draft` gathers the fields of
//! one event from them. Every byte is looked at a fixed number of times however the body is cut
//! into chunks, and what is kept at once never passes the decoder's limit.

use std::collections::VecDeque;
use std::time::Duration;
use std::{fmt, mem};

use bytes::{Buf, Bytes};
use bytestring::ByteString;

#[cfg(test)]
mod tests;

/// The mark some servers put before the first line to say that the text is UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

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

/// Why a stream could not be decoded further.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// An event, or a single line, is larger than the decoder allows.
    TooLarge {
        /// The largest size allowed, in bytes.
        limit: usize,
    },
    /// The data, name or id of an event is not valid UTF-8.
    NotUtf8,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { limit } => {
                write!(f, "an event of the stream is larger than {limit} bytes")
            }
            Self::NotUtf8 => f.write_str("an event of the stream is not valid UTF-8"),
        }
    }
}

impl std::error::Error for DecodeError {}

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
            lines: Lines::default(),
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
            .next(room)
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
            .field("held", &(self.draft.size() + self.lines.unfinished.len()))
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

/// A line is longer than there is room for.
struct TooLong;

/// Cuts chunks into lines.
///
/// A line that lies within one chunk is a slice of it. The start of a line that goes on in the next
/// chunk moves to `unfinished`, so a chunk is searched for line ends once and never again.
#[derive(Default)]
struct Lines {
    /// What was pushed and not read yet. No chunk in it is empty.
    chunks: VecDeque<Bytes>,
    /// The start of a line whose end has not arrived. Holds no line end.
    unfinished: Vec<u8>,
    /// The last line ended in `\r`: a `\n` that comes next belongs to the same line end.
    after_cr: bool,
    /// The first line has been read, so a byte order mark is no longer expected.
    started: bool,
}

impl Lines {
    fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.chunks.push_back(chunk);
        }
    }

    /// The next line without its end, or `None` when its end has not arrived. A line may take up
    /// `room` bytes.
    fn next(&mut self, room: usize) -> Result<Option<Bytes>, TooLong> {
        self.skip_second_half_of_line_end();
        while let Some(chunk) = self.chunks.front_mut() {
            let end = memchr::memchr2(b'\r', b'\n', chunk);
            count_work(end.unwrap_or(chunk.len()));

            let part = chunk.split_to(end.unwrap_or(chunk.len()));
            if end.is_some() {
                self.step_over_line_end();
                return self.complete(part, room).map(Some);
            }
            self.chunks.pop_front();
            self.keep(&part, room)?;
        }
        Ok(None)
    }

    /// Whatever came after the last line end.
    fn take_rest(&mut self) -> Bytes {
        let rest = Bytes::from(mem::take(&mut self.unfinished));
        self.without_mark(rest)
    }

    /// Leaves out the `\n` of a `\r\n`. It is looked for only now because it may have been the
    /// start of a new chunk: waiting for it would hold back an event that is complete.
    fn skip_second_half_of_line_end(&mut self) {
        let Some(next) = self.chunks.front().and_then(|chunk| chunk.first()) else {
            return;
        };
        if mem::take(&mut self.after_cr) && *next == b'\n' {
            self.advance();
        }
    }

    fn step_over_line_end(&mut self) {
        self.after_cr = self
            .chunks
            .front()
            .is_some_and(|chunk| chunk.starts_with(b"\r"));
        self.advance();
    }

    /// Drops the next byte, and its chunk when that was the last of it.
    fn advance(&mut self) {
        let Some(chunk) = self.chunks.front_mut() else {
            return;
        };
        chunk.advance(1);
        if chunk.is_empty() {
            self.chunks.pop_front();
        }
    }

    /// Puts the last part of a line to what earlier chunks held of it.
    fn complete(&mut self, last_part: Bytes, room: usize) -> Result<Bytes, TooLong> {
        let line = if self.unfinished.is_empty() {
            check_room(last_part.len(), room)?;
            last_part
        } else {
            self.keep(&last_part, room)?;
            Bytes::from(mem::take(&mut self.unfinished))
        };
        Ok(self.without_mark(line))
    }

    fn keep(&mut self, part: &[u8], room: usize) -> Result<(), TooLong> {
        let line = &mut self.unfinished;
        check_room(line.len() + part.len(), room)?;
        count_work(part.len());
        line.reserve_exact(extra_space(line.len(), line.capacity(), part.len(), room));
        line.extend_from_slice(part);
        Ok(())
    }

    fn without_mark(&mut self, mut line: Bytes) -> Bytes {
        if !mem::replace(&mut self.started, true) && line.starts_with(BYTE_ORDER_MARK) {
            line.advance(BYTE_ORDER_MARK.len());
        }
        line
    }
}

fn check_room(needed: usize, room: usize) -> Result<(), TooLong> {
    if needed > room { Err(TooLong) } else { Ok(()) }
}

/// How much space to reserve so that `more` bytes fit behind the `len` there are.
///
/// Space doubles, which keeps the copying in proportion to the text, but not beyond `limit`, where
/// the doubling would only reserve what the decoder refuses to fill.
fn extra_space(len: usize, capacity: usize, more: usize, limit: usize) -> usize {
    let needed = len + more;
    if needed <= capacity {
        return 0;
    }
    count_work(len);
    needed.max(limit.min(capacity * 2)) - len
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

/// Counts bytes looked at or copied. Only the tests read it, to see that the effort stays in
/// proportion to the stream.
#[inline]
fn count_work(_bytes: usize) {
    #[cfg(test)]
    tests::add_work(_bytes);
}
