//! Waits until a sandbox is archived, or restored from its archive.

use std::time::Duration;

use blaxel_core::__private::{ErrorParts, later};
use blaxel_core::{Error, HttpService};
use tokio::time::{Instant, sleep, timeout_at};

use super::Sandbox;
use super::readiness::describe;
use crate::collection::Collection;
use crate::metadata::Status;

/// The settings of [`wait_until_archived`](Collection::wait_until_archived) and
/// [`wait_until_unarchived`](Collection::wait_until_unarchived): poll interval and limits.
///
/// ```
/// use std::time::Duration;
/// use blaxel_management::sandboxes::ArchiveWait;
///
/// let wait = ArchiveWait::new().every(Duration::from_secs(10)).within(Duration::from_secs(3600));
/// # let _ = wait;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ArchiveWait {
    every: Duration,
    time_limit: Duration,
    settling: Duration,
}

impl Default for ArchiveWait {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(2),
            time_limit: Duration::from_secs(30 * 60),
            settling: Duration::from_secs(30),
        }
    }
}

impl ArchiveWait {
    /// Creates the default settings: a poll every 2 seconds, and a time limit of 30 minutes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the delay between two polls. The default is 2 seconds.
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = interval;
        self
    }

    /// Sets the time limit of the whole wait. The default is 30 minutes.
    pub fn within(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }

    /// Sets the time for which the sandbox may still have the status from before the request. The default is 30
    /// seconds.
    ///
    /// Once the sandbox was seen in progress, this status means that the request has failed, whatever the time.
    pub fn settling(mut self, time: Duration) -> Self {
        self.settling = time;
        self
    }
}

/// The statuses between a request and its result.
struct Course {
    /// The name of the wait in errors.
    awaited: &'static str,
    failed: &'static str,
    remedy: &'static str,
    /// The status before the request, to which the sandbox returns if it fails.
    entry: Status,
    in_progress: &'static [Status],
    target: Status,
}

const ARCHIVING: Course = Course {
    awaited: "wait for the archive",
    failed: "archiving has failed",
    remedy: "archive it again",
    entry: Status::Deployed,
    in_progress: &[Status::Archiving],
    target: Status::Archived,
};

const UNARCHIVING: Course = Course {
    awaited: "wait for the sandbox to be restored from its archive",
    failed: "restoring has failed",
    remedy: "unarchive it again",
    entry: Status::Archived,
    in_progress: &[
        Status::Unarchiving,
        Status::Uploading,
        Status::Building,
        Status::Deploying,
    ],
    target: Status::Deployed,
};

impl Course {
    /// Creates the error for a sandbox that does not reach the target.
    fn failure(&self, name: &str, sandbox: &Sandbox) -> Error {
        let (failed, state) = (self.failed, describe(name, sandbox));
        Error::failed(match sandbox.status.as_ref() == Some(&self.entry) {
            true => format!("{failed}: {state}; {}", self.remedy),
            false => format!("{failed}: {state}"),
        })
    }

    /// Creates the timeout error, caused by the last state.
    fn timeout(&self, name: &str, wait: &ArchiveWait, last: Option<&Sandbox>) -> Error {
        let error = Error::timeout(self.awaited, wait.time_limit);
        match last {
            Some(sandbox) => error.caused_by(Error::failed(describe(name, sandbox))),
            None => error,
        }
    }
}

impl<S: HttpService> Collection<Sandbox, S> {
    /// Polls the sandbox named `name` until it is archived, and returns it. [`archive`](Self::archive) starts it, in
    /// this program or in another one.
    ///
    /// `changed` is called with the sandbox when it is first seen, and again whenever its status or its archive has
    /// changed. It needs a tokio runtime with timers. The future can be dropped at any time, and the wait repeated;
    /// the platform goes on.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::ArchiveWait;
    ///
    /// let sandboxes = management.sandboxes();
    /// sandboxes.archive("code-runner").await?;
    /// let archived = sandboxes
    ///     .wait_until_archived("code-runner", &ArchiveWait::new(), |_| ())
    ///     .await?;
    /// println!("{:?}", archived.archive.and_then(|archive| archive.size));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_failed`] if the sandbox gets a status that does not lead to the archive, such as `DEPLOYED` after
    /// a failure, or does not exist; [`Error::is_timeout`] after the time limit; otherwise the error of a poll,
    /// without a further poll.
    pub async fn wait_until_archived(
        &self,
        name: &str,
        wait: &ArchiveWait,
        changed: impl FnMut(&Sandbox),
    ) -> Result<Sandbox, Error> {
        self.follow(name, wait, &ARCHIVING, changed).await
    }

    /// Polls the sandbox named `name` until it is restored from its archive, and returns it.
    /// [`unarchive`](Self::unarchive) starts it, in this program or in another one.
    ///
    /// `changed` is called as by [`wait_until_archived`](Self::wait_until_archived). The progress is in
    /// [`Sandbox::archive`].
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::ArchiveWait;
    ///
    /// let sandboxes = management.sandboxes();
    /// sandboxes.unarchive("code-runner").await?;
    /// let restored = sandboxes
    ///     .wait_until_unarchived("code-runner", &ArchiveWait::new(), |sandbox| {
    ///         let restore = sandbox.archive.as_ref().and_then(|archive| archive.restore.as_ref());
    ///         println!("{:?}", restore.and_then(|restore| restore.fraction()));
    ///     })
    ///     .await?;
    /// println!("{:?}", restored.metadata.url);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_failed`] if the sandbox gets a status that does not lead to the goal, such as `ARCHIVED` after a
    /// failure, or does not exist; [`Error::is_timeout`] after the time limit; otherwise the error of a poll,
    /// without a further poll.
    pub async fn wait_until_unarchived(
        &self,
        name: &str,
        wait: &ArchiveWait,
        changed: impl FnMut(&Sandbox),
    ) -> Result<Sandbox, Error> {
        self.follow(name, wait, &UNARCHIVING, changed).await
    }

    async fn follow(
        &self,
        name: &str,
        wait: &ArchiveWait,
        course: &Course,
        mut changed: impl FnMut(&Sandbox),
    ) -> Result<Sandbox, Error> {
        let start = Instant::now();
        let deadline = later(start, wait.time_limit);
        let mut last: Option<Sandbox> = None;
        let mut has_begun = false;
        loop {
            let sandbox = match timeout_at(deadline, self.get(name)).await {
                Err(_) => return Err(course.timeout(name, wait, last.as_ref())),
                Ok(Err(error)) if error.is_not_found() => {
                    return Err(Error::failed(format!("`{name}` does not exist")).caused_by(error));
                }
                Ok(outcome) => outcome?,
            };
            let is_same =
                |last: &Sandbox| last.status == sandbox.status && last.archive == sandbox.archive;
            if !last.as_ref().is_some_and(is_same) {
                changed(&sandbox);
            }
            // A sandbox without a status is ready for use.
            let status = sandbox.status.as_ref().unwrap_or(&Status::Deployed);
            if *status == course.target {
                return Ok(sandbox);
            }
            let may_wait = course.in_progress.contains(status)
                || (*status == course.entry && !has_begun && start.elapsed() < wait.settling);
            if !may_wait {
                return Err(course.failure(name, &sandbox));
            }
            has_begun |= *status != course.entry;
            last = Some(sandbox);
            let remaining = deadline.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return Err(course.timeout(name, wait, last.as_ref()));
            }
            sleep(wait.every.min(remaining)).await;
        }
    }
}

#[cfg(test)]
mod tests;
