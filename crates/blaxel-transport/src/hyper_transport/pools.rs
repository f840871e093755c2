//! Connection pools, a pair for each tokio runtime.
//!
//! A connection is driven by a task of the runtime that opened it. A request of another runtime
//! that took it from a shared pool would wait for a runtime that may be idle, or fail when that
//! runtime ends. So pools are not shared between runtimes.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use blaxel_core::{Body, BoxFuture, Error};
use hyper::body::Incoming;
use tokio::runtime::Id;

use super::exchange::{self, Failure};
use super::origin::{HostKind, Origin};
use super::pool::Pool;
use super::request_body::RequestBody;
use super::route::Route;
use super::unsent::Unsent;
use crate::runtime;

/// Connection pools for every runtime that has sent a request.
pub(super) struct Pools {
    route: Route,
    /// The route of upgrades, which speaks HTTP/1.1 alone.
    upgrades: Route,
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

/// The future of a response.
pub(super) type Sent = BoxFuture<Result<http::Response<Incoming>, Failure>>;

impl Pools {
    /// Creates pools without connections.
    pub(super) fn new(
        route: Route,
        upgrades: Route,
        control_idle: Duration,
        workload_idle: Duration,
    ) -> Self {
        Self {
            route,
            upgrades,
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
        origin: &Origin,
        kind: HostKind,
        unsent: Option<Unsent>,
    ) -> Result<Sent, Error> {
        let pools = self.of_current_runtime()?;
        let pool = match kind {
            HostKind::Control => &pools.control,
            HostKind::Workload => &pools.workload,
        };
        let request = request.map(RequestBody::from);
        let host = pool.host(origin);
        Ok(Box::pin(exchange::send(
            self.route.clone(),
            host,
            request,
            unsent,
        )))
    }

    /// Sends a request for an upgrade on a new HTTP/1.1 connection, which never returns to a pool.
    ///
    /// # Errors
    ///
    /// Fails outside of a tokio runtime, and in one without timers or I/O.
    pub(super) fn send_for_upgrade(
        &self,
        request: http::Request<Body>,
        origin: &Origin,
        unsent: Option<Unsent>,
    ) -> Result<Sent, Error> {
        self.of_current_runtime()?;
        let request = request.map(RequestBody::from);
        let (route, origin) = (self.upgrades.clone(), origin.clone());
        Ok(Box::pin(exchange::send_alone(
            route, origin, request, unsent,
        )))
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
            control: Pool::new(self.control_idle, &runtime),
            workload: Pool::new(self.workload_idle, &runtime),
        });
        all.push(Arc::clone(&pools));
        Ok(pools)
    }
}

/// Returns the pools of a runtime, if it has any.
fn find(all: &[Arc<RuntimePools>], runtime: Id) -> Option<Arc<RuntimePools>> {
    all.iter().find(|pools| pools.runtime == runtime).cloned()
}
