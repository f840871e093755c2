//! Local files that get their names once they are complete.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file under a temporary name, which is removed unless it is [kept](Self::keep).
pub(super) struct TempFile {
    path: PathBuf,
    target: PathBuf,
    is_kept: bool,
}

impl TempFile {
    /// Creates a file beside the target. It is readable and writable by its owner only until it is kept.
    ///
    /// # Errors
    ///
    /// If the target is a device, a pipe or a socket, also by a link: a file would take its place.
    pub(super) fn create(target: &Path) -> io::Result<(Self, File)> {
        let is_special = |metadata: fs::Metadata| !metadata.is_file() && !metadata.is_dir();
        if fs::metadata(target).is_ok_and(is_special) {
            let problem = "it is not a regular file; write what `read_stream` returns to it";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let name = format!(".{name:.100}.{:016x}", random());
        let path = target.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let file = options.open(&path)?;
        let temp = Self {
            path,
            target: target.to_owned(),
            is_kept: false,
        };
        Ok((temp, file))
    }

    /// Sets the attributes of the file, and gives it its name, replacing the file that has it.
    pub(super) fn keep(mut self, file: &File, attributes: Attributes) -> io::Result<()> {
        if let Some(modified) = attributes.modified {
            // It only tells that the file has not changed.
            let _ = file.set_times(FileTimes::new().set_modified(modified));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = attributes.mode.unwrap_or(0o644) & 0o777;
            file.set_permissions(fs::Permissions::from_mode(mode))?;
        }
        fs::rename(&self.path, &self.target)?;
        self.is_kept = true;
        Ok(())
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed stays: there is nobody to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The properties of a file beside its content.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attributes {
    pub(super) mode: Option<u32>,
    pub(super) modified: Option<SystemTime>,
}

/// Returns 64 random bits.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Returns the whole seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> Option<u64> {
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// Returns the time that is so many seconds after 1970.
pub(super) fn from_seconds(seconds: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}
