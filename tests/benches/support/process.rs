//! The server process of a benchmark, and the runtime that both sides use.

use std::convert::Infallible;
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

/// A server process: this program started again with the argument `serve`. It ends when this value
/// is dropped.
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
        // The process exits when its input ends.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Serves on a free port until the input ends. This is the main function of a [`Server`]'s process.
pub fn serve_until_input_ends<F: Future + 'static>(serve: fn(TcpListener) -> F) {
    std::thread::spawn(move || {
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

/// Serves every request with `service` while the future is polled, over HTTP/2 if a connection
/// begins with that, otherwise over HTTP/1.1.
pub async fn serve_all<S, B>(listener: TcpListener, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error = Infallible> + Send + 'static,
{
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let service = service.clone();
        tokio::spawn(async move {
            let mut start = [0; 3];
            let _ = stream.peek(&mut start).await;
            let stream = TokioIo::new(stream);
            // No method begins like the preface of HTTP/2.
            let _ = if start == *b"PRI" {
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                server.serve_connection(stream, service).await
            } else {
                let server = hyper::server::conn::http1::Builder::new();
                server.serve_connection(stream, service).await
            };
        });
    }
}

/// Creates a runtime on the current thread.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}
