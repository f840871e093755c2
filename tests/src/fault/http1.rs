//! The server's side of HTTP/1.1.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::journal::Connection;
use super::response::{AfterResponse, Plan, Response};

/// Serves the requests of one connection until it ends.
pub(super) async fn serve(socket: TcpStream, connection: &Connection) {
    let mut wire = Wire {
        socket,
        buffer: Vec::new(),
    };
    let mut close_on_next_request = false;
    while wire.wait_for_byte().await {
        if close_on_next_request {
            connection.note_unread_request();
            return;
        }
        let Some(head) = wire.head().await else {
            return;
        };
        let active = connection.request(head.method, head.path);
        let plan = Plan::of(active.fault, &active.path);
        if matches!(plan, Plan::CloseEarly) {
            // The part of the body that has already arrived stays unread, too.
            return;
        }
        if wire.body(head.length).await.is_none() {
            return;
        }
        connection.note_complete(&active);
        match plan {
            Plan::Respond(response) => {
                if wire.send_response(&response).await.is_none() {
                    return;
                }
                close_on_next_request = response.after == AfterResponse::CloseOnNextRequest;
            }
            Plan::NoResponse | Plan::Mute => {
                wire.discard_until_closed().await;
                return;
            }
            Plan::Close { reset: true } => {
                let _ = wire.socket.set_zero_linger();
                return;
            }
            _ => return,
        }
    }
}

struct Wire {
    socket: TcpStream,
    /// Bytes that were read and not used yet.
    buffer: Vec<u8>,
}

struct Head {
    method: String,
    path: String,
    /// The length of the body, or `None` if it is chunked.
    length: Option<usize>,
}

impl Wire {
    /// Waits for the first byte of a request without consuming it.
    async fn wait_for_byte(&mut self) -> bool {
        !self.buffer.is_empty()
            || self
                .socket
                .peek(&mut [0])
                .await
                .is_ok_and(|count| count > 0)
    }

    async fn more(&mut self) -> Option<()> {
        let mut chunk = [0; 4096];
        let count = self.socket.read(&mut chunk).await.ok()?;
        self.buffer.extend_from_slice(chunk.get(..count)?);
        (count > 0).then_some(())
    }

    /// Consumes the bytes up to and including the next `mark`, and returns those before it.
    async fn until(&mut self, mark: &[u8]) -> Option<String> {
        loop {
            let found = self.buffer.windows(mark.len()).position(|at| at == mark);
            if let Some(at) = found {
                let text = String::from_utf8_lossy(&self.buffer[..at]).into_owned();
                self.buffer.drain(..at + mark.len());
                return Some(text);
            }
            self.more().await?;
        }
    }

    async fn skip(&mut self, count: usize) -> Option<()> {
        while self.buffer.len() < count {
            self.more().await?;
        }
        self.buffer.drain(..count);
        Some(())
    }

    async fn head(&mut self) -> Option<Head> {
        let text = self.until(b"\r\n\r\n").await?;
        let mut lines = text.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut length = Some(0);
        for line in lines {
            let (name, value) = line.split_once(':')?;
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok(),
                "transfer-encoding" => length = None,
                _ => {}
            }
        }
        Some(Head {
            method,
            path,
            length,
        })
    }

    async fn body(&mut self, length: Option<usize>) -> Option<()> {
        if let Some(length) = length {
            return self.skip(length).await;
        }
        loop {
            let size = usize::from_str_radix(self.until(b"\r\n").await?.trim(), 16).ok()?;
            self.skip(size + 2).await?;
            if size == 0 {
                return Some(());
            }
        }
    }

    /// Sends a response. Returns `None` if the connection is to be closed after it.
    async fn send_response(&mut self, response: &Response) -> Option<()> {
        let mut head = String::new();
        if response.interim {
            head.push_str("HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n");
        }
        // Writing to a String cannot fail.
        let _ = write!(head, "HTTP/1.1 {} By Script\r\n", response.status);
        for (name, value) in &response.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if response.chunked {
            head.push_str("transfer-encoding: chunked\r\n");
        } else if response.status != 204 {
            let length = response.announced.unwrap_or(response.body.len());
            let _ = write!(head, "content-length: {length}\r\n");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        if response.chunked {
            bytes.extend_from_slice(format!("{:x}\r\n", response.body.len()).as_bytes());
        }
        let sent = response.cut.unwrap_or(response.body.len());
        bytes.extend_from_slice(response.body.get(..sent).unwrap_or(&response.body));
        if response.chunked && response.cut.is_none() {
            bytes.extend_from_slice(b"\r\n0\r\n\r\n");
        }
        write_paced(&mut self.socket, &bytes, response.pace).await?;
        (response.cut.is_none() && response.after != AfterResponse::Close).then_some(())
    }

    async fn discard_until_closed(&mut self) {
        while self.more().await.is_some() {
            self.buffer.clear();
        }
    }
}

/// Writes bytes, one at a time with a pause after each if `pace` is set.
async fn write_paced(socket: &mut TcpStream, bytes: &[u8], pace: Option<Duration>) -> Option<()> {
    let Some(pace) = pace else {
        return socket.write_all(bytes).await.ok();
    };
    for byte in bytes {
        socket.write_all(&[*byte]).await.ok()?;
        tokio::time::sleep(pace).await;
    }
    Some(())
}
