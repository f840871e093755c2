//! Entries of directories and metadata of files.

use blaxel_core::__private::lenient;
use blaxel_core::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::mode::{FileType, ServerMode};
use super::path::RemotePath;

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DirEntry {
    /// The path: that of the directory as it was given, and the name.
    pub path: String,
    /// The name. A name that is not UTF-8 contains replacement characters, and cannot be used in calls.
    pub name: String,
    /// The type. A symbolic link is not followed.
    pub file_type: FileType,
    /// The size in bytes; `None` for directories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub len: Option<u64>,
    /// The permissions, such as `0o644`; `None` for directories, because the server does not list them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    /// The time of the last change; `None` for directories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
    /// The name of the owner, or its id if it has no name; `None` for directories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The name of the group, or its id if it has no name; `None` for directories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

impl DirEntry {
    /// Returns `true` for a directory, and `false` for a link to one.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.file_type == FileType::Directory
    }

    /// Returns `true` for a regular file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.file_type == FileType::File
    }
}

/// Facts about a file or directory. Symbolic links are followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Metadata {
    /// The type.
    pub file_type: FileType,
    /// The size in bytes; `None` for directories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub len: Option<u64>,
    /// The permissions, such as `0o644`; `None` if the sandbox is too old to report them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    /// The time of the last change in whole seconds; `None` if the sandbox does not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
}

impl Metadata {
    /// Returns `true` for a directory.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.file_type == FileType::Directory
    }

    /// Returns `true` for a regular file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.file_type == FileType::File
    }
}

/// The response to a read of a directory. It also reads that of a file in JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listing {
    #[serde(default, deserialize_with = "lenient::text")]
    path: Option<String>,
    #[serde(default)]
    files: Option<Vec<ListedFile>>,
    #[serde(default)]
    subdirectories: Option<Vec<Listing>>,
    #[serde(default, deserialize_with = "lenient::text")]
    name: Option<String>,
    /// The text of a file.
    #[serde(default, deserialize_with = "lenient::text")]
    content: Option<String>,
    /// `true` if the whole tree was read. Older servers do not know the parameter that asks for it.
    #[serde(default)]
    recursive: Option<bool>,
}

/// A file of a listing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedFile {
    #[serde(default, deserialize_with = "lenient::text")]
    path: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "permissions")]
    permissions: Option<ServerMode>,
    #[serde(default, deserialize_with = "lenient::number")]
    size: Option<u64>,
    #[serde(default, deserialize_with = "time")]
    last_modified: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::text")]
    owner: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    group: Option<String>,
    #[serde(default)]
    content: Option<String>,
}

impl Listing {
    /// Returns `true` if it lists a directory, and `false` for the content of a file.
    pub(crate) fn is_directory(&self) -> bool {
        self.files.is_some() || self.subdirectories.is_some()
    }

    /// Returns `true` if it has the whole tree.
    pub(crate) fn is_recursive(&self) -> bool {
        self.recursive == Some(true)
    }

    /// Returns the text of a file, unless bytes of it were replaced because they are not UTF-8.
    pub(crate) fn into_exact_text(self) -> Option<String> {
        self.content.filter(|text| is_exact(text))
    }

    /// Returns the path of the directory, as the server sees it.
    pub(crate) fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// Converts the entries, which are those of the directory `at`. Subdirectories come first.
    pub(crate) fn entries(self, at: &RemotePath) -> Vec<DirEntry> {
        let directories = self.subdirectories.unwrap_or_default().into_iter();
        let directories = directories.filter_map(|directory| {
            let name = name_of(directory.name, directory.path.as_deref())?;
            Some(DirEntry {
                path: at.join(&name),
                name,
                file_type: FileType::Directory,
                len: None,
                mode: None,
                modified: None,
                owner: None,
                group: None,
            })
        });
        let files = self.files.unwrap_or_default().into_iter();
        let files = files.filter_map(|file| {
            let name = name_of(file.name, file.path.as_deref())?;
            Some(DirEntry {
                path: at.join(&name),
                name,
                file_type: file
                    .permissions
                    .map_or(FileType::File, ServerMode::file_type),
                len: file.size,
                mode: file.permissions.map(ServerMode::permissions),
                modified: file.last_modified,
                owner: file.owner,
                group: file.group,
            })
        });
        directories.chain(files).collect()
    }

    /// Calls `visit` with the path below the root, the content and the size of each file of a whole tree. Its files are
    /// those of all levels, or nested in the subdirectories.
    pub(crate) fn visit_contents(
        self,
        root: &str,
        below: &str,
        visit: &mut impl FnMut(String, Option<String>, Option<u64>),
    ) {
        let join = |name: &str| match below {
            "" => name.to_owned(),
            below => format!("{below}/{name}"),
        };
        for file in self.files.unwrap_or_default() {
            let is_file = file
                .permissions
                .is_none_or(|mode| mode.file_type() == FileType::File);
            let path = file.path.as_deref();
            let nested = name_of(file.name, path).map(|name| join(&name));
            if let Some(name) = path_below(root, path).or(nested).filter(|_| is_file) {
                visit(name, file.content, file.size);
            }
        }
        for directory in self.subdirectories.unwrap_or_default() {
            if let Some(name) = name_of(directory.name.clone(), directory.path.as_deref()) {
                directory.visit_contents(root, &join(&name), visit);
            }
        }
    }
}

/// Returns `true` if no bytes of a text were replaced, as the server does with bytes that are not UTF-8.
pub(crate) fn is_exact(text: &str) -> bool {
    !text.contains(char::REPLACEMENT_CHARACTER)
}

/// Returns the part of an absolute path below a root, or `None` if it is not below it.
fn path_below(root: &str, path: Option<&str>) -> Option<String> {
    let below = path?.strip_prefix(root.trim_end_matches('/'))?;
    let below = below.strip_prefix('/')?;
    let is_plain = |segment: &str| !matches!(segment, "" | "." | "..");
    below.split('/').all(is_plain).then(|| below.to_owned())
}

/// Returns the name of an entry. Some responses have it only in the path.
fn name_of(name: Option<String>, path: Option<&str>) -> Option<String> {
    let from_path = || Some(path?.rsplit('/').next()?.to_owned());
    name.filter(|name| !name.is_empty())
        .or_else(from_path)
        // A walk over `..` would never end.
        .filter(|name| !matches!(name.as_str(), "" | "." | "..") && !name.contains('/'))
}

fn permissions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ServerMode>, D::Error> {
    Ok(ServerMode::from_json(&Value::deserialize(deserializer)?))
}

/// Reads a time in RFC 3339, or as HTTP has it.
pub(crate) fn time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    Ok(lenient::text(deserializer)?.and_then(|text| parse_time(&text)))
}

/// Parses a time in RFC 3339, or as HTTP has it.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let http = || httpdate::parse_http_date(text).ok().map(Timestamp::from);
    text.parse().ok().or_else(http)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_listing_becomes_entries() {
        let listing: Listing = serde_json::from_value(json!({
            "path": "/work", "name": "work",
            "files": [
                {"path": "/data/a b", "name": "a b", "permissions": "644", "size": 3,
                 "lastModified": "2026-11-30T10:07:20.761112038Z", "owner": "root", "group": 0},
                {"path": "/data/link", "name": "", "permissions": "1000000777", "size": "7",
                 "lastModified": "Mon, 30 Nov 2026 10:07:20 GMT", "owner": null},
                {"path": null, "name": null},
                {"name": ".."},
                {"name": "a/b"},
            ],
            "subdirectories": [{"path": "/data/sub", "name": "sub"}],
        }))
        .unwrap();
        assert!(listing.is_directory() && !listing.is_recursive());
        let entries = listing.entries(&RemotePath::parse("/data/").unwrap());
        let summary = |entry: &DirEntry| {
            (
                entry.path.clone(),
                entry.file_type.clone(),
                entry.len,
                entry.mode,
            )
        };
        assert_eq!(
            entries.iter().map(summary).collect::<Vec<_>>(),
            [
                ("/data/sub".to_owned(), FileType::Directory, None, None),
                ("/data/a b".to_owned(), FileType::File, Some(3), Some(0o644)),
                (
                    "/data/link".to_owned(),
                    FileType::Symlink,
                    Some(7),
                    Some(0o777)
                ),
            ]
        );
        assert_eq!(entries[1].group.as_deref(), Some("0"));
        let second = entries[2].modified.as_ref().unwrap();
        assert_eq!(second.as_str(), "2026-11-30T10:07:20Z");
        assert!(entries[0].is_dir() && entries[1].is_file());
        for entry in entries {
            let json = serde_json::to_value(&entry).unwrap();
            assert_eq!(serde_json::from_value::<DirEntry>(json).unwrap(), entry);
        }
    }

    #[test]
    fn empty_lists_may_be_null_and_a_file_is_no_directory() {
        let empty: Listing =
            serde_json::from_value(json!({"path": "/", "files": null, "subdirectories": []}))
                .unwrap();
        assert!(empty.is_directory());
        assert!(empty.entries(&RemotePath::parse("/").unwrap()).is_empty());
        let file: Listing = serde_json::from_value(json!({"path": "/a", "content": "x"})).unwrap();
        assert!(!file.is_directory());
    }

    #[test]
    fn metadata_is_serialized_back() {
        let metadata = Metadata {
            file_type: FileType::File,
            len: Some(3),
            mode: Some(0o644),
            modified: parse_time("Mon, 30 Nov 2026 10:07:20 GMT"),
        };
        let json = serde_json::to_value(&metadata).unwrap();
        assert_eq!(json["modified"], "2026-11-30T10:07:20Z");
        assert_eq!(serde_json::from_value::<Metadata>(json).unwrap(), metadata);
    }
}
