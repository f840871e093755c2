//! Records: documents in the store.

use std::time::Duration;

use blaxel_guest::{Errno, SavedProcess, Volume};
use serde_json::Value;

use super::archive::Archive;
use super::revision::Revisions;
use super::stored::StoredDocument;
use super::timeline::Timeline;
use crate::clock::Clock;

/// The settings of one emulator that its resources show.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) workspace: String,
    /// The id of the account that owns the workspace.
    pub(crate) account: String,
    /// The emulator's origin, such as `http://127.0.0.1:4242`.
    pub(crate) origin: String,
    /// The base URL of the workloads.
    pub(crate) run_url: String,
    /// The domain, with its port if it has one, below which previews have host names of their own.
    pub(crate) preview_domain: String,
    /// The duration of each step of a deployment.
    pub(crate) deploy_time: Duration,
    /// The duration of a build.
    pub(crate) build_time: Duration,
    /// The duration of a deletion.
    pub(crate) delete_time: Duration,
    /// The time after its last use at which a sandbox goes on standby.
    pub(crate) standby_after: Duration,
    /// The duration of taking a snapshot.
    pub(crate) snapshot_time: Duration,
    /// The duration of archiving a sandbox, and of restoring it.
    pub(crate) archive_time: Duration,
}

/// The author of a change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Author<'a> {
    pub(crate) name: &'a str,
    /// The age given to the change. Zero except for sample resources.
    pub(crate) ago: Duration,
    /// Set if an upload follows, which is then deployed.
    pub(crate) uploads: bool,
}

/// A document in the store.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// A number that grows with every creation, so it orders records by creation without ties.
    pub(crate) serial: u64,
    pub(crate) name: String,
    /// The stored document: without computed members, and with its secrets.
    pub(crate) document: StoredDocument,
    /// The time of creation, since 1970-01-01T00:00:00Z.
    pub(crate) created: Duration,
    /// The time of the last use.
    pub(crate) used: Duration,
    pub(crate) timeline: Timeline,
    pub(crate) revisions: Revisions,
    /// The clock of its machine, which knows when it was last used. `None` before its first start.
    pub(crate) machine: Option<Clock>,
    /// The files of a volume or a drive.
    pub(crate) files: Option<Volume>,
    /// The contents that the next machine of a sandbox starts with, or those of a snapshot.
    pub(crate) contents: Contents,
    /// The archive of a sandbox.
    pub(crate) archive: Option<Archive>,
    /// The secrets that the server generated at the last write.
    pub(super) new_secrets: Vec<String>,
}

/// The contents of a machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    /// The files on its disk. `None` for those of its image.
    pub(crate) files: Option<Volume>,
    /// The processes that run.
    pub(crate) processes: Vec<SavedProcess>,
}

impl Contents {
    /// Returns a copy, which does not follow later changes.
    ///
    /// # Errors
    ///
    /// If this machine has no room for the files, for example.
    pub(crate) fn snapshot(&self) -> Result<Self, Errno> {
        Ok(Self {
            files: self.files.as_ref().map(Volume::snapshot).transpose()?,
            processes: self.processes.clone(),
        })
    }
}

impl Record {
    /// Returns the status from the timeline, or else the one in the document.
    pub(crate) fn status(&self, now: Duration) -> &str {
        let stored = || self.document.get("status").and_then(Value::as_str);
        self.timeline
            .status(now)
            .or_else(stored)
            .unwrap_or_default()
    }
}
