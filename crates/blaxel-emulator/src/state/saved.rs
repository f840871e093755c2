//! Records and the store as documents that can be saved and restored.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use blaxel_guest::{SavedProcess, SavedVolume};
use serde::{Deserialize, Serialize};

use super::archive::{ARCHIVES, Archive};
use super::collection::Collection;
use super::kind::Kind;
use super::kinds::kind_at;
use super::member::Document;
use super::record::{Contents, Record};
use super::revision::Revisions;
use super::saved_time;
use super::timeline::Timeline;

/// A record. One that was written by hand has no `serial`, and is created as by a request.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedRecord {
    /// The path of its collection, such as `sandboxes/{sandboxName}/previews`.
    pub(crate) collection: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) parents: Vec<String>,
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) serial: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) document: Option<Document>,
    #[serde(
        default,
        with = "saved_time::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) created: Option<Duration>,
    #[serde(
        default,
        with = "saved_time::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) used: Option<Duration>,
    #[serde(default, skip_serializing_if = "Timeline::is_empty")]
    pub(crate) timeline: Timeline,
    #[serde(default, skip_serializing_if = "Revisions::is_empty")]
    pub(crate) revisions: Revisions,
    /// The files of a volume or a drive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) files: Option<SavedVolume>,
    /// The disk of a sandbox, or that of a snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disk: Option<SavedVolume>,
    /// The processes that ran, which start again with the next call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) processes: Vec<SavedProcess>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) archive: Option<Archive>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) new_secrets: Vec<String>,
}

/// Something that fails when it is next done.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedFailure {
    /// The path of a kind, or the name of the work.
    pub(crate) of: String,
    pub(crate) name: String,
}

/// The parts of the store besides its records.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SavedCounters {
    /// The last serial number.
    pub(crate) serial: u64,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) failing: BTreeSet<SavedFailure>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) failing_builds: BTreeSet<SavedFailure>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) failing_tasks: BTreeMap<String, BTreeMap<usize, u32>>,
}

impl SavedCounters {
    /// Returns an error if something can fail that is not known.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let mut failing = self.failing.iter().chain(&self.failing_builds);
        match failing.find(|failure| work_named(&failure.of).is_none()) {
            None => Ok(()),
            Some(failure) => Err(Problem(format!("there is no work {:?}", failure.of))),
        }
    }
}

/// A problem with a saved record, or with saving it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem(pub(crate) String);

impl Problem {
    fn of(collection: &str, name: &str, problem: impl fmt::Display) -> Self {
        Self(format!("{collection} {name:?}: {problem}"))
    }
}

impl SavedRecord {
    /// Returns a record as one that is written by hand.
    pub(crate) fn seed(collection: &str, name: &str) -> Self {
        Self {
            collection: collection.to_owned(),
            parents: Vec::new(),
            name: name.to_owned(),
            serial: None,
            document: None,
            created: None,
            used: None,
            timeline: Timeline::default(),
            revisions: Revisions::default(),
            files: None,
            disk: None,
            processes: Vec::new(),
            archive: None,
            new_secrets: Vec::new(),
        }
    }

    /// Saves a record of a collection, with these contents of its machine.
    pub(crate) fn of(
        collection: &Collection,
        record: &Record,
        contents: &Contents,
    ) -> Result<Self, Problem> {
        let path = collection.kind().path;
        let unsaved = |_| {
            let problem = "its files are in a directory of this machine; only those of simulated \
                           sandboxes are saved";
            Problem::of(path, &record.name, problem)
        };
        let save = |volume: &Option<blaxel_guest::Volume>| {
            let saved = volume.as_ref().map(blaxel_guest::Volume::save);
            saved.transpose().map_err(unsaved)
        };
        let mut document = Document::clone(&record.document);
        // It has the address of this emulator.
        if collection.kind().has_url
            && let Some(metadata) = document
                .get_mut("metadata")
                .and_then(|it| it.as_object_mut())
        {
            metadata.remove("url");
        }
        Ok(Self {
            collection: path.to_owned(),
            parents: collection.parents().to_vec(),
            name: record.name.clone(),
            serial: Some(record.serial),
            document: Some(document),
            created: Some(record.created),
            used: Some(record.used),
            timeline: record.timeline.clone(),
            revisions: record.revisions.clone(),
            files: save(&record.files)?,
            disk: save(&contents.files)?,
            processes: contents.processes.clone(),
            archive: record.archive.clone(),
            new_secrets: record.new_secrets.clone(),
        })
    }

    /// Returns the collection.
    pub(crate) fn collection(&self) -> Result<Collection, Problem> {
        let kind = kind_at(&self.collection).ok_or_else(|| {
            let problem = "there is no such collection; names of parents are in `parents`";
            Problem::of(&self.collection, &self.name, problem)
        })?;
        let depth = kind.parents().len();
        // The collections below images have the two parts of an image's name.
        if self.parents.len() != depth && self.serial.is_none() {
            let problem = format!("expected {depth} names in `parents`");
            return Err(Problem::of(&self.collection, &self.name, problem));
        }
        Ok(Collection::under(kind, self.parents.clone()))
    }

    /// Returns the files of a volume or a drive, and those of a machine.
    pub(crate) fn volumes(&self) -> Result<Volumes, Problem> {
        let restore = |saved: &Option<SavedVolume>| {
            let restored = saved.as_ref().map(SavedVolume::restore).transpose();
            restored.map_err(|problem| Problem::of(&self.collection, &self.name, problem))
        };
        Ok(Volumes {
            files: restore(&self.files)?,
            disk: restore(&self.disk)?,
        })
    }

    /// Returns the record, if it has a serial number.
    pub(super) fn record(&self, volumes: Volumes) -> Option<Record> {
        let created = self.created.unwrap_or_default();
        Some(Record {
            serial: self.serial?,
            name: self.name.clone(),
            document: self.document.clone().unwrap_or_default().into(),
            created,
            used: self.used.unwrap_or(created),
            timeline: self.timeline.clone(),
            revisions: self.revisions.clone(),
            machine: None,
            files: volumes.files,
            contents: Contents {
                files: volumes.disk,
                processes: self.processes.clone(),
            },
            archive: self.archive.clone(),
            new_secrets: self.new_secrets.clone(),
        })
    }
}

/// The files of a record.
pub(crate) struct Volumes {
    pub(crate) files: Option<blaxel_guest::Volume>,
    pub(crate) disk: Option<blaxel_guest::Volume>,
}

/// Returns the static name of work that can fail.
pub(super) fn work_named(name: &str) -> Option<&'static str> {
    match name {
        ARCHIVES => Some(ARCHIVES),
        path => kind_at(path).map(|kind: &Kind| kind.path),
    }
}
