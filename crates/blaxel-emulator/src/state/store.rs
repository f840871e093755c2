//! [`Store`], all collections behind one lock.

mod archive;
mod deploy;
mod failing;
mod fill;
mod saved;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use self::failing::Failing;
pub(crate) use self::failing::FailingWork;
use super::collection::Collection;
use super::kind::{Kind, Lifecycle};
use super::kinds::SANDBOXES;
use super::member::Document;
use super::record::{Author, Contents, Record, Settings};
use super::revision::{self, Revisions};
use super::rows::{CollectionKey, Rows};
use super::secret::Visibility;
use super::shown::Shown;
use super::status;
use super::timeline::{End, Timeline};
use crate::clock::Clock;
use crate::lock::lock;
use crate::sign::Key;
use blaxel_guest::{MachineUses, Volume};
use tokio::sync::watch;

/// All resources of an emulator, accessed by [`open`](Self::open) only.
pub(crate) struct Store {
    clock: Clock,
    setting: Arc<Settings>,
    store: Mutex<OpenStore>,
}

impl Store {
    pub(crate) fn new(setting: Settings, clock: Clock, secrets: Key) -> Self {
        let setting = Arc::new(setting);
        let store = OpenStore {
            rows: Rows::new(Arc::clone(&setting), secrets),
            failing: Failing::default(),
            noted: MachineUses::default(),
            changes: watch::Sender::new(0),
        };
        Self {
            clock,
            setting,
            store: Mutex::new(store),
        }
    }

    /// Returns the emulator's settings.
    pub(crate) fn setting(&self) -> &Settings {
        &self.setting
    }

    /// Locks the store and sets it to the current time.
    ///
    /// The guard is the transaction: nobody else can read or write until it is dropped. Open the
    /// store once per handler; opening it twice deadlocks.
    pub(crate) fn open(&self) -> MutexGuard<'_, OpenStore> {
        let mut store = lock(&self.store);
        // Read under the lock, so that a later write never has an earlier time.
        store.rows.set_time(self.clock.since_epoch());
        store.note_uses(self.clock.machine_uses());
        store.rows.remove_expired();
        store
    }
}

/// The locked store.
pub(crate) struct OpenStore {
    rows: Rows,
    failing: Failing,
    /// The uses of machines that are recorded.
    noted: MachineUses,
    /// Counts the changes that may end a resource, or put off its end.
    changes: watch::Sender<u64>,
}

impl OpenStore {
    /// Returns the records for code that does not depend on kinds.
    pub(crate) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Returns the time at which the store was locked, since 1970-01-01T00:00:00Z.
    pub(crate) fn now(&self) -> Duration {
        self.rows.now()
    }

    /// Returns the emulator's settings.
    pub(crate) fn setting(&self) -> &Settings {
        self.rows.setting()
    }

    /// Removes all records.
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.failing = Failing::default();
        self.changed();
    }

    /// Returns a receiver that changes when a record is created, replaced or deleted.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn changed(&self) {
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Records the uses of machines since the store was last opened.
    fn note_uses(&mut self, uses: MachineUses) {
        if uses == self.noted && !uses.are_current() {
            return;
        }
        self.noted = uses;
        let sandboxes = CollectionKey::top(SANDBOXES.path);
        for record in self.rows.all_mut(&sandboxes) {
            let last = record.machine.as_ref().map(Clock::last_use);
            if let Some(last) = last.filter(|last| *last > record.used) {
                record.used = last;
                if !record.timeline.is_deleting() {
                    record.timeline.end((SANDBOXES.end)(record));
                }
            }
        }
    }

    /// Returns a record.
    pub(crate) fn get(&self, collection: &Collection, name: &str) -> Option<&Record> {
        self.rows.get(collection.key(), name)
    }

    /// Returns a record for changing it in place. Its audit fields and timeline are not updated.
    pub(crate) fn modify(&mut self, collection: &Collection, name: &str) -> Option<&mut Record> {
        self.rows.get_mut(collection.key(), name)
    }

    /// Returns the records of a collection, ordered by name.
    pub(crate) fn all(&self, collection: &Collection) -> impl Iterator<Item = &Record> {
        self.rows.all(collection.key())
    }

    /// Returns the number of records of a collection.
    pub(crate) fn count(&self, collection: &Collection) -> usize {
        self.rows.count(collection.key())
    }

    /// Returns the records of a kind in all its collections, each with its collection.
    pub(crate) fn everywhere(
        &self,
        kind: &'static Kind,
    ) -> impl Iterator<Item = (Collection, &Record)> {
        let records = self.rows.everywhere(kind.path);
        records.map(move |(key, record)| (Collection::under(kind, key.parents().to_vec()), record))
    }

    /// Like [`everywhere`](Self::everywhere), without the records that are `TERMINATED`.
    pub(crate) fn not_terminated(&self, kind: &Kind) -> impl Iterator<Item = &Record> {
        self.rows.not_terminated(kind.path)
    }

    /// Creates a record. Returns `false` if the name is taken; the name of a `TERMINATED` record is
    /// free.
    #[must_use]
    pub(crate) fn create(
        &mut self,
        collection: &Collection,
        name: &str,
        document: Document,
        author: &Author<'_>,
    ) -> bool {
        let now = self.now();
        let taken = |record: &Record| !record.timeline.is_terminated(now);
        if self.get(collection, name).is_some_and(taken) {
            return false;
        }
        self.put(collection, name, document, author);
        true
    }

    /// Creates a record, replacing one of the same name and everything nested under it.
    pub(crate) fn put(
        &mut self,
        collection: &Collection,
        name: &str,
        mut document: Document,
        author: &Author<'_>,
    ) {
        self.remove(collection, name);
        let new_secrets = self.fill(collection, name, &mut document, None, author);
        let mut record = Record {
            serial: self.rows.next_serial(),
            name: name.to_owned(),
            document: document.into(),
            created: self.now().saturating_sub(author.ago),
            used: self.now().saturating_sub(author.ago),
            timeline: Timeline::default(),
            revisions: Revisions::default(),
            machine: None,
            files: None,
            contents: Contents::default(),
            archive: None,
            new_secrets,
        };
        record.files = (collection.kind().capacity)(&record.document).map(Volume::in_memory);
        self.deploy(collection.kind(), &mut record, author);
        self.rows.insert(collection.key(), record);
        self.changed();
    }

    /// Replaces a document as a whole, except for the members that the server keeps. Returns
    /// `false` if there is none.
    ///
    /// A new spec is deployed, and so is a record whose last deployment failed.
    #[must_use]
    pub(crate) fn replace(
        &mut self,
        collection: &Collection,
        name: &str,
        mut document: Document,
        author: &Author<'_>,
    ) -> bool {
        let Some(mut record) = self.rows.take(collection.key(), name) else {
            return false;
        };
        record.new_secrets = self.fill(
            collection,
            name,
            &mut document,
            Some(&record.document),
            author,
        );
        let is_new = revision::differ(record.document.get("spec"), document.get("spec"));
        record.document = document.into();
        let capacity = (collection.kind().capacity)(&record.document);
        if let (Some(files), Some(capacity)) = (&record.files, capacity) {
            files.resize(capacity);
        }
        if is_new || author.uploads || record.status(self.now()) == status::FAILED {
            self.deploy(collection.kind(), &mut record, author);
        } else {
            record.timeline.end((collection.kind().end)(&record));
        }
        self.rows.insert(collection.key(), record);
        self.changed();
        true
    }

    /// Records that a resource is used now, which puts off an end that depends on its last use.
    pub(crate) fn touch(&mut self, collection: &Collection, name: &str) {
        let now = self.now();
        if let Some(record) = self.modify(collection, name) {
            record.used = now;
            record.timeline.end((collection.kind().end)(record));
        }
    }

    /// Removes a record and everything nested under it at once.
    pub(crate) fn remove(&mut self, collection: &Collection, name: &str) -> Option<Record> {
        self.changed();
        self.rows.remove(collection.key(), name)
    }

    /// Deletes a record as the API does: at once, or after the configured duration. A terminated
    /// record is removed at once, and deleting a record twice does not take longer.
    pub(crate) fn delete(&mut self, collection: &Collection, name: &str) {
        let duration = self.setting().delete_time;
        let lifecycle = collection.kind().lifecycle;
        let Some(mut record) = self.rows.take(collection.key(), name) else {
            return;
        };
        let is_over = record.timeline.is_terminated(self.now());
        if lifecycle == Lifecycle::Plain || duration.is_zero() || is_over {
            self.rows.insert(collection.key(), record);
            self.remove(collection, name);
            return;
        }
        if !record.timeline.is_deleting() {
            let done = self.now().saturating_add(duration);
            let end = match lifecycle {
                Lifecycle::Retained => End::retained(&record.document, done),
                _ => End::immediate(done),
            };
            record.timeline.delete(self.now(), end);
        }
        self.rows.insert(collection.key(), record);
        self.changed();
    }

    /// Returns a record as the API shows it, with masked secrets, or `None` if there is none.
    pub(crate) fn show(&self, collection: &Collection, name: &str) -> Option<Shown<'_>> {
        Some(self.shown(collection, self.get(collection, name)?))
    }

    /// Returns a record of a collection as the API shows it, with masked secrets.
    pub(crate) fn shown<'a>(&self, collection: &Collection, record: &'a Record) -> Shown<'a> {
        self.shown_with(collection, record, Visibility::Masked)
    }

    /// Returns a record of a collection as the API shows it, with this visibility of secrets.
    pub(crate) fn shown_with<'a>(
        &self,
        collection: &Collection,
        record: &'a Record,
        visibility: Visibility,
    ) -> Shown<'a> {
        let kind = collection.kind();
        let mut shown = Shown::new(&record.document);
        if let Some(status) = record.timeline.status(self.now()) {
            shown.set_state(status, record.timeline.events(self.now()));
        }
        (kind.compute)(&self.rows, collection.key(), record, &mut shown);
        shown.hide_secrets(kind.secrets, visibility, &record.new_secrets);
        shown
    }

    /// Returns a new secret of 32 hexadecimal digits.
    pub(crate) fn fresh_secret(&mut self) -> String {
        self.rows.fresh_secret()
    }

    /// Returns an unused name in the collection: the prefix, a hyphen and eight digits.
    pub(crate) fn fresh_name(&mut self, collection: &Collection, prefix: &str) -> String {
        loop {
            let name = format!("{prefix}-{}", self.rows.next_id());
            if self.get(collection, &name).is_none() {
                return name;
            }
        }
    }
}
