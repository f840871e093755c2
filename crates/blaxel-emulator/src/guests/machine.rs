//! [`Machine`], the machine of a sandbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use blaxel_guest::{Builder, DriveMount, Server, SimulatedGuest, Volume};
use serde_json::{Map, Value};
use tokio::sync::watch;

use super::drives::Drives;
use super::saved::Saved;
use super::startup::Startup;
use crate::clock::Clock;
use crate::state::{
    Collection, Contents, Document, OpenStore, Record, SANDBOXES, Store, VOLUMES, member, status,
};

/// The limit of the platform's edge on the body of a request: parts of 5 MiB with the form around
/// them pass.
const EDGE_LIMIT: u64 = (5 << 20) + (64 << 10);

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
    clock: Clock,
    startup: Arc<Startup>,
    /// The machine, if it is one that plans can change.
    pub(super) simulated: Option<SimulatedGuest>,
}

impl Machine {
    /// Creates the machine of a sandbox, on a clock of its own. Its server is built by the first call.
    pub(super) fn new(
        server: Builder,
        clock: Clock,
        store: (&mut OpenStore, &Arc<Store>),
        sandbox: &str,
    ) -> Option<Self> {
        let (open, store) = store;
        let now = open.now();
        let record = open.modify(&Collection::top(&SANDBOXES), sandbox)?;
        record.machine = Some(clock.clone());
        // Until a sandbox is restored from its archive, restoring may still fail.
        let Contents { files, processes } = match record.status(now) {
            status::UNARCHIVING => record.contents.clone(),
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
        for volume in volumes(&document, open) {
            server = server.volume(volume);
        }
        Some(Self {
            serial,
            document,
            ended: watch::Sender::new(()),
            saved: Arc::new(Saved::new(processes)),
            clock,
            startup: Arc::new(Startup::new(server, variables, files)),
            simulated: None,
        })
    }

    /// Makes the disk read-only while the sandbox is restored from its archive. Then the saved processes are not started
    /// yet either.
    pub(super) fn follow(&self, record: &Record, store: &OpenStore) {
        let is_restored = record.status(store.now()) == status::UNARCHIVING;
        self.startup
            .freeze(|freezing| freezing.is_restored = is_restored);
    }

    /// Returns `true` if the saved processes may run now.
    pub(super) fn may_run(&self) -> bool {
        !self.startup.is_restored()
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    pub(super) fn startup(&self) -> Arc<Startup> {
        Arc::clone(&self.startup)
    }

    /// Returns the server if it has been built.
    pub(super) fn built(&self) -> Option<&Server> {
        self.startup.built()
    }

    /// Returns what the machine gets before it is used.
    pub(super) fn saved(&self) -> Arc<Saved> {
        Arc::clone(&self.saved)
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
