//! [`Processes`], the processes of a server.

mod history;
mod launch;
mod names;
mod record;
mod records;
mod supervisor;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) use self::history::{Entry, Position, Read, TRUNCATED, lossy};
use self::launch::Launch;
pub(crate) use self::launch::StartError;
pub(crate) use self::names::NameClaim;
use self::names::Names;
pub(crate) use self::record::{Order, Phase, Record, Restarts, Run, SignalError, StdinError};
use self::records::Records;
use super::tasks::Tasks;
use crate::guest::Guest;
use crate::lock::lock;

/// The processes that the server started.
#[derive(Default)]
pub(crate) struct Processes {
    records: Mutex<Records>,
    /// One task for each process. They end with the server.
    tasks: Tasks,
    /// The names of processes that are being started.
    claimed: Names,
    /// The number of names that were made up.
    names: AtomicU64,
}

impl Processes {
    /// Starts a process.
    pub(crate) async fn start(
        &self,
        guest: &Arc<dyn Guest>,
        working_dir: &str,
        env: BTreeMap<String, String>,
        order: Order,
    ) -> Result<Arc<Record>, StartError> {
        let launch = Launch {
            guest: Arc::clone(guest),
            working_dir: working_dir.to_owned(),
            env,
        };
        let process = launch.start(&order).await?;
        let clock = guest.clock().clone();
        let channels = supervisor::channels(&process);
        let record = Record::new(process.pid, order, channels, clock.since_epoch());
        let record = Arc::new(record);
        lock(&self.records).add(Arc::clone(&record));
        let awake = record.order.keep_alive.then(|| clock.stay_awake());
        let supervised = supervisor::supervise(Arc::clone(&record), process, launch, clock, awake);
        self.tasks.spawn(supervised);
        Ok(record)
    }

    /// Returns a name for a process that was given none. The names of a server are the same in each
    /// run of a test. A process that was started again may have one of them.
    pub(crate) fn new_name(&self) -> String {
        loop {
            let number = self.names.fetch_add(1, Ordering::Relaxed) + 1;
            let name = generated_name(number);
            if self.find(&name).is_none() {
                return name;
            }
        }
    }

    /// Claims the name of a process that will be started, or returns `None` if one that runs or is being
    /// started has it.
    pub(crate) fn claim(&self, name: &str) -> Option<NameClaim> {
        let is_used = || self.find(name).is_some_and(|record| record.is_running());
        self.claimed.claim(name, is_used)
    }

    /// Returns all processes, in the order in which they were started.
    pub(crate) fn all(&self) -> Vec<Arc<Record>> {
        lock(&self.records).all().cloned().collect()
    }

    /// Returns the process with an identifier. A number is a process id only; a name stands for
    /// the process that was started last.
    pub(crate) fn find(&self, identifier: &str) -> Option<Arc<Record>> {
        let records = lock(&self.records);
        let found = match identifier.parse::<i64>() {
            Ok(_) => records.with_pid(identifier),
            Err(_) => records.named(identifier),
        };
        found.cloned()
    }
}

/// Returns the name with this number.
fn generated_name(number: u64) -> String {
    const CHARACTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    // Spreads consecutive numbers.
    let mut rest = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut name = "proc-".to_owned();
    for _ in 0..8 {
        let index = rest % CHARACTERS.len() as u64;
        rest /= CHARACTERS.len() as u64;
        let index = usize::try_from(index).unwrap_or(0);
        name.extend(CHARACTERS.get(index).map(|byte| char::from(*byte)));
    }
    name
}
