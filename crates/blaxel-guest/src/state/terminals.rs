//! [`Terminals`], the terminal sessions of a server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{broadcast, mpsc, watch};

use super::tasks::Tasks;
use crate::clock::Clock;
use crate::lock::lock;
use crate::process::{Control, Process};

/// The output that a new client sees: 100 KiB.
const REPLAY: usize = 100 << 10;
/// The chunks that wait for a client before some are dropped.
const QUEUE: usize = 64;
/// The chunks of output that are joined.
const BATCH: usize = 16;
/// The time that a session without clients goes on.
const IDLE: Duration = Duration::from_secs(600);
/// The number of sessions.
const SESSIONS: usize = 256;

/// The terminal sessions by their ids.
#[derive(Default)]
pub(crate) struct Terminals {
    sessions: Mutex<BTreeMap<String, Arc<Session>>>,
    tasks: Tasks,
}

/// A shell in a terminal, with any number of clients.
pub(crate) struct Session {
    pub(crate) input: mpsc::Sender<Bytes>,
    pub(crate) control: mpsc::Sender<Control>,
    screen: Mutex<Screen>,
    clients: watch::Sender<usize>,
}

struct Screen {
    replay: Vec<u8>,
    /// `None` after the end of the shell.
    output: Option<broadcast::Sender<Bytes>>,
}

/// A client of a session.
pub(crate) struct Client {
    session: Arc<Session>,
    /// The output that was on the screen before.
    pub(crate) replay: Vec<u8>,
    /// The output that follows. Chunks that are not received in time are dropped.
    pub(crate) output: broadcast::Receiver<Bytes>,
}

impl Terminals {
    /// Returns a client of a running session.
    pub(crate) fn attach(&self, id: &str) -> Option<Client> {
        let session = lock(&self.sessions).get(id).cloned()?;
        session.attach()
    }

    /// Starts a session for a shell. Returns `None` if there are too many.
    pub(crate) fn start(&self, id: &str, mut process: Process, clock: Clock) -> Option<Client> {
        let session = Arc::new(Session {
            input: process.stdin.take()?,
            control: process.control.clone(),
            screen: Mutex::new(Screen {
                replay: Vec::new(),
                output: Some(broadcast::Sender::new(QUEUE)),
            }),
            clients: watch::Sender::new(0),
        });
        {
            let mut sessions = lock(&self.sessions);
            sessions.retain(|_, session| lock(&session.screen).output.is_some());
            if sessions.len() >= SESSIONS {
                return None;
            }
            sessions.insert(id.to_owned(), Arc::clone(&session));
        }
        let end = End(Arc::downgrade(&session));
        let running = Arc::clone(&session);
        self.tasks.spawn(async move {
            // Clients see the end also if the server is dropped.
            let _end = end;
            tokio::select! {
                () = running.run(process) => {}
                () = running.idle(&clock) => {}
            }
        });
        session.attach()
    }
}

/// Ends a session when its task ends.
struct End(Weak<Session>);

impl Drop for End {
    fn drop(&mut self) {
        if let Some(session) = self.0.upgrade() {
            lock(&session.screen).output = None;
        }
    }
}

impl Session {
    fn attach(self: Arc<Self>) -> Option<Client> {
        let (replay, output) = {
            let screen = lock(&self.screen);
            (screen.replay.clone(), screen.output.as_ref()?.subscribe())
        };
        self.clients.send_modify(|clients| *clients += 1);
        Some(Client {
            session: self,
            replay,
            output,
        })
    }

    /// Runs the shell. What it leaves in the background ends with it.
    async fn run(&self, process: Process) {
        let Process {
            mut output,
            mut exit,
            mut run,
            ..
        } = process;
        let mut chunks = Vec::new();
        let (mut is_open, mut is_running) = (true, true);
        loop {
            tokio::select! {
                _ = &mut exit => break,
                count = output.recv_many(&mut chunks, BATCH), if is_open => {
                    is_open = count > 0;
                    let joined: Vec<u8> = chunks.drain(..).flat_map(|chunk| chunk.bytes).collect();
                    self.show(joined);
                }
                () = &mut run, if is_running => is_running = false,
            }
        }
        while let Ok(chunk) = output.try_recv() {
            self.show(chunk.bytes.into());
        }
    }

    fn show(&self, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let mut screen = lock(&self.screen);
        screen.replay.extend_from_slice(&bytes);
        let excess = screen.replay.len().saturating_sub(REPLAY);
        if excess > 0 {
            // Cut after a line, so that no escape sequence is divided.
            let near = screen.replay.iter().skip(excess).take(256);
            let line = near.copied().position(|byte| byte == b'\n');
            let cut = line.map_or(excess, |line| excess + line + 1);
            screen.replay.drain(..cut);
        }
        if let Some(output) = &screen.output {
            // Nobody may be there.
            let _ = output.send(bytes.into());
        }
    }

    /// Waits until the session has been without clients for a while.
    async fn idle(&self, clock: &Clock) {
        let mut clients = self.clients.subscribe();
        loop {
            // The sender lives in the session.
            let _ = clients.wait_for(|clients| *clients == 0).await;
            tokio::select! {
                () = clock.sleep(IDLE) => return,
                _ = clients.wait_for(|clients| *clients > 0) => {}
            }
        }
    }
}

impl Client {
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.session.clients.send_modify(|clients| *clients -= 1);
    }
}
