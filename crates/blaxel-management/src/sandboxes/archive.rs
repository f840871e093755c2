//! Archives of sandboxes: their files without a running machine.

use blaxel_core::{Error, HttpService, OperationInfo, Timestamp, call, open_enum};
use http::Method;

use super::Sandbox;
use crate::collection::Collection;
use crate::operations::{Action, Perform};
use crate::size::ByteSize;

response! {
    /// The archive of a sandbox, and the progress of archiving and restoring. A sandbox has at most one archive: the
    /// next one replaces it, and it is deleted with the sandbox.
    pub struct SandboxArchive {
        /// The time when the archive was completed.
        pub created_at: Option<Timestamp>,
        /// The generation of the infrastructure that the sandbox was archived from, such as `mk3.0`. It is restored
        /// on the current generation.
        pub generation: Option<String>,
        /// The key of the archive in the platform's storage.
        pub key: Option<String>,
        /// The size of the archive.
        pub size: Option<ByteSize>,
        /// The time when archiving was started, while the status is `ARCHIVING`.
        pub started_at: Option<Timestamp>,
        /// The time when restoring was started, while the status is `UNARCHIVING`.
        pub restore_started_at: Option<Timestamp>,
        /// The progress of the last restoring.
        pub restore: Option<ArchiveRestore>,
    }

    /// The progress of restoring a sandbox from its archive.
    #[doc(alias = "SandboxArchiveRestore")]
    pub struct ArchiveRestore {
        /// The current step.
        pub state: Option<ArchiveRestoreState>,
        /// The number of files that are restored.
        pub files: Option<u64>,
        /// The number of bytes that are restored.
        pub restored_bytes: Option<ByteSize>,
        /// The total number of bytes, if it is known.
        pub total_bytes: Option<ByteSize>,
    }
}

open_enum! {
    /// A step of restoring a sandbox from its archive.
    pub enum ArchiveRestoreState {
        /// The archive is being downloaded.
        Downloading = "downloading",
        /// The files are being extracted.
        Extracting = "extracting",
        /// The saved processes are being started.
        Relaunching = "relaunching",
        /// The sandbox is restored.
        Succeeded = "succeeded",
        /// Restoring has failed.
        Failed = "failed",
    }
}

impl ArchiveRestore {
    /// Returns the restored share of the bytes, from 0 to 1, or `None` if the total is not known.
    ///
    /// ```no_run
    /// # fn example(sandbox: blaxel_management::sandboxes::Sandbox) {
    /// let restore = sandbox.archive.and_then(|archive| archive.restore);
    /// if let Some(share) = restore.and_then(|restore| restore.fraction()) {
    ///     println!("{:.0} %", share * 100.0);
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn fraction(&self) -> Option<f64> {
        let total = self.total_bytes?.get();
        let restored = self.restored_bytes?.get().min(total);
        #[allow(
            clippy::cast_precision_loss,
            reason = "a share need not be exact beyond 53 bits"
        )]
        (total > 0).then(|| restored as f64 / total as f64)
    }
}

impl<S: HttpService> Collection<Sandbox, S> {
    /// Starts to archive the sandbox named `name`, and returns it with its new status
    /// (`POST /sandboxes/{sandboxName}/archive`).
    ///
    /// An archived sandbox keeps its files, name, settings and previews. Its memory is lost, its processes end, and it
    /// cannot be called. Nothing of it runs, so it costs only storage. [`unarchive`](Self::unarchive) brings it back.
    ///
    /// The status is `ARCHIVING`, and `ARCHIVED` at the end. With the feature `wait`,
    /// [`wait_until_archived`](Self::wait_until_archived) waits for this.
    ///
    /// The platform has archives in private preview.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let sandbox = management.sandboxes().archive("code-runner").await?;
    /// println!("{:?}", sandbox.status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_forbidden`] if the workspace does not have the feature; [`Error::is_not_found`] if there is no
    /// sandbox of that name; [`Error::is_conflict`] if its status does not allow it; otherwise the error of the call.
    pub async fn archive(&self, name: &str) -> Result<Sandbox, Error> {
        call(&self.service, &Perform::<ArchiveSandbox>::on([name])).await
    }

    /// Starts to restore the sandbox named `name` from its archive, and returns it with its new status
    /// (`POST /sandboxes/{sandboxName}/unarchive`).
    ///
    /// The processes that ran when the sandbox was archived start again, with new process ids and from the beginning.
    /// The sandbox can be called while it is being restored, but until the end, its files cannot be changed.
    ///
    /// The status is `UNARCHIVING`, and `DEPLOYED` at the end. With the feature `wait`,
    /// [`wait_until_unarchived`](Self::wait_until_unarchived) waits for this.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let sandbox = management.sandboxes().unarchive("code-runner").await?;
    /// println!("{:?}", sandbox.archive);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`archive`](Self::archive).
    pub async fn unarchive(&self, name: &str) -> Result<Sandbox, Error> {
        call(&self.service, &Perform::<UnarchiveSandbox>::on([name])).await
    }
}

/// Archives a sandbox: `POST /sandboxes/{sandboxName}/archive`.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveSandbox;

impl Action for ArchiveSandbox {
    const INFO: OperationInfo = OperationInfo::new(
        "ArchiveSandbox",
        Method::POST,
        "/sandboxes/{sandboxName}/archive",
    );
    type Input = ();
    type Output = Sandbox;
}

/// Restores a sandbox from its archive: `POST /sandboxes/{sandboxName}/unarchive`.
#[derive(Clone, Copy, Debug)]
pub struct UnarchiveSandbox;

impl Action for UnarchiveSandbox {
    const INFO: OperationInfo = OperationInfo::new(
        "UnarchiveSandbox",
        Method::POST,
        "/sandboxes/{sandboxName}/unarchive",
    );
    type Input = ();
    type Output = Sandbox;
}
