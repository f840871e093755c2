//! The journal: the requests that an emulator received.

use std::collections::VecDeque;
use std::sync::Mutex;

use blaxel_core::Timestamp;
use tokio::sync::watch;

use crate::lock::lock;

/// Maximum number of requests in the journal. Older ones are removed.
const CAPACITY: usize = 10_000;

/// A request as it arrived, with the status of its response. Returned by
/// [`Emulator::journal`](crate::Emulator::journal).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The time of arrival, on the emulator's clock.
    pub at: Timestamp,
    /// The request id, which the response carries in the header `x-request-id`.
    pub request_id: String,
    /// The method, such as `GET`.
    pub method: String,
    /// The path as sent, such as `/v0/agents`.
    pub path: String,
    /// The query as sent, without the `?`.
    pub query: Option<String>,
    /// The API version that the request named.
    pub version: Option<String>,
    /// The operation, such as `ListAgents`, if the emulator knows it.
    pub operation: Option<String>,
    /// The kind of credential.
    pub credential: CredentialKind,
    /// The status of the response. `None` until it is sent, and for good if the connection was
    /// closed instead.
    pub status: Option<u16>,
}

/// The kind of credential that a request carried. The credential itself is never kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialKind {
    /// No bearer credential.
    None,
    /// A credential that is wrong or has expired.
    Rejected,
    /// An API key.
    ApiKey,
    /// A valid access token that the emulator issued.
    AccessToken,
}

/// The id of an entry in the journal.
#[derive(Clone, Copy)]
pub(crate) struct EntryId(u64);

#[derive(Default)]
pub(crate) struct Journal {
    entries: Mutex<Entries>,
    /// Sees each change.
    changes: watch::Sender<()>,
}

#[derive(Default)]
struct Entries {
    kept: VecDeque<Kept>,
    forgotten: u64,
    /// The number of changes so far.
    revision: u64,
    /// The revision at which the journal was emptied last.
    cleared: u64,
}

/// An entry, and the number of its last change.
struct Kept {
    revision: u64,
    entry: Entry,
}

/// The changes of a journal after a revision.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// The last revision.
    pub(crate) revision: u64,
    /// The entries that were added or amended, each with its revision, in the order of these.
    pub(crate) entries: Vec<(u64, Entry)>,
    /// `true` if the journal was emptied.
    pub(crate) is_cleared: bool,
}

impl Journal {
    /// Adds a request as it arrives.
    pub(crate) fn open(&self, entry: Entry) -> EntryId {
        let id = {
            let mut entries = lock(&self.entries);
            if entries.kept.len() == CAPACITY {
                entries.kept.pop_front();
                entries.forgotten += 1;
            }
            let revision = entries.next_revision();
            entries.kept.push_back(Kept { revision, entry });
            EntryId(entries.forgotten + entries.kept.len() as u64 - 1)
        };
        self.announce();
        id
    }

    /// Changes an entry, unless it has been removed.
    pub(crate) fn amend(&self, id: EntryId, change: impl FnOnce(&mut Entry)) {
        {
            let mut entries = lock(&self.entries);
            let revision = entries.next_revision();
            let index = id.0.checked_sub(entries.forgotten);
            let index = index.and_then(|index| usize::try_from(index).ok());
            if let Some(kept) = index.and_then(|index| entries.kept.get_mut(index)) {
                change(&mut kept.entry);
                kept.revision = revision;
            }
        }
        self.announce();
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        let entries = lock(&self.entries);
        entries.kept.iter().map(|kept| kept.entry.clone()).collect()
    }

    /// Returns the number of entries, and the last ones, newest first.
    pub(crate) fn newest(&self, count: usize) -> (usize, Vec<Entry>) {
        let entries = lock(&self.entries);
        let newest = entries.kept.iter().rev().take(count);
        let newest = newest.map(|kept| kept.entry.clone()).collect();
        (entries.kept.len(), newest)
    }

    pub(crate) fn clear(&self) {
        {
            let mut entries = lock(&self.entries);
            entries.forgotten += entries.kept.len() as u64;
            entries.kept.clear();
            entries.cleared = entries.next_revision();
        }
        self.announce();
    }

    /// Wakes those who follow the journal, which is mostly nobody.
    fn announce(&self) {
        if self.changes.receiver_count() > 0 {
            self.changes.send_replace(());
        }
    }

    /// Returns a receiver that sees each change.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Returns the number of changes so far.
    pub(crate) fn revision(&self) -> u64 {
        lock(&self.entries).revision
    }

    /// Returns the changes after a revision, of entries at most the last `limit`.
    pub(crate) fn since(&self, revision: u64, limit: usize) -> Changes {
        let entries = lock(&self.entries);
        let changed = entries.kept.iter().rev();
        let changed = changed.filter(|kept| kept.revision > revision).take(limit);
        let mut changed: Vec<_> = changed
            .map(|kept| (kept.revision, kept.entry.clone()))
            .collect();
        changed.sort_unstable_by_key(|(revision, _)| *revision);
        Changes {
            revision: entries.revision,
            entries: changed,
            is_cleared: entries.cleared > revision,
        }
    }
}

impl Entries {
    fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }
}
