//! The state of one server: what survives a request.

mod archive;
mod contexts;
mod environment;
mod monitors;
mod mounts;
mod process;
mod standby;
mod tasks;
mod terminals;
mod upgrades;
mod uploads;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) use self::archive::{Archive, ArchiveState, Export, Quiescence, Restore, RestorePhase};
pub(crate) use self::contexts::{Context, Contexts};
pub(crate) use self::environment::Environment;
pub(crate) use self::monitors::Monitors;
pub(crate) use self::mounts::MountedDrive;
pub(crate) use self::process::{
    Entry, NameClaim, Order, Phase, Position, Processes, Read, Record, Restarts, Run, SignalError,
    StartError, StdinError, TRUNCATED, lossy,
};
pub(crate) use self::standby::StandbyWatch;
pub(crate) use self::tasks::Tasks;
pub(crate) use self::terminals::{Client, Terminals};
pub(crate) use self::upgrades::{Upgrade, Upgrades};
pub(crate) use self::uploads::{Part, Upload, Uploads};
use crate::drives::DriveStore;
use crate::guest::Guest;
use crate::lock::lock;
use crate::version::ServerVersion;

/// The state that all requests of a server share.
pub(crate) struct State {
    pub(crate) guest: Arc<dyn Guest>,
    /// The version that the server was built with.
    pub(crate) first_version: ServerVersion,
    /// The directory that relative paths start from.
    pub(crate) working_dir: String,
    pub(crate) environment: Mutex<Environment>,
    /// The file with the variables that the platform sets.
    pub(crate) metadata_path: String,
    pub(crate) processes: Processes,
    pub(crate) monitors: Monitors,
    pub(crate) terminals: Terminals,
    /// The code interpreter, if the sandbox has one.
    pub(crate) contexts: Option<Arc<Contexts>>,
    /// The task that stops the programs of the machine while it is on standby.
    pub(crate) standby: StandbyWatch,
    /// The connections to ports.
    pub(crate) connections: Tasks,
    pub(crate) drives: Option<Arc<dyn DriveStore>>,
    /// The paths of the volumes, which are mounted from the start.
    pub(crate) volumes: Vec<String>,
    /// The largest request body that the edge lets through.
    pub(crate) edge_limit: Option<u64>,
    /// `true` if the old server's search in files hangs as it really did.
    pub(crate) hangs: bool,
    /// The start of the server, on the guest's clock.
    pub(crate) started: Duration,
    pub(crate) upgrades: Mutex<Upgrades>,
    pub(crate) uploads: Uploads,
    pub(crate) mounts: Mutex<Vec<MountedDrive>>,
    pub(crate) archive: Archive,
    /// `true` if a tunnel is configured.
    pub(crate) has_tunnel: AtomicBool,
    /// The reason why the sandbox cannot be used.
    pub(crate) broken: Option<String>,
}

impl State {
    /// Returns the version of the API. After an upgrade it is the current one.
    pub(crate) fn version(&self) -> ServerVersion {
        let now = self.guest.clock().since_epoch();
        match lock(&self.upgrades).completed(now) {
            0 => self.first_version,
            _ => ServerVersion::Current,
        }
    }

    /// Returns the value of an environment variable; `None` if it is not set or empty.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        lock(&self.environment).get(name).map(str::to_owned)
    }

    /// Starts a process with the environment variables of the sandbox.
    pub(crate) async fn start_process(&self, order: Order) -> Result<Arc<Record>, StartError> {
        let env = self.variables();
        self.processes
            .start(&self.guest, &self.working_dir, env, order)
            .await
    }

    /// Returns all environment variables.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        lock(&self.environment).all().clone()
    }
}
