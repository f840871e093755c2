//! Streams in the format of their content type.

use std::collections::VecDeque;

use blaxel_core::Error;
use blaxel_core::stream::sse::Event;
use blaxel_core::stream::{Decode, Decoded, Text, lines, sse, text};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The chunks of a response, in the format of its content type.
pub type ChunkStream = Decoded<ChunkDecoder>;

/// The format of a streamed response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Server-sent events: `text/event-stream`.
    Events,
    /// A JSON value on each line: `application/x-ndjson`, `application/jsonl` and similar.
    JsonLines,
    /// Plain text: every other type under `text/`.
    Text,
    /// Anything else.
    Bytes,
}

impl Format {
    /// Returns the format of a content type. Parameters and letter case are ignored.
    #[must_use]
    pub fn of(content_type: &str) -> Self {
        let kind = content_type.split(';').next().unwrap_or_default();
        let kind = kind.trim().to_ascii_lowercase();
        match kind.as_str() {
            "text/event-stream" => Self::Events,
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonl"
            | "application/jsonlines"
            | "application/x-jsonlines"
            | "application/json-lines"
            | "application/stream+json" => Self::JsonLines,
            other if other.starts_with("text/") => Self::Text,
            _ => Self::Bytes,
        }
    }

    /// Creates a decoder of this format, with the default limit.
    #[must_use]
    pub fn decoder(self) -> ChunkDecoder {
        ChunkDecoder(match self {
            Self::Events => Inner::Events(sse::Decoder::new()),
            Self::JsonLines => Inner::Lines(lines::Decoder::new()),
            Self::Text => Inner::Text(text::Decoder::new()),
            Self::Bytes => Inner::Bytes(VecDeque::new()),
        })
    }
}

/// A unit of a streamed response.
///
/// As JSON it is an object with one member, `event`, `line`, `text` or `bytes`; bytes are numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Chunk {
    /// A server-sent event.
    Event(Event),
    /// A line with a JSON value. Blank lines are skipped.
    Line(Text),
    /// Some text. Its boundaries have no meaning.
    Text(Text),
    /// Some bytes. Their boundaries have no meaning.
    #[serde(with = "numbers")]
    Bytes(Bytes),
}

/// Bytes in JSON.
mod numbers {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        bytes: &Bytes,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        bytes.as_ref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Bytes, D::Error> {
        Vec::deserialize(deserializer).map(Bytes::from)
    }
}

impl Chunk {
    /// Returns the data of an event, the line without its end, the text, or the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Event(event) => event.data().as_bytes(),
            Self::Line(text) | Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// Returns the same as a string, or `None` for bytes that are not UTF-8 by themselves.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Event(event) => Some(event.data()),
            Self::Line(text) | Self::Text(text) => Some(text),
            Self::Bytes(bytes) => str::from_utf8(bytes).ok(),
        }
    }
}

/// Decodes the bytes of a body, in one [`Format`], into [`Chunk`]s.
#[derive(Debug)]
pub struct ChunkDecoder(Inner);

#[derive(Debug)]
enum Inner {
    Events(sse::Decoder),
    Lines(lines::Decoder),
    Text(text::Decoder),
    Bytes(VecDeque<Bytes>),
}

impl Decode for ChunkDecoder {
    type Item = Chunk;

    fn push(&mut self, chunk: Bytes) {
        match &mut self.0 {
            Inner::Events(decoder) => decoder.push(chunk),
            Inner::Lines(decoder) => decoder.push(chunk),
            Inner::Text(decoder) => decoder.push(chunk),
            Inner::Bytes(chunks) => chunks.extend(Some(chunk).filter(|chunk| !chunk.is_empty())),
        }
    }

    fn next_item(&mut self) -> Option<Result<Chunk, Error>> {
        match &mut self.0 {
            Inner::Events(decoder) => Some(decoder.next_item()?.map(Chunk::Event)),
            Inner::Lines(decoder) => json_line(|| decoder.next_item()),
            Inner::Text(decoder) => Some(decoder.next_item()?.map(Chunk::Text)),
            Inner::Bytes(chunks) => chunks.pop_front().map(Chunk::Bytes).map(Ok),
        }
    }

    fn finish(&mut self) -> Option<Result<Chunk, Error>> {
        match &mut self.0 {
            Inner::Events(decoder) => Some(Decode::finish(decoder)?.map(Chunk::Event)),
            Inner::Lines(decoder) => json_line(|| Decode::finish(decoder)),
            Inner::Text(decoder) => Some(Decode::finish(decoder)?.map(Chunk::Text)),
            Inner::Bytes(_) => self.next_item(),
        }
    }

    fn is_foreign(&self, start: &[u8]) -> bool {
        matches!(&self.0, Inner::Events(decoder) if decoder.is_foreign(start))
    }
}

/// Returns the next line that is not blank.
fn json_line(
    mut next: impl FnMut() -> Option<Result<Text, Error>>,
) -> Option<Result<Chunk, Error>> {
    loop {
        match next()? {
            Ok(line) if line.trim().is_empty() => {}
            other => return Some(other.map(Chunk::Line)),
        }
    }
}
