//! The journal: the requests that an emulator received.

use std::collections::VecDeque;
use std::sync::Mutex;

use blaxel_core::Timestamp;

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
pub(crate) struct Journal(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    kept: VecDeque<Entry>,
    forgotten: u64,
}

impl Journal {
    /// Adds a request as it arrives.
    pub(crate) fn open(&self, entry: Entry) -> EntryId {
        let mut entries = lock(&self.0);
        if entries.kept.len() == CAPACITY {
            entries.kept.pop_front();
            entries.forgotten += 1;
        }
        entries.kept.push_back(entry);
        EntryId(entries.forgotten + entries.kept.len() as u64 - 1)
    }

    /// Changes an entry, unless it has been removed.
    pub(crate) fn amend(&self, id: EntryId, change: impl FnOnce(&mut Entry)) {
        let mut entries = lock(&self.0);
        let index = id.0.checked_sub(entries.forgotten);
        let index = index.and_then(|index| usize::try_from(index).ok());
        if let Some(entry) = index.and_then(|index| entries.kept.get_mut(index)) {
            change(entry);
        }
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        lock(&self.0).kept.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        let mut entries = lock(&self.0);
        entries.forgotten += entries.kept.len() as u64;
        entries.kept.clear();
    }
}
