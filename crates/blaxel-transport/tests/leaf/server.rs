//! A server of one handler for all its connections.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What a server noted, line by line.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        self.lines().iter().filter(|other| *other == line).count()
    }

    /// Waits until a line has been noted so often.
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

/// Accepts connections until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) log: Log,
    task: JoinHandle<()>,
}

impl Server {
    /// Gives each connection, with its number from 0 on, to a handler of its own.
    pub(crate) async fn start<F, W>(handler: F) -> Self
    where
        F: Fn(usize, TcpStream, Log) -> W + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Log::default();
        let notes = log.clone();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                notes.note("connection");
                connections.spawn(handler(number, stream, notes.clone()));
            }
        });
        Self { address, log, task }
    }

    /// Answers every HTTP/1.1 request with these bytes, and notes each head and each end of a
    /// connection.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |_, stream, log| speak_http1(stream, answer.clone(), log)).await
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

pub(crate) async fn speak_http1<S>(mut stream: S, answer: Vec<u8>, log: Log)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(head) = read_head(&mut stream).await {
        log.note("request");
        log.note(head);
        if stream.write_all(&answer).await.is_err() {
            break;
        }
    }
    log.note("closed");
}

/// The head of a message up to the empty line, or none if the connection ends.
pub(crate) async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap().to_ascii_lowercase())
}

/// A whole HTTP/1.1 answer with this body.
pub(crate) fn answer(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")
}
