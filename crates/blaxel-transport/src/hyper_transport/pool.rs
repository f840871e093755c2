//! [`Pool`], the connections that wait for requests, and the requests that wait for connections.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use blaxel_core::__private::later;
use http::header::HeaderValue;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::connection::Connection;
use super::origin::{KnownOrigin, Origin, Target};

/// Connections to the hosts of one kind, by origin. Dropping it closes those that are idle.
pub(super) struct Pool {
    hosts: Arc<Hosts>,
    /// The hosts that most requests go to. Neither a lock nor a hash is needed to find them.
    known: Vec<Arc<Host>>,
    /// Closes connections that are idle for too long. It ends with its runtime.
    sweeper: JoinHandle<()>,
}

struct Hosts {
    /// The time for which a connection may be idle.
    limit: Duration,
    all: Mutex<HashMap<Origin, Arc<Host>>>,
    /// Notified when there may be something to [`sweep`](Hosts::sweep).
    changed: Arc<Notify>,
}

/// The connections to one origin.
pub(super) struct Host {
    pub(super) origin: Origin,
    /// The value of the `Host` header.
    pub(super) name: HeaderValue,
    limit: Duration,
    state: Mutex<State>,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct State {
    /// Connections that can carry a request, the last used one at the end. One that is shared stays here.
    idle: Vec<Idle>,
    /// Those who wait for a connection, in order.
    waiting: VecDeque<oneshot::Sender<Connection>>,
    /// `true` while a connection is made that all will share.
    is_connecting: bool,
    /// `true` if the pool is gone, so no connection is kept.
    is_closed: bool,
}

struct Idle {
    connection: Connection,
    /// The time of the last request.
    since: Instant,
}

/// The result of [`Host::check_out`].
pub(super) enum CheckOut {
    /// A connection was idle.
    Idle(Connection),
    /// A connection has to be made. One that becomes idle before is handed to the waiter.
    Connect(Waiter, Connecting),
    /// A connection is being made that will be handed to the waiter.
    Wait(Waiter),
}

impl Pool {
    /// Creates a pool for a runtime, whose connections may be idle for `limit`. It keeps the hosts of these origins
    /// by their positions.
    pub(super) fn new(limit: Duration, runtime: &Handle, known: &[KnownOrigin]) -> Self {
        let hosts = Arc::new(Hosts {
            limit,
            all: Mutex::default(),
            changed: Arc::default(),
        });
        let sweeping = sweep(Arc::downgrade(&hosts), Arc::clone(&hosts.changed));
        let mut pool = Self {
            sweeper: runtime.spawn(sweeping),
            hosts,
            known: Vec::new(),
        };
        pool.known = known.iter().map(|it| pool.find(&it.origin)).collect();
        pool
    }

    /// Returns `true` if the runtime has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.sweeper.is_finished()
    }

    /// Returns the connections to the host of a request.
    pub(super) fn host(&self, target: &Target) -> Arc<Host> {
        match target.position.and_then(|it| self.known.get(it)) {
            Some(host) => Arc::clone(host),
            None => self.find(&target.origin),
        }
    }

    /// Returns the connections to an origin.
    fn find(&self, origin: &Origin) -> Arc<Host> {
        let Hosts {
            limit,
            all,
            changed,
        } = &*self.hosts;
        let mut all = lock(all);
        if let Some(host) = all.get(origin) {
            return Arc::clone(host);
        }
        let host = Arc::new(Host::new(origin, *limit, Arc::clone(changed)));
        all.insert(origin.clone(), Arc::clone(&host));
        changed.notify_one();
        host
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.sweeper.abort();
        // Requests in flight still hold their hosts.
        for host in lock(&self.hosts.all).values() {
            let mut state = lock(&host.state);
            state.is_closed = true;
            state.idle.clear();
        }
    }
}

/// Closes idle connections at the end of their time, as long as the hosts are there.
async fn sweep(hosts: Weak<Hosts>, changed: Arc<Notify>) {
    loop {
        let next = match hosts.upgrade() {
            Some(hosts) => hosts.sweep(Instant::now()),
            None => return,
        };
        match next {
            // A connection that becomes idle meanwhile ends after all that are idle now.
            Some(next) => sleep_until(next).await,
            None => changed.notified().await,
        }
    }
}

impl Hosts {
    /// Closes connections that were idle for too long, drops those that their servers have closed, and forgets
    /// hosts without connections and requests. Returns the time at which the next one is idle for too long.
    fn sweep(&self, now: Instant) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        lock(&self.all).retain(|_, host| {
            let mut state = lock(&host.state);
            state.idle.retain(|idle| idle.is_usable(self.limit, now));
            let ends = state.idle.iter().map(|idle| idle.end(self.limit));
            let end = ends.min();
            next = next.into_iter().chain(end).min();
            // Requests hold the host. They get it under the lock that is held here, unless the pool holds it too.
            end.is_some() || Arc::strong_count(host) > 1
        });
        next
    }
}

impl Idle {
    fn end(&self, limit: Duration) -> Instant {
        later(self.since, limit)
    }

    fn is_usable(&self, limit: Duration, now: Instant) -> bool {
        self.end(limit) > now && self.connection.is_ready()
    }
}

impl Host {
    /// Creates a host without connections.
    fn new(origin: &Origin, limit: Duration, changed: Arc<Notify>) -> Self {
        Self {
            origin: origin.clone(),
            name: origin.host_header(),
            limit,
            state: Mutex::default(),
            changed,
        }
    }

    /// Returns an idle connection, or a place in the queue. With `shared`, only one of those who find none makes a
    /// connection, for all of them.
    pub(super) fn check_out(self: &Arc<Self>, shared: bool) -> CheckOut {
        let now = Instant::now();
        let mut state = lock(&self.state);
        while let Some(mut last) = state.idle.pop() {
            if !last.is_usable(self.limit, now) {
                continue;
            }
            let Some(copy) = last.connection.share() else {
                return CheckOut::Idle(last.connection);
            };
            last.since = now;
            state.idle.push(last);
            return CheckOut::Idle(copy);
        }
        let (sender, receiver) = oneshot::channel();
        state.waiting.push_back(sender);
        let waiter = Waiter {
            host: Arc::clone(self),
            receiver,
        };
        if shared && std::mem::replace(&mut state.is_connecting, true) {
            return CheckOut::Wait(waiter);
        }
        let host = shared.then(|| Arc::clone(self));
        CheckOut::Connect(waiter, Connecting { host })
    }

    /// Takes a connection back, or a new one: hands it to the one that waits longest, or keeps it.
    pub(super) fn put(&self, connection: Connection) {
        // The server may have closed it.
        if !connection.is_ready() {
            return;
        }
        let mut state = lock(&self.state);
        let Some(connection) = state.hand_out(connection) else {
            return;
        };
        // Two were made at the same time, and one is enough.
        let is_shared = |idle: &Idle| idle.connection.is_shared() && idle.connection.is_ready();
        let is_surplus = connection.is_shared() && state.idle.iter().any(is_shared);
        if is_surplus || state.is_closed {
            return;
        }
        let since = Instant::now();
        state.idle.push(Idle { connection, since });
        drop(state);
        self.changed.notify_one();
    }
}

impl State {
    /// Hands a connection to those who wait, and returns it if it is left.
    fn hand_out(&mut self, mut connection: Connection) -> Option<Connection> {
        while let Some(waiting) = self.waiting.pop_front() {
            match connection.share() {
                // One that does not wait any more drops it.
                Some(copy) => drop(waiting.send(copy)),
                None => connection = waiting.send(connection).err()?,
            }
        }
        Some(connection)
    }
}

/// A place in the queue for a connection. It fails if the connection for all could not be made.
pub(super) struct Waiter {
    host: Arc<Host>,
    receiver: oneshot::Receiver<Connection>,
}

impl Future for Waiter {
    type Output = Result<Connection, oneshot::error::RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver).poll(cx)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.receiver.close();
        match self.receiver.try_recv() {
            // It was handed over a moment ago.
            Ok(connection) => self.host.put(connection),
            Err(_) => lock(&self.host.state)
                .waiting
                .retain(|waiting| !waiting.is_closed()),
        }
    }
}

/// The right to make a connection, for all who wait or for one. If it is for all, none of them waits any more when
/// this is dropped.
pub(super) struct Connecting {
    /// The host whose requests wait for it.
    host: Option<Arc<Host>>,
}

impl Drop for Connecting {
    fn drop(&mut self) {
        if let Some(host) = &self.host {
            let mut state = lock(&host.state);
            state.is_connecting = false;
            state.waiting.clear();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept here is consistent after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(host: &str) -> Origin {
        let uri: http::Uri = format!("https://{host}/").parse().unwrap();
        Origin::new(uri.scheme().unwrap(), uri.authority().unwrap())
    }

    fn pool() -> Pool {
        Pool::new(Duration::from_secs(1), &Handle::current(), &[])
    }

    #[tokio::test]
    async fn requests_that_ended_in_vain_leave_nothing_behind() {
        let pool = pool();
        let host = pool.find(&origin("a.example"));
        for _ in 0..10 {
            drop(host.check_out(false));
            let connecting = host.check_out(true);
            assert!(matches!(host.check_out(true), CheckOut::Wait(_)));
            drop(connecting);
        }
        let state = lock(&host.state);
        assert!(state.waiting.is_empty() && !state.is_connecting);
    }

    #[tokio::test]
    async fn those_who_wait_learn_that_there_is_no_connection() {
        let pool = pool();
        let host = pool.find(&origin("a.example"));
        let CheckOut::Connect(_, connecting) = host.check_out(true) else {
            panic!("the first one connects");
        };
        let CheckOut::Wait(waiter) = host.check_out(true) else {
            panic!("the second one waits");
        };
        drop(connecting);
        assert!(waiter.await.is_err());
        assert!(matches!(host.check_out(true), CheckOut::Connect(..)));
    }

    #[tokio::test]
    async fn hosts_without_requests_and_connections_are_forgotten() {
        let pool = pool();
        let held = pool.find(&origin("held.example"));
        for number in 0..10 {
            drop(pool.find(&origin(&format!("{number}.example"))));
            // The sweeper runs.
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.hosts.sweep(Instant::now()), None);
        assert_eq!(lock(&pool.hosts.all).len(), 1);
        assert!(Arc::ptr_eq(&held, &pool.find(&origin("HELD.example"))));
    }
}
