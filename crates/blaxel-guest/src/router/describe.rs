//! Files and directories, as responses describe them.

use std::collections::HashMap;

use serde::Serialize;

use super::path::{Paths, base, clean};
use crate::clock::timestamp;
use crate::errno::Errno;
use crate::files::{FileError, FileKind, Files, Metadata, join};

/// A file in a response.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File {
    pub(super) path: String,
    pub(super) name: String,
    permissions: String,
    size: u64,
    last_modified: String,
    owner: String,
    group: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<String>,
}

/// A directory in a response.
#[derive(Debug, Serialize)]
pub(super) struct Directory {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) files: Vec<File>,
    pub(super) subdirectories: Vec<Subdirectory>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) recursive: bool,
}

/// A directory in a directory.
#[derive(Debug, Serialize)]
pub(super) struct Subdirectory {
    pub(super) path: String,
    pub(super) name: String,
}

/// The names of the users and groups of the guest.
pub(super) struct Owners {
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
}

impl Owners {
    pub(super) fn read(files: &dyn Files) -> Self {
        let names = |path| {
            let text = files.read(path).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let entry = |line: &str| {
                let mut fields = line.split(':');
                let (name, id) = (fields.next()?, fields.nth(1)?);
                Some((id.parse().ok()?, name.to_owned()))
            };
            text.lines().filter_map(entry).collect()
        };
        Self {
            users: names("/etc/passwd"),
            groups: names("/etc/group"),
        }
    }
}

impl File {
    pub(super) fn new(path: String, name: &str, facts: &Metadata, owners: &Owners) -> Self {
        let named = |names: &HashMap<u32, String>, id: u32| {
            names.get(&id).cloned().unwrap_or_else(|| id.to_string())
        };
        Self {
            path,
            name: name.to_owned(),
            permissions: format!("{:o}", mode_bits(facts)),
            size: facts.size,
            last_modified: timestamp(facts.modified).to_string(),
            owner: named(&owners.users, facts.user),
            group: named(&owners.groups, facts.group),
            content: None,
        }
    }

    /// Describes a file together with its content, as text. The server leaves its name empty.
    pub(super) fn with_content(
        files: &dyn Files,
        paths: &Paths,
        path: &str,
        facts: &Metadata,
        content: &[u8],
    ) -> Self {
        let owners = Owners::read(files);
        let mut file = Self::new(paths.shown(path).to_owned(), "", facts, &owners);
        file.content = Some(String::from_utf8_lossy(content).into_owned());
        file
    }
}

/// Lists a directory. Entries have the path of the directory as it was asked for.
pub(super) fn list(files: &dyn Files, paths: &Paths, path: &str) -> Result<Directory, FileError> {
    let absolute = paths.absolute(path);
    let shown = paths.shown(path);
    let owners = Owners::read(files);
    let mut listed = Directory {
        path: shown.to_owned(),
        name: base(shown).to_owned(),
        files: Vec::new(),
        subdirectories: Vec::new(),
        recursive: false,
    };
    let failed = |errno| FileError::new("open", &absolute, errno);
    for entry in files.read_dir(&absolute).map_err(failed)? {
        let path = match shown {
            "" => entry.name.clone(),
            shown => clean(&format!("{shown}/{}", entry.name)),
        };
        if entry.kind == FileKind::Directory {
            listed.subdirectories.push(Subdirectory {
                path,
                name: entry.name,
            });
            continue;
        }
        let entry_path = join(&absolute, &entry.name);
        match files.link_metadata(&entry_path) {
            Ok(facts) => listed
                .files
                .push(File::new(path, &entry.name, &facts, &owners)),
            // Somebody has removed it in between.
            Err(Errno::NotFound) => {}
            Err(errno) => return Err(FileError::new("lstat", &entry_path, errno)),
        }
    }
    Ok(listed)
}

/// Returns the mode with the bits for the type of the file that the server's language uses.
fn mode_bits(facts: &Metadata) -> u32 {
    const SET_USER: u32 = 0o4000;
    const SET_GROUP: u32 = 0o2000;
    const STICKY: u32 = 0o1000;
    let kind = match facts.kind {
        FileKind::File => 0,
        FileKind::Directory => 1 << 31,
        FileKind::Symlink => 1 << 27,
        FileKind::BlockDevice => 1 << 26,
        FileKind::CharDevice => 1 << 26 | 1 << 21,
        FileKind::Pipe => 1 << 25,
        FileKind::Socket => 1 << 24,
    };
    let special = [(SET_USER, 23), (SET_GROUP, 22), (STICKY, 20)];
    let special = special.into_iter().filter(|(bit, _)| facts.mode & bit != 0);
    let special: u32 = special.map(|(_, shift)| 1 << shift).sum();
    kind | special | facts.mode & 0o777
}
