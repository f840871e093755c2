//! Saving and restoring the store.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::OpenStore;
use super::failing::FailingWork;
use crate::state::archive::ARCHIVES;
use crate::state::record::Author;
use crate::state::saved::{Problem, SavedCounters, SavedFailure, SavedRecord, work_named};
use crate::state::{Collection, Contents, Document, Record, SANDBOXES, all_kinds, member};

impl OpenStore {
    /// Saves all records, in the order in which they were created. `contents` returns those of the machine of a
    /// sandbox.
    pub(crate) fn save(
        &self,
        mut contents: impl FnMut(&Self, &Record) -> Contents,
    ) -> Result<Vec<SavedRecord>, Problem> {
        let mut saved = Vec::new();
        for (collection, record) in self.all_records() {
            let machine = match std::ptr::eq(collection.kind(), &raw const SANDBOXES) {
                true => Some(contents(self, record)),
                false => None,
            };
            let contents = machine.as_ref().unwrap_or(&record.contents);
            saved.push(SavedRecord::of(&collection, record, contents)?);
        }
        saved.sort_by_key(|record| record.serial);
        Ok(saved)
    }

    /// Saves what is there besides the records.
    pub(crate) fn save_counters(&self) -> SavedCounters {
        let (mut failing, mut failing_builds) = (BTreeSet::new(), BTreeSet::new());
        for (work, name) in self.failing.works() {
            let (of, saved) = match work {
                FailingWork::Main(of) => (of, &mut failing),
                FailingWork::Archive => (ARCHIVES, &mut failing),
                FailingWork::Build(of) => (of, &mut failing_builds),
            };
            let (of, name) = (of.to_owned(), name.to_owned());
            saved.insert(SavedFailure { of, name });
        }
        SavedCounters {
            serial: self.rows.serial(),
            failing,
            failing_builds,
            failing_tasks: self.failing.tasks().clone(),
        }
    }

    /// Restores what is there besides the records. Serial numbers go on from the larger ones.
    pub(crate) fn restore_counters(&mut self, saved: &SavedCounters) -> Result<(), Problem> {
        saved.check()?;
        for (from, is_build) in [(&saved.failing, false), (&saved.failing_builds, true)] {
            for failure in from {
                let Some(of) = work_named(&failure.of) else {
                    continue;
                };
                let work = match is_build {
                    true => FailingWork::Build(of),
                    false if of == ARCHIVES => FailingWork::Archive,
                    false => FailingWork::Main(of),
                };
                self.fail_next(work, &failure.name);
            }
        }
        for (job, tasks) in &saved.failing_tasks {
            for (index, attempts) in tasks {
                self.fail_next_task(job, *index, *attempts);
            }
        }
        self.rows.raise_serial(saved.serial);
        Ok(())
    }

    /// Makes serial numbers begin again, in an empty store whose records are restored next.
    pub(crate) fn forget_serials(&mut self) {
        self.rows.forget_serials();
    }

    /// Restores a record as it was saved, or creates one that was written by hand.
    pub(crate) fn restore(&mut self, saved: &SavedRecord) -> Result<(), Problem> {
        let collection = saved.collection()?;
        let kind = collection.kind();
        let volumes = saved.volumes()?;
        if saved.serial.is_none() {
            let mut document = kind.sampled(&saved.name);
            merge(&mut document, saved.document.as_ref());
            let author = Author {
                name: "emulator",
                ago: saved
                    .created
                    .map_or(Duration::ZERO, |at| self.now().saturating_sub(at)),
                uploads: false,
            };
            self.put(&collection, &saved.name, document, &author);
            if let Some(record) = self.modify(&collection, &saved.name) {
                record.files = volumes.files.or(record.files.take());
                record.contents.files = volumes.disk;
                record.contents.processes.clone_from(&saved.processes);
            }
            return Ok(());
        }
        let Some(mut record) = saved.record(volumes) else {
            return Ok(());
        };
        if kind.has_url {
            let url = self.url(kind, &saved.name);
            member::set(&mut record.document, "metadata/url", url.into());
        }
        self.rows.raise_serial(record.serial);
        self.rows.insert(collection.key(), record);
        self.changed();
        Ok(())
    }

    /// Returns all records with their collections.
    fn all_records(&self) -> impl Iterator<Item = (Collection, &Record)> {
        all_kinds().flat_map(|kind| self.everywhere(kind))
    }
}

/// Sets the members of a document in another one. Those of objects are set one by one.
fn merge(document: &mut Document, with: Option<&Document>) {
    for (name, value) in with.into_iter().flatten() {
        match (document.get_mut(name), value) {
            (Some(Value::Object(own)), Value::Object(value)) if name != "spec" => {
                merge(own, Some(value));
            }
            _ => {
                document.insert(name.clone(), value.clone());
            }
        }
    }
}
