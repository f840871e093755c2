//! Parts of servers that speak HTTP at the level of bytes.

use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The head of a successful JSON response, up to its last header.
pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
/// The head of a successful event stream that ends with its connection.
pub(crate) const EVENTS: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
/// The head of a successful stream of JSON lines that ends with its connection.
pub(crate) const LINES: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n";

/// Reads a request with its body, and returns its head.
pub(crate) async fn read_request(socket: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let end = bytes.windows(4).position(|end| end == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let named = name.eq_ignore_ascii_case("content-length");
                named.then(|| value.trim().parse::<usize>().ok())?
            });
            let mut left = (end + 4 + length.unwrap_or(0)).saturating_sub(bytes.len());
            while left > 0 {
                left = left.saturating_sub(read(socket, &mut chunk).await?);
            }
            return Some(head);
        }
        let count = read(socket, &mut chunk).await?;
        bytes.extend_from_slice(&chunk[..count]);
    }
}

async fn read(socket: &mut TcpStream, chunk: &mut [u8]) -> Option<usize> {
    socket.read(chunk).await.ok().filter(|count| *count > 0)
}

/// Returns a server that sends `start` after each request, and then `rest` without end.
pub(crate) fn endless(
    start: impl Into<Vec<u8>>,
    rest: &'static [u8],
    pause: Duration,
) -> impl Fn(TcpStream) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send + 'static {
    let start = start.into();
    move |mut socket| {
        let start = start.clone();
        Box::pin(async move {
            if read_request(&mut socket).await.is_none() || socket.write_all(&start).await.is_err()
            {
                return;
            }
            // Larger writes, so that a flood costs the client more than the server.
            let rest = if pause.is_zero() {
                rest.repeat((16 * 1024 / rest.len()).max(1))
            } else {
                rest.to_vec()
            };
            while socket.write_all(&rest).await.is_ok() {
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
            }
        })
    }
}

/// Returns a server that sends these bytes after each request, and then keeps the connection open.
pub(crate) fn sends(
    bytes: impl Into<Vec<u8>>,
) -> impl Fn(TcpStream) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send + 'static {
    let bytes = bytes.into();
    move |mut socket| {
        let bytes = bytes.clone();
        Box::pin(async move {
            if read_request(&mut socket).await.is_some() {
                let _ = socket.write_all(&bytes).await;
                std::future::pending::<()>().await;
            }
        })
    }
}

/// Returns a complete response, whose body has a length.
pub(crate) fn response(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let mut bytes =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
