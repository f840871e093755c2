//! A mount, and the options of a new one.

use blaxel_core::__private::lenient;
use blaxel_core::{Error, Source};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Maximum length of the name of a drive, in bytes.
const MAX_NAME: usize = 128;

/// Maximum length of a mount path, in bytes, with its leading slash.
const MAX_PATH: usize = 512;

/// A drive to mount, and the path to mount it at.
///
/// ```
/// use blaxel_sandbox::drives::MountOptions;
///
/// let options = MountOptions::new("datasets", "/mnt/data")
///     .drive_path("/2026")
///     .read_only(true);
/// # let _ = options;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct MountOptions {
    drive_name: String,
    mount_path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    drive_path: Option<String>,
    read_only: bool,
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_mapping"
    )]
    uid_map: Option<u32>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_mapping"
    )]
    gid_map: Option<u32>,
}

impl MountOptions {
    /// Creates the options of a writable mount of the drive named `drive_name` at the directory `mount_path`,
    /// which is created if it does not exist.
    ///
    /// A name has up to 128 letters, digits, `-` and `_`, and begins with a letter or digit. A path has up to 512
    /// bytes and no `..`; a missing leading slash is added.
    pub fn new(drive_name: impl Into<String>, mount_path: impl Into<String>) -> Self {
        let path: String = mount_path.into();
        Self {
            drive_name: drive_name.into(),
            mount_path: match path.as_str() {
                "" => path,
                _ if path.starts_with('/') => path,
                _ => format!("/{path}"),
            },
            drive_path: None,
            read_only: false,
            uid_map: None,
            gid_map: None,
        }
    }

    /// Sets the directory of the drive to mount, such as `/2026`. The default is `/`, the whole drive.
    pub fn drive_path(mut self, path: impl Into<String>) -> Self {
        self.drive_path = Some(path.into());
        self
    }

    /// Sets whether the mount refuses writes. The default is `false`.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Sets the user id in the sandbox that owns the files of the drive. By default it is the one of the variable
    /// `BLFS_UID_MAP` of the sandbox, otherwise that of the sandbox's processes.
    pub fn uid_map(mut self, uid: u32) -> Self {
        self.uid_map = Some(uid);
        self
    }

    /// Sets the group id in the sandbox that the files of the drive belong to. By default it is the one of the
    /// variable `BLFS_GID_MAP` of the sandbox, otherwise that of the sandbox's processes.
    pub fn gid_map(mut self, gid: u32) -> Self {
        self.gid_map = Some(gid);
        self
    }

    pub(crate) fn drive_name(&self) -> &str {
        &self.drive_name
    }

    pub(crate) fn mount_path(&self) -> &str {
        &self.mount_path
    }

    pub(super) fn directory(&self) -> &str {
        self.drive_path.as_deref().unwrap_or("/")
    }

    pub(super) fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Checks the names and paths by the rules of the server.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check_drive_name(&self.drive_name)?;
        check_mount_path(self.mount_path.trim_matches('/'))?;
        match &self.drive_path {
            Some(path) if !path.starts_with('/') => Err(Error::input(
                "drive path",
                &Source::Code,
                "it does not begin with `/`",
            )),
            _ => Ok(()),
        }
    }
}

/// A mounted drive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Mount {
    /// The name of the drive.
    pub drive_name: String,
    /// The directory in the sandbox.
    pub mount_path: String,
    /// The directory of the drive that is mounted; `/` is the whole drive.
    #[serde(default, deserialize_with = "lenient::text")]
    pub drive_path: Option<String>,
    /// `true` if the mount refuses writes.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub read_only: bool,
    /// The user id in the sandbox that owns the files. Only [`mount`](super::Drives::mount) reports it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "mapping",
        serialize_with = "write_mapping"
    )]
    pub uid_map: Option<u32>,
    /// The group id in the sandbox that the files belong to. Only [`mount`](super::Drives::mount) reports it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "mapping",
        serialize_with = "write_mapping"
    )]
    pub gid_map: Option<u32>,
}

/// Deserializes an id, which the server writes as text. Without a mapping, the text is empty.
pub(super) fn mapping<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let id = lenient::number(deserializer)?;
    Ok(id.and_then(|id| u32::try_from(id).ok()))
}

/// Serializes an id as text.
fn write_mapping<S: Serializer>(id: &Option<u32>, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => serializer.collect_str(id),
        None => serializer.serialize_str(""),
    }
}

/// Checks the name of a drive by the rules of the server.
fn check_drive_name(name: &str) -> Result<(), Error> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let problem = match name.as_bytes() {
        [] => "it is empty",
        [first, ..] if !first.is_ascii_alphanumeric() => "it does not begin with a letter or digit",
        bytes if !bytes.iter().copied().all(is_word) => {
            "it contains other characters than letters, digits, `-` and `_`"
        }
        bytes if bytes.len() > MAX_NAME => "it is longer than 128 bytes",
        _ => return Ok(()),
    };
    Err(Error::input("drive name", &Source::Code, problem))
}

/// Checks a mount path without its leading slash by the rules of the server.
pub(super) fn check_mount_path(path: &str) -> Result<(), Error> {
    let problem = if path.is_empty() {
        "it is empty"
    } else if path.contains("..") {
        "it contains `..`"
    } else if path.len() >= MAX_PATH {
        "it is longer than 512 bytes"
    } else {
        return Ok(());
    };
    Err(Error::input("mount path", &Source::Code, problem))
}

/// Returns `true` for two spellings of one absolute path.
pub(crate) fn same_path(a: &str, b: &str) -> bool {
    fn segments(path: &str) -> impl Iterator<Item = &str> {
        path.split('/')
            .filter(|segment| !matches!(*segment, "" | "."))
    }
    segments(a).eq(segments(b))
}
