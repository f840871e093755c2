//! What reached the server, and what it will do next.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpSocket;

use super::script::Fault;

/// A request, as far as the server has seen it.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The number of its connection, from 0.
    pub connection: usize,
    /// Its method; empty if its head was not read.
    pub method: String,
    /// Its path, with the query; empty if its head was not read.
    pub path: String,
    /// Whether its head was read.
    pub head: bool,
    /// Whether it was read to its end.
    pub whole: bool,
    /// Whether the server did its work.
    pub processed: bool,
    /// What it met.
    pub fault: Option<Fault>,
}

/// Everything that the server has seen, and what the client has sent.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// The requests, in the order of their coming.
    pub requests: Vec<Seen>,
    /// The paths of the attempts that the client made, in order.
    pub attempts: Vec<String>,
    /// How many attempts were led to a port on which nobody listens.
    pub refused: usize,
    /// How many connections were reset before anything was read.
    pub resets: usize,
    /// How many bytes the newest request over HTTP/2 let the server send ahead, on its stream and on
    /// the connection.
    pub windows: (u32, u32),
    /// How many requests were being served at the same time, at most.
    pub at_once: usize,
}

impl Journal {
    /// How often requests were processed whose path ends in this.
    pub fn processed(&self, path_end: &str) -> usize {
        self.requests
            .iter()
            .filter(|seen| seen.processed && seen.path.ends_with(path_end))
            .count()
    }

    /// How often heads of requests arrived whose path ends in this.
    pub fn arrived(&self, path_end: &str) -> usize {
        self.requests
            .iter()
            .filter(|seen| seen.head && seen.path.ends_with(path_end))
            .count()
    }

    /// How many attempts the client made on a path that ends in this.
    pub fn attempts(&self, path_end: &str) -> usize {
        self.attempts
            .iter()
            .filter(|path| path.ends_with(path_end))
            .count()
    }

    /// How often anything arrived or was turned away at the door.
    pub fn sends(&self) -> usize {
        self.requests.len() + self.refused + self.resets
    }
}

/// What the tasks of a server share.
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
    /// How many requests are being served.
    serving: usize,
    /// A port that is taken, and on which nobody listens.
    nowhere: Option<(TcpSocket, SocketAddr)>,
}

impl State {
    /// The next fault, if it is of the right sort.
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
        // A test that panics with the lock has said what is wrong already.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn extend(&self, faults: &[Fault]) {
        self.state().script.extend(faults);
    }

    pub(super) fn relent(&self) {
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

    /// The next fault, if it is one that a new connection meets.
    pub(super) fn take_for_connection(&self) -> Option<Fault> {
        self.state().take_if(Fault::is_of_connection)
    }

    /// Notes an attempt, and leads it astray if it is to be refused.
    pub(super) fn attempt(&self, path: &str) -> Option<SocketAddr> {
        let mut state = self.state();
        state.journal.attempts.push(path.to_owned());
        state.take_if(|fault| fault == Fault::Refuse)?;
        state.journal.refused += 1;
        let (_, address) = state.nowhere.get_or_insert_with(nowhere);
        Some(*address)
    }

    pub(super) fn note_reset(&self) {
        self.state().journal.resets += 1;
    }

    /// Notes that bytes came that nobody read.
    pub(super) fn note(&self, connection: usize, fault: Option<Fault>) {
        self.state().journal.requests.push(Seen {
            connection,
            fault,
            ..Seen::default()
        });
    }
}

/// A port that is taken, and on which nobody listens.
fn nowhere() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().expect("a socket can be had");
    socket
        .bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .expect("a free loopback port");
    let address = socket.local_addr().expect("a bound socket has an address");
    (socket, address)
}

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

    pub(super) fn streams_allowed(&self) -> Option<u32> {
        self.shared.streams
    }

    pub(super) fn note_windows(&self, windows: (u32, u32)) {
        self.shared.state().journal.windows = windows;
    }

    /// Notes bytes of a request that nobody read.
    pub(super) fn lost(&self) {
        self.shared.note(self.number, Some(Fault::IdleLost));
    }

    /// Notes a request whose head was read, and tells what it meets.
    pub(super) fn request(&self, method: String, path: String) -> Ticket {
        let mut state = self.shared.state();
        let fault = state.take_if(|fault| fault != Fault::Refuse);
        // The connection is there already, so the nearest thing happens to it.
        let fault = fault.map(|fault| {
            if fault.is_of_connection() {
                Fault::CloseAfterHead
            } else {
                fault
            }
        });
        let index = state.journal.requests.len();
        state.journal.requests.push(Seen {
            connection: self.number,
            method,
            path: path.clone(),
            head: true,
            fault,
            ..Seen::default()
        });
        state.serving += 1;
        state.journal.at_once = state.journal.at_once.max(state.serving);
        Ticket {
            shared: Arc::clone(&self.shared),
            index,
            path,
            fault,
        }
    }

    /// Notes that a request was read to its end, and processed if its fault lets it come to that.
    pub(super) fn whole(&self, ticket: &Ticket) {
        if let Some(seen) = self.shared.state().journal.requests.get_mut(ticket.index) {
            seen.whole = true;
            seen.processed = ticket.fault.is_none_or(Fault::processes);
        }
    }
}

/// A request that is being served, until this is dropped.
pub(super) struct Ticket {
    shared: Arc<Shared>,
    index: usize,
    pub(super) path: String,
    pub(super) fault: Option<Fault>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.shared.state().serving -= 1;
    }
}
