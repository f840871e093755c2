//! [`Rows`], all records of an emulator by collection, independent of their kinds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::record::{Record, Settings};
use crate::sign::Key;

/// The key of a collection: the path of its kind, and the names of the parents, outermost first.
/// The previews of the sandbox `sb-1` are in the collection with the parents `["sb-1"]`; agents are
/// in one collection without parents.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CollectionKey {
    path: &'static str,
    parents: Vec<String>,
}

impl CollectionKey {
    /// Returns the key of a top-level collection.
    pub(crate) fn top(path: &'static str) -> Self {
        Self::under(path, Vec::new())
    }

    /// Returns the key of a collection under the parents with these names, outermost first.
    pub(crate) fn under(path: &'static str, parents: Vec<String>) -> Self {
        Self { path, parents }
    }

    /// Returns the names of the parents, outermost first.
    pub(crate) fn parents(&self) -> &[String] {
        &self.parents
    }

    /// Returns `true` if it is nested, at any depth, under the record of that name in another
    /// collection.
    fn is_under(&self, other: &Self, name: &str) -> bool {
        let below = self.path.strip_prefix(other.path);
        below.is_some_and(|below| below.starts_with("/{"))
            && self.parents.starts_with(&other.parents)
            && self.parents.get(other.parents.len()).map(String::as_str) == Some(name)
    }
}

/// All records of an emulator at one time.
pub(crate) struct Rows {
    setting: Arc<Settings>,
    /// The key from which secrets are derived.
    secrets: Key,
    /// The time since 1970-01-01T00:00:00Z.
    now: Duration,
    serial: u64,
    /// The time at which the next record is removed by itself.
    next_end: Option<Duration>,
    by_collection: BTreeMap<CollectionKey, BTreeMap<String, Record>>,
}

impl Rows {
    pub(super) fn new(setting: Arc<Settings>, secrets: Key) -> Self {
        Self {
            setting,
            secrets,
            now: Duration::ZERO,
            serial: 0,
            next_end: None,
            by_collection: BTreeMap::new(),
        }
    }

    /// Removes all records. The serial numbers go on, so that nothing new is taken for something old.
    pub(super) fn clear(&mut self) {
        self.by_collection.clear();
        self.next_end = None;
    }

    /// Sets the time.
    pub(super) fn set_time(&mut self, now: Duration) {
        self.now = now;
    }

    /// Returns the time since 1970-01-01T00:00:00Z.
    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    /// Returns the emulator's settings.
    pub(crate) fn setting(&self) -> &Settings {
        &self.setting
    }

    /// Returns a record.
    pub(crate) fn get(&self, collection: &CollectionKey, name: &str) -> Option<&Record> {
        self.by_collection.get(collection)?.get(name)
    }

    /// Returns a record for changing it in place.
    pub(super) fn get_mut(
        &mut self,
        collection: &CollectionKey,
        name: &str,
    ) -> Option<&mut Record> {
        self.by_collection.get_mut(collection)?.get_mut(name)
    }

    /// Returns the records of a collection, ordered by name.
    pub(crate) fn all(&self, collection: &CollectionKey) -> impl Iterator<Item = &Record> {
        let records = self.by_collection.get(collection);
        records.into_iter().flat_map(BTreeMap::values)
    }

    /// Returns the number of records of a collection.
    pub(crate) fn count(&self, collection: &CollectionKey) -> usize {
        self.by_collection.get(collection).map_or(0, BTreeMap::len)
    }

    /// Returns the records of a collection for changing them in place.
    pub(super) fn all_mut(
        &mut self,
        collection: &CollectionKey,
    ) -> impl Iterator<Item = &mut Record> {
        let records = self.by_collection.get_mut(collection);
        records.into_iter().flat_map(BTreeMap::values_mut)
    }

    /// Returns the records of all collections with this path, each with its collection.
    pub(crate) fn everywhere(&self, path: &str) -> impl Iterator<Item = (&CollectionKey, &Record)> {
        self.by_collection
            .iter()
            .filter(move |(collection, _)| collection.path == path)
            .flat_map(|(collection, records)| {
                records.values().map(move |record| (collection, record))
            })
    }

    /// Like [`everywhere`](Self::everywhere), without the records that are `TERMINATED`.
    pub(crate) fn not_terminated(&self, path: &str) -> impl Iterator<Item = &Record> {
        let records = self.everywhere(path).map(|(_, record)| record);
        records.filter(|record| !record.timeline.is_terminated(self.now))
    }

    /// Inserts a record, replacing one of the same name.
    pub(super) fn insert(&mut self, collection: &CollectionKey, record: Record) {
        if let Some(removed_at) = record.timeline.removed_at() {
            self.next_end = Some(
                self.next_end
                    .map_or(removed_at, |next| next.min(removed_at)),
            );
        }
        let records = self.by_collection.entry(collection.clone()).or_default();
        records.insert(record.name.clone(), record);
    }

    /// Removes a record and keeps everything nested under it.
    pub(super) fn take(&mut self, collection: &CollectionKey, name: &str) -> Option<Record> {
        self.by_collection.get_mut(collection)?.remove(name)
    }

    /// Removes a record and everything nested under it.
    pub(super) fn remove(&mut self, collection: &CollectionKey, name: &str) -> Option<Record> {
        let record = self.take(collection, name)?;
        self.by_collection
            .retain(|other, _| !other.is_under(collection, name));
        Some(record)
    }

    /// Returns the last serial number.
    pub(super) fn serial(&self) -> u64 {
        self.serial
    }

    /// Makes serial numbers begin again.
    pub(super) fn forget_serials(&mut self) {
        self.serial = 0;
    }

    /// Makes the next serial number larger than this one.
    pub(super) fn raise_serial(&mut self, serial: u64) {
        self.serial = self.serial.max(serial);
    }

    /// Returns a number that was not returned before. It always grows.
    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Returns eight hexadecimal digits that were not returned before.
    pub(super) fn next_id(&mut self) -> String {
        format!("{:08x}", scramble(self.next_serial()))
    }

    /// Returns a new secret of 32 hexadecimal digits.
    pub(super) fn fresh_secret(&mut self) -> String {
        let serial = self.next_serial();
        self.secret(serial)
    }

    /// Returns the secret of a record, which stays the same while the record exists.
    pub(crate) fn secret_of(&self, record: &Record) -> String {
        self.secret(record.serial)
    }

    fn secret(&self, serial: u64) -> String {
        let signature = self.secrets.sign(&serial.to_be_bytes());
        let digits = signature.iter().take(16);
        digits.map(|byte| format!("{byte:02x}")).collect()
    }

    /// Removes the records that have ended.
    pub(super) fn remove_expired(&mut self) {
        if self.next_end.is_none_or(|end| self.now < end) {
            return;
        }
        let mut ended = Vec::new();
        self.next_end = None;
        for (collection, records) in &self.by_collection {
            for record in records.values() {
                match record.timeline.removed_at() {
                    Some(removed_at) if removed_at <= self.now => {
                        ended.push((collection.clone(), record.name.clone()));
                    }
                    Some(removed_at) => {
                        self.next_end = Some(
                            self.next_end
                                .map_or(removed_at, |next| next.min(removed_at)),
                        );
                    }
                    None => {}
                }
            }
        }
        for (collection, name) in ended {
            self.remove(&collection, &name);
        }
    }
}

/// Returns a number that does not look sequential. The factor is odd, so all results are distinct.
fn scramble(number: u64) -> u32 {
    (number as u32).wrapping_mul(0x9E37_79B1)
}
