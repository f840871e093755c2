//! HTTP/2 frames, for a server that violates the protocol on purpose.
//!
//! It has only what the tests need: request headers are not decoded, and response headers are the
//! one byte for `:status: 200`.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;

/// Flag of the last DATA or HEADERS frame of a stream.
const END_STREAM: u8 = 1;
/// Flag of a SETTINGS or PING frame that acknowledges another.
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

// Error codes of RST_STREAM and GOAWAY.
pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const PROTOCOL_ERROR: u32 = 1;
pub(crate) const INTERNAL_ERROR: u32 = 2;
pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;
pub(crate) const MAX_HEADER_LIST_SIZE: u16 = 6;

/// A frame of HTTP/2.
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// The server's end of an HTTP/2 connection.
pub(crate) struct Wire<S> {
    stream: S,
    pub(crate) acknowledges_pings: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Reads the client's preface and sends empty settings.
    pub(crate) async fn accept(stream: S) -> Self {
        Self::accept_with(stream, &[]).await
    }

    /// Reads the client's preface and sends settings.
    pub(crate) async fn accept_with(mut stream: S, settings: &[(u16, u32)]) -> Self {
        let mut preface = [0; 24];
        // The client may have disconnected; then there is no frame either.
        if stream.read_exact(&mut preface).await.is_ok() {
            assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        }
        let mut wire = Self {
            stream,
            acknowledges_pings: true,
        };
        let mut payload = Vec::new();
        for (name, value) in settings {
            payload.extend(name.to_be_bytes());
            payload.extend(value.to_be_bytes());
        }
        wire.send(SETTINGS, 0, 0, &payload).await;
        wire
    }

    /// Reads the next frame, or returns `None` when the connection ends.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some(Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
            payload,
        })
    }

    /// Reads up to the next frame of a kind, and acknowledges settings and pings on the way.
    pub(crate) async fn next(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.frame().await?;
            match frame.kind {
                SETTINGS if frame.flags & ACK == 0 => self.send(SETTINGS, ACK, 0, &[]).await,
                PING if frame.flags & ACK == 0 && self.acknowledges_pings => {
                    self.send(PING, ACK, 0, &frame.payload).await;
                }
                _ => {}
            }
            if frame.kind == kind {
                return Some(frame);
            }
        }
    }

    /// Waits for the next request and returns its stream id.
    pub(crate) async fn request(&mut self) -> Option<u32> {
        Some(self.next(HEADERS).await?.stream)
    }

    /// Reads until the client closes the connection.
    pub(crate) async fn closed(&mut self) {
        while self.next(u8::MAX).await.is_some() {}
    }

    /// Sends a frame. Errors are ignored, because the client may have disconnected.
    pub(crate) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        let _ = self.stream.write_all(&frame).await;
        let _ = self.stream.flush().await;
    }

    /// Sends response headers with the status 200.
    pub(crate) async fn head(&mut self, stream: u32, end: bool) {
        let flags = END_HEADERS | if end { END_STREAM } else { 0 };
        self.send(HEADERS, flags, stream, &[0x88]).await;
    }

    /// Sends a chunk of a response body.
    pub(crate) async fn data(&mut self, stream: u32, bytes: &[u8], end: bool) {
        self.send(DATA, u8::from(end), stream, bytes).await;
    }

    /// Resets a stream.
    pub(crate) async fn reset(&mut self, stream: u32, reason: u32) {
        self.send(RST_STREAM, 0, stream, &reason.to_be_bytes())
            .await;
    }

    /// Sends a GOAWAY that names `last` as the last processed stream.
    pub(crate) async fn go_away(&mut self, last: u32, reason: u32) {
        let payload = [last.to_be_bytes(), reason.to_be_bytes()].concat();
        self.send(GOAWAY, 0, 0, &payload).await;
    }
}
