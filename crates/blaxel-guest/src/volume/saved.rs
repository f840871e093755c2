//! [`SavedVolume`], the contents of a volume as a document.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use blaxel_core::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use super::node::{Attributes, Content, Device, Inode, Node};
use super::tree::{ROOT, Tree};
use crate::clock::timestamp;
use crate::errno::Errno;

/// The contents of a volume in memory, as a document that can be written by hand too.
///
/// Each file has its path. Its value is its text, or an object with its contents, which are one of
/// `text`, `base64`, `symlink`, `hardlink` (the path of the same file), `device` and `directory`, and its
/// attributes: `mode`, such as `"644"`, `user`, `group`, `modified`, `changed` and `accessed`. Directories
/// that are not listed are created.
///
/// ```
/// use blaxel_guest::{Clock, Files as _, MemoryFiles, SavedVolume};
/// use serde_json::json;
///
/// let seed: SavedVolume = serde_json::from_value(json!({
///     "capacity": 1 << 20,
///     "files": {
///         "/app/main.py": "print('hello')\n",
///         "/app/run": {"text": "#!/bin/sh\n", "mode": "755"},
///     },
/// }))?;
/// let volume = seed.restore()?;
/// let files = MemoryFiles::new(volume.clone(), Clock::standing());
/// assert_eq!(files.read("/app/main.py")?, b"print('hello')\n");
/// assert_eq!(serde_json::to_value(volume.save()?)?["files"]["/app/run"]["mode"], "755");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedVolume {
    /// The room for contents, in bytes.
    capacity: u64,
    #[serde(default)]
    files: BTreeMap<String, SavedFile>,
}

/// A file, a directory, a link or a device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, remote = "Self")]
struct SavedFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    symlink: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hardlink: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    directory: bool,
    /// The permissions as octal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    user: u32,
    #[serde(skip_serializing_if = "is_zero")]
    group: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accessed: Option<Timestamp>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Serialize for SavedFile {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for SavedFile {
    /// Reads an object, or a text as the contents of a file.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self {
                text: Some(text),
                ..Self::default()
            }),
            other => Self::deserialize(other).map_err(de::Error::custom),
        }
    }
}

/// The devices by name.
const DEVICES: [(&str, Device); 3] = [
    ("null", Device::Null),
    ("zero", Device::Zero),
    ("full", Device::Full),
];

impl SavedVolume {
    /// Creates the document of an empty volume with room for `capacity` bytes.
    #[must_use]
    pub fn empty(capacity: u64) -> Self {
        Self {
            capacity,
            files: BTreeMap::new(),
        }
    }

    /// Creates a volume in memory with these contents.
    ///
    /// # Errors
    ///
    /// Returns an error that names the path, if a file makes no sense.
    pub fn restore(&self) -> Result<super::Volume, InvalidVolume> {
        // Contents beyond the size stay, as after a volume was made smaller.
        let mut tree = Tree::new(u64::MAX);
        let mut linked = Vec::new();
        let mut places = HashMap::from([(String::new(), ROOT)]);
        for (path, file) in &self.files {
            let invalid = |problem: &dyn std::fmt::Display| InvalidVolume {
                path: path.clone(),
                problem: problem.to_string(),
            };
            let Some(below) = path.strip_prefix('/') else {
                return Err(invalid(&"a path begins with a slash"));
            };
            if let Some(other) = &file.hardlink {
                linked.push((path, other));
                continue;
            }
            let inode = match below {
                "" => ROOT,
                _ => {
                    let (parent, name) = below.rsplit_once('/').unwrap_or(("", below));
                    let parent =
                        directory(&mut tree, &mut places, parent).map_err(|e| invalid(&e))?;
                    let content = file.content().map_err(|problem| invalid(&problem))?;
                    let attributes = file.attributes(&content).map_err(|e| invalid(&e))?;
                    let created = tree.create(parent, name, content, attributes);
                    let inode = created.map_err(|errno| invalid(&errno))?;
                    places.insert(below.to_owned(), inode);
                    inode
                }
            };
            if inode == ROOT {
                let root = Content::Directory(BTreeMap::new());
                let Attributes {
                    mode, user, group, ..
                } = file.attributes(&root).map_err(|e| invalid(&e))?;
                let set = |errno: Errno| invalid(&errno);
                tree.set_mode(ROOT, mode, Duration::ZERO).map_err(set)?;
                tree.set_owner(ROOT, Some(user), Some(group), Duration::ZERO)
                    .map_err(set)?;
            }
        }
        for (path, other) in linked {
            let link = |tree: &mut Tree| {
                let below = path.trim_start_matches('/');
                let (parent, name) = below.rsplit_once('/').unwrap_or(("", below));
                let inode = places.get(other.trim_start_matches('/'));
                let inode = *inode.ok_or("it links to a file that is not listed".to_owned())?;
                let parent = directory(tree, &mut places.clone(), parent)?;
                let linked = tree.link(inode, parent, name, Duration::ZERO);
                linked.map_err(|errno| errno.to_string())
            };
            link(&mut tree).map_err(|problem| InvalidVolume {
                path: path.clone(),
                problem,
            })?;
        }
        // Creating and linking files has changed the times of directories.
        for (path, file) in &self.files {
            if let Some(inode) = places.get(path.trim_start_matches('/')) {
                tree.set_all_times(*inode, file.times());
            }
        }
        tree.capacity = self.capacity;
        Ok(super::Volume::of_tree(tree))
    }
}

/// Returns the directory of a path without its first slash, creating it if it does not exist.
fn directory(
    tree: &mut Tree,
    places: &mut HashMap<String, Inode>,
    path: &str,
) -> Result<Inode, String> {
    if let Some(inode) = places.get(path) {
        return Ok(*inode);
    }
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    let parent = directory(tree, places, parent)?;
    let attributes = Attributes {
        mode: 0o755,
        user: 0,
        group: 0,
        now: Duration::ZERO,
    };
    let content = Content::Directory(BTreeMap::new());
    let created = tree.create(parent, name, content, attributes);
    let inode = created.map_err(|errno| errno.to_string())?;
    places.insert(path.to_owned(), inode);
    Ok(inode)
}

impl SavedFile {
    fn of(node: &Node) -> Self {
        let mut file = Self {
            mode: Some(format!("{:o}", node.mode)),
            user: node.user,
            group: node.group,
            modified: saved_time(node.modified),
            changed: saved_time(node.changed).filter(|_| node.changed != node.modified),
            accessed: saved_time(node.accessed).filter(|_| node.accessed != node.modified),
            ..Self::default()
        };
        match &node.content {
            Content::File(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => file.text = Some(text.to_owned()),
                Err(_) => file.base64 = Some(BASE64_STANDARD.encode(bytes.as_slice())),
            },
            Content::Directory(_) => file.directory = true,
            Content::Symlink(target) => file.symlink = Some(target.clone()),
            Content::Device(device) => {
                let named = DEVICES.iter().find(|(_, known)| known == device);
                file.device = named.map(|(name, _)| (*name).to_owned());
            }
        }
        file
    }

    fn content(&self) -> Result<Content, String> {
        let device = |name: &String| {
            let known = DEVICES.iter().find(|(known, _)| known == name);
            let known = known.ok_or_else(|| format!("there is no device {name:?}"));
            known.map(|(_, device)| Content::Device(*device))
        };
        let base64 = |text: &String| {
            let bytes = BASE64_STANDARD.decode(text);
            let bytes = bytes.map_err(|problem| format!("`base64`: {problem}"))?;
            Ok(Content::File(Arc::new(bytes)))
        };
        let file = |text: &String| Ok(Content::File(Arc::new(text.clone().into_bytes())));
        let symlink = |target: &String| Ok(Content::Symlink(target.clone()));
        let given = [
            self.text.as_ref().map(file),
            self.base64.as_ref().map(base64),
            self.symlink.as_ref().map(symlink),
            self.device.as_ref().map(device),
            self.directory
                .then(|| Ok(Content::Directory(BTreeMap::new()))),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(content), None) => content,
            _ => Err(
                "expected exactly one of text, base64, symlink, hardlink, device and directory"
                    .to_owned(),
            ),
        }
    }

    fn attributes(&self, content: &Content) -> Result<Attributes, String> {
        let usual = match content {
            Content::Directory(_) => 0o755,
            Content::Symlink(_) => 0o777,
            Content::Device(_) => 0o666,
            Content::File(_) => 0o644,
        };
        let mode = match &self.mode {
            None => usual,
            Some(digits) => u32::from_str_radix(digits, 8)
                .ok()
                .filter(|mode| *mode <= 0o7777)
                .ok_or_else(|| format!("`mode`: {digits:?} is not octal, such as \"644\""))?,
        };
        let [_, modified, _] = self.times();
        Ok(Attributes {
            mode,
            user: self.user,
            group: self.group,
            now: modified,
        })
    }

    /// Returns the times of the last access, the last change of the contents, and the last change at all.
    fn times(&self) -> [Duration; 3] {
        let read = |time: &Option<Timestamp>| {
            let (seconds, nanos) = time.as_ref()?.unix()?;
            Some(Duration::new(u64::try_from(seconds).ok()?, nanos))
        };
        let modified = read(&self.modified).unwrap_or_default();
        let accessed = read(&self.accessed).unwrap_or(modified);
        let changed = read(&self.changed).unwrap_or(modified);
        [accessed, modified, changed]
    }
}

fn saved_time(time: Duration) -> Option<Timestamp> {
    (!time.is_zero()).then(|| timestamp(time))
}

impl super::Volume {
    /// Returns the contents as a document.
    ///
    /// ```
    /// let volume = blaxel_guest::Volume::in_memory(1 << 20);
    /// let again = volume.save()?.restore()?;
    /// assert_eq!(again.save()?, volume.save()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails with [`Errno::NotImplemented`] if the contents are in a directory of this machine.
    pub fn save(&self) -> Result<SavedVolume, Errno> {
        self.check_in_memory()?;
        let tree = self.open();
        let mut saved = SavedVolume::empty(tree.capacity);
        let mut seen = HashMap::new();
        let mut open = vec![(String::new(), ROOT)];
        while let Some((path, inode)) = open.pop() {
            let node = tree.get(inode)?;
            if let Content::Directory(entries) = &node.content {
                // The first name of a file in the order of names has its contents.
                let below = entries.iter().rev();
                open.extend(below.map(|(name, inode)| (format!("{path}/{name}"), *inode)));
            }
            let shown = if path.is_empty() {
                "/".to_owned()
            } else {
                path
            };
            let file = match seen.get(&inode) {
                Some(first) => SavedFile {
                    hardlink: Some(String::clone(first)),
                    ..SavedFile::default()
                },
                None => SavedFile::of(node),
            };
            seen.entry(inode).or_insert_with(|| shown.clone());
            saved.files.insert(shown, file);
        }
        Ok(saved)
    }
}

/// The error for the document of a volume that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidVolume {
    path: String,
    problem: String,
}

impl std::fmt::Display for InvalidVolume {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "invalid file {:?}: {}", self.path, self.problem)
    }
}

impl std::error::Error for InvalidVolume {}
