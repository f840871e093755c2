//! What the emulator was asked.

use std::collections::VecDeque;
use std::sync::Mutex;

use blaxel_core::Timestamp;

use crate::lock::lock;

/// How many requests are remembered; older ones are forgotten.
const CAPACITY: usize = 10_000;

/// One request, as it arrived, and the status of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// When it arrived, by the emulator's clock.
    pub at: Timestamp,
    /// The id it was answered with, in the header `x-request-id`.
    pub request_id: String,
    /// The method, such as `GET`.
    pub method: String,
    /// The path as sent, such as `/v0/agents`.
    pub path: String,
    /// The query as sent, without the `?`.
    pub query: Option<String>,
    /// The API version the request named.
    pub version: Option<String>,
    /// The operation it is, such as `ListAgents`, if the emulator knows it.
    pub operation: Option<String>,
    /// Who asked.
    pub credential: CredentialKind,
    /// The status of the answer; `None` while there is none, and for ever if the connection was cut.
    pub status: Option<u16>,
}

/// What kind of credential a request carried. The credential itself is never kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialKind {
    /// None that the resource side looks at.
    None,
    /// One that is wrong or has expired.
    Rejected,
    /// The API key.
    ApiKey,
    /// An access token that the emulator issued and that is still valid.
    AccessToken,
}

/// The id of a request in the journal.
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
    /// Writes down a request as it arrives.
    pub(crate) fn open(&self, entry: Entry) -> EntryId {
        let mut entries = lock(&self.0);
        if entries.kept.len() == CAPACITY {
            entries.kept.pop_front();
            entries.forgotten += 1;
        }
        entries.kept.push_back(entry);
        EntryId(entries.forgotten + entries.kept.len() as u64 - 1)
    }

    /// Completes an entry, unless it is forgotten.
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
