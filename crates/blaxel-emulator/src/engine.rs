//! [`Engine`], the state of one emulator, which the server, the local service and the handle share.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use ed25519_compact::{KeyPair, Seed};

use crate::billing::History;
use crate::chaos::Chaos;
use crate::clock::{Clock, Dates};
use crate::connections::Connections;
use crate::cursor::Cursors;
use crate::data::Data;
use crate::fault::{Fault, Faults};
use crate::guests::{Guests, MakeMachine};
use crate::journal::{Entry, EntryId, Journal};
use crate::lock::lock;
use crate::mcp::Servers;
use crate::sign::Key;
use crate::state::{Author, Collection, Kind, Settings, Store};
use crate::tls::Trust;
use crate::uploads::Uploads;
use crate::workload::{Target, Workload, Workloads};

/// The settings of an emulator.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) workspace: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) api_key: String,
    pub(crate) seed: u64,
    pub(crate) account_admin: bool,
    pub(crate) stream_pause: Duration,
    /// The duration of each step of a deployment.
    pub(crate) deploy_time: Duration,
    /// The duration of a build.
    pub(crate) build_time: Duration,
    /// The duration of a deletion.
    pub(crate) delete_time: Duration,
    /// The time after its last use at which a sandbox goes on standby.
    pub(crate) standby_after: Duration,
    /// The duration of taking a snapshot.
    pub(crate) snapshot_time: Duration,
    /// The duration of archiving a sandbox, and of restoring it.
    pub(crate) archive_time: Duration,
    /// The feature flags of the workspace.
    pub(crate) features: BTreeMap<String, bool>,
    /// The duration of waking up from standby.
    pub(crate) wake_time: Duration,
    /// The total duration of a job execution whose tasks all run at once.
    pub(crate) execution_time: Duration,
    /// The number up to which lists count all resources of a workspace.
    pub(crate) total_limit: usize,
    /// The number of tasks that one execution runs at the same time.
    pub(crate) job_parallelism: usize,
    /// The number of tasks that all executions together run at the same time.
    pub(crate) job_capacity: usize,
    /// The time after which device logins are approved. `None` denies them.
    pub(crate) device_approval: Option<Duration>,
    /// The names of the first models, oldest first.
    pub(crate) models: Vec<String>,
    /// The workloads that are forwarded, with their servers.
    pub(crate) forwards: HashMap<Workload, Target>,
    /// Set if callbacks may go to other machines.
    pub(crate) callbacks_anywhere: bool,
    /// The means by which clients trust the emulator.
    pub(crate) trust: Trust,
    /// Maximum number of bytes of each body in the journal. `None` if contents are not kept.
    pub(crate) journal_contents: Option<usize>,
    /// The data that the emulator begins with.
    pub(crate) data: Option<Data>,
    /// The seed of the chaos mode, if it is on.
    pub(crate) chaos: Option<u64>,
    /// Makes the machines of the sandboxes; by default they are simulated and new.
    pub(crate) machines: Option<MakeMachine>,
}

pub(crate) struct Engine {
    pub(crate) config: Config,
    /// The emulator's origin, such as `http://127.0.0.1:4242`.
    pub(crate) origin: String,
    pub(crate) clock: Clock,
    pub(crate) dates: Dates,
    pub(crate) journal: Arc<Journal>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) faults: Faults,
    chaos: Chaos,
    pub(crate) store: Arc<Store>,
    pub(crate) uploads: Uploads,
    pub(crate) workloads: Workloads,
    pub(crate) mcp: Servers,
    pub(crate) guests: Guests,
    pub(crate) history: History,
    pub(crate) cursors: Cursors,
    pub(crate) access_tokens: Key,
    pub(crate) refresh_tokens: Key,
    pub(crate) device_codes: Key,
    /// Signs the addresses of the tasks of executions.
    pub(crate) task_urls: Key,
    /// The seed of the key pair for drives, which is created when it is first needed.
    drive_seed: [u8; 32],
    drive_keys: OnceLock<KeyPair>,
    used_device_codes: Mutex<HashSet<u64>>,
    counter: AtomicU64,
}

impl Engine {
    pub(crate) fn new(config: Config, clock: Clock, origin: String) -> Self {
        let seed = config.seed.to_string();
        let own = [
            seed.as_str(),
            &config.workspace,
            &config.client_id,
            &config.client_secret,
        ];
        let history = History::new(config.seed, &config.workspace);
        let setting = Settings {
            workspace: config.workspace.clone(),
            account: history.account_id().to_owned(),
            origin: origin.clone(),
            run_url: format!("{origin}/run"),
            preview_domain: preview_domain(&origin),
            deploy_time: config.deploy_time,
            build_time: config.build_time,
            delete_time: config.delete_time,
            standby_after: config.standby_after,
            snapshot_time: config.snapshot_time,
            archive_time: config.archive_time,
        };
        let store = Store::new(setting, clock.clone(), Key::derive("secret", &own));
        let store = Arc::new(store);
        let machines = config.machines.clone();
        let guests = Guests::new(clock.clone(), machines, Arc::clone(&store));
        Self {
            origin,
            clock,
            dates: Dates::default(),
            journal: Arc::default(),
            connections: Arc::default(),
            faults: Faults::default(),
            chaos: Chaos::new(config.chaos),
            store,
            uploads: Uploads::new(Key::derive("upload", &own)),
            workloads: Workloads::new(config.forwards.clone()),
            mcp: Servers::new(config.stream_pause),
            guests,
            history,
            cursors: Cursors::new(Key::derive("cursor", &own)),
            access_tokens: Key::derive("access token", &own),
            refresh_tokens: Key::derive("refresh token", &own),
            device_codes: Key::derive("device code", &own),
            task_urls: Key::derive("task URL", &own),
            drive_seed: Key::derive("drive", &own).sign(&[]),
            drive_keys: OnceLock::new(),
            used_device_codes: Mutex::default(),
            counter: AtomicU64::new(0),
            config,
        }
    }

    /// Returns the key pair that signs tokens for drives.
    pub(crate) fn drive_keys(&self) -> &KeyPair {
        self.drive_keys
            .get_or_init(|| KeyPair::from_seed(Seed::new(self.drive_seed)))
    }

    /// Returns the current time in whole seconds since 1970-01-01T00:00:00Z.
    pub(crate) fn seconds(&self) -> u64 {
        self.clock.since_epoch().as_secs()
    }

    /// Returns a number that was not returned before.
    pub(crate) fn next_number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Returns the fault that a call of an operation meets: one that was asked for, or one by chance, which
    /// is noted in the journal.
    pub(crate) fn next_fault(&self, operation: &str, entry: Option<EntryId>) -> Option<Fault> {
        if let Some(fault) = self.faults.take(operation) {
            return Some(fault);
        }
        let (incident, fault) = self.chaos.draw(operation)?;
        if let Some(entry) = entry {
            let note = |entry: &mut Entry| entry.incident = Some(incident.name());
            self.journal.amend(entry, note);
        }
        Some(fault)
    }

    /// Marks a device code as used. Returns `false` if it was used before.
    pub(crate) fn use_device_code(&self, number: u64) -> bool {
        lock(&self.used_device_codes).insert(number)
    }

    /// Returns the last of these numbers.
    pub(crate) fn last_number(&self) -> u64 {
        self.counter.load(Ordering::Relaxed)
    }

    /// Returns the device codes that were used.
    pub(crate) fn used_device_codes(&self) -> BTreeSet<u64> {
        lock(&self.used_device_codes).iter().copied().collect()
    }

    /// Goes on after a number, with used device codes.
    pub(crate) fn continue_from(&self, number: u64, used: &BTreeSet<u64>) {
        self.counter.store(number, Ordering::Relaxed);
        lock(&self.used_device_codes).extend(used);
    }

    /// Removes all state but the clock, the keys and the number of the next request.
    pub(crate) fn clear(&self) {
        // Running calls end first, since they could write again.
        self.workloads.clear();
        self.mcp.restart();
        // The machines end because their sandboxes are gone.
        self.store.open().clear();
        self.guests.clear_plans();
        self.uploads.clear();
        self.faults.clear();
        self.chaos.clear();
        self.journal.clear();
        lock(&self.used_device_codes).clear();
    }

    /// Returns the environment variables of a client for this emulator.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let own = [
            ("BL_API_URL", self.control_url()),
            ("BL_RUN_URL", self.run_url()),
            ("BL_WORKSPACE", self.config.workspace.clone()),
            ("BL_API_KEY", self.config.api_key.clone()),
        ];
        let trust = self.config.trust.variables.iter().cloned();
        own.into_iter().chain(trust).collect()
    }

    /// Returns the environment variables of a client that reaches this emulator as a proxy.
    pub(crate) fn proxy_variables(&self) -> Vec<(&'static str, String)> {
        self.config.trust.proxy_variables(&self.origin)
    }

    pub(crate) fn control_url(&self) -> String {
        format!("{}/v0", self.origin)
    }

    pub(crate) fn run_url(&self) -> String {
        format!("{}/run", self.origin)
    }

    /// Creates a sample resource without a request, as if it had been created `age` ago.
    pub(crate) fn add_sample(&self, kind: &'static Kind, name: &str, age: Duration) {
        let author = Author {
            name: "emulator",
            ago: age,
            uploads: false,
        };
        let mut store = self.store.open();
        store.put(&Collection::top(kind), name, kind.sampled(name), &author);
    }
}

/// Returns the domain of previews for an origin. An address has no names below it, but `localhost`
/// has: all of them are this machine.
fn preview_domain(origin: &str) -> String {
    let authority = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    match authority.strip_prefix("127.0.0.1") {
        Some(port) => format!("localhost{port}"),
        None => authority.to_owned(),
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
