//! Upgrades of a sandbox's API server.

use blaxel_core::__private::lenient::text;
use blaxel_core::{Error, HttpService, OperationInfo, Plane, RequestWriter, response};
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};

use crate::remote::DataOperation;
use crate::sandbox::SandboxHandle;

/// The version that a sandbox's API server is upgraded to.
///
/// ```
/// use blaxel_sandbox::system::UpgradeOptions;
///
/// let options = UpgradeOptions::new().version("v0.3.0");
/// # let _ = options;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct UpgradeOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_url: Option<String>,
}

impl UpgradeOptions {
    /// Creates the options of an upgrade to the latest release.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the version: a tag such as `v0.3.0`, or one of the branches `develop` and `main`. The default is
    /// `latest`, the latest release.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Sets the address of the releases, for a server of your own. The default is the address of the
    /// platform's releases.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }
}

/// The answer to a request for an upgrade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UpgradeAccepted {
    /// The message of the server.
    #[serde(default, deserialize_with = "text")]
    pub message: Option<String>,
    /// The requested version.
    #[serde(default, deserialize_with = "text")]
    pub version: Option<String>,
    /// The address of the releases.
    #[serde(default, deserialize_with = "text")]
    pub base_url: Option<String>,
}

impl<S: HttpService> SandboxHandle<S> {
    /// Starts an upgrade of the sandbox's API server (`POST /upgrade`), and returns as soon as the server has
    /// accepted it.
    ///
    /// The server downloads and tests the new version, and restarts with it. Processes in the sandbox continue
    /// to run, but open streams end, and calls fail for some seconds. [`health`](Self::health) reports the
    /// progress; with the feature `wait`, `upgrade_and_wait` follows it.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_sandbox::system::UpgradeOptions;
    ///
    /// sandbox.upgrade(&UpgradeOptions::new()).await?;
    /// println!("{:?}", sandbox.health().await?.last_upgrade);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call. The failure of the upgrade itself is not one: see
    /// [`Health::last_upgrade`](crate::system::Health::last_upgrade).
    pub async fn upgrade(&self, options: &UpgradeOptions) -> Result<UpgradeAccepted, Error> {
        self.remote().call(&Upgrade { options }).await
    }
}

/// Starts an upgrade: `POST /upgrade`.
struct Upgrade<'a> {
    options: &'a UpgradeOptions,
}

impl DataOperation for Upgrade<'_> {
    type Output = UpgradeAccepted;
    // A second request restarts the server a second time.
    const INFO: &'static OperationInfo =
        &OperationInfo::new("Upgrade", Method::POST, "/upgrade").with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([])?;
        request.json(self.options)
    }

    fn read(response: &http::Response<Bytes>) -> Result<UpgradeAccepted, Error> {
        response::json(response)
    }
}
