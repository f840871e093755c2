//! A connection that costs as little as possible: requests are bytes that were written before, and of a
//! response only its status and its length are read.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The end of a head.
const END: &[u8] = b"\r\n\r\n";
/// The end of a body that is sent in chunks.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// A connection to an emulator.
pub struct Wire {
    stream: TcpStream,
    /// The last response.
    received: Vec<u8>,
}

/// The extent of a body.
#[derive(Clone, Copy)]
enum Body {
    Length(usize),
    Chunks,
}

impl Wire {
    pub async fn connect(authority: &str) -> Result<Self> {
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::with_capacity(64 << 10),
        })
    }

    /// Sends a request and reads the whole response. Fails unless it is a success. Returns its bytes, the
    /// head included.
    pub async fn call(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.received.clear();
        let mut head = None;
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if head.is_none() {
                head = self.head()?;
            }
            match head {
                Some((end, Body::Length(length))) if self.received.len() >= end + length => break,
                Some((_, Body::Chunks)) if self.received.ends_with(LAST_CHUNK) => break,
                _ => {}
            }
        }
        Ok(&self.received)
    }

    /// Reads the head of the response, if it is there: the place of its end, and what follows.
    fn head(&self) -> Result<Option<(usize, Body)>> {
        let Some(end) = place(&self.received, END) else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&self.received[..end]).map_err(Error::other)?;
        if !head.starts_with("HTTP/1.1 2") {
            let all = String::from_utf8_lossy(&self.received).into_owned();
            return Err(Error::other(all));
        }
        let field = |name: &str| {
            let fields = head.lines().skip(1).flat_map(|line| line.split_once(':'));
            let mut fields = fields.filter(|(other, _)| other.eq_ignore_ascii_case(name));
            fields.next().map(|(_, value)| value.trim())
        };
        let body = match field("content-length") {
            Some(length) => Body::Length(length.parse().map_err(Error::other)?),
            None if field("transfer-encoding").is_some() => Body::Chunks,
            None => Body::Length(0),
        };
        Ok(Some((end + END.len(), body)))
    }
}

/// Returns the place of bytes in others.
pub fn place(all: &[u8], wanted: &[u8]) -> Option<usize> {
    all.windows(wanted.len()).position(|part| part == wanted)
}
