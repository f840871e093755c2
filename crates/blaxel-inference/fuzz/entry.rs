//! Properties of the decoders under any input: no panic, and the same items however the input is split into
//! chunks. The fuzz targets call these functions, and so does the test `fuzz`, so that each test run
//! covers a few inputs.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use blaxel_core::{Body, Error};
use blaxel_inference::{
    ChatChunk, ChatCompletion, ChatStream, Chunk, Decode, Embeddings, Format, Text, lines, ndjson,
    sse, text,
};
use bytes::Bytes;
use http_body::Frame;
use serde_json::Value;

/// A small limit, which many inputs of a fuzzer exceed.
const LIMIT: usize = 64;

/// Checks server-sent events.
pub(crate) fn events(input: &[u8]) {
    same(input, sse::Decoder::new);
    same(input, || sse::Decoder::with_limit(LIMIT));
}

/// Checks lines, and the JSON on them.
pub(crate) fn json_lines(input: &[u8]) {
    same(input, lines::Decoder::new);
    same(input, || lines::Decoder::with_limit(LIMIT));
    same(input, ndjson::Decoder::<Value>::new);
    same(input, || ndjson::Decoder::<Value>::with_limit(LIMIT));
}

/// Checks text, and the chunks of each format. The boundaries of text have no meaning, so it is joined first.
pub(crate) fn chunks(input: &[u8]) {
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
        let chunks = decode(Format::Bytes.decoder(), chunks);
        let chunks = chunks.iter().flatten().map(Chunk::as_bytes);
        chunks.collect::<Vec<_>>().concat()
    };
    assert_eq!(bytes(cut(stream, cuts)), stream);
}

/// Checks the chunks of a chat that is read from a body.
pub(crate) fn chat(input: &[u8]) {
    let (cuts, stream) = halves(input);
    let read = |chunks: Vec<&[u8]>| {
        let chunks = chunks.into_iter().map(Bytes::copy_from_slice);
        let mut answer = ChatStream::new(Body::new(Chunks(chunks.collect())));
        let mut found = Vec::new();
        while let Poll::Ready(Some(chunk)) = poll(answer.try_next()).map(Result::transpose) {
            let chunk = chunk.map(|chunk| format!("{chunk:?}"));
            found.push(chunk.map_err(|error| error.to_string()));
        }
        found
    };
    assert_eq!(read(cut(stream, cuts)), read(vec![stream]));

    let assemble = |chunks: Vec<&[u8]>| {
        let chunks = chunks.into_iter().map(Bytes::copy_from_slice);
        let answer = ChatStream::new(Body::new(Chunks(chunks.collect()))).into_completion();
        let answer = poll(answer).map_err(|error| error.to_string());
        assert!(answer.is_ready(), "the body never waits");
        answer
    };
    assert_eq!(assemble(cut(stream, cuts)), assemble(vec![stream]));
}

/// Checks documents in place of whole answers. An answer that is read has choices that can be told apart.
pub(crate) fn answers(input: &[u8]) {
    let distinct = |mut indices: Vec<u32>| {
        let count = indices.len();
        indices.sort_unstable();
        indices.dedup();
        assert_eq!(indices.len(), count);
    };
    if let Ok(answer) = serde_json::from_slice::<ChatCompletion>(input) {
        assert!(answer.choices.is_sorted_by_key(|choice| choice.index));
        distinct(answer.choices.iter().map(|choice| choice.index).collect());
        assert!(answer.text().is_none() || answer.choices[0].index == 0);
    }
    if let Ok(chunk) = serde_json::from_slice::<ChatChunk>(input) {
        distinct(chunk.choices.iter().map(|choice| choice.index).collect());
    }
    if let Ok(embeddings) = serde_json::from_slice::<Embeddings>(input) {
        distinct(embeddings.data.iter().map(|it| it.index).collect());
    }
}

/// Asserts that a decoder finds the same items in the whole stream and in the split one.
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
    let as_text = |item: Result<D::Item, Error>| item.map_err(|error| error.to_string());
    found.into_iter().map(as_text).collect()
}

/// Splits an input into the bytes that determine the chunk sizes, and the stream.
fn halves(input: &[u8]) -> (&[u8], &[u8]) {
    input.split_at(input.len().min(4))
}

/// Splits a stream into chunks whose sizes are taken in turn from `cuts`.
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

/// A body of the given chunks.
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
