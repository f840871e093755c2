//! Snapshots, forks and archives of sandboxes, with handles on the sandboxes that come out of them.

use blaxel_core::{Error, HttpService, Source};
use blaxel_management::sandboxes::{
    ArchiveWait, Fork, ForkKind, NewSnapshot, Sandbox, SandboxSnapshot, Snapshot,
};
use blaxel_management::{Collection, Management, Wait};

use crate::sandbox::SandboxHandle;
use crate::sandboxes::Sandboxes;

impl<S: HttpService> Sandboxes<S> {
    /// Returns the collection of the snapshots of the sandbox `name`.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService, Source};
    /// # async fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) -> Result<(), Error> {
    /// for snapshot in sandboxes.snapshots("dev").all().await? {
    ///     println!("{} {:?}", snapshot.name, snapshot.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn snapshots(&self, name: &str) -> Collection<SandboxSnapshot, S> {
        self.collection().snapshots(name)
    }

    /// Takes a snapshot of the sandbox `name`, and waits until it is ready (`POST /sandboxes/{sandboxName}/snapshots`).
    /// It contains the files, processes and memory of the sandbox, which goes on meanwhile.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService, Source};
    /// # async fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_sandbox::NewSnapshot;
    ///
    /// let snapshot = sandboxes.take_snapshot("dev", &NewSnapshot::new().name("before")).await?;
    /// let sandbox = sandboxes.get("dev").await?;
    /// sandbox.shell("rm -rf /app/*").output().await?;
    /// let sandbox = sandboxes.restore("dev", &snapshot.id).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no sandbox of this name; [`Error::is_conflict`] if the name of the snapshot
    /// is taken; [`Error::is_failed`] if the snapshot fails; [`Error::is_timeout`] if it is not ready after 15 minutes;
    /// otherwise the error of a request.
    pub async fn take_snapshot(
        &self,
        name: &str,
        snapshot: &NewSnapshot,
    ) -> Result<Snapshot, Error> {
        let taken = self.snapshots(name).create(snapshot).await?;
        if taken.is_ready() {
            return Ok(taken);
        }
        let snapshots = Management::new(self.service().clone()).snapshots();
        snapshots
            .wait_until(&taken.id, &Wait::new(), Snapshot::is_ready)
            .await
    }

    /// Restores the sandbox `name` to its snapshot with this id or name, waits until it is deployed, and returns a
    /// handle on it (`POST /sandboxes/{sandboxName}/snapshots/{snapshotId}/restore`).
    ///
    /// The sandbox keeps its name, address and previews, so handles on it stay valid. **Everything that changed since
    /// the snapshot is lost**, and calls that run at this time fail. The first calls afterwards may have to be repeated;
    /// a `blaxel_transport::Client` repeats those that are idempotent.
    ///
    /// See [`take_snapshot`](Self::take_snapshot) for an example.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such sandbox or snapshot; [`Error::is_failed`] if the sandbox fails;
    /// otherwise the error of a request.
    pub async fn restore(&self, name: &str, id_or_name: &str) -> Result<SandboxHandle<S>, Error> {
        self.snapshots(name).restore(id_or_name).await?;
        self.ready(name).await
    }

    /// Forks the sandbox `name` into another sandbox, waits until that is deployed, and returns a handle on it
    /// (`POST /sandboxes/{sandboxName}/fork`).
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService, Source};
    /// # async fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_sandbox::Fork;
    ///
    /// let copy = sandboxes.fork("dev", &Fork::into_sandbox("dev-2")).await?;
    /// println!("{}", copy.name());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a fork into an application, which the [`collection`](Self::collection) creates;
    /// [`Error::is_not_found`] if there is no sandbox of this name; [`Error::is_conflict`] if the name of the new one is
    /// taken; [`Error::is_failed`] if the new one fails; otherwise the error of a request.
    pub async fn fork(&self, name: &str, fork: &Fork) -> Result<SandboxHandle<S>, Error> {
        if fork.target_type != ForkKind::Sandbox {
            let message = "the target of the fork is not a sandbox: use `collection().fork` for it";
            return Err(Error::input("fork", &Source::Code, message));
        }
        self.collection().fork(name, fork).await?;
        self.ready(&fork.target_name).await
    }

    /// Archives the sandbox `name`, waits until it is archived, and returns it
    /// (`POST /sandboxes/{sandboxName}/archive`). Its files are kept, its memory is lost, and nothing of it runs.
    ///
    /// The defaults of [`ArchiveWait`] apply: a time limit of 30 minutes. For other settings, or to see the progress, use
    /// `archive` and `wait_until_archived` of the [`collection`](Self::collection).
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService, Source};
    /// # async fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) -> Result<(), Error> {
    /// sandboxes.archive("dev").await?;
    /// // Weeks later:
    /// let sandbox = sandboxes.unarchive("dev").await?;
    /// println!("{}", sandbox.health().await?.status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_forbidden`] if the workspace does not have the feature; [`Error::is_not_found`] if there is no
    /// sandbox of this name; [`Error::is_conflict`] if its status does not allow it; [`Error::is_failed`] if archiving
    /// fails; [`Error::is_timeout`] after the time limit; otherwise the error of a request.
    pub async fn archive(&self, name: &str) -> Result<Sandbox, Error> {
        let sandboxes = self.collection();
        sandboxes.archive(name).await?;
        sandboxes
            .wait_until_archived(name, &ArchiveWait::new(), |_| ())
            .await
    }

    /// Restores the sandbox `name` from its archive, waits until it is deployed, and returns a handle on it
    /// (`POST /sandboxes/{sandboxName}/unarchive`). The processes that ran when it was archived start again.
    ///
    /// See [`archive`](Self::archive) for an example and the time limit.
    ///
    /// # Errors
    ///
    /// Those of [`archive`](Self::archive).
    pub async fn unarchive(&self, name: &str) -> Result<SandboxHandle<S>, Error> {
        let sandboxes = self.collection();
        sandboxes.unarchive(name).await?;
        let restored = sandboxes
            .wait_until_unarchived(name, &ArchiveWait::new(), |_| ())
            .await?;
        Ok(self.handle_of(&restored))
    }
}
