//! Snapshots: a sandbox as it was at a moment.

use blaxel_core::{Error, HttpService, OperationInfo, Timestamp, open_enum};
use bytes::Bytes;
use http::Method;

use super::Sandbox;
use crate::collection::Collection;
use crate::kind::{Created, Deleted, Listed};

response! {
    /// A sandbox as it was at a moment, from which others can be [forked](super::Fork).
    #[doc(alias = "SandboxSnapshot")]
    pub struct Snapshot {
        /// Its id.
        pub id: String,
        /// Its name, if it was given one.
        pub name: Option<String>,
        /// The sandbox it is of.
        pub sandbox_name: String,
        /// The workspace the sandbox belongs to.
        pub workspace: String,
        /// Where it stands.
        pub status: Option<SnapshotStatus>,
        /// When it was made.
        pub created_at: Option<Timestamp>,
        /// Who made it.
        pub created_by: Option<String>,
    }
}

record! {
    /// A snapshot to be made.
    #[doc(alias = "SandboxSnapshotRequest")]
    pub struct NewSnapshot {
        /// What people are to call it.
        pub name: Option<String>,
    }
}

open_enum! {
    /// Where a snapshot stands.
    pub enum SnapshotStatus {
        /// It is being made.
        Pending = "pending",
        /// It can be used.
        Ready = "ready",
        /// It could not be made.
        Failed = "failed",
    }
}

resource! { Snapshot { name: id, created_at: created_at, status: status } }

impl<S: HttpService> Collection<Sandbox, S> {
    /// The snapshots of a sandbox.
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
