//! Helpers that the tests of the whole workspace share; the tests are in `tests/`.

pub mod fault;
#[cfg(doctest)]
mod guide;
pub mod random;
pub mod soak;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use blaxel_transport::{Client, TimeLimits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The API key that clients of [`WireServer`] send.
pub const API_KEY: &str = "bl_wire_test_key";

/// [`API_KEY`] in Base64, without padding.
pub const API_KEY_BASE64: &str = "Ymxfd2lyZV90ZXN0X2tleQ";

/// Returns `true` if a text contains [`API_KEY`], as it is or in Base64.
pub fn shows_credential(text: &str) -> bool {
    [API_KEY, API_KEY_BASE64].iter().any(|it| text.contains(it))
}

/// A server that sends the same bytes, well-formed or not, in response to each request. It stops
/// when it is dropped.
pub struct WireServer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

/// The reaction of a [`WireServer`] to a request.
#[derive(Clone)]
pub enum Reply {
    /// Sends these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// Sends these bytes and then nothing more, but keeps the connection open.
    Stall(Vec<u8>),
}

impl Reply {
    /// Creates a well-formed response.
    pub fn http(status: &str, content_type: &str, body: &str) -> Self {
        let length = body.len();
        Self::Bytes(
            format!(
                "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\
                 connection: close\r\n\r\n{body}"
            )
            .into_bytes(),
        )
    }
}

impl WireServer {
    /// Listens on a free loopback port.
    pub async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free loopback port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(respond(socket, reply.clone(), Arc::clone(&log)));
            }
        });
        Self {
            address,
            seen,
            task,
        }
    }

    /// Returns the server's base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the heads of the requests received so far.
    pub fn requests(&self) -> Vec<String> {
        self.seen
            .lock()
            .expect("no test panics with the lock")
            .clone()
    }

    /// Returns a client of this server.
    pub fn client(&self) -> Client {
        self.client_within(TimeLimits::default())
    }

    /// Returns a client of this server with the given time limits.
    pub fn client_within(&self, limits: TimeLimits) -> Client {
        Client::builder()
            .api_key(API_KEY)
            .workspace("demo")
            .api_url(self.url())
            .run_url(self.url())
            .time_limits(limits)
            .build()
            .expect("the settings are valid")
    }
}

impl Drop for WireServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn respond(mut socket: TcpStream, reply: Reply, seen: Arc<Mutex<Vec<String>>>) {
    let Some(head) = read_head(&mut socket).await else {
        return;
    };
    seen.lock()
        .expect("no test panics with the lock")
        .push(head);
    // A client may close early. The test checks that, not the server.
    match reply {
        Reply::Bytes(bytes) => {
            let _ = socket.write_all(&bytes).await;
            let _ = socket.shutdown().await;
        }
        Reply::Stall(bytes) => {
            let _ = socket.write_all(&bytes).await;
            std::future::pending::<()>().await;
        }
    }
}

async fn read_head(socket: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = socket.read(&mut chunk).await.ok()?;
        if count == 0 || head.len() > 64 * 1024 {
            return None;
        }
        head.extend_from_slice(&chunk[..count]);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// Compiles the examples of the workspace's README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
