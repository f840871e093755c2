//! File modes as the server writes them: those of Go's `FileMode`, in octal or as a number.

use blaxel_core::open_enum;
use serde_json::Value;

open_enum! {
    /// The type of a file.
    pub enum FileType {
        /// A regular file.
        File = "file",
        /// A directory.
        Directory = "directory",
        /// A symbolic link. Only listings show links; other calls follow them.
        Symlink = "symlink",
        /// A device, a pipe or a socket.
        Special = "special",
    }
}

const DIRECTORY: u64 = 1 << 31;
const SYMLINK: u64 = 1 << 27;
/// Devices, pipes, sockets and irregular files.
const SPECIAL: u64 = 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19;
const SET_USER: u64 = 1 << 23;
const SET_GROUP: u64 = 1 << 22;
const STICKY: u64 = 1 << 20;

/// A mode in the notation of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServerMode(u64);

impl ServerMode {
    /// Parses octal digits, such as `644` or `1000000777`.
    pub(crate) fn from_octal(text: &str) -> Option<Self> {
        u64::from_str_radix(text.trim(), 8).ok().map(Self)
    }

    /// Reads a member of a response: a text in octal, or a number.
    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::from_octal(text),
            other => other.as_u64().map(Self),
        }
    }

    /// Returns the permissions as Unix has them, in the lowest 12 bits.
    #[allow(clippy::cast_possible_truncation, reason = "only 12 bits are kept")]
    pub(crate) fn permissions(self) -> u32 {
        let flag = |bit: u64, unix: u32| if self.0 & bit == 0 { 0 } else { unix };
        (self.0 & 0o7777) as u32
            | flag(SET_USER, 0o4000)
            | flag(SET_GROUP, 0o2000)
            | flag(STICKY, 0o1000)
    }

    pub(crate) fn file_type(self) -> FileType {
        match self.0 {
            mode if mode & DIRECTORY != 0 => FileType::Directory,
            mode if mode & SYMLINK != 0 => FileType::Symlink,
            mode if mode & SPECIAL != 0 => FileType::Special,
            _ => FileType::File,
        }
    }
}

/// Formats permissions for a request.
pub(crate) fn octal(mode: u32) -> String {
    format!("{:04o}", mode & 0o7777)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn modes_are_read_in_all_notations() {
        for (value, file_type, permissions) in [
            (json!("644"), FileType::File, 0o644),
            (json!("0755"), FileType::File, 0o755),
            (json!(420), FileType::File, 0o644),
            (json!("1000000777"), FileType::Symlink, 0o777),
            (json!("20000000755"), FileType::Directory, 0o755),
            (json!("40000755"), FileType::File, 0o4755),
            (json!("20004000777"), FileType::Directory, 0o1777),
            (json!("4755"), FileType::File, 0o4755),
            (json!("200000644"), FileType::Special, 0o644),
        ] {
            let mode = ServerMode::from_json(&value).unwrap();
            assert_eq!(
                (mode.file_type(), mode.permissions()),
                (file_type, permissions),
                "{value}"
            );
        }
        for invalid in [json!("rw-r--r--"), json!(null), json!(-1), json!("9")] {
            assert_eq!(ServerMode::from_json(&invalid), None, "{invalid}");
        }
        assert_eq!(octal(0o644), "0644");
        assert_eq!(octal(0o100_755), "0755");
    }
}
