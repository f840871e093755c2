//! The journal: the requests that an emulator received.

mod message;
mod recording;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use blaxel_core::Timestamp;
use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::watch;

pub(crate) use self::recording::Recording;
use crate::lock::lock;

/// Maximum number of requests in the journal. Older ones are removed.
const CAPACITY: usize = 10_000;

/// Maximum number of bytes of all bodies in the journal. Older ones are removed.
const BODIES: usize = 64 << 20;

/// A request as it arrived, with what is known of its response. Returned by
/// [`Emulator::journal`](crate::Emulator::journal).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The time of arrival, on the emulator's clock.
    pub at: Timestamp,
    /// The real time of arrival.
    pub started: SystemTime,
    /// The time at which the head of the response was sent. `None` until then, and for good if the
    /// connection was closed instead.
    pub head: Option<Moment>,
    /// The time at which the response ended, or was abandoned. `None` until then.
    pub end: Option<Moment>,
    /// `true` if the call ended before its response was complete: the connection was closed, by
    /// either side.
    pub is_cut: bool,
    /// The request id, which the response carries in the header `x-request-id`.
    pub request_id: String,
    /// The method, such as `GET`.
    pub method: String,
    /// The path, such as `/v0/agents`. Secrets in it are masked.
    pub path: String,
    /// The query, without the `?`. Secrets in it are masked.
    pub query: Option<String>,
    /// The place of a secret in the address, such as ``the query parameter `api_key` ``. Proxies and
    /// servers log addresses, so secrets do not belong there. Addresses that the platform signs, and
    /// the query parameter for the token of a preview, do not count.
    pub secret_in_url: Option<String>,
    /// The API version that the request named.
    pub version: Option<String>,
    /// The operation, such as `ListAgents`, if the emulator knows it.
    pub operation: Option<String>,
    /// The kind of credential.
    pub credential: CredentialKind,
    /// The holder of a valid credential: the e-mail address of a user, or the id of a service account
    /// or an OAuth 2.0 client.
    pub caller: Option<String>,
    /// The id of a valid credential: the name of an API key of a service account, or the number of an
    /// access token (`jti`). The emulator's own API key has none.
    pub credential_id: Option<String>,
    /// The number of times that the operation took place: not at all if the request was refused or met
    /// a fault before, and twice if it was delivered twice.
    pub times_processed: u32,
    /// The incident that the chaos mode let the request meet.
    pub incident: Option<&'static str>,
    /// The status of the response. `None` until it is sent, and for good if the connection was
    /// closed instead.
    pub status: Option<u16>,
    /// The contents of the request, if [`Builder::journal_contents`](crate::Builder::journal_contents)
    /// is set.
    pub request: Option<Message>,
    /// The contents of the response, if they are kept. See [`request`](Self::request).
    pub response: Option<Message>,
}

impl Entry {
    /// Returns the entry of a request that has just arrived, without what it is about.
    pub(crate) fn arrived(at: Timestamp, started: SystemTime) -> Self {
        Self {
            at,
            started,
            head: None,
            end: None,
            is_cut: false,
            request_id: String::new(),
            method: String::new(),
            path: String::new(),
            query: None,
            secret_in_url: None,
            version: None,
            operation: None,
            credential: CredentialKind::None,
            caller: None,
            credential_id: None,
            times_processed: 0,
            incident: None,
            status: None,
            request: None,
            response: None,
        }
    }

    /// Returns the path with the query.
    pub(crate) fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// Returns the entry in one line, for messages.
    pub(crate) fn line(&self) -> String {
        let status = match (self.status, self.end) {
            (Some(status), _) => status.to_string(),
            (None, Some(_)) => "no response".to_owned(),
            (None, None) => "not answered yet".to_owned(),
        };
        let processed = match self.times_processed {
            0 => ", not processed".to_owned(),
            1 => String::new(),
            times => format!(", processed {times} times"),
        };
        let cut = if self.is_cut { ", cut" } else { "" };
        format!(
            "{} {} {} {} -> {status}{processed}{cut}",
            self.request_id,
            self.operation.as_deref().unwrap_or("-"),
            self.method,
            self.target(),
        )
    }
}

/// A moment of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moment {
    /// The time since 1970-01-01T00:00:00Z on the emulator's clock.
    pub at: Duration,
    /// The real time since the request arrived.
    pub after: Duration,
}

/// The headers and the body of a request or a response. Secrets in them are masked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The headers. The value of a credential is `****`, after its scheme.
    pub headers: HeaderMap,
    /// The bytes of the body that were kept.
    pub body: Bytes,
    /// The number of bytes of the body that passed, also if they were not kept.
    pub size: u64,
    /// `true` if the whole body was kept, apart from its secrets.
    pub is_whole: bool,
}

/// The number of times that an operation was asked for, and took place. Returned by
/// [`Emulator::operation_count`](crate::Emulator::operation_count).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperationCount {
    /// The number of requests.
    pub requests: u64,
    /// The number of times that it took place.
    pub processed: u64,
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

impl CredentialKind {
    /// Returns the name in documents.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Rejected => "rejected",
            Self::ApiKey => "api_key",
            Self::AccessToken => "access_token",
        }
    }
}

/// The id of an entry in the journal.
#[derive(Clone, Copy)]
pub(crate) struct EntryId(u64);

#[derive(Default)]
pub(crate) struct Journal {
    entries: Mutex<Entries>,
    /// The numbers of times that each operation was asked for, and took place. They outlive the entries.
    counts: Mutex<BTreeMap<String, OperationCount>>,
    /// Sees each change.
    changes: watch::Sender<()>,
}

#[derive(Default)]
struct Entries {
    kept: VecDeque<Kept>,
    forgotten: u64,
    /// The bytes of the bodies.
    bytes: usize,
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
        let id = lock(&self.entries).add(entry);
        self.announce();
        id
    }

    /// Changes an entry, unless it has been removed.
    pub(crate) fn amend(&self, id: EntryId, change: impl FnOnce(&mut Entry)) {
        lock(&self.entries).amend(id, change);
        self.announce();
    }

    /// Records the operation of a request.
    pub(crate) fn asked(&self, id: EntryId, operation: &str) {
        self.amend(id, |entry| entry.operation = Some(operation.to_owned()));
        self.count(operation, |count| count.requests += 1);
    }

    /// Records that the operation of a request took place.
    pub(crate) fn processed(&self, id: EntryId, operation: &str) {
        self.amend(id, |entry| entry.times_processed += 1);
        self.count(operation, |count| count.processed += 1);
    }

    fn count(&self, operation: &str, change: impl FnOnce(&mut OperationCount)) {
        let mut counts = lock(&self.counts);
        match counts.get_mut(operation) {
            Some(count) => change(count),
            None => change(counts.entry(operation.to_owned()).or_default()),
        }
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

    /// Returns how often each operation was asked for, and took place.
    pub(crate) fn counts(&self) -> BTreeMap<String, OperationCount> {
        lock(&self.counts).clone()
    }

    pub(crate) fn clear(&self) {
        lock(&self.entries).clear();
        lock(&self.counts).clear();
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
    fn add(&mut self, entry: Entry) -> EntryId {
        if self.kept.len() == CAPACITY {
            let oldest = self.kept.pop_front();
            self.bytes -= oldest.map_or(0, |oldest| size(&oldest.entry));
            self.forgotten += 1;
        }
        let revision = self.next_revision();
        self.kept.push_back(Kept { revision, entry });
        EntryId(self.forgotten + self.kept.len() as u64 - 1)
    }

    fn amend(&mut self, id: EntryId, change: impl FnOnce(&mut Entry)) {
        let revision = self.next_revision();
        let index = id.0.checked_sub(self.forgotten);
        let index = index.and_then(|index| usize::try_from(index).ok());
        let Some(kept) = index.and_then(|index| self.kept.get_mut(index)) else {
            return;
        };
        let before = size(&kept.entry);
        change(&mut kept.entry);
        kept.revision = revision;
        self.bytes = self.bytes + size(&kept.entry) - before;
        self.shrink();
    }

    fn clear(&mut self) {
        self.forgotten += self.kept.len() as u64;
        self.kept.clear();
        self.bytes = 0;
        self.cleared = self.next_revision();
    }

    fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }

    /// Removes the oldest bodies until the others have room.
    fn shrink(&mut self) {
        for Kept { entry, .. } in &mut self.kept {
            if self.bytes <= BODIES {
                return;
            }
            self.bytes -= size(entry);
            let messages = [&mut entry.request, &mut entry.response];
            for message in messages.into_iter().flatten() {
                message.body = Bytes::new();
                message.is_whole = message.size == 0;
            }
        }
    }
}

/// Returns the number of bytes of the bodies of an entry.
fn size(entry: &Entry) -> usize {
    let messages = [&entry.request, &entry.response].into_iter().flatten();
    messages.map(|message| message.body.len()).sum()
}
