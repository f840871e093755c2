//! A server that fails by script, on real sockets, and keeps a journal of what reached it.
//!
//! It speaks HTTP/1.1 and, by prior knowledge, HTTP/2; both are written out by hand, byte by byte and
//! frame by frame, so that they can be broken at any place. A script is a list of [`Fault`]s. Each
//! is met by one connection, request or attempt, in order; what comes after the last one is answered
//! well for ever. Nothing is left to chance: the same script and the same client give the same journal,
//! but for the few faults whose docs speak of a race.
//!
//! The [journal](FaultServer::journal) tells what a request did: whether its head and its body were
//! read, and whether it was *processed*, as a server would have done that does its work before it
//! fails. It is the contract of the retries: [`calls`] has an operation of each kind to hold to it.

mod answer;
mod bomb;
pub mod calls;
mod frame;
mod hpack;
mod http1;
mod http2;
mod journal;
mod script;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use blaxel_transport::{
    Client, Dispatch, HttpVersion, HyperTransport, Pipeline, RetryPolicy, TimeLimits,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use self::journal::Shared;
pub use self::journal::{Journal, Seen};
pub use self::script::{Code, Fault, Wait};
pub use self::watch::{Watch, Watched};

/// The version of HTTP that a [`FaultServer`] speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS, by prior knowledge.
    Http2,
}

/// A client whose attempts a [`FaultServer`] counts.
pub type WatchedClient = Client<Pipeline<Watched<Dispatch<HyperTransport>>>>;

impl Protocol {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Http1, Self::Http2];

    /// A transport that speaks this version.
    pub fn transport(self) -> HyperTransport {
        let version = match self {
            Self::Http1 => HttpVersion::Http1,
            Self::Http2 => HttpVersion::Http2,
        };
        HyperTransport::builder()
            .connect_timeout(Duration::from_secs(2))
            .http_version(version)
            .build()
    }
}

/// A server that meets each request with the next fault of a script. It stops when it is dropped.
pub struct FaultServer {
    protocol: Protocol,
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl FaultServer {
    /// Listens on a free loopback port, on the runtime that this is called in.
    ///
    /// # Panics
    ///
    /// If no port is free, or if the script holds a fault that the protocol does not know.
    pub async fn start(protocol: Protocol, script: &[Fault]) -> Self {
        Self::start_with_streams(protocol, script, None).await
    }

    /// The same, with a limit on the streams that a client may have open on a connection.
    ///
    /// # Panics
    ///
    /// As for [`start`](Self::start).
    pub async fn start_with_streams(
        protocol: Protocol,
        script: &[Fault],
        streams: Option<u32>,
    ) -> Self {
        for fault in script {
            assert!(
                fault.speaks(protocol),
                "{fault:?} is unknown to {protocol:?}"
            );
        }
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free loopback port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared::new(script, streams));
        let task = tokio::spawn(accept(listener, protocol, Arc::clone(&shared)));
        Self {
            protocol,
            address,
            shared,
            task,
        }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it speaks.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Adds faults to the end of the script.
    pub fn extend(&self, faults: &[Fault]) {
        self.shared.extend(faults);
    }

    /// Drops what is left of the script: all is well from here on.
    pub fn relent(&self) {
        self.shared.relent();
    }

    /// What has reached it so far.
    pub fn journal(&self) -> Journal {
        self.shared.journal()
    }

    /// How many connections were made so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted()
    }

    /// How many connections are open now.
    pub fn open(&self) -> usize {
        self.shared.open()
    }

    /// How many faults of the script nobody has met yet.
    pub fn left(&self) -> usize {
        self.shared.left()
    }

    /// The layer that has each attempt counted, and that leads it astray if the next fault is
    /// [`Fault::Refuse`].
    pub fn watch(&self) -> Watch {
        Watch::new(Arc::clone(&self.shared))
    }

    /// A client of this server, which is quick to try again and slow to give up: a machine under load
    /// is not to look like a server that fails.
    pub fn client(&self) -> WatchedClient {
        self.client_over(self.protocol.transport())
    }

    /// A client of this server, over a transport that others may share.
    pub fn client_over(&self, transport: HyperTransport) -> WatchedClient {
        self.client_with(transport, quick_policy(), TimeLimits::default())
    }

    /// A client of this server with settings of its own.
    pub fn client_with(
        &self,
        transport: HyperTransport,
        policy: RetryPolicy,
        limits: TimeLimits,
    ) -> WatchedClient {
        Client::builder()
            .api_key(crate::API_KEY)
            .workspace("demo")
            .api_url(self.url())
            .run_url(self.url())
            .time_limits(limits)
            .retry(policy)
            .attempt_layer(self.watch())
            .transport(transport)
            .build_unboxed()
            .expect("the settings are good")
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        // The connections belong to this task and go with it.
        self.task.abort();
    }
}

/// Three attempts, a few milliseconds apart.
pub fn quick_policy() -> RetryPolicy {
    RetryPolicy::new()
        .base_delay(Duration::from_millis(2))
        .longest_delay(Duration::from_millis(5))
        .seed(1)
}

/// Limits for a test in which no answer comes: it must begin within a second.
pub fn short_limits() -> TimeLimits {
    let mut limits = TimeLimits::default();
    limits.connect = Duration::from_secs(2);
    limits.control = Duration::from_secs(20);
    limits.run = Duration::from_secs(20);
    limits.head = Duration::from_secs(1);
    limits.idle = Duration::from_secs(1);
    limits
}

async fn accept(listener: TcpListener, protocol: Protocol, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((socket, _)) = accepted else { return };
                connections.spawn(serve(socket, protocol, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(socket: TcpStream, protocol: Protocol, shared: Arc<Shared>) {
    let connection = shared.connection();
    // Small pieces must leave as they are written.
    let _ = socket.set_nodelay(true);
    match shared.take_for_connection() {
        Some(Fault::ResetOnAccept) => {
            shared.note_reset();
            let _ = socket.set_zero_linger();
            return;
        }
        Some(fault) => {
            // The client's bytes are left unread, so the close reaches it as a reset.
            if socket.peek(&mut [0]).await.is_ok_and(|count| count > 0) {
                shared.note(connection.number(), Some(fault));
            }
            return;
        }
        None => {}
    }
    match protocol {
        Protocol::Http1 => http1::serve(socket, &connection).await,
        Protocol::Http2 => http2::serve(socket, &connection).await,
    }
}
