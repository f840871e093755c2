//! A scripted server that injects faults on real sockets and records every request it receives.
//!
//! It speaks HTTP/1.1 and, by prior knowledge, HTTP/2. Both are implemented by hand at the level of
//! bytes and frames, so that they can fail at any point. A script is a list of [`Fault`]s. Each
//! fault applies to one connection, request or attempt, in order; requests after the last one
//! succeed. The server is deterministic: the same script and the same client give the same journal,
//! except for the few faults whose docs mention a race.
//!
//! The [journal](FaultServer::journal) records for each request whether its head and its body were
//! read, and whether it was *processed*, as by a server that does its work before it fails. The
//! tests of the retry policy compare it with the policy's rules; [`calls`] has an operation of each
//! kind for that.

mod bomb;
pub mod calls;
pub mod frame;
pub mod hpack;
mod http1;
mod http2;
mod journal;
mod response;
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
pub use self::journal::{Journal, RecordedRequest};
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
    /// Both protocols.
    pub const ALL: [Self; 2] = [Self::Http1, Self::Http2];

    /// Returns a transport that speaks this version.
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

/// A server that applies the next fault of a script to each request. It stops when it is dropped.
pub struct FaultServer {
    protocol: Protocol,
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl FaultServer {
    /// Listens on a free loopback port, on the current tokio runtime.
    ///
    /// # Panics
    ///
    /// If no port is free, or if the script holds a fault that the protocol does not support.
    pub async fn start(protocol: Protocol, script: &[Fault]) -> Self {
        Self::start_with_streams(protocol, script, None).await
    }

    /// Starts a server that allows a client at most `streams` concurrent streams on a connection.
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
                fault.exists_in(protocol),
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

    /// Returns the server's base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the protocol that the server speaks.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Appends faults to the script.
    pub fn extend(&self, faults: &[Fault]) {
        self.shared.extend(faults);
    }

    /// Clears the rest of the script: all later requests succeed.
    pub fn clear_script(&self) {
        self.shared.clear_script();
    }

    /// Returns a copy of the journal so far.
    pub fn journal(&self) -> Journal {
        self.shared.journal()
    }

    /// Returns the number of connections accepted so far.
    pub fn accepted_connections(&self) -> usize {
        self.shared.accepted()
    }

    /// Returns the number of connections that are open now.
    pub fn open_connections(&self) -> usize {
        self.shared.open()
    }

    /// Returns the number of faults of the script that have not been applied yet.
    pub fn remaining_faults(&self) -> usize {
        self.shared.left()
    }

    /// Returns the layer that counts each attempt, and that sends an attempt to a closed port if
    /// the next fault is [`Fault::Refuse`].
    pub fn watch(&self) -> Watch {
        Watch::new(Arc::clone(&self.shared))
    }

    /// Returns a client of this server that retries quickly and has the default time limits, so
    /// that a slow machine does not look like a failing server.
    pub fn client(&self) -> WatchedClient {
        self.client_over(self.protocol.transport())
    }

    /// Returns a client of this server that uses the given transport, which other clients may
    /// share.
    pub fn client_over(&self, transport: HyperTransport) -> WatchedClient {
        self.client_with(transport, quick_policy(), TimeLimits::default())
    }

    /// Returns a client of this server with the given transport, retry policy and time limits.
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
            .expect("the settings are valid")
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        // The task owns the connections, so this closes them too.
        self.task.abort();
    }
}

/// Returns a policy of three attempts, a few milliseconds apart.
pub fn quick_policy() -> RetryPolicy {
    RetryPolicy::new()
        .base_delay(Duration::from_millis(2))
        .max_delay(Duration::from_millis(5))
        .seed(1)
}

/// Returns limits for a test in which no response arrives: its head must arrive within a second.
pub fn short_limits() -> TimeLimits {
    let mut limits = TimeLimits::default();
    limits.connect = Duration::from_secs(2);
    limits.control = Duration::from_secs(20);
    limits.run = Duration::from_secs(20);
    limits.response_headers = Duration::from_secs(1);
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
    // Small chunks must be sent as they are written.
    let _ = socket.set_nodelay(true);
    match shared.take_for_connection() {
        Some(Fault::ResetOnAccept) => {
            shared.note_reset();
            let _ = socket.set_zero_linger();
            return;
        }
        Some(fault) => {
            // The client's bytes are left unread, so it sees the close as a reset.
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
