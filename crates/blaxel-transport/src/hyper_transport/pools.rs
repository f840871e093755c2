//! Connection pools, a pair for each tokio runtime.
//!
//! A connection is driven by a task of the runtime that opened it. A request of another runtime
//! that took it from a shared pool would wait for a runtime that may be idle, or fail when that
//! runtime ends. So pools are not shared between runtimes.

use std::future::pending;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use blaxel_core::{Body, Error};
use hyper_util::client::legacy::{Builder, Client, ResponseFuture};
use tokio::runtime::{Handle, Id};
use tokio::task::JoinHandle;

use super::connector::Connector;
use super::request_body::RequestBody;
use crate::runtime;

/// The two kinds of hosts, whose connections stay idle for different times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostKind {
    /// The control plane and every other host.
    Control,
    /// A host that an idle connection keeps awake.
    Workload,
}

/// Connection pools for every runtime that has sent a request.
pub(super) struct Pools {
    connector: Connector,
    /// The connector for upgrades, which offers HTTP/1.1 alone.
    upgrade_connector: Connector,
    builder: Builder,
    control_idle: Duration,
    workload_idle: Duration,
    all: RwLock<Vec<Arc<RuntimePools>>>,
}

/// The connection pools of one runtime.
struct RuntimePools {
    runtime: Id,
    control: Client<Connector, RequestBody>,
    workload: Client<Connector, RequestBody>,
    /// A client without a pool: an upgraded connection never returns to one.
    upgrade: Client<Connector, RequestBody>,
    /// A task without work. It ends with its runtime.
    sentinel: JoinHandle<()>,
}

impl Drop for RuntimePools {
    fn drop(&mut self) {
        self.sentinel.abort();
    }
}

impl Pools {
    /// Creates pools without connections. `builder` has all settings but the idle limits.
    pub(super) fn new(
        connector: Connector,
        upgrade_connector: Connector,
        builder: Builder,
        control_idle: Duration,
        workload_idle: Duration,
    ) -> Self {
        Self {
            connector,
            upgrade_connector,
            builder,
            control_idle,
            workload_idle,
            all: RwLock::default(),
        }
    }

    /// Sends a request on a connection of the current runtime.
    ///
    /// # Errors
    ///
    /// Fails outside of a tokio runtime, and in one without timers or I/O.
    pub(super) fn send(
        &self,
        request: http::Request<Body>,
        kind: HostKind,
    ) -> Result<ResponseFuture, Error> {
        let pools = self.of_current_runtime()?;
        let client = match kind {
            HostKind::Control => &pools.control,
            HostKind::Workload => &pools.workload,
        };
        Ok(client.request(request.map(RequestBody::from)))
    }

    /// Sends a request for an upgrade on a new HTTP/1.1 connection.
    ///
    /// # Errors
    ///
    /// Fails outside of a tokio runtime, and in one without timers or I/O.
    pub(super) fn send_for_upgrade(
        &self,
        request: http::Request<Body>,
    ) -> Result<ResponseFuture, Error> {
        let upgrade = &self.of_current_runtime()?.upgrade;
        Ok(upgrade.request(request.map(RequestBody::from)))
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
        all.retain(|pools| !pools.sentinel.is_finished());
        let pools = Arc::new(self.create(&runtime));
        all.push(Arc::clone(&pools));
        Ok(pools)
    }

    /// Creates the pools of a runtime.
    fn create(&self, runtime: &Handle) -> RuntimePools {
        let client = |idle: Duration| {
            let mut builder = self.builder.clone();
            builder
                .pool_idle_timeout(idle)
                .build(self.connector.clone())
        };
        let mut alone = self.builder.clone();
        alone.http2_only(false).pool_max_idle_per_host(0);
        RuntimePools {
            runtime: runtime.id(),
            control: client(self.control_idle),
            workload: client(self.workload_idle),
            upgrade: alone.build(self.upgrade_connector.clone()),
            sentinel: runtime.spawn(pending()),
        }
    }
}

/// Returns the pools of a runtime, if it has any.
fn find(all: &[Arc<RuntimePools>], runtime: Id) -> Option<Arc<RuntimePools>> {
    all.iter().find(|pools| pools.runtime == runtime).cloned()
}
