//! Inflates answers that we asked to have compressed.

use std::io::{self, BufRead, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Body, Error, OperationInfo, Plane, operation};
use bytes::{Buf, Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue, RANGE,
};
use http_body::Frame;

use super::answer::Answer;

/// How much is inflated at a time, in bytes. What comes of a small answer may be a thousand times as
/// large; so much of it is in memory at once, and the reader decides when it has had enough.
const PIECE: usize = 16 * 1024;

/// Whether compression may be asked for: for a whole answer of the control plane. A stream would be
/// held back by the compressor's buffer, and who sets the header reads the answer alone.
pub(super) fn is_wanted(request: &http::Request<Body>) -> bool {
    let headers = request.headers();
    operation(request).is_some_and(is_whole_answer)
        && !headers.contains_key(ACCEPT_ENCODING)
        && !headers.contains_key(RANGE)
}

fn is_whole_answer(operation: &'static OperationInfo) -> bool {
    operation.plane() == Plane::Control && !operation.is_streamed()
}

/// Asks for it.
pub(super) fn ask(request: &mut http::Request<Body>) {
    let headers = request.headers_mut();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
}

/// The answer, inflated if it is compressed.
pub(super) fn inflate(mut head: http::response::Parts, answer: Answer) -> http::Response<Body> {
    if !is_gzip(&head.headers) {
        return http::Response::from_parts(head, Body::new(answer));
    }
    head.headers.remove(CONTENT_ENCODING);
    head.headers.remove(CONTENT_LENGTH);
    let decoder = MultiGzDecoder::new(Input::default());
    let body = Inflated {
        answer,
        decoder,
        room: BytesMut::new(),
        ended: false,
    };
    http::Response::from_parts(head, Body::new(body))
}

fn is_gzip(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_ENCODING).is_some_and(|coding| {
        let coding = coding.as_bytes().trim_ascii();
        coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip")
    })
}

/// A body as it was before it was compressed. Trailers are passed over.
struct Inflated {
    answer: Answer,
    decoder: MultiGzDecoder<Input>,
    room: BytesMut,
    ended: bool,
}

/// What the decoder reads: the bytes that have come so far.
#[derive(Default)]
struct Input {
    bytes: Bytes,
    any: bool,
    ended: bool,
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.bytes.is_empty() && !self.ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(&self.bytes)
    }

    fn consume(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl Inflated {
    /// Takes in more of the compressed bytes.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        use http_body::Body as _;

        let frame = ready!(Pin::new(&mut self.answer).poll_frame(cx)).transpose()?;
        let input = self.decoder.get_mut();
        match frame.map(Frame::into_data) {
            Some(Ok(bytes)) => {
                input.any |= !bytes.is_empty();
                input.bytes = bytes;
            }
            Some(Err(_trailers)) => {}
            None => input.ended = true,
        }
        Poll::Ready(Ok(()))
    }

    /// The next bytes, or none at the end.
    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Error>> {
        loop {
            if self.room.is_empty() {
                self.room = BytesMut::zeroed(PIECE);
            }
            match self.decoder.read(&mut self.room) {
                Ok(count) => return Poll::Ready(Ok(self.room.split_to(count).freeze())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.poll_input(cx))?;
                }
                // Nothing at all is an answer without a body, whatever its header says.
                Err(_) if !self.decoder.get_ref().any => return Poll::Ready(Ok(Bytes::new())),
                Err(error) => {
                    let place = &self.answer.place;
                    let message = format!("the compressed answer of {place} is damaged");
                    return Poll::Ready(Err(Error::decode(message).caused_by(error)));
                }
            }
        }
    }
}

impl http_body::Body for Inflated {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let output = ready!(self.poll_output(cx));
        self.ended = !matches!(&output, Ok(bytes) if !bytes.is_empty());
        Poll::Ready(match output {
            Ok(bytes) if bytes.is_empty() => None,
            output => Some(output.map(Frame::data)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}
