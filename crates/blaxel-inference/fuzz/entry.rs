//! What is asked of the decoders under any input: no panic, and the same items however the input is
//! cut into chunks. The fuzz targets call these functions, and so does the test `fuzz`, so that each run
//! of the tests does a little of it.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use blaxel_core::{Body, Error};
use blaxel_inference::{ChatStream, Chunk, Decode, Format, Text, lines, ndjson, sse, text};
use bytes::Bytes;
use http_body::Frame;
use serde_json::Value;

/// A limit that inputs of a fuzzer run into.
const LIMIT: usize = 64;

/// Server-sent events.
pub(crate) fn events(input: &[u8]) {
    same(input, sse::Decoder::new);
    same(input, || sse::Decoder::with_limit(LIMIT));
}

/// Lines, and the JSON on them.
pub(crate) fn json_lines(input: &[u8]) {
    same(input, lines::Decoder::new);
    same(input, || lines::Decoder::with_limit(LIMIT));
    same(input, ndjson::Decoder::<Value>::new);
    same(input, || ndjson::Decoder::<Value>::with_limit(LIMIT));
}

/// Text, and pieces of each format. Where text is cut means nothing, so it is put together first.
pub(crate) fn pieces(input: &[u8]) {
    let (cuts, stream) = halves(input);
    let joined = |chunks: Vec<&[u8]>| {
        let found = decode(text::Decoder::new(), chunks);
        let broken = found.iter().any(Result::is_err);
        let text: String = found.iter().flatten().map(Text::as_str).collect();
        (text, broken)
    };
    let whole = joined(vec![stream]);
    assert_eq!(joined(cut(stream, cuts)), whole);
    assert!(stream.starts_with(whole.0.as_bytes()));
    for content_type in ["text/event-stream", "application/jsonl"] {
        let format = Format::of(content_type);
        same(input, || format.decoder());
    }
    let bytes = |chunks| {
        let pieces = decode(Format::Bytes.decoder(), chunks);
        let pieces = pieces.iter().flatten().map(Chunk::as_bytes);
        pieces.collect::<Vec<_>>().concat()
    };
    assert_eq!(bytes(cut(stream, cuts)), stream);
}

/// The pieces of a chat, out of a body.
pub(crate) fn chat(input: &[u8]) {
    let (cuts, stream) = halves(input);
    let read = |chunks: Vec<&[u8]>| {
        let chunks = chunks.into_iter().map(Bytes::copy_from_slice);
        let mut answer = ChatStream::new(Body::new(Chunks(chunks.collect())));
        let mut found = Vec::new();
        while let Poll::Ready(Some(piece)) = poll(answer.try_next()).map(Result::transpose) {
            let piece = piece.map(|piece| format!("{piece:?}"));
            found.push(piece.map_err(|error| error.to_string()));
        }
        found
    };
    assert_eq!(read(cut(stream, cuts)), read(vec![stream]));
}

/// Asserts that a decoder finds the same items in the stream whole and cut.
fn same<D>(input: &[u8], decoder: impl Fn() -> D)
where
    D: Decode,
    D::Item: PartialEq + Debug,
{
    let (cuts, stream) = halves(input);
    let whole = decode(decoder(), vec![stream]);
    assert_eq!(decode(decoder(), cut(stream, cuts)), whole);
    assert_eq!(decode(decoder(), stream.chunks(1).collect()), whole);
    let first_error = whole.iter().position(Result::is_err);
    assert!(first_error.is_none_or(|at| at + 1 == whole.len()));
}

fn decode<D: Decode>(mut decoder: D, chunks: Vec<&[u8]>) -> Vec<Result<D::Item, String>> {
    let mut found = Vec::new();
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        found.extend(std::iter::from_fn(|| decoder.next_item()));
    }
    found.extend(std::iter::from_fn(|| decoder.finish()));
    let told = |item: Result<D::Item, Error>| item.map_err(|error| error.to_string());
    found.into_iter().map(told).collect()
}

/// The bytes that say where to cut, and the stream.
fn halves(input: &[u8]) -> (&[u8], &[u8]) {
    input.split_at(input.len().min(4))
}

/// Cuts a stream into chunks whose sizes are taken in turn from these bytes.
fn cut<'a>(mut stream: &'a [u8], cuts: &[u8]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    let mut sizes = cuts.iter().cycle();
    while !stream.is_empty() {
        let size = sizes.next().map_or(7, |size| usize::from(*size % 32) + 1);
        let (chunk, rest) = stream.split_at(size.min(stream.len()));
        chunks.push(chunk);
        stream = rest;
    }
    chunks
}

/// A body of these chunks.
struct Chunks(VecDeque<Bytes>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(self.0.pop_front().map(|chunk| Ok(Frame::data(chunk))))
    }
}

fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}
