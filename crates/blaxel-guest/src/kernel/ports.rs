//! [`Ports`], what listens on the ports of a simulated machine.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use blaxel_core::BoxFuture;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tower_service::Service as _;

use crate::errno::Errno;
use crate::lock::lock;
use crate::port::{Connection, Listener};

/// The bytes on their way in each direction of a connection.
const BUFFER: usize = 64 << 10;

/// The ports of a machine.
#[derive(Default)]
pub(crate) struct Ports(Mutex<BTreeMap<u16, Arc<Port>>>);

/// A port and what answers on it.
struct Port {
    listener: Listener,
    router: Router,
}

/// A port that a program listens on. Dropping it closes the port.
pub(crate) struct Open {
    ports: Arc<Ports>,
    number: u16,
}

impl Ports {
    /// Answers requests on a port by a router, which belongs to no process.
    pub(crate) fn serve(&self, number: u16, router: Router) {
        self.insert(None, "", number, router);
    }

    /// Lets a process listen on a port. Returns `None` if the port is taken.
    pub(crate) fn open(
        self: &Arc<Self>,
        pid: u32,
        name: &str,
        number: u16,
        router: Router,
    ) -> Option<Open> {
        if lock(&self.0).contains_key(&number) {
            return None;
        }
        self.insert(Some(pid), name, number, router);
        Some(Open {
            ports: Arc::clone(self),
            number,
        })
    }

    fn insert(&self, pid: Option<u32>, name: &str, number: u16, router: Router) {
        let listener = Listener {
            pid,
            process_name: name.to_owned(),
            protocol: "tcp".to_owned(),
            address: "0.0.0.0".to_owned(),
            port: number,
        };
        let port = Port { listener, router };
        lock(&self.0).insert(number, Arc::new(port));
    }

    /// Closes a port.
    pub(crate) fn close(&self, number: u16) {
        lock(&self.0).remove(&number);
    }

    /// Returns what is listened on.
    pub(crate) fn listeners(&self) -> Vec<Listener> {
        let ports = lock(&self.0);
        ports.values().map(|port| port.listener.clone()).collect()
    }

    /// Connects to a port.
    pub(crate) fn connect(&self, number: u16) -> Result<Box<dyn Connection>, Errno> {
        let port = lock(&self.0).get(&number).cloned();
        let port = port.ok_or(Errno::ConnectionRefused)?;
        let (near, far) = duplex(BUFFER);
        let router = port.router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            router.clone().call(request.map(Body::new))
        });
        let serving = http1::Builder::new()
            .serve_connection(TokioIo::new(far), service)
            .with_upgrades();
        Ok(Box::new(Served {
            stream: near,
            server: Some(Box::pin(async move {
                // The client sees the end of the connection.
                let _ = serving.await;
            })),
        }))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.ports.close(self.number);
    }
}

/// A connection that runs its own server: it makes progress while somebody reads or writes.
struct Served {
    stream: DuplexStream,
    server: Option<BoxFuture<()>>,
}

impl Served {
    fn serve(&mut self, cx: &mut Context<'_>) {
        if let Some(server) = &mut self.server
            && server.as_mut().poll(cx).is_ready()
        {
            self.server = None;
        }
    }
}

impl AsyncRead for Served {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.serve(cx);
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Served {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.serve(cx);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.serve(cx);
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.serve(cx);
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Served")
    }
}
