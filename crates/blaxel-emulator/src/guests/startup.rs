//! [`Startup`], the server of a machine from its start on.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use blaxel_guest::{Builder, Server, Volume};
use serde_json::json;

use crate::lock::lock;

/// The file with the variables of a sandbox, which its server reads again on request.
const METADATA: &str = "/bl/metadata";

/// The server of a machine. It is built after the store was unlocked, because that copies the disk of the machine and
/// mounts its volumes.
pub(super) struct Startup {
    /// Taken, and locked, by the caller that builds the server.
    builder: Mutex<Option<Builder>>,
    variables: BTreeMap<String, String>,
    /// The contents that the disk gets, until it has them.
    disk: Mutex<Option<Volume>>,
    freezing: Mutex<Freezing>,
    server: OnceLock<Server>,
}

/// The reasons for which the disk is read-only.
#[derive(Clone, Copy, Default)]
pub(super) struct Freezing {
    /// The sandbox is restored from its archive.
    pub(super) is_restored: bool,
    /// The number of archives that are being made of the sandbox.
    pub(super) archives: u32,
}

impl Freezing {
    fn is_frozen(self) -> bool {
        self.is_restored || self.archives > 0
    }
}

impl Startup {
    pub(super) fn new(
        builder: Builder,
        variables: BTreeMap<String, String>,
        disk: Option<Volume>,
    ) -> Self {
        let mut builder = builder;
        for (name, value) in &variables {
            builder = builder.env(name, value);
        }
        if let Some(disk) = &disk {
            builder = builder.disk(disk.clone());
        }
        Self {
            builder: Mutex::new(Some(builder)),
            variables,
            disk: Mutex::new(disk),
            freezing: Mutex::default(),
            server: OnceLock::new(),
        }
    }

    /// Returns the server if it has been built.
    pub(super) fn built(&self) -> Option<&Server> {
        self.server.get()
    }

    /// Returns the server. The first caller builds it, which may block for long; the others wait for it. Returns
    /// `None` if building it panicked.
    pub(super) fn build(&self) -> Option<&Server> {
        let mut builder = lock(&self.builder);
        if let Some(builder) = builder.take() {
            let server = builder.build();
            describe(&server, &self.variables);
            let freezing = lock(&self.freezing);
            if freezing.is_frozen() {
                freeze(&server, true);
            }
            // It is built once.
            let _ = self.server.set(server);
            drop(freezing);
            *lock(&self.disk) = None;
        }
        self.server.get()
    }

    /// Changes the reasons for which the disk is read-only.
    pub(super) fn freeze(&self, change: impl FnOnce(&mut Freezing)) {
        let mut freezing = lock(&self.freezing);
        let before = freezing.is_frozen();
        change(&mut freezing);
        let after = freezing.is_frozen();
        if let Some(server) = self.server.get().filter(|_| before != after) {
            freeze(server, after);
        }
    }

    /// Returns `true` while the sandbox is restored from its archive.
    pub(super) fn is_restored(&self) -> bool {
        lock(&self.freezing).is_restored
    }

    /// Returns the contents of the disk. They are shared, not copied.
    pub(super) fn disk(&self) -> Option<Volume> {
        // Read first: it is cleared when there is a server.
        let waiting = lock(&self.disk).clone();
        match self.server.get() {
            Some(server) => server.guest().disk(),
            None => waiting,
        }
    }
}

fn freeze(server: &Server, is_frozen: bool) {
    // Machines that cannot do it stay writable.
    let _ = server.guest().freeze(is_frozen);
}

/// Writes the file with the variables of a new machine. Each change of them makes another machine,
/// so these are its first.
fn describe(server: &Server, variables: &BTreeMap<String, String>) {
    let guest = server.guest();
    // The disk of a machine that may block would have to be created here, before it is used.
    if guest.is_blocking() {
        return;
    }
    let document = json!({"generation": 1, "environment": variables});
    let files = guest.files();
    // A machine with a full disk has no such file.
    if files.create_dir_all("/bl", 0o755).is_ok() {
        let _ = files.write(METADATA, document.to_string().as_bytes(), 0o600);
    }
}
