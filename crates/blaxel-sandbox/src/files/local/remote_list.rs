//! The files of a directory of the sandbox, for comparison with local ones.

use std::collections::HashMap;

use blaxel_core::{Error, HttpService};

use crate::files::locate::Place;
use crate::files::mode::FileType;
use crate::files::path::RemotePath;
use crate::files::problem::is_missing;
use crate::files::read_dir::ReadDir;

use super::selection::Selection;

/// Maximum number of files and directories. A sandbox that is not trusted could list directories without end.
const MAX_ENTRIES: usize = 1_000_000;

/// A file, directory or link of a directory of the sandbox.
#[derive(Clone, Debug)]
pub(super) struct RemoteEntry {
    pub(super) file_type: FileType,
    pub(super) len: u64,
    pub(super) mode: Option<u32>,
    /// The time of the last change in seconds since 1970.
    pub(super) modified: Option<u64>,
}

/// Lists the wanted files below a directory by their paths below it. `None` if there is no such directory.
pub(super) async fn list<S: HttpService>(
    place: &Place<S>,
    root: &RemotePath,
    selection: &Selection,
) -> Result<Option<HashMap<String, RemoteEntry>>, Error> {
    let mut found = HashMap::new();
    let mut pending = vec![String::new()];
    while let Some(below) = pending.pop() {
        let path = match below.as_str() {
            "" => root.as_str().to_owned(),
            below => root.join(below),
        };
        let mut entries = ReadDir::new(place.clone(), &path);
        loop {
            let entry = match entries.try_next().await {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(error) if is_missing(&error) && below.is_empty() => return Ok(None),
                // It was removed in the meantime.
                Err(error) if is_missing(&error) => break,
                Err(error) => return Err(error),
            };
            let name = match below.as_str() {
                "" => entry.name,
                below => format!("{below}/{}", entry.name),
            };
            let is_dir = entry.file_type == FileType::Directory;
            if !selection.wants(&name, is_dir) {
                continue;
            }
            if is_dir {
                pending.push(name.clone());
            }
            let modified = entry.modified.and_then(|time| time.unix());
            let entry = RemoteEntry {
                file_type: entry.file_type,
                len: entry.len.unwrap_or(0),
                mode: entry.mode,
                modified: modified.and_then(|(seconds, _)| u64::try_from(seconds).ok()),
            };
            found.insert(name, entry);
            if found.len() > MAX_ENTRIES {
                let message = format!("`{}` has more than {MAX_ENTRIES} entries", root.as_str());
                return Err(Error::decode(message));
            }
        }
    }
    Ok(Some(found))
}
