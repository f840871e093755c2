//! The record of what a server received, and the rest of its script.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpSocket;

use super::script::Fault;

/// A request, as far as the server has read it.
#[derive(Clone, Debug, Default)]
pub struct RecordedRequest {
    /// The number of its connection, from 0.
    pub connection: usize,
    /// The method; empty if the head was not read.
    pub method: String,
    /// The path, with the query; empty if the head was not read.
    pub path: String,
    /// `true` if the head was read.
    pub head: bool,
    /// `true` if the whole request was read.
    pub complete: bool,
    /// `true` if the server processed the request.
    pub processed: bool,
    /// The fault that was applied.
    pub fault: Option<Fault>,
}

/// A record of everything that the server received and that the client sent.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// The requests, in the order in which they arrived.
    pub requests: Vec<RecordedRequest>,
    /// The paths of the client's attempts, in order.
    pub attempts: Vec<String>,
    /// Number of attempts that were sent to a closed port.
    pub refused: usize,
    /// Number of connections that were reset before anything was read.
    pub resets: usize,
    /// The flow-control windows at the newest HTTP/2 request: of its stream, and of the connection,
    /// in bytes.
    pub windows: (u32, u32),
    /// The highest number of requests that were served at the same time.
    pub max_concurrent: usize,
}

impl Journal {
    /// Returns the number of processed requests whose path ends with `path_end`.
    pub fn processed(&self, path_end: &str) -> usize {
        self.requests
            .iter()
            .filter(|seen| seen.processed && seen.path.ends_with(path_end))
            .count()
    }

    /// Returns the number of requests whose head was read and whose path ends with `path_end`.
    pub fn arrived(&self, path_end: &str) -> usize {
        self.requests
            .iter()
            .filter(|seen| seen.head && seen.path.ends_with(path_end))
            .count()
    }

    /// Returns the number of the client's attempts whose path ends with `path_end`.
    pub fn attempts(&self, path_end: &str) -> usize {
        self.attempts
            .iter()
            .filter(|path| path.ends_with(path_end))
            .count()
    }

    /// Returns the number of requests, complete or not, and of connections that were reset or
    /// refused.
    pub fn sends(&self) -> usize {
        self.requests.len() + self.refused + self.resets
    }
}

/// The state that the tasks of a server share.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    accepted: AtomicUsize,
    open: AtomicUsize,
    streams: Option<u32>,
}

#[derive(Default)]
struct State {
    script: VecDeque<Fault>,
    journal: Journal,
    /// Number of requests that are being served.
    serving: usize,
}

impl State {
    /// Takes the next fault, if `right` accepts it.
    fn take_if(&mut self, right: impl FnOnce(Fault) -> bool) -> Option<Fault> {
        let next = *self.script.front()?;
        if right(next) {
            self.script.pop_front()
        } else {
            None
        }
    }
}

impl Shared {
    pub(super) fn new(script: &[Fault], streams: Option<u32>) -> Self {
        let shared = Self {
            streams,
            ..Self::default()
        };
        shared.extend(script);
        shared
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked with the lock held has already failed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn extend(&self, faults: &[Fault]) {
        self.state().script.extend(faults);
    }

    pub(super) fn clear_script(&self) {
        self.state().script.clear();
    }

    pub(super) fn journal(&self) -> Journal {
        self.state().journal.clone()
    }

    pub(super) fn left(&self) -> usize {
        self.state().script.len()
    }

    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Counts a connection for as long as the returned value lives.
    pub(super) fn connection(self: &Arc<Self>) -> Connection {
        self.open.fetch_add(1, Ordering::SeqCst);
        Connection {
            number: self.accepted.fetch_add(1, Ordering::SeqCst),
            shared: Arc::clone(self),
        }
    }

    /// Takes the next fault, if it applies to a new connection.
    pub(super) fn take_for_connection(&self) -> Option<Fault> {
        self.state().take_if(Fault::affects_connection)
    }

    /// Records an attempt. Returns the address of a closed port if the attempt is to be refused.
    pub(super) fn attempt(&self, path: &str) -> Option<SocketAddr> {
        let mut state = self.state();
        state.journal.attempts.push(path.to_owned());
        state.take_if(|fault| fault == Fault::Refuse)?;
        state.journal.refused += 1;
        let (_, address) = &*CLOSED_PORT;
        Some(*address)
    }

    pub(super) fn note_reset(&self) {
        self.state().journal.resets += 1;
    }

    /// Records that bytes arrived which were not read.
    pub(super) fn note(&self, connection: usize, fault: Option<Fault>) {
        self.state().journal.requests.push(RecordedRequest {
            connection,
            fault,
            ..RecordedRequest::default()
        });
    }
}

/// A bound port on which nothing listens. All servers share it, because ports are scarce in a long
/// run.
static CLOSED_PORT: LazyLock<(TcpSocket, SocketAddr)> = LazyLock::new(|| {
    let socket = TcpSocket::new_v4().expect("a socket can be had");
    socket
        .bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .expect("a free loopback port");
    let address = socket.local_addr().expect("a bound socket has an address");
    (socket, address)
});

/// An open connection of the server.
pub(super) struct Connection {
    number: usize,
    shared: Arc<Shared>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Connection {
    pub(super) fn number(&self) -> usize {
        self.number
    }

    pub(super) fn max_streams(&self) -> Option<u32> {
        self.shared.streams
    }

    pub(super) fn note_windows(&self, windows: (u32, u32)) {
        self.shared.state().journal.windows = windows;
    }

    /// Records that bytes of a request arrived which were not read.
    pub(super) fn note_unread_request(&self) {
        self.shared.note(self.number, Some(Fault::IdleLost));
    }

    /// Records a request whose head was read, and takes the fault that applies to it.
    pub(super) fn request(&self, method: String, path: String) -> ActiveRequest {
        let mut state = self.shared.state();
        let fault = state.take_if(|fault| fault != Fault::Refuse);
        // The connection already exists, so the most similar fault is applied.
        let fault = fault.map(|fault| {
            if fault.affects_connection() {
                Fault::CloseAfterHead
            } else {
                fault
            }
        });
        let index = state.journal.requests.len();
        state.journal.requests.push(RecordedRequest {
            connection: self.number,
            method,
            path: path.clone(),
            head: true,
            fault,
            ..RecordedRequest::default()
        });
        state.serving += 1;
        state.journal.max_concurrent = state.journal.max_concurrent.max(state.serving);
        ActiveRequest {
            shared: Arc::clone(&self.shared),
            index,
            path,
            fault,
        }
    }

    /// Records that the whole request was read, and that it was processed if its fault allows that.
    pub(super) fn note_complete(&self, active: &ActiveRequest) {
        if let Some(seen) = self.shared.state().journal.requests.get_mut(active.index) {
            seen.complete = true;
            seen.processed = active.fault.is_none_or(Fault::processes);
        }
    }
}

/// A request that is being served; it counts as such until this is dropped.
pub(super) struct ActiveRequest {
    shared: Arc<Shared>,
    index: usize,
    pub(super) path: String,
    pub(super) fault: Option<Fault>,
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.shared.state().serving -= 1;
    }
}
