//! The server on 127.0.0.1: HTTP/1.1 and HTTP/2, with TLS and without, all of it on one port.

mod body;
mod connection;
mod ending;
mod handler;
mod protocol;
mod proxy;
mod site;
mod streams;

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use self::connection::serve;
pub(crate) use self::handler::Handler;
use self::site::Site;
use crate::lock::lock;
use crate::tls::Tls;

/// A listener that several owners can close: taking it out of the option closes the port at once.
type SharedListener = Arc<Mutex<Option<TcpListener>>>;

/// A bound port that is not served yet.
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

/// A served port. Dropping it closes the port at once and ends every connection.
#[derive(Debug)]
pub(crate) struct RunningServer {
    listener: SharedListener,
    task: AbortHandle,
}

impl Server {
    pub(crate) async fn bind(port: u16) -> Result<Self, io::Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Returns the origin, which is one of TLS if it has that.
    pub(crate) fn origin(&self, has_tls: bool) -> String {
        let scheme = if has_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves the port, with TLS besides if there is some. `passes_others` is set if tunnels to other
    /// hosts pass.
    pub(crate) fn serve<H: Handler>(
        self,
        handler: H,
        tls: Option<Tls>,
        passes_others: bool,
    ) -> RunningServer {
        let site = Arc::new(Site {
            handler,
            port: self.address.port(),
            tls,
            passes_others,
        });
        let listener = Arc::new(Mutex::new(Some(self.listener)));
        let task = tokio::spawn(accept_all(Arc::clone(&listener), site)).abort_handle();
        RunningServer { listener, task }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        // An aborted task ends only when it is polled next; the port must not accept connections
        // until then.
        lock(&self.listener).take();
        self.task.abort();
    }
}

/// Serves connections until the listener is taken away. The connections end with this task.
async fn accept_all<H: Handler>(listener: SharedListener, site: Arc<Site<H>>) {
    let mut connections = JoinSet::new();
    while let Some(accepted) = accept(&listener).await {
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok(stream) => {
                connections.spawn(serve(stream, Arc::clone(&site)));
            }
            // A transient error, such as running out of file descriptors.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn accept(listener: &SharedListener) -> Option<io::Result<TcpStream>> {
    poll_fn(|cx| match &*lock(listener) {
        Some(listener) => listener
            .poll_accept(cx)
            .map_ok(|(stream, _)| stream)
            .map(Some),
        None => Poll::Ready(None),
    })
    .await
}
