//! Archives: the export of the files that differ from the image, and their restoration.

mod changes;
mod options;
mod pack;
mod restore;
mod store;
mod unpack;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use self::changes::{Change, Kind, compare};
use self::options::{ExportOptions, Target};
pub(super) use self::restore::restore_once;
use super::call::{Call, into_response};
use super::respond::{HandlerResult, Refusal, json, ok};
use super::route::Route;
use crate::clock::timestamp;
use crate::errno::Errno;
use crate::guest::Guest;
use crate::lock::lock;
use crate::state::{ArchiveState, Export, Order, Quiescence, Record, Restore, RestorePhase, State};
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[
    Route {
        operation: "ExportArchive",
        method: Method::POST,
        pattern: "/archive/export",
        since: ServerVersion::Current,
        handler: |call| Box::pin(async move { into_response(export(call).await) }),
    },
    Route {
        operation: "ResumeArchive",
        method: Method::POST,
        pattern: "/archive/resume",
        since: ServerVersion::Current,
        handler: |call| Box::pin(async move { into_response(resume(&call)) }),
    },
    Route {
        operation: "GetArchiveStatus",
        method: Method::GET,
        pattern: "/archive/status",
        since: ServerVersion::Current,
        handler: |call| Box::pin(async move { into_response(status(&call)) }),
    },
];

/// The version of the format.
const VERSION: u32 = 1;

/// The description of an archive, which is also its first file.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    version: u32,
    created_at: String,
    root: &'static str,
    api_version: &'static str,
    added: usize,
    modified: usize,
    deleted: Vec<String>,
    excludes: Vec<String>,
    payload_bytes: u64,
    processes: bool,
}

/// A process that ran when the archive was made. Its environment is left out: it may have secrets.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct SavedProcess {
    name: String,
    command: String,
    working_dir: String,
}

impl SavedProcess {
    fn of(record: &Record) -> Self {
        let Order {
            name,
            command,
            working_dir,
            ..
        } = record.order.clone();
        Self {
            name,
            command,
            working_dir,
        }
    }
}

/// The result of an export or of a dry run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Exported {
    manifest: Manifest,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<Change>>,
    duration: String,
    size: u64,
    uploaded: u64,
    stopped_processes: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    state: &'static str,
    started_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
    size: u64,
    uploaded: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Progress {
    fn of(export: Export) -> Self {
        let (state, error) = match export.outcome {
            None => ("running", None),
            Some(Ok(())) => ("succeeded", None),
            Some(Err(error)) => ("failed", Some(error)),
        };
        Self {
            state,
            started_at: timestamp(export.started).to_string(),
            finished_at: export.finished.map(|time| timestamp(time).to_string()),
            size: export.size,
            uploaded: export.uploaded,
            error,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RestoreStatus {
    state: &'static str,
    started_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
    downloaded: u64,
    size: u64,
    restored: usize,
    deleted: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl RestoreStatus {
    fn of(restore: Restore) -> Self {
        Self {
            state: match restore.phase {
                RestorePhase::Downloading => "downloading",
                RestorePhase::Extracting => "extracting",
                RestorePhase::Relaunching => "relaunching",
                RestorePhase::Succeeded => "succeeded",
                RestorePhase::Failed => "failed",
            },
            started_at: timestamp(restore.started).to_string(),
            finished_at: restore.finished.map(|time| timestamp(time).to_string()),
            downloaded: restore.downloaded,
            size: restore.size,
            restored: restore.restored,
            deleted: restore.deleted,
            error: restore.error,
        }
    }
}

fn status(call: &Call) -> HandlerResult {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        state: &'static str,
        since: String,
        read_only_root: bool,
        stopped_processes: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        export: Option<Progress>,
        #[serde(skip_serializing_if = "Option::is_none")]
        restore: Option<RestoreStatus>,
    }
    let state = lock(&call.state.archive.shared).clone();
    let since = state.since.max(call.state.started);
    ok(&Status {
        state: match state.phase {
            Quiescence::Active => "active",
            Quiescence::Quiescing => "quiescing",
            Quiescence::Quiesced => "quiesced",
            Quiescence::Restoring => "restoring",
        },
        since: timestamp(since).to_string(),
        read_only_root: matches!(state.phase, Quiescence::Quiescing | Quiescence::Quiesced),
        stopped_processes: state.stopped,
        reason: state.reason,
        export: state.export.map(Progress::of),
        restore: state.restore.map(RestoreStatus::of),
    })
}

fn resume(call: &Call) -> HandlerResult {
    {
        let mut state = lock(&call.state.archive.shared);
        if state.is_busy {
            return Err(in_progress(&state));
        }
        let now = call.state.guest.clock().since_epoch();
        thaw(&*call.state.guest, &mut state, now).map_err(Refusal::internal)?;
    }
    status(call)
}

fn in_progress(state: &ArchiveState) -> Refusal {
    let message = match state.phase {
        Quiescence::Restoring => "the restoration of an archive is in progress",
        _ => "an export is already in progress",
    };
    Refusal::new(StatusCode::CONFLICT, message)
}

/// Lets the sandbox accept writes again.
fn thaw(guest: &dyn Guest, state: &mut ArchiveState, now: Duration) -> Result<(), Errno> {
    if state.phase != Quiescence::Active {
        guest.freeze(false)?;
        (state.phase, state.since) = (Quiescence::Active, now);
        state.reason = None;
    }
    Ok(())
}

async fn export(mut call: Call) -> HandlerResult {
    let options: ExportOptions = call.take_json().await?;
    let is_async = options.is_async();
    let target = options.target().map_err(Refusal::bad_request)?;
    let started = call.state.guest.clock().since_epoch();
    {
        let mut state = lock(&call.state.archive.shared);
        if state.is_busy {
            return Err(in_progress(&state));
        }
        if state.phase == Quiescence::Quiesced && target.is_some() {
            let message = "the sandbox is frozen by an earlier export: resume it first";
            return Err(Refusal::new(StatusCode::CONFLICT, message));
        }
        state.is_busy = true;
        if target.is_some() {
            state.export = Some(Export {
                started,
                outcome: None,
                finished: None,
                size: 0,
                uploaded: 0,
            });
            (state.phase, state.since) = (Quiescence::Quiescing, started);
        }
    }
    // The export goes on if the client of this request goes away, and ends with the server.
    let job = Job::new(&call.state, &options, target, started);
    let (sender, receiver) = oneshot::channel();
    let task = tokio::spawn(async move {
        let _ = sender.send(job.run().await);
    });
    call.state.archive.keep(task.abort_handle());
    if is_async {
        let export = lock(&call.state.archive.shared).export.clone();
        let progress = export.map(Progress::of);
        return Ok(json(StatusCode::ACCEPTED, &progress));
    }
    let ended = receiver.await.map_err(Refusal::internal)?;
    ok(&ended.map_err(Refusal::internal)?)
}

fn into_message(refusal: Refusal) -> String {
    refusal.message().to_owned()
}

/// An export that has been accepted.
struct Job {
    guest: Arc<dyn Guest>,
    shared: Arc<std::sync::Mutex<ArchiveState>>,
    processes: Vec<Arc<Record>>,
    saves_processes: bool,
    stop_timeout: Duration,
    excludes: Vec<String>,
    /// The paths of what does not belong to the sandbox: drives, volumes, and the platform's own
    /// file.
    mounts: Vec<String>,
    /// `None` for a dry run.
    target: Option<Target>,
    started: Duration,
}

impl Job {
    fn new(
        state: &State,
        options: &ExportOptions,
        target: Option<Target>,
        started: Duration,
    ) -> Self {
        let mounts = lock(&state.mounts);
        let mounts = mounts
            .iter()
            .map(|mounted| mounted.mount.mount_path.clone())
            .chain(state.volumes.iter().cloned())
            .chain([state.metadata_path.clone()])
            .chain(state.guest.foreign_paths())
            .collect();
        Self {
            guest: Arc::clone(&state.guest),
            shared: Arc::clone(&state.archive.shared),
            processes: state.processes.all(),
            saves_processes: options.saves_processes(),
            stop_timeout: options.stop_timeout(),
            excludes: options.excludes(),
            mounts,
            target,
            started,
        }
    }

    /// Runs the export, and records its end.
    async fn run(self) -> Result<Exported, String> {
        let result = match &self.target {
            None => self.compare().await.map(|(manifest, changes)| {
                let changes = Some(changes);
                self.exported(manifest, changes, 0)
            }),
            Some(target) => self.upload(target).await,
        };
        let now = self.guest.clock().since_epoch();
        let mut state = lock(&self.shared);
        state.is_busy = false;
        if self.target.is_some() {
            if result.is_ok() {
                (state.phase, state.since) = (Quiescence::Quiesced, now);
            } else {
                // The error of the export says more than one of lifting its effects.
                let _ = thaw(&*self.guest, &mut state, now);
            }
            if let Some(export) = &mut state.export {
                export.finished = Some(now);
                export.outcome = Some(result.as_ref().map(drop).map_err(String::clone));
            }
        }
        drop(state);
        result
    }

    async fn upload(&self, target: &Target) -> Result<Exported, String> {
        let stopped = self.stop_processes().await;
        let frozen = self.guest.freeze(true);
        frozen.map_err(|errno| format!("cannot freeze the sandbox: {errno}"))?;
        let (manifest, changes) = self.compare().await?;
        let packed = {
            let (manifest, changes) = (manifest.clone(), changes.clone());
            let now = self.guest.clock().since_epoch();
            Call::on_files(&self.guest, move |files| {
                pack::pack(files, &manifest, &stopped, &changes, now).map_err(Refusal::internal)
            })
        };
        let archive = packed.await.map_err(into_message)?;
        let size = archive.len() as u64;
        if let Some(export) = &mut lock(&self.shared).export {
            export.size = size;
        }
        target.send(self.guest.clock(), archive).await?;
        if let Some(export) = &mut lock(&self.shared).export {
            export.uploaded = size;
        }
        Ok(self.exported(manifest, None, size))
    }

    /// Stops all processes, and returns those that ran if they are to be saved.
    async fn stop_processes(&self) -> Vec<SavedProcess> {
        let is_running = |record: &&Arc<Record>| record.is_running();
        let running: Vec<_> = self.processes.iter().filter(is_running).collect();
        lock(&self.shared).stopped = running.len();
        // A process that has just ended cannot be stopped, and need not be.
        for record in &running {
            let _ = record.stop().await;
        }
        let ended = async {
            for record in &running {
                record.wait().await;
            }
        };
        let clock = self.guest.clock();
        if clock.timeout(self.stop_timeout, ended).await.is_none() {
            for record in &running {
                let _ = record.kill().await;
            }
        }
        let saved = running.into_iter().filter(|_| self.saves_processes);
        saved.map(|record| SavedProcess::of(record)).collect()
    }

    fn exported(&self, manifest: Manifest, changes: Option<Vec<Change>>, size: u64) -> Exported {
        let taken = self
            .guest
            .clock()
            .since_epoch()
            .saturating_sub(self.started);
        Exported {
            manifest,
            changes,
            duration: format!("{}s", taken.as_secs_f64()),
            size,
            uploaded: size,
            stopped_processes: lock(&self.shared).stopped,
        }
    }

    /// Compares the files with those of the image.
    async fn compare(&self) -> Result<(Manifest, Vec<Change>), String> {
        let image = self.guest.image();
        let image = image.ok_or("the image of the sandbox is not known")?;
        let mut skipped = self.mounts.clone();
        skipped.extend(self.excludes.iter().cloned());
        let compared = Call::on_files(&self.guest, move |files| {
            compare(files, &*image, &skipped).map_err(Refusal::internal)
        });
        let changes = compared.await.map_err(into_message)?;
        let count = |kind| changes.iter().filter(|change| change.kind == kind).count();
        let gone = changes.iter().filter(|change| change.kind == Kind::Deleted);
        let manifest = Manifest {
            version: VERSION,
            created_at: timestamp(self.started).to_string(),
            root: "/",
            api_version: env!("CARGO_PKG_VERSION"),
            added: count(Kind::Added),
            modified: count(Kind::Modified),
            deleted: gone.map(|change| change.path.clone()).collect(),
            excludes: self.excludes.clone(),
            payload_bytes: changes.iter().map(|change| change.size).sum(),
            processes: self.saves_processes,
        };
        Ok((manifest, changes))
    }
}
