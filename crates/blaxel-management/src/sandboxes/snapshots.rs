//! Snapshots: stored states of a sandbox.

use blaxel_core::{Error, HttpService, OperationInfo, Timestamp, open_enum};
use bytes::Bytes;
use http::Method;

use super::Sandbox;
use crate::collection::Collection;
use crate::kind::{Created, Deleted, Listed};

response! {
    /// A snapshot: the stored state of a sandbox, from which other resources can be [forked](super::Fork).
    #[doc(alias = "SandboxSnapshot")]
    pub struct Snapshot {
        /// The id of the snapshot.
        pub id: String,
        /// The name of the snapshot, if it has one.
        pub name: Option<String>,
        /// The name of the sandbox.
        pub sandbox_name: String,
        /// The workspace that the sandbox belongs to.
        pub workspace: String,
        /// The current status.
        pub status: Option<SnapshotStatus>,
        /// The time of creation.
        pub created_at: Option<Timestamp>,
        /// The user or service account that created the snapshot.
        pub created_by: Option<String>,
    }
}

record! {
    /// The request that creates a snapshot.
    #[doc(alias = "SandboxSnapshotRequest")]
    pub struct NewSnapshot {
        /// The name that user interfaces show.
        pub name: Option<String>,
    }
}

open_enum! {
    /// The status of a snapshot.
    pub enum SnapshotStatus {
        /// The snapshot is being created.
        Pending = "pending",
        /// The snapshot is ready for use.
        Ready = "ready",
        /// The creation failed.
        Failed = "failed",
    }
}

resource! { Snapshot { name: id, created_at: created_at, status: status } }

impl<S: HttpService> Collection<Sandbox, S> {
    /// Returns the collection of the snapshots of a sandbox (`/sandboxes/{sandboxName}/snapshots`).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::NewSnapshot;
    ///
    /// let snapshots = management.sandboxes().snapshots("code-runner");
    /// let snapshot = snapshots.create(&NewSnapshot::new().name("before-upgrade")).await?;
    /// println!("{} is {:?}", snapshot.id, snapshot.status);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn snapshots(&self, sandbox: &str) -> Collection<Snapshot, S> {
        self.under(sandbox)
    }
}

impl Listed for Snapshot {
    const LIST: OperationInfo = OperationInfo::new(
        "ListSandboxSnapshots",
        Method::GET,
        "/sandboxes/{sandboxName}/snapshots",
    )
    .with_parameters(&[]);
    type Item = Self;
}

impl Created for Snapshot {
    const CREATE: OperationInfo = OperationInfo::new(
        "CreateSandboxSnapshot",
        Method::POST,
        "/sandboxes/{sandboxName}/snapshots",
    );
    type Draft = NewSnapshot;
    type Made = Self;
}

impl Deleted for Snapshot {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteSandboxSnapshot",
        Method::DELETE,
        "/sandboxes/{sandboxName}/snapshots/{snapshotId}",
    );
    type Response = ();

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}
