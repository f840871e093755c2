//! [`Machine`], the running machine of a sandbox, and its start.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use blaxel_guest::{Builder, DriveMount, Errno, Server, SimulatedGuest, Volume};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::drives::Drives;
use super::saved::Saved;
use crate::clock::Clock;
use crate::state::{
    Collection, Contents, Document, OpenStore, Record, SANDBOXES, Store, VOLUMES, member, status,
};

/// The limit of the platform's edge on the body of a request: parts of 5 MiB with the form around
/// them pass.
const EDGE_LIMIT: u64 = (5 << 20) + (64 << 10);

/// The file with the variables of a sandbox, which its server reads again on request.
const METADATA: &str = "/bl/metadata";

/// Makes the machine of the sandbox of a name, with the name of its image.
pub(crate) type MakeMachine = Arc<dyn Fn(&str, &str, &Clock) -> Builder + Send + Sync>;

/// The machine of a sandbox. Dropping it ends everything in the sandbox.
pub(super) struct Machine {
    /// The serial number of the sandbox's record: a sandbox that was created again starts anew.
    serial: u64,
    /// The document that the machine was made from. Another blueprint needs another machine.
    document: Document,
    /// Closed when the machine ends, before its processes do.
    ended: watch::Sender<()>,
    /// The processes of an earlier machine, which start before it is used.
    saved: Arc<Saved>,
    /// Set while the sandbox is restored from its archive, and nothing may be written.
    is_frozen: AtomicBool,
    pub(super) server: Server,
    /// The machine, if it is one that plans can change.
    pub(super) simulated: Option<SimulatedGuest>,
}

impl Machine {
    /// Starts the machine of a sandbox, on a clock of its own.
    pub(super) fn start(
        server: Builder,
        clock: Clock,
        store: (&mut OpenStore, &Arc<Store>),
        sandbox: &str,
    ) -> Option<Self> {
        let (open, store) = store;
        let now = open.now();
        let record = open.modify(&Collection::top(&SANDBOXES), sandbox)?;
        record.machine = Some(clock);
        // Until a sandbox is restored from its archive, restoring may still fail.
        let Contents { files, processes } = match record.status(now) {
            status::UNARCHIVING => record.contents.snapshot().ok()?,
            _ => std::mem::take(&mut record.contents),
        };
        let (serial, document) = (record.serial, Document::clone(&record.document));
        let variables = variables(&document);
        let mut server = server
            .edge_limit(EDGE_LIMIT)
            .drives(Drives::of(sandbox, store));
        if member::text(&document, "spec/runtime/image").is_some_and(is_interpreter) {
            server = server.interpreter(true);
        }
        for (name, value) in &variables {
            server = server.env(name, value);
        }
        for volume in volumes(&document, open) {
            server = server.volume(volume);
        }
        if let Some(files) = files {
            server = server.disk(files);
        }
        let server = server.build();
        describe(&server, &variables);
        Some(Self {
            serial,
            document,
            ended: watch::Sender::new(()),
            saved: Arc::new(Saved::new(processes)),
            is_frozen: AtomicBool::new(false),
            server,
            simulated: None,
        })
    }

    /// Makes the disk read-only while the sandbox is restored from its archive. Then the saved processes are not started
    /// yet either.
    pub(super) fn follow(&self, record: &Record, store: &OpenStore) {
        let is_restored = record.status(store.now()) == status::UNARCHIVING;
        if self.is_frozen.swap(is_restored, Ordering::Relaxed) != is_restored {
            // Machines that cannot do it stay writable.
            let _ = self.server.guest().freeze(is_restored);
        }
    }

    /// Returns `true` if the saved processes may run now.
    pub(super) fn may_run(&self) -> bool {
        !self.is_frozen.load(Ordering::Relaxed)
    }

    /// Returns what the machine gets before it is used.
    pub(super) fn saved(&self) -> Arc<Saved> {
        Arc::clone(&self.saved)
    }

    /// Returns a copy of the contents.
    pub(super) fn contents(&self) -> Result<Contents, Errno> {
        let disk = self.server.guest().disk();
        let mut processes = self.server.running_processes();
        processes.extend(self.saved.processes());
        Ok(Contents {
            files: disk.as_ref().map(Volume::snapshot).transpose()?,
            processes,
        })
    }

    /// Returns `true` if the machine is still that of a record.
    pub(super) fn belongs_to(&self, record: &Record, store: &OpenStore) -> bool {
        let is_over = matches!(
            record.status(store.now()),
            status::DELETING
                | status::TERMINATED
                | status::FAILED
                | status::DEACTIVATING
                | status::DEACTIVATED
                | status::ARCHIVING
                | status::ARCHIVED
        );
        record.serial == self.serial
            && !is_over
            && Blueprint::of(&record.document) == Blueprint::of(&self.document)
    }

    /// Returns a receiver that is closed when the machine ends.
    pub(super) fn ended(&self) -> watch::Receiver<()> {
        self.ended.subscribe()
    }
}

/// Returns `true` for the image of the code interpreter, with any tag.
fn is_interpreter(image: &str) -> bool {
    let name = image.split([':', '@']).next();
    name == Some("blaxel/jupyter-server")
}

/// The part of a spec that cannot change while a machine runs. It is compared at each call, so it
/// borrows.
#[derive(PartialEq)]
struct Blueprint<'a> {
    runtime: BTreeMap<&'a str, &'a Value>,
    region: Option<&'a Value>,
    volumes: Option<&'a Value>,
}

impl<'a> Blueprint<'a> {
    /// Reads a document. Empty members count as missing: the Python SDK adds lists to each document
    /// that it sends back.
    fn of(document: &'a Document) -> Self {
        let part = |path| member::get(document, path).filter(|value| !is_empty(value));
        let runtime = part("spec/runtime").and_then(Value::as_object);
        let members = runtime.into_iter().flatten().filter(|(name, value)| {
            !matches!(name.as_str(), "ttl" | "expires") && !is_empty(value)
        });
        Self {
            runtime: members
                .map(|(name, value)| (name.as_str(), value))
                .collect(),
            region: part("spec/region"),
            volumes: part("spec/volumes"),
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Returns the environment variables of a sandbox.
fn variables(document: &Document) -> BTreeMap<String, String> {
    let given = member::get(document, "spec/runtime/envs").and_then(Value::as_array);
    let pairs = given.into_iter().flatten().filter_map(|variable| {
        let text = |name: &str| variable.get(name)?.as_str().map(str::to_owned);
        Some((text("name")?, text("value")?))
    });
    pairs.collect()
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

/// Returns the mounts of the volumes of a sandbox.
fn volumes(document: &Document, store: &OpenStore) -> Vec<DriveMount> {
    let attached = member::get(document, "spec/volumes").and_then(Value::as_array);
    let attached = attached.into_iter().flatten().filter_map(Value::as_object);
    attached
        .filter_map(|volume| mount_of(volume, store))
        .collect()
}

/// Returns the mount of an attached volume.
fn mount_of(attached: &Map<String, Value>, store: &OpenStore) -> Option<DriveMount> {
    let text = |name: &str| attached.get(name)?.as_str();
    let name = text("name")?;
    let volume = match text("type") {
        Some("ephemeral") => {
            let megabytes = attached.get("sizeMb").and_then(Value::as_u64)?;
            Volume::in_memory(megabytes.saturating_mul(1 << 20))
        }
        _ => store.get(&Collection::top(&VOLUMES), name)?.files.clone()?,
    };
    Some(DriveMount {
        drive_name: name.to_owned(),
        mount_path: text("mountPath")?.to_owned(),
        drive_path: "/".to_owned(),
        read_only: attached.get("readOnly").and_then(Value::as_bool) == Some(true),
        volume,
    })
}
