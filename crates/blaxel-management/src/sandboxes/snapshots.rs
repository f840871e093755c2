//! Snapshots: stored states of a sandbox.

use blaxel_core::{Error, HttpService, OperationInfo, Timestamp, call, open_enum};
use bytes::Bytes;
use http::Method;

use super::Sandbox;
use super::fork::{Fork, Forked};
use crate::Management;
use crate::collection::Collection;
use crate::kind::{Created, Deleted, Fetched, Listed};
use crate::metadata::Generation;
use crate::operations::{Action, Perform};
use crate::parent_path::ParentPath;
use crate::size::Megabytes;
use crate::workload::{Port, VolumeAttachment};

response! {
    /// A snapshot: the files, processes and memory of a sandbox at one time.
    ///
    /// Its sandbox can be [restored](Collection::restore) to it, and other resources can be
    /// [forked](Collection::fork) from it. It belongs to the workspace: it stays when its sandbox is deleted, until
    /// it is deleted itself.
    pub struct Snapshot {
        /// The id of the snapshot, unique in the workspace.
        pub id: String,
        /// The name, unique among the snapshots of one sandbox. The server's default is the id.
        pub name: String,
        /// The sandbox that the snapshot was taken of.
        pub source: Option<SnapshotSource>,
        /// The settings of the sandbox at that time.
        pub spec: Option<SnapshotSpec>,
        /// The name of the sandbox, as older versions of the API have it.
        pub sandbox_name: Option<String>,
        /// The workspace that the snapshot belongs to.
        pub workspace: String,
        /// The current status.
        pub status: Option<SnapshotStatus>,
        /// The time of creation.
        pub created_at: Option<Timestamp>,
        /// The user or service account that created the snapshot.
        pub created_by: Option<String>,
    }

    /// The settings of a sandbox that a snapshot contains.
    #[doc(alias = "SandboxSnapshotSpec")]
    pub struct SnapshotSpec {
        /// The generation of the infrastructure. The snapshot can be restored and forked on this one only.
        pub generation: Option<Generation>,
        /// The region, in which restored and forked sandboxes run.
        pub region: Option<String>,
        /// The image.
        pub image: Option<String>,
        /// The memory.
        pub memory: Option<Megabytes>,
        /// The ports.
        pub ports: Option<Vec<Port>>,
        /// The mounted volumes. Their contents are not part of the snapshot.
        pub volumes: Option<Vec<VolumeAttachment>>,
    }

    /// The sandbox that was restored to a snapshot.
    #[doc(alias = "SandboxRestoreResponse")]
    pub struct RestoredSandbox {
        /// The name of the sandbox.
        pub name: String,
        /// The id of the snapshot.
        pub snapshot_id: String,
    }
}

record! {
    /// The request that creates a snapshot.
    ///
    /// ```
    /// use blaxel_management::sandboxes::NewSnapshot;
    ///
    /// let request = NewSnapshot::of_sandbox("code-runner").name("before-upgrade");
    /// assert_eq!(request.source.unwrap().name, "code-runner");
    /// ```
    #[doc(alias = "SandboxSnapshotRequest")]
    pub struct NewSnapshot {
        /// The name, unique among the snapshots of one sandbox. The server's default is the id.
        pub name: Option<String>,
        /// The sandbox to take the snapshot of. Required, except in the
        /// [collection of one sandbox](Collection::snapshots).
        pub source: Option<SnapshotSource>,
    }

    /// The source of a snapshot.
    #[doc(alias = "SandboxSnapshotSource")]
    pub struct SnapshotSource {
        /// The name of the source.
        pub name: String,
        /// The type of the source. The server's default is a sandbox.
        pub kind: Option<SnapshotSourceKind>,
        /// `true` if the source does not exist any more.
        #[server]
        pub deleted: Option<bool>,
    }
}

open_enum! {
    /// The type of the source of a snapshot.
    pub enum SnapshotSourceKind {
        /// A sandbox.
        Sandbox = "sandbox",
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

impl Snapshot {
    /// Returns `true` if the snapshot can be restored and forked.
    ///
    /// A snapshot is ready some time after its creation:
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::Wait;
    /// use blaxel_management::sandboxes::{NewSnapshot, Snapshot};
    ///
    /// let snapshots = management.snapshots();
    /// let snapshot = snapshots.create(&NewSnapshot::of_sandbox("code-runner")).await?;
    /// snapshots.wait_until(&snapshot.id, &Wait::new(), Snapshot::is_ready).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status == Some(SnapshotStatus::Ready)
    }
}

impl NewSnapshot {
    /// Takes a snapshot of the sandbox named `sandbox`.
    #[must_use]
    pub fn of_sandbox(sandbox: impl Into<String>) -> Self {
        let source = SnapshotSource::new(sandbox).kind(SnapshotSourceKind::Sandbox);
        Self::new().source(source)
    }
}

impl<S: HttpService> Management<S> {
    /// Returns the collection of the workspace's snapshots (`/snapshots`), also of those whose sandbox does not
    /// exist any more. They are identified by their ids.
    ///
    /// A search finds names, names of sandboxes and statuses. The platform has snapshots in private preview.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_core::ListParams;
    ///
    /// let failed = ListParams::new().search("failed");
    /// for snapshot in management.snapshots().all_with(&failed).await? {
    ///     management.snapshots().delete(&snapshot.id).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn snapshots(&self) -> Collection<Snapshot, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl<S: HttpService> Collection<Snapshot, S> {
    /// Forks the snapshot with this id into a sandbox or a revision of an application
    /// (`POST /snapshots/{snapshotName}/fork`).
    ///
    /// The sandbox that the snapshot was taken of need not exist any more. As long as it exists, its environment
    /// variables, lifecycle and network settings are taken over too.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::Fork;
    ///
    /// let forked = management.snapshots().fork("snap_1", &Fork::into_sandbox("code-runner-2")).await?;
    /// println!("{:?}", forked.name);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such snapshot; [`Error::is_conflict`] if the name of the new sandbox
    /// is taken; otherwise the error of the call.
    pub async fn fork(&self, id: &str, fork: &Fork) -> Result<Forked, Error> {
        call(
            &self.service,
            &Perform::<ForkSnapshot>::on([id]).input(fork),
        )
        .await
    }
}

impl<S: HttpService> Collection<Sandbox, S> {
    /// Returns the collection of the snapshots of a sandbox (`/sandboxes/{sandboxName}/snapshots`). They are
    /// identified by their ids or names.
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
    pub fn snapshots(&self, sandbox: &str) -> Collection<SandboxSnapshot, S> {
        self.under(sandbox)
    }
}

impl<S: HttpService> Collection<SandboxSnapshot, S> {
    /// Returns the snapshot with this id or name, or `None` if there is none. The API has no operation for this, so
    /// the snapshots are listed.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let snapshots = management.sandboxes().snapshots("code-runner");
    /// if let Some(snapshot) = snapshots.find("before-upgrade").await? {
    ///     println!("{}", snapshot.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such sandbox; otherwise the error of the call.
    pub async fn find(&self, id_or_name: &str) -> Result<Option<Snapshot>, Error> {
        let snapshots = self.all().await?;
        // An id counts before a name that looks like it.
        let by_id = snapshots.iter().position(|own| own.id == id_or_name);
        let found = by_id.or_else(|| snapshots.iter().position(|own| own.name == id_or_name));
        Ok(found.and_then(|place| snapshots.into_iter().nth(place)))
    }

    /// Restores the sandbox to its snapshot with this id or name
    /// (`POST /sandboxes/{sandboxName}/snapshots/{snapshotId}/restore`).
    ///
    /// The sandbox keeps its name, URL and previews, and gets the files, processes and memory of the snapshot.
    /// **Everything that changed since then is lost.** Take another snapshot first if it may be needed again.
    ///
    /// The call does not wait for the sandbox, so the first calls of the sandbox may have to be repeated. A
    /// `blaxel_transport::Client` repeats those that are idempotent.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let snapshots = management.sandboxes().snapshots("code-runner");
    /// let restored = snapshots.restore("before-upgrade").await?;
    /// println!("{} is at {} again", restored.name, restored.snapshot_id);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such sandbox or snapshot; otherwise the error of the call. After one
    /// that is [`maybe_applied`](Error::maybe_applied), the sandbox may have been restored: the call can be
    /// repeated, which discards what happened in between.
    pub async fn restore(&self, id_or_name: &str) -> Result<RestoredSandbox, Error> {
        let path = self.parent.names().chain([id_or_name]);
        call(&self.service, &Perform::<RestoreSandboxSnapshot>::on(path)).await
    }
}

/// The kind of the snapshots in the [collection of one sandbox](Collection::snapshots). Each of them is a
/// [`Snapshot`].
#[derive(Clone, Copy, Debug)]
pub struct SandboxSnapshot;

/// Forks a snapshot: `POST /snapshots/{snapshotName}/fork`.
#[derive(Clone, Copy, Debug)]
pub struct ForkSnapshot;

impl Action for ForkSnapshot {
    // Not idempotent: if the target is an application, a second request adds a second revision.
    const INFO: OperationInfo = OperationInfo::new(
        "ForkSnapshot",
        Method::POST,
        "/snapshots/{snapshotName}/fork",
    );
    type Input = Fork;
    type Output = Forked;
}

/// Restores a sandbox: `POST /sandboxes/{sandboxName}/snapshots/{snapshotId}/restore`.
#[derive(Clone, Copy, Debug)]
pub struct RestoreSandboxSnapshot;

impl Action for RestoreSandboxSnapshot {
    // Not idempotent: a second request discards what happened since the first one.
    const INFO: OperationInfo = OperationInfo::new(
        "RestoreSandboxSnapshot",
        Method::POST,
        "/sandboxes/{sandboxName}/snapshots/{snapshotId}/restore",
    );
    type Input = ();
    type Output = RestoredSandbox;
}

impl Listed for Snapshot {
    const LIST: OperationInfo = OperationInfo::new("ListSnapshots", Method::GET, "/snapshots")
        .with_parameters(&["cursor", "limit", "sort", "q", "anchor"]);
    type Item = Self;
}

impl Created for Snapshot {
    const CREATE: OperationInfo = OperationInfo::new("CreateSnapshot", Method::POST, "/snapshots");
    type Draft = NewSnapshot;
    type Made = Self;
}

impl Fetched for Snapshot {
    const GET: OperationInfo =
        OperationInfo::new("GetSnapshot", Method::GET, "/snapshots/{snapshotName}");
}

impl Deleted for Snapshot {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteSnapshot",
        Method::DELETE,
        "/snapshots/{snapshotName}",
    );
    type Response = ();

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

impl Listed for SandboxSnapshot {
    const LIST: OperationInfo = OperationInfo::new(
        "ListSandboxSnapshots",
        Method::GET,
        "/sandboxes/{sandboxName}/snapshots",
    )
    .with_parameters(&[]);
    type Item = Snapshot;
}

impl Created for SandboxSnapshot {
    const CREATE: OperationInfo = OperationInfo::new(
        "CreateSandboxSnapshot",
        Method::POST,
        "/sandboxes/{sandboxName}/snapshots",
    );
    type Draft = NewSnapshot;
    type Made = Snapshot;
}

impl Deleted for SandboxSnapshot {
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

#[cfg(feature = "wait")]
impl crate::wait::Watched for Snapshot {
    fn stage(&self) -> String {
        format!("{:?}", self.status)
    }

    fn failure(&self) -> Option<String> {
        if self.status != Some(SnapshotStatus::Failed) {
            return None;
        }
        let source = self.source.as_ref().map(|source| source.name.as_str());
        let source = source.or(self.sandbox_name.as_deref());
        let (name, source) = (&self.name, source.unwrap_or("unknown"));
        Some(format!(
            "has failed: the snapshot `{name}` of the sandbox `{source}` is not usable; delete it and create another one"
        ))
    }
}

#[cfg(all(test, feature = "wait"))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::Wait;
    use crate::scripted::{Reply, Script};

    fn is(status: &str) -> Reply {
        let source = json!({"name": "box", "kind": "sandbox"});
        let snapshot = json!({"id": "snap_1", "name": "before", "source": source,
            "workspace": "team", "status": status});
        Reply::json(200, &snapshot)
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_when_the_snapshot_is_ready() {
        let script = Script::new([is("pending"), is("pending"), is("ready")]);
        let snapshots = Management::new(script.clone()).snapshots();
        let wait = Wait::new();
        let ready = snapshots.wait_until("snap_1", &wait, Snapshot::is_ready);
        assert_eq!(ready.await.unwrap().name, "before");
        assert_eq!(script.elapsed(), Duration::from_secs(6));
        assert_eq!(script.lines()[0], "GET /snapshots/snap_1");
    }

    #[tokio::test(start_paused = true)]
    async fn the_error_of_a_failed_snapshot_names_it_and_its_sandbox() {
        let script = Script::new([is("pending"), is("failed")]);
        let snapshots = Management::new(script).snapshots();
        let wait = Wait::new();
        let failed = snapshots.wait_until("snap_1", &wait, Snapshot::is_ready);
        let error = failed.await.unwrap_err();
        assert!(error.is_failed());
        let text = error.to_string();
        for part in ["`snap_1`", "`before`", "`box`"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[tokio::test]
    async fn a_snapshot_of_a_sandbox_is_found_by_its_id_or_its_name() {
        let snapshot = |id: &str, name: &str| json!({"id": id, "name": name, "workspace": "team"});
        // The name of the first one is the id of the second one.
        let list = json!([snapshot("snap_1", "snap_2"), snapshot("snap_2", "before")]);
        let script = Script::new([Reply::json(200, &list)]);
        let sandboxes = Management::new(script.clone()).sandboxes();
        let snapshots = sandboxes.snapshots("box");
        for (wanted, found) in [
            ("snap_1", Some("snap_1")),
            ("snap_2", Some("snap_2")),
            ("before", Some("snap_2")),
            ("after", None),
        ] {
            let snapshot = snapshots.find(wanted).await.unwrap();
            let id = snapshot.as_ref().map(|snapshot| snapshot.id.as_str());
            assert_eq!(id, found, "{wanted}");
        }
        assert_eq!(script.lines()[0], "GET /sandboxes/box/snapshots");
    }
}
