//! Temporary directories.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::errors;
use super::shell::shell;
use crate::errno::Errno;

/// Waits for the end of this program, or of the value that holds the pipe.
const WAIT: &str = r#"
temporary=$1
exec >/dev/null 2>&1
read -r word
"#;

/// Returns a name that nothing else on this machine has.
pub(crate) fn new_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_nanos();
    format!("blaxel-guest-{}-{count}-{now:x}", std::process::id())
}

/// Creates a directory that only this user can enter, and the directory `below` in it. Returns the
/// paths of the inner one and of the outer one.
pub(crate) fn make_temporary(name: &str, below: &str) -> io::Result<(PathBuf, PathBuf)> {
    // Links in the path would lead commands elsewhere.
    let top = std::env::temp_dir().canonicalize()?.join(name);
    DirBuilder::new().mode(0o700).create(&top)?;
    let inner = top.join(below);
    let created = DirBuilder::new().mode(0o755).create(&inner);
    if created.is_err() {
        let _ = std::fs::remove_dir(&top);
    }
    created.map(|()| (inner, top))
}

/// A shell that removes a directory when this is dropped, or when this program ends.
pub(super) struct Removal(Child);

impl Removal {
    pub(super) fn of(path: &Path) -> Result<Self, Errno> {
        let mut command = shell(WAIT, Some(path));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let started = command.spawn();
        started.map(Self).map_err(|error| errors::of_io(&error))
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // An interrupted wait leaves the directory to the shell.
        let _ = self.0.wait();
    }
}
