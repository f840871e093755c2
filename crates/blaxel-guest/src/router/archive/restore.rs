//! Restoring an archive when a sandbox starts.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use axum::body::Bytes;
use http::{HeaderMap, Method};

use super::SavedProcess;
use super::store::Exchange;
use super::unpack::{Failure, Unpacked, unpack};
use crate::guest::Guest;
use crate::lock::lock;
use crate::router::call::Call;
use crate::state::{ArchiveState, Order, Quiescence, Restore, RestorePhase, State};

/// The variable with the presigned address of an archive.
const ADDRESS: &str = "BL_ARCHIVE_IMPORT_URL";
/// The limit on the time of a download.
const TIME_LIMIT: Duration = Duration::from_secs(3600);
/// The largest archive. It is in memory before it is unpacked.
const MAX_SIZE: u64 = 2 << 30;

/// Starts to restore the archive that the environment names. Later calls do nothing.
pub(in crate::router) fn restore_once(state: &Arc<State>) {
    if !state.archive.starts() {
        return;
    }
    let Some(url) = state.variable(ADDRESS) else {
        return;
    };
    let started = state.guest.clock().since_epoch();
    {
        let mut shared = lock(&state.archive.shared);
        shared.is_busy = true;
        (shared.phase, shared.since) = (Quiescence::Restoring, started);
        shared.restore = Some(Restore::new(started));
    }
    let job = Job {
        guest: Arc::clone(&state.guest),
        shared: Arc::clone(&state.archive.shared),
        // The task must not keep the server that it ends with.
        state: Arc::downgrade(state),
    };
    let task = tokio::spawn(async move { job.run(&url).await });
    state.archive.keep(task.abort_handle());
}

struct Job {
    guest: Arc<dyn Guest>,
    shared: Arc<Mutex<ArchiveState>>,
    state: Weak<State>,
}

impl Job {
    async fn run(self, url: &str) {
        let _awake = self.guest.clock().stay_awake();
        let restored = self.restore(url).await;
        let now = self.guest.clock().since_epoch();
        let mut is_quarantined = false;
        if let Err(failure) = &restored {
            // A machine that cannot be frozen stays as it is: the status tells what happened.
            is_quarantined = failure.has_written && self.guest.freeze(true).is_ok();
        }
        let mut shared = lock(&self.shared);
        shared.is_busy = false;
        shared.since = now;
        shared.phase = match is_quarantined {
            true => Quiescence::Quiesced,
            false => Quiescence::Active,
        };
        let error = restored.err().map(|failure| failure.message);
        shared.reason = error
            .as_ref()
            .map(|error| format!("restore failed: {error}"));
        if let Some(restore) = &mut shared.restore {
            restore.finished = Some(now);
            restore.phase = match error.is_some() {
                true => RestorePhase::Failed,
                false => RestorePhase::Succeeded,
            };
            restore.error = error;
        }
    }

    async fn restore(&self, url: &str) -> Result<(), Failure> {
        let download = self.guest.clock().timeout(TIME_LIMIT, self.download(url));
        let archive = download
            .await
            .unwrap_or_else(|| Err("the download took more than an hour".to_owned()));
        let archive = archive.map_err(|message| Failure {
            message,
            has_written: false,
        })?;
        self.report(|restore| restore.phase = RestorePhase::Extracting);
        let unpacked = Call::on_files(&self.guest, move |files| Ok(unpack(files, &archive))).await;
        let unpacked = unpacked.unwrap_or_else(|refusal| {
            Err(Failure {
                message: refusal.message().to_owned(),
                has_written: true,
            })
        });
        let Unpacked {
            restored,
            deleted,
            processes,
        } = unpacked?;
        self.report(|restore| {
            (restore.restored, restore.deleted) = (restored, deleted);
            restore.phase = RestorePhase::Relaunching;
        });
        for process in processes {
            self.relaunch(process).await;
        }
        Ok(())
    }

    fn report(&self, change: impl FnOnce(&mut Restore)) {
        if let Some(restore) = &mut lock(&self.shared).restore {
            change(restore);
        }
    }

    async fn download(&self, url: &str) -> Result<Vec<u8>, String> {
        let mut archive = Vec::new();
        let exchange = Exchange {
            purpose: "download",
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        let read = |chunk: &[u8], size: Option<u64>| {
            archive.extend_from_slice(chunk);
            let downloaded = archive.len() as u64;
            self.report(|restore| {
                restore.size = size.unwrap_or(0);
                restore.downloaded = downloaded;
            });
            match downloaded > MAX_SIZE {
                true => Err("the archive is larger than 2 GiB".to_owned()),
                false => Ok(()),
            }
        };
        exchange.run(read).await?;
        Ok(archive)
    }

    /// Starts a process again that ran when the archive was made. One that cannot be started is left
    /// out, as one that ends at once would be.
    async fn relaunch(&self, process: SavedProcess) {
        let Some(state) = self.state.upgrade() else {
            return;
        };
        let name = match process.name.is_empty() {
            true => state.processes.new_name(),
            false => process.name,
        };
        let order = Order {
            working_dir: process.working_dir,
            ..Order::new(name, process.command, state.version())
        };
        let _ = state.start_process(order).await;
    }
}
