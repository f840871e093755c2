//! Decompression of response bodies: gzip and deflate, also stacked.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::__private::{ErrorParts, content_codings};
use blaxel_core::{Body, Error};
use bytes::buf::Writer;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body::Frame;

use super::origin::Origin;
use super::response_body::ResponseBody;

/// Maximum number of codings of one body. Each one may expand a body a thousandfold.
const MAX_CODINGS: usize = 3;

/// The output of a decoder. A decoder writes at most 32 KiB at a time: a small response may expand
/// a thousandfold, and the reader decides when to stop.
type Output = Writer<BytesMut>;

/// Decompresses a response, if it is compressed and all of its codings are known.
///
/// Otherwise it is left unchanged, so whoever decodes the body finds the coding in the headers.
pub(super) fn decompress(
    mut head: http::response::Parts,
    body: ResponseBody,
) -> http::Response<Body> {
    let codings = content_codings(&head.headers);
    let codings: Option<Vec<Coding>> = codings.iter().map(|name| Coding::named(name)).collect();
    let codings = codings.filter(|codings| {
        // A part of a compressed body cannot be decompressed.
        (1..=MAX_CODINGS).contains(&codings.len()) && head.status != StatusCode::PARTIAL_CONTENT
    });
    let Some(codings) = codings else {
        return http::Response::from_parts(head, Body::new(body));
    };
    head.headers.remove(CONTENT_ENCODING);
    head.headers.remove(CONTENT_LENGTH);
    let origin = body.origin.clone();
    // The coding that was applied last is undone first.
    let body = codings.iter().rev().fold(Body::new(body), |body, coding| {
        Body::new(DecompressedBody::new(body, *coding, origin.clone()))
    });
    http::Response::from_parts(head, body)
}

/// A content coding that can be decoded.
#[derive(Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
}

impl Coding {
    /// Returns the coding of a name in lower case.
    fn named(name: &str) -> Option<Self> {
        match name {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }
}

/// A decompressed body. Trailers are dropped.
struct DecompressedBody {
    compressed: Body,
    origin: Origin,
    decoder: Decoder,
    /// Compressed bytes that the decoder has not read yet.
    input: Bytes,
    ended: bool,
}

impl DecompressedBody {
    fn new(compressed: Body, coding: Coding, origin: Origin) -> Self {
        Self {
            compressed,
            origin,
            decoder: Decoder::new(coding),
            input: Bytes::new(),
            ended: false,
        }
    }

    /// Polls for the next decompressed bytes, which are empty at the end.
    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Error>> {
        use http_body::Body as _;

        if self.input.is_empty() {
            let frame = ready!(Pin::new(&mut self.compressed).poll_frame(cx)).transpose()?;
            match frame.map(Frame::into_data) {
                Some(Ok(bytes)) => self.input = bytes,
                Some(Err(_trailers)) => {}
                None => return Poll::Ready(self.decoder.finish().map_err(|it| self.corrupt(it))),
            }
        }
        while !self.input.is_empty() {
            let output = self.decoder.decode(&mut self.input);
            let output = output.map_err(|problem| self.corrupt(problem))?;
            if !output.is_empty() {
                return Poll::Ready(Ok(output));
            }
        }
        // Other tasks may run before more input is read, of which all may decompress to nothing.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn corrupt(&self, problem: io::Error) -> Error {
        let message = format!("the compressed response of {} is corrupt", self.origin);
        Error::decode(message).caused_by(problem)
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

/// A decoder of one coding, which returns everything that its input so far contains.
enum Decoder {
    /// Nothing was read. A response without any bytes has no body, whatever its headers say.
    Unread(Coding),
    /// The first byte of `deflate`, which does not determine the format yet.
    FirstByte(u8),
    Gzip(Box<MultiGzDecoder<Output>>),
    /// The format that the standard prescribes for `deflate`.
    Zlib(Box<ZlibDecoder<Output>>),
    /// The format that some servers send as `deflate`.
    Raw(Box<DeflateDecoder<Output>>),
}

impl Decoder {
    fn new(coding: Coding) -> Self {
        Self::Unread(coding)
    }

    /// Decodes some of the input, which is not empty, and removes it.
    fn decode(&mut self, input: &mut Bytes) -> io::Result<Bytes> {
        let output = || BytesMut::new().writer();
        match self {
            Self::Unread(Coding::Gzip) => {
                *self = Self::Gzip(Box::new(MultiGzDecoder::new(output())));
                self.decode(input)
            }
            Self::Unread(Coding::Deflate) => {
                *self = Self::FirstByte(input.get_u8());
                Ok(Bytes::new())
            }
            Self::FirstByte(first) => {
                let first = *first;
                let second = input.first().copied().unwrap_or_default();
                *self = if is_zlib(first, second) {
                    Self::Zlib(Box::new(ZlibDecoder::new(output())))
                } else {
                    Self::Raw(Box::new(DeflateDecoder::new(output())))
                };
                self.decode(&mut Bytes::copy_from_slice(&[first]))
            }
            Self::Gzip(decoder) => {
                write(&mut **decoder, input)?;
                Ok(take(decoder.get_mut()))
            }
            Self::Zlib(decoder) => {
                write(&mut **decoder, input)?;
                Ok(take(decoder.get_mut()))
            }
            Self::Raw(decoder) => {
                write(&mut **decoder, input)?;
                Ok(take(decoder.get_mut()))
            }
        }
    }

    /// Checks that the input was complete, and returns the last of the output.
    fn finish(&mut self) -> io::Result<Bytes> {
        match self {
            Self::Unread(_) => Ok(Bytes::new()),
            Self::FirstByte(_) => Err(io::ErrorKind::UnexpectedEof.into()),
            Self::Gzip(decoder) => {
                decoder.try_finish()?;
                Ok(take(decoder.get_mut()))
            }
            Self::Zlib(decoder) => {
                decoder.try_finish()?;
                Ok(take(decoder.get_mut()))
            }
            Self::Raw(decoder) => {
                decoder.try_finish()?;
                Ok(take(decoder.get_mut()))
            }
        }
    }
}

/// Returns `true` if these are the first two bytes of the zlib format.
fn is_zlib(first: u8, second: u8) -> bool {
    first & 0x0F == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

/// Passes input to a decoder, and removes the bytes that it has read. The decoder then outputs all
/// that it can: a server may have flushed there, and send nothing more before it has a response.
fn write(decoder: &mut impl Write, input: &mut Bytes) -> io::Result<()> {
    let count = decoder.write(input)?;
    if count == 0 {
        let problem = "there are more bytes after the end";
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    input.advance(count);
    decoder.flush()
}

/// Takes the bytes that were written.
fn take(output: &mut Output) -> Bytes {
    output.get_mut().split().freeze()
}
