//! The reports of exports and restores.

use blaxel_core::__private::lenient::{count, null_as_default, number, optional_object, text};
use blaxel_core::{Timestamp, open_enum};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lenient::{flag, texts, time};

/// The result of a completed export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExportReport {
    /// The description of the archive, which is also its first file.
    pub manifest: ArchiveManifest,
    /// The changed files. Only a dry run reports them.
    #[serde(default, deserialize_with = "null_as_default")]
    pub changes: Vec<ArchiveChange>,
    /// The time that the export took, as text such as `1.5s`.
    #[serde(default, deserialize_with = "text")]
    pub duration: Option<String>,
    /// The size of the archive, in bytes.
    #[serde(default, deserialize_with = "number")]
    pub size: Option<u64>,
    /// The processes that were stopped, as the server reports them.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub stopped_processes: Value,
    /// The number of bytes uploaded, or the server's statement that there was an upload.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub uploaded: Value,
}

impl ExportReport {
    pub(super) fn into_progress(self) -> ExportProgress {
        ExportProgress {
            state: ExportState::Succeeded,
            error: None,
            started_at: None,
            finished_at: None,
            size: self.size,
            uploaded: self.uploaded.as_u64(),
        }
    }
}

/// The description of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ArchiveManifest {
    /// The time at which the archive was created.
    pub created_at: Timestamp,
    /// The directory whose files the archive contains.
    pub root: String,
    /// The version of the format.
    #[serde(default)]
    pub version: Value,
    /// The number of added files.
    #[serde(default, deserialize_with = "number")]
    pub added: Option<u64>,
    /// The number of modified files.
    #[serde(default, deserialize_with = "number")]
    pub modified: Option<u64>,
    /// The paths of the deleted files.
    #[serde(default, deserialize_with = "texts")]
    pub deleted: Vec<String>,
    /// The version of the sandbox's API server.
    #[serde(default, deserialize_with = "text")]
    pub api_version: Option<String>,
    /// The paths that were left out.
    #[serde(default, deserialize_with = "texts")]
    pub excludes: Vec<String>,
    /// The device of the image that the files were compared with.
    #[serde(default, deserialize_with = "text")]
    pub image_device: Option<String>,
    /// The number of bytes of all files.
    #[serde(default, deserialize_with = "number")]
    pub payload_bytes: Option<u64>,
    /// `true` if the archive describes the processes.
    #[serde(default, deserialize_with = "flag")]
    pub processes: Option<bool>,
}

/// A changed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ArchiveChange {
    /// The kind of change.
    pub kind: ChangeKind,
    /// The path of the file.
    pub path: String,
    /// The size of the file, in bytes.
    #[serde(default, deserialize_with = "number")]
    pub size: Option<u64>,
}

open_enum! {
    /// The kind of change of a file, relative to the image of the sandbox.
    pub enum ChangeKind {
        /// The file was added.
        Added = "added",
        /// The file was modified.
        Modified = "modified",
        /// The file was deleted.
        Deleted = "deleted",
    }
}

/// The progress of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExportProgress {
    /// The state.
    pub state: ExportState,
    /// The reason for a failure.
    #[serde(default, deserialize_with = "text")]
    pub error: Option<String>,
    /// The time of the start.
    #[serde(default, deserialize_with = "time")]
    pub started_at: Option<Timestamp>,
    /// The time of the end.
    #[serde(default, deserialize_with = "time")]
    pub finished_at: Option<Timestamp>,
    /// The size of the archive, in bytes.
    #[serde(default, deserialize_with = "number")]
    pub size: Option<u64>,
    /// The number of bytes uploaded.
    #[serde(default, deserialize_with = "number")]
    pub uploaded: Option<u64>,
}

open_enum! {
    /// The state of an export.
    pub enum ExportState {
        /// The export is in progress.
        Running = "running",
        /// The archive is complete.
        Succeeded = "succeeded",
        /// The export failed.
        Failed = "failed",
    }
}

/// The state of a sandbox with regard to its archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ArchiveStatus {
    /// The state.
    pub state: ArchiveState,
    /// The export in progress, or the last one.
    #[serde(default, deserialize_with = "optional_object")]
    pub export: Option<ExportProgress>,
    /// `true` if the root file system is read-only.
    #[serde(default, deserialize_with = "flag")]
    pub read_only_root: Option<bool>,
    /// The reason for the state.
    #[serde(default, deserialize_with = "text")]
    pub reason: Option<String>,
    /// The restore of an archive, if the sandbox was created from one.
    #[serde(default, deserialize_with = "optional_object")]
    pub restore: Option<RestoreProgress>,
    /// The time since which the sandbox is in this state.
    #[serde(default, deserialize_with = "time")]
    pub since: Option<Timestamp>,
    /// The processes that were stopped, as the server reports them.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub stopped_processes: Value,
}

open_enum! {
    /// The state of a sandbox with regard to its archive.
    pub enum ArchiveState {
        /// The sandbox works as usual.
        Active = "active",
        /// The processes are being stopped.
        Quiescing = "quiescing",
        /// The sandbox is frozen: it refuses writes.
        Quiesced = "quiesced",
        /// An archive is being restored.
        Restoring = "restoring",
    }
}

/// The progress of a restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RestoreProgress {
    /// The state.
    pub state: RestoreState,
    /// The number of bytes downloaded.
    #[serde(default, deserialize_with = "count")]
    pub downloaded: u64,
    /// The size of the archive, in bytes; 0 if it is unknown.
    #[serde(default, deserialize_with = "count")]
    pub size: u64,
    /// The number of files restored.
    #[serde(default, deserialize_with = "number")]
    pub restored: Option<u64>,
    /// The number of files deleted.
    #[serde(default, deserialize_with = "number")]
    pub deleted: Option<u64>,
    /// The reason for a failure.
    #[serde(default, deserialize_with = "text")]
    pub error: Option<String>,
    /// The time of the start.
    #[serde(default, deserialize_with = "time")]
    pub started_at: Option<Timestamp>,
    /// The time of the end.
    #[serde(default, deserialize_with = "time")]
    pub finished_at: Option<Timestamp>,
}

open_enum! {
    /// The state of a restore.
    pub enum RestoreState {
        /// The archive is being downloaded.
        Downloading = "downloading",
        /// The files are being extracted.
        Extracting = "extracting",
        /// The processes are being started again.
        Relaunching = "relaunching",
        /// The restore is complete.
        Succeeded = "succeeded",
        /// The restore failed. The sandbox is read-only if files had been written.
        Failed = "failed",
    }
}
