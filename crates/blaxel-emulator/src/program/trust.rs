//! The certificate authority of a program that does not keep one.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// The number of names to try.
const ATTEMPTS: u32 = 100;

/// A directory that only this user can read. It is removed when it is dropped.
pub(super) struct TemporaryDirectory(PathBuf);

impl TemporaryDirectory {
    pub(super) fn new() -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let process = std::process::id();
        for number in 0..ATTEMPTS {
            let name = format!("blaxel-emulator-{process}-{number}");
            let path = std::env::temp_dir().join(name);
            match builder.create(&path) {
                Ok(()) => return Ok(Self(path)),
                // That of a program that was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.clone()
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
