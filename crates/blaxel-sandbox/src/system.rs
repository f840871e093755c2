//! The server in a sandbox that serves its API: health, upgrades and environment.

mod health;
mod upgrade;
#[cfg(feature = "wait")]
mod upgrade_and_wait;

use blaxel_core::{Error, HttpService, Idempotency, OperationInfo, Plane, RequestWriter, response};
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};

pub use self::health::{Health, UpgradeState, UpgradeStatus, UpgradeStep};
pub use self::upgrade::{UpgradeAccepted, UpgradeOptions};
#[cfg(feature = "wait")]
pub use self::upgrade_and_wait::Upgraded;
use crate::remote::DataOperation;
use crate::sandbox::SandboxHandle;

impl<S: HttpService> SandboxHandle<S> {
    /// Returns the health of the sandbox's API server: its version, its uptime and its last upgrade
    /// (`GET /health`).
    ///
    /// The call wakes a sandbox that is on standby.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let health = sandbox.health().await?;
    /// println!("{} since {:?}", health.status, health.started_at);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn health(&self) -> Result<Health, Error> {
        self.remote().call(&GetHealth).await
    }

    /// Applies the current environment variables of the sandbox to its API server, and so to the processes
    /// that are started from now on (`POST /environment/reload`). Running processes keep theirs.
    ///
    /// The platform does this after each change of the variables of a sandbox.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let reload = sandbox.reload_environment().await?;
    /// println!("{} variables set, {} removed", reload.applied, reload.removed);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the platform has no document with variables for this sandbox, which is the
    /// case for old ones.
    pub async fn reload_environment(&self) -> Result<EnvironmentReload, Error> {
        self.remote().call(&ReloadEnvironment).await
    }

    /// Returns the greeting of the sandbox's API server (`GET /`). It is the cheapest call that shows that the
    /// sandbox responds.
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn welcome(&self) -> Result<Welcome, Error> {
        self.remote().call(&GetWelcome).await
    }
}

/// The effect of [`reload_environment`](SandboxHandle::reload_environment).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EnvironmentReload {
    /// The generation of the set of variables. It increases with each change.
    #[serde(default, deserialize_with = "blaxel_core::__private::lenient::count")]
    pub generation: u64,
    /// The number of variables that were set.
    #[serde(default, deserialize_with = "blaxel_core::__private::lenient::count")]
    pub applied: u64,
    /// The number of variables that were removed, because the set does not contain them any more.
    #[serde(default, deserialize_with = "blaxel_core::__private::lenient::count")]
    pub removed: u64,
}

/// The greeting of a sandbox's API server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Welcome {
    /// The greeting.
    #[serde(default, deserialize_with = "blaxel_core::__private::lenient::text")]
    pub message: Option<String>,
    /// The description of the sandbox.
    #[serde(default, deserialize_with = "blaxel_core::__private::lenient::text")]
    pub description: Option<String>,
    /// The address of the documentation.
    #[serde(default, deserialize_with = "blaxel_core::__private::lenient::text")]
    pub documentation: Option<String>,
}

/// Reads the health: `GET /health`.
struct GetHealth;

impl DataOperation for GetHealth {
    type Output = Health;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("GetHealth", Method::GET, "/health").with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([])
    }

    fn read(response: &http::Response<Bytes>) -> Result<Health, Error> {
        response::json(response)
    }
}

/// Applies the environment: `POST /environment/reload`.
struct ReloadEnvironment;

impl DataOperation for ReloadEnvironment {
    type Output = EnvironmentReload;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("ReloadEnvironment", Method::POST, "/environment/reload")
            .with_plane(Plane::Run)
            .with_idempotency(Idempotency::Idempotent);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([])
    }

    fn read(response: &http::Response<Bytes>) -> Result<EnvironmentReload, Error> {
        response::json(response)
    }
}

/// Reads the greeting: `GET /`.
struct GetWelcome;

impl DataOperation for GetWelcome {
    type Output = Welcome;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("GetWelcome", Method::GET, "/").with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([])
    }

    fn read(response: &http::Response<Bytes>) -> Result<Welcome, Error> {
        response::json(response)
    }
}
