//! A TCP server with one handler for all connections.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The events that a server recorded, one per line.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        self.lines().iter().filter(|other| *other == line).count()
    }

    /// Waits until `line` has been recorded `count` times. Panics after 5 seconds.
    pub(crate) async fn wait_for(&self, line: &str, count: usize) {
        let waiting = async {
            while self.count(line) < count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let outcome = tokio::time::timeout(Duration::from_secs(5), waiting).await;
        assert!(
            outcome.is_ok(),
            "no {count} of `{line}` in {:?}",
            self.lines()
        );
    }
}

/// A server that accepts connections until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) log: Log,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a server that runs `handler` for each connection with its number, counted from 0.
    pub(crate) async fn start<F, W>(handler: F) -> Self
    where
        F: Fn(usize, TcpStream, Log) -> W + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Log::default();
        let events = log.clone();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                events.add("connection");
                connections.spawn(handler(number, stream, events.clone()));
            }
        });
        Self { address, log, task }
    }

    /// Starts a server that responds to every HTTP/1.1 request with these bytes. It records each
    /// request head and each end of a connection.
    pub(crate) async fn responding(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        Self::start(move |_, stream, log| serve_http1(stream, response.clone(), log)).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/thing", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Responds to every HTTP/1.1 request on a connection with these bytes.
pub(crate) async fn serve_http1<S>(mut stream: S, response: Vec<u8>, log: Log)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(head) = read_head(&mut stream).await {
        log.add("request");
        log.add(head);
        if stream.write_all(&response).await.is_err() {
            break;
        }
    }
    log.add("closed");
}

/// Reads the head of a message up to the empty line, or returns `None` if the connection ends.
pub(crate) async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap().to_ascii_lowercase())
}

/// Returns a complete HTTP/1.1 response with this body.
pub(crate) fn response(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")
}
