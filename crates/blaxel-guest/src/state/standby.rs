//! [`StandbyWatch`], the standby of programs that do not follow the clock by themselves.

use std::sync::{Arc, OnceLock};

use super::tasks::Tasks;
use crate::guest::Guest;

/// The task that stops the programs of a machine for the time of its standby. It ends with the server.
#[derive(Default)]
pub(crate) struct StandbyWatch(OnceLock<Tasks>);

impl StandbyWatch {
    /// Starts the task if it does not run, and if the machine needs it.
    pub(crate) fn start(&self, guest: &Arc<dyn Guest>) {
        self.0.get_or_init(|| {
            let tasks = Tasks::default();
            if guest.clock().has_standby() && guest.suspend(false).is_ok() {
                tasks.spawn(watch(Arc::clone(guest)));
            }
            tasks
        });
    }
}

/// The programs of a machine that were stopped. They go on when this is dropped.
struct Suspension(Arc<dyn Guest>);

impl Suspension {
    /// Stops the programs. One that cannot be stopped goes on, as it would without standby.
    fn begin(guest: Arc<dyn Guest>) -> Self {
        let _ = guest.suspend(true);
        Self(guest)
    }
}

impl Drop for Suspension {
    fn drop(&mut self) {
        let _ = self.0.suspend(false);
    }
}

async fn watch(guest: Arc<dyn Guest>) {
    let clock = guest.clock().clone();
    loop {
        clock.until_standby().await;
        let stopped = Arc::clone(&guest);
        let begun = tokio::task::spawn_blocking(move || Suspension::begin(stopped)).await;
        clock.until_awake().await;
        // Letting them go on may block as well. If the server ends before, it happens here.
        let _ = tokio::task::spawn_blocking(move || drop(begun)).await;
    }
}
