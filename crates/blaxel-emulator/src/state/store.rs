//! The store: records on shelves.

mod deploy;
mod fill;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::kind::{Kind, Life};
use super::member::Document;
use super::record::{Author, Record, Setting};
use super::revision::{self, Revisions};
use super::rows::Rows;
use super::secret::{self, Sight};
use super::shelf::Shelf;
use super::status;
use super::walk::{End, Walk};
use crate::clock::Clock;
use crate::lock::lock;
use crate::sign::Key;

/// All resources of an emulator. [`open`](Self::open) is the one way in.
pub(crate) struct Store {
    clock: Clock,
    shelves: Mutex<Shelves>,
}

impl Store {
    pub(crate) fn new(setting: Setting, clock: Clock, secrets: Key) -> Self {
        let shelves = Shelves {
            rows: Rows::new(setting, secrets),
            failing: BTreeSet::new(),
        };
        Self {
            clock,
            shelves: Mutex::new(shelves),
        }
    }

    /// Takes the store, as it is now. Nobody else gets in until the guard is dropped, so what a
    /// handler looks up stays true until it has written: open it once, and never while it is open.
    pub(crate) fn open(&self) -> MutexGuard<'_, Shelves> {
        let mut shelves = lock(&self.shelves);
        // Read with the store in hand, so that what is written later bears no earlier time.
        shelves.rows.advance(self.clock.since_epoch());
        shelves
    }
}

/// The opened store.
pub(crate) struct Shelves {
    rows: Rows,
    /// Whose next deployment is to fail, by the path of the kind and the name.
    failing: BTreeSet<(&'static str, String)>,
}

impl Shelves {
    /// The records as they are, for what needs to know no more of their kinds.
    pub(crate) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The time the store was opened at, since 1970-01-01T00:00:00Z.
    pub(crate) fn now(&self) -> Duration {
        self.rows.now()
    }

    /// What makes this emulator's resources its own.
    pub(crate) fn setting(&self) -> &Setting {
        self.rows.setting()
    }

    /// One record.
    pub(crate) fn get(&self, shelf: &Shelf, name: &str) -> Option<&Record> {
        self.rows.get(shelf.collection(), name)
    }

    /// One record, to change it in place. Its stamps and its walk stay as they are.
    pub(crate) fn modify(&mut self, shelf: &Shelf, name: &str) -> Option<&mut Record> {
        self.rows.get_mut(shelf.collection(), name)
    }

    /// The records of a shelf, by name.
    pub(crate) fn all(&self, shelf: &Shelf) -> impl Iterator<Item = &Record> {
        self.rows.all(shelf.collection())
    }

    /// The records of a kind on all its shelves, with the shelf of each.
    pub(crate) fn everywhere(&self, kind: &'static Kind) -> impl Iterator<Item = (Shelf, &Record)> {
        let records = self.rows.everywhere(kind.path);
        records.map(move |(collection, record)| {
            (Shelf::under(kind, collection.parents().to_vec()), record)
        })
    }

    /// Likewise, but for those that are `TERMINATED`.
    pub(crate) fn living(&self, kind: &Kind) -> impl Iterator<Item = &Record> {
        self.rows.living(kind.path)
    }

    /// Creates a record; `false` if the name is taken. A name is free again when its record is
    /// `TERMINATED`.
    #[must_use]
    pub(crate) fn create(
        &mut self,
        shelf: &Shelf,
        name: &str,
        document: Document,
        author: &Author<'_>,
    ) -> bool {
        let now = self.now();
        let taken = |record: &Record| !record.walk.is_terminated(now);
        if self.get(shelf, name).is_some_and(taken) {
            return false;
        }
        self.put(shelf, name, document, author);
        true
    }

    /// Creates a record, in the place of one of the same name and everything under it.
    pub(crate) fn put(
        &mut self,
        shelf: &Shelf,
        name: &str,
        mut document: Document,
        author: &Author<'_>,
    ) {
        self.remove(shelf, name);
        let made = self.fill(shelf, name, &mut document, None, author);
        let mut record = Record {
            serial: self.rows.next_serial(),
            name: name.to_owned(),
            document,
            created: self.now().saturating_sub(author.ago),
            used: self.now().saturating_sub(author.ago),
            walk: Walk::default(),
            revisions: Revisions::default(),
            made,
        };
        self.deploy(shelf.kind(), &mut record, author);
        self.rows.keep(shelf.collection(), record);
    }

    /// Replaces a document as a whole, but for what the server keeps; `false` if there is none. A
    /// new spec is deployed, and so is one that failed before.
    #[must_use]
    pub(crate) fn replace(
        &mut self,
        shelf: &Shelf,
        name: &str,
        mut document: Document,
        author: &Author<'_>,
    ) -> bool {
        let Some(mut record) = self.rows.take(shelf.collection(), name) else {
            return false;
        };
        record.made = self.fill(shelf, name, &mut document, Some(&record.document), author);
        let is_new = revision::differ(record.document.get("spec"), document.get("spec"));
        record.document = document;
        if is_new || author.uploads || record.status(self.now()) == status::FAILED {
            self.deploy(shelf.kind(), &mut record, author);
        } else {
            record.walk.end((shelf.kind().end)(&record));
        }
        self.rows.keep(shelf.collection(), record);
        true
    }

    /// Takes a record away at once, and everything under it.
    pub(crate) fn remove(&mut self, shelf: &Shelf, name: &str) -> Option<Record> {
        self.rows.remove(shelf.collection(), name)
    }

    /// Deletes a record as the API does: at once, or in the time that deletions last. One that is over
    /// goes at once, and one that is being deleted takes no longer for being deleted again.
    pub(crate) fn delete(&mut self, shelf: &Shelf, name: &str) {
        let lasts = self.setting().delete_time;
        let life = shelf.kind().life;
        let Some(mut record) = self.rows.take(shelf.collection(), name) else {
            return;
        };
        let is_over = record.walk.is_terminated(self.now());
        if life == Life::Plain || lasts.is_zero() || is_over {
            self.rows.keep(shelf.collection(), record);
            self.remove(shelf, name);
            return;
        }
        if !record.walk.is_ending() {
            let done = self.now().saturating_add(lasts);
            let end = match life {
                Life::Lingering => End::lingering(&record.document, done),
                _ => End::vanishing(done),
            };
            record.walk.delete(self.now(), end);
        }
        self.rows.keep(shelf.collection(), record);
    }

    /// A record as the API shows it, with masks for its secrets; `None` if there is none.
    pub(crate) fn show(&self, shelf: &Shelf, name: &str) -> Option<Document> {
        Some(self.shown(shelf, self.get(shelf, name)?))
    }

    /// A record of a shelf as the API shows it, with masks for its secrets.
    pub(crate) fn shown(&self, shelf: &Shelf, record: &Record) -> Document {
        self.seen(shelf, record, Sight::Masked)
    }

    /// A record of a shelf as the API shows it to who may see so much.
    pub(crate) fn seen(&self, shelf: &Shelf, record: &Record, sight: Sight) -> Document {
        let kind = shelf.kind();
        let mut document = record.document.clone();
        if let Some(status) = record.walk.status(self.now()) {
            document.insert("status".to_owned(), status.into());
            document.insert("events".to_owned(), record.walk.events(self.now()));
        }
        (kind.compute)(&self.rows, shelf.collection(), record, &mut document);
        secret::hide(kind.secrets, &mut document, sight, &record.made);
        document
    }

    /// A text that nobody can guess: 32 hexadecimal digits.
    pub(crate) fn fresh_secret(&mut self) -> String {
        self.rows.fresh_secret()
    }

    /// A name that nothing on the shelf has: the prefix, a hyphen and eight digits.
    pub(crate) fn fresh_name(&mut self, shelf: &Shelf, prefix: &str) -> String {
        loop {
            let name = format!("{prefix}-{}", self.rows.next_id());
            if self.get(shelf, &name).is_none() {
                return name;
            }
        }
    }
}
