//! Decompression of responses that the transport asked to have compressed.

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

use super::response_body::ResponseBody;

/// Maximum number of bytes that are decompressed at a time. A small response may expand a
/// thousandfold; only this much of it is in memory at once, and the reader decides when to stop.
const CHUNK_SIZE: usize = 16 * 1024;

/// Returns `true` if a response may be compressed: a complete response of the control plane. A
/// stream would be delayed by the compressor's buffer, and a caller who sets `Accept-Encoding` or
/// `Range` reads the response without our help.
pub(super) fn may_compress(request: &http::Request<Body>) -> bool {
    let headers = request.headers();
    operation(request).is_some_and(has_complete_response)
        && !headers.contains_key(ACCEPT_ENCODING)
        && !headers.contains_key(RANGE)
}

/// Returns `true` for an operation of the control plane whose response is not a stream.
fn has_complete_response(operation: &'static OperationInfo) -> bool {
    operation.plane() == Plane::Control && !operation.is_streamed()
}

/// Sets `Accept-Encoding` to gzip.
pub(super) fn accept_gzip(request: &mut http::Request<Body>) {
    let headers = request.headers_mut();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
}

/// Decompresses a response, if it is compressed.
pub(super) fn decompress(
    mut head: http::response::Parts,
    body: ResponseBody,
) -> http::Response<Body> {
    if !is_gzip(&head.headers) {
        return http::Response::from_parts(head, Body::new(body));
    }
    head.headers.remove(CONTENT_ENCODING);
    head.headers.remove(CONTENT_LENGTH);
    let decoder = MultiGzDecoder::new(Input::default());
    let body = DecompressedBody {
        compressed: body,
        decoder,
        buffer: BytesMut::new(),
        ended: false,
    };
    http::Response::from_parts(head, Body::new(body))
}

/// Returns `true` if the response headers announce gzip.
fn is_gzip(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_ENCODING).is_some_and(|coding| {
        let coding = coding.as_bytes().trim_ascii();
        coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip")
    })
}

/// A decompressed body. Trailers are dropped.
struct DecompressedBody {
    compressed: ResponseBody,
    decoder: MultiGzDecoder<Input>,
    buffer: BytesMut,
    ended: bool,
}

/// The decoder's input: the compressed bytes received so far.
#[derive(Default)]
struct Input {
    bytes: Bytes,
    /// `true` if any byte was received.
    any: bool,
    /// `true` if the compressed body has ended.
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

impl DecompressedBody {
    /// Polls for more compressed bytes.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        use http_body::Body as _;

        let frame = ready!(Pin::new(&mut self.compressed).poll_frame(cx)).transpose()?;
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

    /// Polls for the next decompressed bytes, which are empty at the end.
    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Error>> {
        loop {
            if self.buffer.is_empty() {
                self.buffer = BytesMut::zeroed(CHUNK_SIZE);
            }
            match self.decoder.read(&mut self.buffer) {
                Ok(count) => return Poll::Ready(Ok(self.buffer.split_to(count).freeze())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.poll_input(cx))?;
                }
                // No bytes at all mean a response without a body, whatever its headers say.
                Err(_) if !self.decoder.get_ref().any => return Poll::Ready(Ok(Bytes::new())),
                Err(error) => {
                    let origin = &self.compressed.origin;
                    let message = format!("the compressed response of {origin} is corrupt");
                    return Poll::Ready(Err(Error::decode(message).caused_by(error)));
                }
            }
        }
    }
}

impl http_body::Body for DecompressedBody {
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
