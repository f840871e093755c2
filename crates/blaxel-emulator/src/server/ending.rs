//! The end of an HTTP/2 connection as a fault asks for it, which hyper has no call for.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The frame `GOAWAY` with the code `ENHANCE_YOUR_CALM`. The last stream that it names is the last that
/// there can be, so it does not prove of any request that it was not processed.
const GOAWAY: [u8; 17] = [
    0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 11,
];

/// The number of bytes before the contents of a frame, which begin with its length.
const HEAD: usize = 9;

const GOES_ON: u8 = 0;
const CLOSES: u8 = 1;
const CALMS: u8 = 2;

/// Decides whether a connection goes on. Clones decide about the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending(Arc<AtomicU8>);

impl Ending {
    /// Closes the connection when it is written next.
    pub(super) fn close(&self) {
        self.0.store(CLOSES, Ordering::Relaxed);
    }

    /// Sends `GOAWAY` with `ENHANCE_YOUR_CALM` when the connection is written next, and closes it.
    pub(super) fn calm_down(&self) {
        self.0.store(CALMS, Ordering::Relaxed);
    }
}

/// The place in the frames that were written.
#[derive(Clone, Copy, Debug, Default)]
struct Frames {
    /// The length of the frame's contents, as far as it was written.
    length: usize,
    /// The number of bytes of its head that were written.
    head: usize,
    /// The number of bytes of its contents that are still to be written.
    left: usize,
}

impl Frames {
    fn is_between(&self) -> bool {
        self.head == 0 && self.left == 0
    }

    /// Follows some of these bytes: contents, or one byte of a head. Returns their number.
    fn step(&mut self, bytes: &[u8]) -> usize {
        if self.left > 0 {
            let count = self.left.min(bytes.len());
            self.left -= count;
            return count;
        }
        if self.head < 3 {
            self.length = (self.length << 8) | usize::from(bytes[0]);
        }
        self.head += 1;
        if self.head == HEAD {
            *self = Self {
                left: self.length,
                ..Self::default()
            };
        }
        1
    }

    fn advance(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = &bytes[self.step(bytes)..];
        }
    }

    /// Returns how many of these bytes belong to the frame that has begun.
    fn rest(mut self, bytes: &[u8]) -> usize {
        let mut count = 0;
        while count < bytes.len() && !self.is_between() {
            count += self.step(&bytes[count..]);
        }
        count
    }
}

/// A connection with HTTP/2 that an [`Ending`] can end.
pub(super) struct Endable<I> {
    io: I,
    ending: Ending,
    frames: Frames,
    /// The number of bytes of [`GOAWAY`] that were written.
    said: usize,
}

impl<I> Endable<I> {
    pub(super) fn new(io: I, ending: Ending) -> Self {
        Self {
            io,
            ending,
            frames: Frames::default(),
            said: 0,
        }
    }
}

impl<I: AsyncWrite + Unpin> Endable<I> {
    /// Sends the farewell, and then fails.
    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        while self.said < GOAWAY.len() {
            match ready!(Pin::new(&mut self.io).poll_write(cx, &GOAWAY[self.said..])) {
                Ok(0) => return Poll::Ready(ErrorKind::WriteZero.into()),
                Ok(count) => self.said += count,
                Err(error) => return Poll::Ready(error),
            }
        }
        // It flushes what was written. If that fails, the connection ends as well.
        let _ = ready!(Pin::new(&mut self.io).poll_shutdown(cx));
        self.ending.close();
        Poll::Ready(ErrorKind::ConnectionReset.into())
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Endable<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Endable<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let me = &mut *self;
        let part = match me.ending.0.load(Ordering::Relaxed) {
            GOES_ON => buf,
            CALMS if me.frames.is_between() => return me.poll_farewell(cx).map(Err),
            CALMS => &buf[..me.frames.rest(buf)],
            _ => return Poll::Ready(Err(ErrorKind::ConnectionReset.into())),
        };
        let count = ready!(Pin::new(&mut me.io).poll_write(cx, part))?;
        me.frames.advance(&part[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    /// A frame of three bytes.
    const FRAME: [u8; 12] = [0, 0, 3, 0, 0, 0, 0, 0, 1, b'a', b'b', b'c'];

    /// Writes frames, with an ending after so many bytes, and returns what arrives.
    async fn arriving(before: usize, end: fn(&Ending)) -> (Vec<u8>, bool) {
        let (mut client, server) = duplex(1024);
        let ending = Ending::default();
        let mut server = Endable::new(server, ending.clone());
        let bytes = [FRAME, FRAME, FRAME].concat();
        server.write_all(&bytes[..before]).await.unwrap();
        end(&ending);
        let is_refused = server.write_all(&bytes[before..]).await.is_err();
        drop(server);
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.unwrap();
        (received, is_refused)
    }

    #[tokio::test]
    async fn a_farewell_comes_between_two_frames() {
        for before in 1..=FRAME.len() {
            let expected = [&FRAME[..], &GOAWAY].concat();
            assert_eq!(arriving(before, Ending::calm_down).await, (expected, true));
        }
        let whole = [FRAME, FRAME, FRAME].concat();
        assert_eq!(arriving(5, |_| ()).await, (whole, false));
        let closed = FRAME[..5].to_vec();
        assert_eq!(arriving(5, Ending::close).await, (closed, true));
    }
}
