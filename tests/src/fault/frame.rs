//! Frames of HTTP/2 (RFC 9113, section 4).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const DATA: u8 = 0x0;
pub const HEADERS: u8 = 0x1;
pub const RST_STREAM: u8 = 0x3;
pub const SETTINGS: u8 = 0x4;
pub const PING: u8 = 0x6;
pub const GOAWAY: u8 = 0x7;
pub const WINDOW_UPDATE: u8 = 0x8;
pub const CONTINUATION: u8 = 0x9;

/// A flag of `SETTINGS` and `PING`.
pub const ACK: u8 = 0x1;
/// A flag of `HEADERS` and `DATA`.
pub const END_STREAM: u8 = 0x1;
/// A flag of `HEADERS` and `CONTINUATION`.
pub const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// Identifiers of settings.
pub const MAX_CONCURRENT_STREAMS: u16 = 0x3;
pub const INITIAL_WINDOW_SIZE: u16 = 0x4;
/// The default flow-control window, in bytes.
pub const WINDOW: u32 = 65_535;

/// The error code of a stream that was refused without being processed.
pub const REFUSED_STREAM: u32 = 0x7;

/// The largest payload that a peer accepts by default.
pub const LARGEST: usize = 16 * 1024;

pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    pub async fn read(wire: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let mut head = [0; 9];
        wire.read_exact(&mut head).await?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        wire.read_exact(&mut payload).await?;
        Ok(Self {
            kind,
            flags,
            stream: u32::from_be_bytes(stream) & 0x7fff_ffff,
            payload,
        })
    }

    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Returns the value of a setting in a `SETTINGS` frame.
    pub fn setting(&self, wanted: u16) -> Option<u32> {
        let found = self
            .payload
            .chunks_exact(6)
            .find(|setting| setting.starts_with(&wanted.to_be_bytes()))?;
        Some(u32::from_be_bytes(*found.last_chunk()?))
    }

    /// Returns the payload of `HEADERS` or `DATA` without padding and priority fields.
    pub fn content(&self) -> &[u8] {
        let mut content = self.payload.as_slice();
        if self.has(PADDED)
            && let [padding, rest @ ..] = content
        {
            content = rest
                .get(..rest.len().saturating_sub(usize::from(*padding)))
                .unwrap_or_default();
        }
        if self.kind == HEADERS && self.has(PRIORITY) {
            content = content.get(5..).unwrap_or_default();
        }
        content
    }
}

/// Encodes a frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame is small");
    let [_, a, b, c] = length.to_be_bytes();
    let mut bytes = vec![a, b, c, kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}
