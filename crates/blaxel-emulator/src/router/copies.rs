//! Copies of the contents of sandboxes and snapshots.
//!
//! A copy takes as long as a disk is large, so it is made on a thread for blocking work, and the store is not locked
//! meanwhile. A handler checks what it needs before the copy, and again when it has the copy.

use blaxel_guest::{Errno, Volume};
use http::StatusCode;
use tokio::sync::watch;

use super::call::Call;
use super::records::not_found;
use crate::background::{drop_in_background, in_background};
use crate::errors::ErrorResponse;
use crate::guests::{Frozen, Source};
use crate::state::{Collection, Contents, Kind, OpenStore, Record, SANDBOXES, SNAPSHOTS};

/// A sandbox or a snapshot whose contents are going to be copied.
pub(super) struct Original {
    record: RecordId,
    source: Source,
}

/// A copy of contents. It is removed if nobody takes it.
pub(super) struct Copied {
    record: RecordId,
    ended: Option<watch::Receiver<()>>,
    contents: Contents,
    _frozen: Option<Frozen>,
}

/// A record that is not taken for a later one of its name.
struct RecordId {
    kind: &'static Kind,
    name: String,
    serial: u64,
}

impl RecordId {
    fn of(kind: &'static Kind, record: &Record) -> Self {
        Self {
            kind,
            name: record.name.clone(),
            serial: record.serial,
        }
    }

    /// Fails with 404 if the record does not exist any more.
    fn require(&self, store: &OpenStore) -> Result<(), ErrorResponse> {
        let record = store.get(&Collection::top(self.kind), &self.name);
        match record.is_some_and(|record| record.serial == self.serial) {
            true => Ok(()),
            false => Err(not_found(self.kind)),
        }
    }
}

impl Original {
    pub(super) fn sandbox(call: &Call, store: &OpenStore, record: &Record) -> Self {
        Self {
            record: RecordId::of(&SANDBOXES, record),
            source: call.engine.guests.contents_of(store, record),
        }
    }

    pub(super) fn snapshot(record: &Record) -> Self {
        Self {
            record: RecordId::of(&SNAPSHOTS, record),
            source: Source::stored(&record.contents),
        }
    }

    /// Copies the contents. The store must not be locked.
    pub(super) async fn copy(self) -> Result<Copied, ErrorResponse> {
        self.copy_with(|_| None).await
    }

    /// Copies the contents of a machine that is going to end. Its disk is read-only meanwhile, so that no write is lost
    /// that the machine has confirmed.
    pub(super) async fn copy_frozen(self) -> Result<Copied, ErrorResponse> {
        self.copy_with(Source::freeze).await
    }

    async fn copy_with(
        self,
        freeze: impl FnOnce(&Source) -> Option<Frozen> + Send + 'static,
    ) -> Result<Copied, ErrorResponse> {
        let Self { record, source } = self;
        let ended = source.ended();
        let work = move || {
            let frozen = freeze(&source);
            Ok((source.copy()?, frozen))
        };
        let done = in_background(work).await.unwrap_or(Err(Errno::Io));
        let (contents, frozen) = done.map_err(not_copied)?;
        Ok(Copied {
            record,
            ended,
            contents,
            _frozen: frozen,
        })
    }
}

impl Copied {
    /// Returns the files, which are shared.
    pub(super) fn files(&self) -> Option<Volume> {
        self.contents.files.clone()
    }

    /// Takes the contents out.
    ///
    /// # Errors
    ///
    /// If the original does not exist any more, or if its machine has ended, which the copy may lack files of.
    pub(super) fn take(&mut self, store: &OpenStore) -> Result<Contents, ErrorResponse> {
        self.record.require(store)?;
        // Nothing is ever sent: the machine drops the sender.
        let ended = self.ended.as_ref();
        match ended.is_some_and(|ended| ended.has_changed().is_err()) {
            true => Err(self.outdated()),
            false => Ok(std::mem::take(&mut self.contents)),
        }
    }

    /// Takes the contents out of a frozen copy of a sandbox, whose machine is ended next.
    ///
    /// # Errors
    ///
    /// Those of [`take`](Self::take); and if a machine was started meanwhile, because nothing made it read-only.
    pub(super) fn take_frozen(
        &mut self,
        call: &Call,
        store: &OpenStore,
        sandbox: &Record,
    ) -> Result<Contents, ErrorResponse> {
        let now = call.engine.guests.contents_of(store, sandbox);
        match self.ended.is_none() && now.ended().is_some() {
            true => Err(self.outdated()),
            false => self.take(store),
        }
    }

    fn outdated(&self) -> ErrorResponse {
        let name = &self.record.name;
        let message = format!("The sandbox {name:?} was started again while it was copied.");
        ErrorResponse::explained(StatusCode::CONFLICT, "Conflict", message)
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        if let Some(files) = self.contents.files.take() {
            drop_in_background(files);
        }
    }
}

/// Returns the error of a copy of files that this machine has no room for, for example.
pub(super) fn not_copied(errno: Errno) -> ErrorResponse {
    let message = format!("The files of the sandbox cannot be copied: {errno}.");
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    ErrorResponse::explained(status, "Internal Server Error", message)
}
