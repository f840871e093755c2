//! [`Source`], contents that are going to be copied.

use std::sync::Arc;

use blaxel_guest::{Errno, Server};
use tokio::sync::watch;

use super::machine::Machine;
use super::saved::Saved;
use super::startup::Startup;
use crate::state::Contents;

/// The contents of a sandbox or of a snapshot, which can be copied after the store was unlocked: a large disk takes its
/// time.
pub(crate) struct Source {
    origin: Origin,
    /// Closed when the machine ends that the contents are in. A copy that was not complete by then may lack files.
    ended: Option<watch::Receiver<()>>,
}

enum Origin {
    Machine(Arc<Startup>, Arc<Saved>),
    Stored(Contents),
}

impl Source {
    pub(super) fn of_machine(machine: &Machine) -> Self {
        Self {
            origin: Origin::Machine(machine.startup(), machine.saved()),
            ended: Some(machine.ended()),
        }
    }

    /// Returns the contents of a record that no machine has.
    pub(crate) fn stored(contents: &Contents) -> Self {
        Self {
            origin: Origin::Stored(contents.clone()),
            ended: None,
        }
    }

    /// Returns a receiver that is closed when the machine ends that the contents are in.
    pub(crate) fn ended(&self) -> Option<watch::Receiver<()>> {
        self.ended.clone()
    }

    /// Makes the disk of the machine read-only until the result is dropped. It may block the thread.
    pub(crate) fn freeze(&self) -> Option<Frozen> {
        match &self.origin {
            Origin::Machine(startup, _) => Some(Frozen::new(startup)),
            Origin::Stored(_) => None,
        }
    }

    /// Returns the contents themselves, which follow later changes.
    pub(crate) fn shared(self) -> Contents {
        match self.origin {
            Origin::Stored(contents) => contents,
            Origin::Machine(startup, saved) => {
                let server = startup.built();
                let mut processes = server.map_or_else(Vec::new, Server::running_processes);
                processes.extend(saved.processes());
                Contents {
                    files: startup.disk(),
                    processes,
                }
            }
        }
    }

    /// Returns a copy. It may block the thread for long, so the store must not be locked.
    ///
    /// # Errors
    ///
    /// If this machine has no room for the files, for example.
    pub(crate) fn copy(self) -> Result<Contents, Errno> {
        // The machine itself is not kept: it can end meanwhile.
        self.shared().snapshot()
    }
}

/// A machine whose disk is read-only. Dropping this makes it writable again.
pub(crate) struct Frozen(Arc<Startup>);

impl Frozen {
    fn new(startup: &Arc<Startup>) -> Self {
        startup.freeze(|freezing| freezing.archives += 1);
        Self(Arc::clone(startup))
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.0.freeze(|freezing| freezing.archives -= 1);
    }
}
