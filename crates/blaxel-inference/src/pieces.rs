//! Streams read in the format that their content type names.

use std::collections::VecDeque;

use blaxel_core::Error;
use bytes::Bytes;

use crate::decode::{Decode, Text};
use crate::sse::Event;
use crate::stream::Decoded;
use crate::{lines, sse, text};

/// The pieces of a response whose format its content type told.
pub type PieceStream = Decoded<PieceDecoder>;

/// The forms in which workloads stream their answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Server-sent events: `text/event-stream`.
    Events,
    /// A JSON value on each line: `application/x-ndjson`, `application/jsonl` and their kin.
    JsonLines,
    /// Text without a form: everything else under `text/`.
    Text,
    /// Anything else.
    Bytes,
}

impl Format {
    /// The format of a content type. Its parameters and the case of its letters do not matter.
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

    /// A decoder of this format, with the usual limit.
    #[must_use]
    pub fn decoder(self) -> PieceDecoder {
        PieceDecoder(match self {
            Self::Events => Inner::Events(sse::Decoder::new()),
            Self::JsonLines => Inner::Lines(lines::Decoder::new()),
            Self::Text => Inner::Text(text::Decoder::new()),
            Self::Bytes => Inner::Bytes(VecDeque::new()),
        })
    }
}

/// A piece of a streamed answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// A server-sent event.
    Event(Event),
    /// A line that holds a JSON value. Blank lines are passed over.
    Line(Text),
    /// Some text; where it is cut means nothing.
    Text(Text),
    /// Some bytes; where they are cut means nothing.
    Bytes(Bytes),
}

impl Piece {
    /// The data of an event, the line without its end, the text, or the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Event(event) => event.data().as_bytes(),
            Self::Line(text) | Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// The same as text, or `None` for bytes that are no UTF-8 by themselves.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Event(event) => Some(event.data()),
            Self::Line(text) | Self::Text(text) => Some(text),
            Self::Bytes(bytes) => str::from_utf8(bytes).ok(),
        }
    }
}

/// Turns the chunks of a body into pieces, in one [`Format`].
#[derive(Debug)]
pub struct PieceDecoder(Inner);

#[derive(Debug)]
enum Inner {
    Events(sse::Decoder),
    Lines(lines::Decoder),
    Text(text::Decoder),
    Bytes(VecDeque<Bytes>),
}

impl Decode for PieceDecoder {
    type Item = Piece;

    fn push(&mut self, chunk: Bytes) {
        match &mut self.0 {
            Inner::Events(decoder) => decoder.push(chunk),
            Inner::Lines(decoder) => decoder.push(chunk),
            Inner::Text(decoder) => decoder.push(chunk),
            Inner::Bytes(chunks) => chunks.extend(Some(chunk).filter(|chunk| !chunk.is_empty())),
        }
    }

    fn next_item(&mut self) -> Option<Result<Piece, Error>> {
        match &mut self.0 {
            Inner::Events(decoder) => Some(decoder.next_item()?.map(Piece::Event)),
            Inner::Lines(decoder) => json_line(|| decoder.next_item()),
            Inner::Text(decoder) => Some(decoder.next_item()?.map(Piece::Text)),
            Inner::Bytes(chunks) => chunks.pop_front().map(Piece::Bytes).map(Ok),
        }
    }

    fn finish(&mut self) -> Option<Result<Piece, Error>> {
        match &mut self.0 {
            Inner::Events(decoder) => Some(Decode::finish(decoder)?.map(Piece::Event)),
            Inner::Lines(decoder) => json_line(|| Decode::finish(decoder)),
            Inner::Text(decoder) => Some(Decode::finish(decoder)?.map(Piece::Text)),
            Inner::Bytes(_) => self.next_item(),
        }
    }
}

/// The next line that is not blank.
fn json_line(
    mut next: impl FnMut() -> Option<Result<Text, Error>>,
) -> Option<Result<Piece, Error>> {
    loop {
        match next()? {
            Ok(line) if line.trim().is_empty() => {}
            other => return Some(other.map(Piece::Line)),
        }
    }
}
