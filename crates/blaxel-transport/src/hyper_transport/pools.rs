//! Connection pools, a pair for each tokio runtime.
//!
//! A connection is driven by a task of the runtime that opened it. A request of another runtime
//! that took it from a shared pool would wait for a runtime that may be idle, or fail when that
//! runtime ends. So pools are not shared between runtimes.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use blaxel_core::Error;
use tokio::runtime::Id;

use super::origin::{HostKind, KnownOrigin, Target};
use super::pool::{Host, Pool};
use crate::runtime;

/// Connection pools for every runtime that has sent a request.
pub(super) struct Pools {
    known: Vec<KnownOrigin>,
    control_idle: Duration,
    workload_idle: Duration,
    all: RwLock<Vec<Arc<RuntimePools>>>,
}

/// The connection pools of one runtime.
struct RuntimePools {
    runtime: Id,
    control: Pool,
    workload: Pool,
}

impl Pools {
    /// Creates pools without connections, which keep the hosts of these origins by their positions.
    pub(super) fn new(
        known: Vec<KnownOrigin>,
        control_idle: Duration,
        workload_idle: Duration,
    ) -> Self {
        Self {
            known,
            control_idle,
            workload_idle,
            all: RwLock::default(),
        }
    }

    /// Returns the origins whose positions a [`Target`] may name.
    pub(super) fn known(&self) -> &[KnownOrigin] {
        &self.known
    }

    /// Returns the connections to the host of a request, in the current runtime.
    ///
    /// # Errors
    ///
    /// Fails outside of a tokio runtime, and in one without timers or I/O.
    pub(super) fn host(&self, target: &Target) -> Result<Arc<Host>, Error> {
        let pools = self.of_current_runtime()?;
        let pool = match target.kind {
            HostKind::Control => &pools.control,
            HostKind::Workload => &pools.workload,
        };
        Ok(pool.host(target))
    }

    /// Returns the pools of the current runtime, creating them for its first request.
    fn of_current_runtime(&self) -> Result<Arc<RuntimePools>, Error> {
        let runtime = runtime::current()?;
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(pools) = find(&all, runtime.id()) {
            return Ok(pools);
        }
        drop(all);
        runtime::check_drivers()?;
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have created them in the meantime.
        if let Some(pools) = find(&all, runtime.id()) {
            return Ok(pools);
        }
        all.retain(|pools| !pools.control.has_ended());
        let pools = Arc::new(RuntimePools {
            runtime: runtime.id(),
            control: Pool::new(self.control_idle, &runtime, &self.known),
            workload: Pool::new(self.workload_idle, &runtime, &self.known),
        });
        all.push(Arc::clone(&pools));
        Ok(pools)
    }
}

/// Returns the pools of a runtime, if it has any.
fn find(all: &[Arc<RuntimePools>], runtime: Id) -> Option<Arc<RuntimePools>> {
    all.iter().find(|pools| pools.runtime == runtime).cloned()
}
