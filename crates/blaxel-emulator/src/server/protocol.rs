//! The protocol of a connection, which its first bytes tell, so that one port serves all of them.

use std::io::{self, Cursor, ErrorKind};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, join, split};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// The time in which a client has to send its first bytes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The pause until another look at a connection that has sent too little.
const PAUSE: Duration = Duration::from_millis(1);

/// The number of bytes that tell the protocol.
const ENOUGH: usize = 3;

/// The start of a connection with HTTP/2. No method of HTTP/1.1 begins so.
const HTTP2: &[u8; ENOUGH] = b"PRI";

/// The type of the first record of TLS, which holds the handshake.
const HANDSHAKE: u8 = 22;

/// The protocol of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
    Tls,
}

impl Protocol {
    /// Tells the protocol by the first bytes, or returns `None` if that takes more of them.
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [HANDSHAKE, ..] => Some(Self::Tls),
            bytes if bytes.starts_with(HTTP2) => Some(Self::Http2),
            bytes if HTTP2.starts_with(bytes) => None,
            _ => Some(Self::Http1),
        }
    }
}

/// Waits for the first bytes of a connection, which stay unread.
pub(super) async fn peek(stream: &TcpStream) -> io::Result<Protocol> {
    let look = async {
        loop {
            let mut bytes = [0; ENOUGH];
            let count = stream.peek(&mut bytes).await?;
            match Protocol::of(&bytes[..count]) {
                Some(protocol) => return Ok(protocol),
                None if count == 0 => return Err(ErrorKind::UnexpectedEof.into()),
                // A further call returns at once.
                None => sleep(PAUSE).await,
            }
        }
    };
    timeout(PATIENCE, look).await?
}

/// Waits for the first bytes of a stream, and returns it as it was before.
pub(super) async fn read<I>(
    stream: I,
) -> io::Result<(Protocol, impl AsyncRead + AsyncWrite + Unpin + Send)>
where
    I: AsyncRead + AsyncWrite + Send,
{
    let (mut from, to) = split(stream);
    let mut bytes = Vec::with_capacity(ENOUGH);
    let look = async {
        loop {
            if let Some(protocol) = Protocol::of(&bytes) {
                return io::Result::Ok(protocol);
            }
            bytes.push(from.read_u8().await?);
        }
    };
    let protocol = timeout(PATIENCE, look).await??;
    Ok((protocol, join(Cursor::new(bytes).chain(from), to)))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, duplex};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_first_bytes_tell_the_protocol_and_stay_unread() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        for (sent, expected) in [
            ("GET / HTTP/1.1", Protocol::Http1),
            ("PUT / HTTP/1.1", Protocol::Http1),
            ("PRI * HTTP/2.0", Protocol::Http2),
            ("\u{16}\u{3}\u{1}", Protocol::Tls),
        ] {
            let mut client = TcpStream::connect(address).await.unwrap();
            let (mut stream, _) = listener.accept().await.unwrap();
            let (first, rest) = sent.split_at(1);
            client.write_all(first.as_bytes()).await.unwrap();
            let (peeked, ()) = tokio::join!(peek(&stream), async {
                sleep(Duration::from_millis(5)).await;
                client.write_all(rest.as_bytes()).await.unwrap();
            });
            assert_eq!(peeked.unwrap(), expected);
            let mut received = vec![0; sent.len()];
            stream.read_exact(&mut received).await.unwrap();
            assert_eq!(received, sent.as_bytes());

            let (mut client, server) = duplex(64);
            client.write_all(sent.as_bytes()).await.unwrap();
            let (protocol, mut stream) = read(server).await.unwrap();
            assert_eq!(protocol, expected);
            stream.read_exact(&mut received).await.unwrap();
            assert_eq!(received, sent.as_bytes());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_nothing_is_not_waited_for_without_end() {
        let (_client, server) = duplex(64);
        let error = read(server).await.map(|(protocol, _)| protocol);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::TimedOut);
        let (client, server) = duplex(64);
        drop(client);
        let error = read(server).await.map(|(protocol, _)| protocol);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
}
