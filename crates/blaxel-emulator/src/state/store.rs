//! The store: records on shelves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::kind::{Context, Form, Life};
use super::revision::{self, Revisions};
use super::secret::{self, Sight};
use super::walk::{Aim, End, Walk};
use super::{Kind, Shelf, member, status};
use crate::clock::{Clock, timestamp};
use crate::lock;
use crate::sign::Key;

/// A resource as JSON: members that the emulator knows nothing about are kept.
pub(crate) type Document = Map<String, Value>;

/// What makes one emulator's resources its own.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) workspace: String,
    /// The base of the workloads' addresses.
    pub(crate) run_url: String,
    /// How long each step of a deployment lasts.
    pub(crate) deploy_time: Duration,
    /// How long a build lasts.
    pub(crate) build_time: Duration,
    /// How long a deletion lasts.
    pub(crate) delete_time: Duration,
}

/// Who writes, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Author<'a> {
    pub(crate) name: &'a str,
    /// Since 1970-01-01T00:00:00Z.
    pub(crate) at: Duration,
    /// Whether an upload is to follow, which is deployed then.
    pub(crate) uploads: bool,
}

/// A document in the store.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Grows with every creation, so it orders as the times of creation do, and without ties.
    pub(crate) serial: u64,
    pub(crate) name: String,
    /// As it is kept: without what is computed, and with its secrets.
    pub(crate) document: Document,
    /// When it was created, since 1970-01-01T00:00:00Z.
    pub(crate) created: Duration,
    /// When it was last used.
    pub(crate) used: Duration,
    pub(crate) walk: Walk,
    pub(crate) revisions: Revisions,
    /// The secrets that the server made when it was last written.
    made: Vec<String>,
}

impl Record {
    /// Where it is: in its walk, or else what its document says.
    pub(crate) fn status(&self, now: Duration) -> &str {
        let said = || self.document.get("status").and_then(Value::as_str);
        self.walk.status(now).or_else(said).unwrap_or_default()
    }
}

/// All resources of an emulator. [`open`](Self::open) is the one way in.
pub(crate) struct Store {
    clock: Clock,
    shelves: Mutex<Shelves>,
}

impl Store {
    pub(crate) fn new(setting: Setting, clock: Clock, secrets: Key) -> Self {
        let shelves = Shelves {
            setting,
            secrets,
            failing: BTreeSet::new(),
            now: Duration::ZERO,
            serial: 0,
            next_end: None,
            by_shelf: BTreeMap::new(),
        };
        Self {
            clock,
            shelves: Mutex::new(shelves),
        }
    }

    /// Takes the store, as it is now. Nobody else gets in until the guard is dropped, so what a
    /// handler looks up stays true until it has written: open it once, and never while it is open.
    pub(crate) fn open(&self) -> MutexGuard<'_, Shelves> {
        let now = self.clock.since_epoch();
        let mut shelves = lock(&self.shelves);
        shelves.now = now;
        shelves.sweep();
        shelves
    }
}

/// The opened store.
pub(crate) struct Shelves {
    setting: Setting,
    /// What secrets are made from.
    secrets: Key,
    /// Whose next deployment is to fail, by the path of the kind and the name.
    failing: BTreeSet<(&'static str, String)>,
    /// When it was opened, since 1970-01-01T00:00:00Z.
    now: Duration,
    serial: u64,
    /// When the next record vanishes by itself.
    next_end: Option<Duration>,
    by_shelf: BTreeMap<Shelf, BTreeMap<String, Record>>,
}

impl Shelves {
    /// The time the store was opened at, since 1970-01-01T00:00:00Z.
    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    /// One record.
    pub(crate) fn get(&self, shelf: &Shelf, name: &str) -> Option<&Record> {
        self.by_shelf.get(shelf)?.get(name)
    }

    /// One record, to change it in place. Its stamps and its walk stay as they are.
    pub(crate) fn modify(&mut self, shelf: &Shelf, name: &str) -> Option<&mut Record> {
        self.by_shelf.get_mut(shelf)?.get_mut(name)
    }

    /// The records of a shelf, by name.
    pub(crate) fn all(&self, shelf: &Shelf) -> impl Iterator<Item = &Record> {
        self.by_shelf
            .get(shelf)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// The records of a kind on all its shelves, with the shelf of each.
    pub(crate) fn everywhere(&self, kind: &Kind) -> impl Iterator<Item = (&Shelf, &Record)> {
        let path = kind.path;
        self.by_shelf
            .iter()
            .filter(move |(shelf, _)| shelf.kind().path == path)
            .flat_map(|(shelf, records)| records.values().map(move |record| (shelf, record)))
    }

    /// Likewise, but for those that are `TERMINATED`.
    pub(crate) fn living(&self, kind: &Kind) -> impl Iterator<Item = &Record> {
        let records = self.everywhere(kind).map(|(_, record)| record);
        records.filter(|record| !record.walk.is_terminated(self.now))
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
        let now = self.now;
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
        self.serial += 1;
        let mut record = Record {
            serial: self.serial,
            name: name.to_owned(),
            document,
            created: author.at,
            used: author.at,
            walk: Walk::default(),
            revisions: Revisions::default(),
            made,
        };
        self.deploy(shelf.kind(), &mut record, author);
        self.keep(shelf, record);
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
        let Some(mut record) = self.take(shelf, name) else {
            return false;
        };
        record.made = self.fill(shelf, name, &mut document, Some(&record.document), author);
        let is_new = revision::differ(record.document.get("spec"), document.get("spec"));
        record.document = document;
        if is_new || author.uploads || record.status(self.now) == status::FAILED {
            self.deploy(shelf.kind(), &mut record, author);
        } else {
            record.walk.end((shelf.kind().end)(&record));
        }
        self.keep(shelf, record);
        true
    }

    /// Takes a record away at once, and everything under it.
    pub(crate) fn remove(&mut self, shelf: &Shelf, name: &str) -> Option<Record> {
        let record = self.take(shelf, name)?;
        self.by_shelf
            .retain(|other, _| !other.is_under(shelf, name));
        Some(record)
    }

    /// Deletes a record as the API does: at once, or in the time that deletions last.
    pub(crate) fn delete(&mut self, shelf: &Shelf, name: &str) {
        let lasts = self.setting.delete_time;
        let life = shelf.kind().life;
        if life == Life::Plain || lasts.is_zero() {
            self.remove(shelf, name);
            return;
        }
        let Some(mut record) = self.take(shelf, name) else {
            return;
        };
        let done = self.now.saturating_add(lasts);
        let end = match life {
            Life::Lingering => End::lingering(&record.document, done),
            _ => End::vanishing(done),
        };
        record.walk.delete(self.now, end);
        self.keep(shelf, record);
    }

    /// Builds and deploys what was uploaded for a record, if it is still the one with this serial.
    pub(crate) fn build(&mut self, shelf: &Shelf, name: &str, serial: u64) {
        let Some(mut record) = self.take(shelf, name) else {
            return;
        };
        if record.serial == serial && !record.walk.is_ending() {
            let aim = self.aim(shelf.kind(), &record);
            let steps = (self.setting.build_time, self.setting.deploy_time);
            let revision = record.revisions.latest().map(str::to_owned);
            record.walk.build(self.now, steps, aim, revision.as_deref());
        }
        self.keep(shelf, record);
    }

    /// Lets the next deployment of a record fail.
    pub(crate) fn fail_next(&mut self, kind: &Kind, name: &str) {
        self.failing.insert((kind.path, name.to_owned()));
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
        if let Some(status) = record.walk.status(self.now) {
            document.insert("status".to_owned(), status.into());
            document.insert("events".to_owned(), record.walk.events(self.now));
        }
        (kind.compute)(self, shelf, record, &mut document);
        secret::hide(kind.secrets, &mut document, sight, &record.made);
        document
    }

    /// A text that nobody can guess: 32 hexadecimal digits.
    pub(crate) fn fresh_secret(&mut self) -> String {
        self.serial += 1;
        let signature = self.secrets.sign(&self.serial.to_be_bytes());
        let digits = signature.iter().take(16);
        digits.map(|byte| format!("{byte:02x}")).collect()
    }

    /// A name that nothing on the shelf has: the prefix, a hyphen and eight digits.
    pub(crate) fn fresh_name(&mut self, shelf: &Shelf, prefix: &str) -> String {
        loop {
            self.serial += 1;
            let name = format!("{prefix}-{:08x}", scattered(self.serial));
            if self.get(shelf, &name).is_none() {
                return name;
            }
        }
    }

    fn keep(&mut self, shelf: &Shelf, record: Record) {
        if let Some(gone) = record.walk.gone() {
            self.next_end = Some(self.next_end.map_or(gone, |next| next.min(gone)));
        }
        let records = self.by_shelf.entry(shelf.clone()).or_default();
        records.insert(record.name.clone(), record);
    }

    fn take(&mut self, shelf: &Shelf, name: &str) -> Option<Record> {
        self.by_shelf.get_mut(shelf)?.remove(name)
    }

    /// Removes what has ended.
    fn sweep(&mut self) {
        if self.next_end.is_none_or(|end| self.now < end) {
            return;
        }
        let mut ended = Vec::new();
        self.next_end = None;
        for (shelf, records) in &self.by_shelf {
            for record in records.values() {
                match record.walk.gone() {
                    Some(gone) if gone <= self.now => {
                        ended.push((shelf.clone(), record.name.clone()));
                    }
                    Some(gone) => {
                        self.next_end = Some(self.next_end.map_or(gone, |next| next.min(gone)));
                    }
                    None => {}
                }
            }
        }
        for (shelf, name) in ended {
            self.remove(&shelf, &name);
        }
    }

    /// Starts the deployment of a record, if its kind knows any, and sets its end.
    fn deploy(&mut self, kind: &Kind, record: &mut Record, author: &Author<'_>) {
        record.walk.end((kind.end)(record));
        if kind.life == Life::Plain {
            return;
        }
        if kind.operations.revisions.is_some() {
            self.serial += 1;
            let id = format!("rev-{:08x}", scattered(self.serial));
            let spec = record.document.get("spec");
            record.revisions.add(id, author.at, author.name, spec);
        }
        let revision = record.revisions.latest().map(str::to_owned);
        if author.uploads {
            record.walk.await_upload(author.at, revision.as_deref());
        } else {
            let aim = self.aim(kind, record);
            let step = self.setting.deploy_time;
            record
                .walk
                .deploy(author.at, step, aim, revision.as_deref());
        }
    }

    /// Where a deployment of a record leads.
    fn aim(&mut self, kind: &Kind, record: &Record) -> Aim {
        let enabled = member::get(&record.document, "spec/enabled").and_then(Value::as_bool);
        if enabled == Some(false) {
            Aim::Deactivated
        } else if self.failing.remove(&(kind.path, record.name.clone())) {
            Aim::Failed
        } else {
            Aim::Deployed
        }
    }

    /// Sets the members that are the server's: whatever the client sent for them is replaced. What
    /// belongs to the creation is taken from the document there was before, if any.
    /// Gives the secrets that were made.
    fn fill(
        &mut self,
        shelf: &Shelf,
        name: &str,
        document: &mut Document,
        before: Option<&Document>,
        author: &Author<'_>,
    ) -> Vec<String> {
        let kind = shelf.kind();
        for path in kind.read_only {
            member::remove(document, path);
            if let Some(kept) = before.and_then(|before| member::get(before, path)) {
                member::set(document, path, kept.clone());
            }
        }
        if kind.life != Life::Plain {
            document.remove("status");
            document.remove("events");
        }
        for path in kind.sticky {
            match (member::get(document, path), before) {
                (Some(Value::Null), _) => {
                    member::remove(document, path);
                }
                (None, Some(before)) => {
                    if let Some(value) = member::get(before, path) {
                        member::set(document, path, value.clone());
                    }
                }
                _ => {}
            }
        }
        self.stamp(shelf, name, document, before, author);
        for (path, parent) in kind.parents_in.iter().zip(shelf.scope()) {
            member::set(document, path, parent.as_str().into());
        }
        let context = Context {
            shelf,
            name,
            workspace: &self.setting.workspace,
            now: author.at,
            before,
        };
        (kind.complete)(document, &context);
        if let Some(before) = before {
            secret::keep(kind.secrets, document, before);
        }
        let Some(triggers) = kind.triggers else {
            return Vec::new();
        };
        secret::renew_callbacks(triggers, document, before, || self.fresh_secret())
    }

    fn stamp(
        &self,
        shelf: &Shelf,
        name: &str,
        document: &mut Document,
        before: Option<&Document>,
        author: &Author<'_>,
    ) {
        let kind = shelf.kind();
        let stamps = kind.stamps;
        let now = Value::from(timestamp(author.at).as_str());
        let (key, before) = match kind.form {
            Form::Resource => (
                "name",
                before
                    .and_then(|before| before.get("metadata"))
                    .and_then(Value::as_object),
            ),
            Form::Flat { key } => (key, before),
        };
        let head = match kind.form {
            Form::Flat { .. } => document,
            Form::Resource => {
                let metadata = document.entry("metadata").or_insert_with(|| json!({}));
                let Value::Object(metadata) = metadata else {
                    return;
                };
                metadata.remove("plan");
                metadata.remove("url");
                if kind.has_url {
                    metadata.insert("url".to_owned(), self.url(kind, name).into());
                }
                metadata
            }
        };
        head.insert(key.to_owned(), name.into());
        let first = [
            (
                stamps.workspace,
                Value::from(self.setting.workspace.as_str()),
            ),
            (stamps.created_at, now.clone()),
            (stamps.created_by, author.name.into()),
        ];
        for (member, fresh) in first {
            let Some(member) = member else { continue };
            let kept = before.and_then(|before| before.get(member)).cloned();
            head.insert(member.to_owned(), kept.unwrap_or(fresh));
        }
        let last = [
            (stamps.updated_at, now),
            (stamps.updated_by, author.name.into()),
        ];
        for (member, value) in last {
            let Some(member) = member else { continue };
            head.insert(member.to_owned(), value);
        }
    }

    /// Where a workload is called.
    fn url(&self, kind: &Kind, name: &str) -> String {
        let Setting {
            run_url, workspace, ..
        } = &self.setting;
        format!("{run_url}/{workspace}/{}/{name}", kind.path)
    }
}

/// A number that does not look like a count. The factor is odd, so every number comes once.
fn scattered(number: u64) -> u32 {
    (number as u32).wrapping_mul(0x9E37_79B1)
}
