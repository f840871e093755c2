//! [`Data`], the state of an emulator as a document.

mod file;
mod settings;
mod yaml;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use self::settings::{SavedSettings, Span};
use crate::fault::SavedFault;
use crate::state::{SavedCounters, SavedRecord, saved_time};

/// The version of the format.
const VERSION: u32 = 1;

/// The state of an emulator as a document, to seed another one with it or to go on later.
///
/// [`Emulator::save`](crate::Emulator::save) returns the whole state. Its text is JSON, and restoring it and
/// saving it again gives the same bytes, as long as the clock stands still. **It contains the secrets of the
/// emulator**: API keys, environment variables and secrets of the workspace.
///
/// A document that is written by hand, in JSON or YAML, needs the version and the resources only. They are
/// added to those of a new emulator, and what they do not say is as [`Emulator::add`](crate::Emulator::add)
/// makes it:
///
/// ```
/// use blaxel_emulator::{Data, Emulator};
///
/// let data: Data = "
/// version: 1
/// resources:
///   - {collection: agents, name: support-bot}
///   - collection: sandboxes
///     name: dev
///     document:
///       spec: {runtime: {image: blaxel/base-image:latest, memory: 2048}}
///     disk:
///       capacity: 1000000
///       files:
///         /app/main.py: print('hello')
/// ".parse()?;
/// let emulator = Emulator::builder().data(data).build();
/// assert!(emulator.guest("dev").is_some());
/// let later = emulator.save()?;
/// let again = Emulator::builder().data(later.clone()).build();
/// assert_eq!(again.save()?.to_string(), later.to_string());
/// # Ok::<(), blaxel_emulator::InvalidData>(())
/// ```
///
/// Not part of it are the journal, the scripts of workloads and commands, forwarding, MCP sessions, addresses
/// for uploads, and what machines have in memory: their finished processes, mounted drives, ports and
/// terminals. A process that runs is saved as its command and its settings, and starts again from its
/// beginning with the next call of its sandbox.
#[derive(Clone)]
pub struct Data(Arc<Document>);

/// The members of the document.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    version: u32,
    /// Set if this is the whole state, and not an addition to that of a new emulator.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) complete: bool,
    #[serde(
        default,
        with = "saved_time::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) clock: Option<Duration>,
    #[serde(default, skip_serializing_if = "SavedSettings::is_empty")]
    pub(crate) settings: SavedSettings,
    /// The number of the last request.
    #[serde(default)]
    pub(crate) requests: u64,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) used_device_codes: BTreeSet<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) faults: Vec<SavedFault>,
    #[serde(default)]
    pub(crate) counters: SavedCounters,
    #[serde(default)]
    pub(crate) resources: Vec<SavedRecord>,
}

impl Document {
    /// Returns an empty document of the whole state.
    pub(crate) fn complete() -> Self {
        Self {
            complete: true,
            ..Self::seed()
        }
    }

    /// Returns an empty document that adds to a new emulator.
    pub(crate) fn seed() -> Self {
        Self {
            version: VERSION,
            complete: false,
            clock: None,
            settings: SavedSettings::default(),
            requests: 0,
            used_device_codes: BTreeSet::new(),
            faults: Vec::new(),
            counters: SavedCounters::default(),
            resources: Vec::new(),
        }
    }
}

impl Data {
    pub(crate) fn new(document: Document) -> Self {
        Self(Arc::new(document))
    }

    pub(crate) fn document(&self) -> &Document {
        &self.0
    }

    /// Reads a file in JSON or YAML.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, or as [`from_str`](Self::from_str) does, with the path of
    /// the file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, InvalidData> {
        let path = path.as_ref();
        let in_file =
            |problem: &dyn fmt::Display| InvalidData::new(format!("{}: {problem}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|problem| in_file(&problem))?;
        text.parse()
            .map_err(|InvalidData(problem)| in_file(&problem))
    }

    /// Writes a file, which only its owner can read, because there are secrets in it.
    ///
    /// It is written beside the old one, which it then replaces. So after an error the old one is
    /// unchanged.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> io::Result<()> {
        file::replace(path.as_ref(), self.to_string().as_bytes())
    }
}

impl fmt::Display for Data {
    /// Formats the document, with its secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string_pretty(&*self.0).map_err(|_| fmt::Error)?;
        writeln!(f, "{text}")
    }
}

impl FromStr for Data {
    type Err = InvalidData;

    /// Parses a document in JSON or YAML.
    ///
    /// # Errors
    ///
    /// Returns an error that names the line and the member if the text is neither, or if it has a member that
    /// is unknown or of the wrong type. Collections and files are checked too.
    fn from_str(text: &str) -> Result<Self, InvalidData> {
        let document: Document = if text.trim_start().starts_with('{') {
            let mut reader = serde_json::Deserializer::from_str(text);
            let read = serde_path_to_error::deserialize(&mut reader);
            let document = read.map_err(|problem| {
                let place = problem.path().to_string();
                InvalidData::at(&place, problem.into_inner())
            })?;
            reader.end().map_err(InvalidData::new)?;
            document
        } else {
            yaml::read(text).map_err(InvalidData::new)?
        };
        if document.version != VERSION {
            let problem = format!(
                "version: {} is not known; this program reads version {VERSION}",
                document.version
            );
            return Err(InvalidData::new(problem));
        }
        let counted = document.counters.check();
        counted.map_err(|problem| InvalidData::at("counters", problem.0))?;
        for (place, resource) in document.resources.iter().enumerate() {
            let checked = resource.collection().and_then(|_| resource.volumes());
            checked
                .map_err(|problem| InvalidData::at(&format!("resources[{place}]"), problem.0))?;
        }
        Ok(Self::new(document))
    }
}

impl TryFrom<&str> for Data {
    type Error = InvalidData;

    fn try_from(text: &str) -> Result<Self, InvalidData> {
        text.parse()
    }
}

impl fmt::Debug for Data {
    /// Formats the data without its contents, which are secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Data")
            .field("complete", &self.0.complete)
            .field("resources", &self.0.resources.len())
            .finish_non_exhaustive()
    }
}

/// The error for data that cannot be read, restored or saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidData(String);

impl InvalidData {
    pub(crate) fn new(problem: impl fmt::Display) -> Self {
        Self(problem.to_string())
    }

    fn at(place: &str, problem: impl fmt::Display) -> Self {
        match place {
            "" | "." => Self::new(problem),
            place => Self(format!("{place}: {problem}")),
        }
    }
}

impl fmt::Display for InvalidData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid data: {}", self.0)
    }
}

impl std::error::Error for InvalidData {}
