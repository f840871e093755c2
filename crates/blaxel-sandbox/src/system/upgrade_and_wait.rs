//! Upgrades that are followed to their end.

use std::time::Duration;

use blaxel_core::__private::{ErrorParts, later};
use blaxel_core::{CallOptions, Error, HttpService};
use tokio::time::{Instant, sleep, timeout_at};

use super::health::{Health, UpgradeState, UpgradeStatus};
use super::upgrade::UpgradeOptions;
use crate::sandbox::SandboxHandle;

/// The delay between two polls of the health.
const POLL: Duration = Duration::from_millis(500);

/// Time limit on one poll: a server that restarts may leave a call without a response.
const POLL_LIMIT: Duration = Duration::from_secs(10);

/// A completed upgrade.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Upgraded {
    /// The health before the upgrade.
    pub before: Health,
    /// The health of the new version.
    pub after: Health,
}

impl<S: HttpService> SandboxHandle<S> {
    /// Upgrades the sandbox's API server, and waits until the new version runs (`POST /upgrade` and
    /// `GET /health`).
    ///
    /// Calls that fail while the server restarts are repeated until the limit. The future can be dropped at any
    /// time; the upgrade then continues.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// use std::time::Duration;
    /// use blaxel_sandbox::system::UpgradeOptions;
    ///
    /// let limit = Duration::from_secs(120);
    /// let upgraded = sandbox.upgrade_and_wait(&UpgradeOptions::new(), limit).await?;
    /// println!("{:?} -> {:?}", upgraded.before.version, upgraded.after.version);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_failed`] if the upgrade fails, with the step and the reason; [`Error::is_timeout`] if the new
    /// version does not run within the limit, with the last state or error as its cause; otherwise the error of
    /// a call.
    pub async fn upgrade_and_wait(
        &self,
        options: &UpgradeOptions,
        limit: Duration,
    ) -> Result<Upgraded, Error> {
        let deadline = later(Instant::now(), limit);
        let mut last = None;
        let run = self.follow_upgrade(options, &mut last);
        match timeout_at(deadline, run).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let error = Error::timeout("upgrade", limit);
                Err(match last {
                    Some(cause) => error.caused_by(cause),
                    None => error,
                })
            }
        }
    }

    /// Upgrades the server and polls its health. `last` is the last state or error, for the error of a timeout.
    async fn follow_upgrade(
        &self,
        options: &UpgradeOptions,
        last: &mut Option<Error>,
    ) -> Result<Upgraded, Error> {
        let poll = self
            .clone()
            .options(CallOptions::new().with_deadline(POLL_LIMIT));
        let before = self.health().await?;
        self.upgrade(options).await?;
        loop {
            sleep(POLL).await;
            let after = match poll.health().await {
                Ok(health) => health,
                // A proxy may report the server that restarts by any status of its own.
                Err(error) if error.is_transient() || error.is_decode() => {
                    *last = Some(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            if is_another_process(&before, &after) {
                return Ok(Upgraded { before, after });
            }
            if let Some(failure) = failure(&before, &after) {
                return Err(Error::failed(failure));
            }
            if let Some(status) = &after.last_upgrade {
                let state = format!(
                    "the upgrade is {} at the step {}",
                    status.status, status.step
                );
                *last = Some(Error::failed(state));
            }
        }
    }
}

/// Returns `true` if another process of the server responds.
fn is_another_process(before: &Health, after: &Health) -> bool {
    after.upgrade_count != before.upgrade_count || after.started_at != before.started_at
}

/// Returns the failure of the upgrade, unless it is the one of an earlier attempt.
fn failure(before: &Health, after: &Health) -> Option<String> {
    let status = after.last_upgrade.as_ref()?;
    let is_old = before.last_upgrade.as_ref() == Some(status);
    let UpgradeStatus { step, error, .. } = status;
    (status.status == UpgradeState::Failed && !is_old).then(|| match error {
        Some(error) => format!("the upgrade failed at the step {step}: {error}"),
        None => format!("the upgrade failed at the step {step}"),
    })
}
