//! The server: it answers each request for an agent with the same document.

use std::convert::Infallible;
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Barrier;

use super::agent::DOCUMENT;

/// How many calls for [`HELD`] are under way before any is answered.
pub const HELD_CALLS: usize = 1000;
/// The agent that is spoken of only when [`HELD_CALLS`] ask for it.
pub const HELD: &str = "held";

/// A server in a process of its own: this program once more, with the argument `serve`. It ends with
/// this value.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    pub fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let address = line.trim().parse().map_err(io::Error::other)?;
        Ok(Self { child, address })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It reads its input to the end and then leaves.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Serves until the input ends: what a [`Server`]'s process does.
pub fn serve_until_input_ends() {
    serve_by(serve);
}

/// As [`serve_until_input_ends`], by another server than the one that answers with the document.
pub fn serve_by<F: Future<Output = ()>>(serve: impl FnOnce(TcpListener) -> F + Send + 'static) {
    std::thread::spawn(|| {
        runtime().block_on(async {
            let listener = listen().await;
            println!("{}", listener.local_addr().expect("a bound socket"));
            serve(listener).await;
        });
    });
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

pub async fn listen() -> TcpListener {
    let listening = TcpListener::bind("127.0.0.1:0").await;
    listening.expect("a free loopback port")
}

/// Serves for as long as it is polled.
pub async fn serve(listener: TcpListener) {
    let barrier = Arc::new(Barrier::new(HELD_CALLS));
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let barrier = Arc::clone(&barrier);
        let answer = service_fn(move |request| answer(request, Arc::clone(&barrier)));
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), answer);
        tokio::spawn(connection);
    }
}

async fn answer(
    request: http::Request<Incoming>,
    barrier: Arc<Barrier>,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    if request.uri().path().ends_with(HELD) {
        barrier.wait().await;
    }
    let body = Full::new(Bytes::from_static(DOCUMENT.as_bytes()));
    let mut response = http::Response::new(body);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}

/// A runtime on this thread alone.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}
