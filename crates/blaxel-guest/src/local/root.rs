//! [`Root`], the root directory of a sandbox.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::errors;
use super::image;
use super::mounts::{Mount, Mounts, Purpose};
use super::settings::{Isolation, Settings};
use crate::errno::Errno;

/// The directory of a sandbox, and what is mounted in it.
pub(super) struct Root {
    /// A name that no other sandbox on this machine has.
    pub(super) name: String,
    /// The directory on the host.
    pub(super) path: PathBuf,
    /// The directory to remove at the end.
    pub(super) temporary: Option<PathBuf>,
    pub(super) mounts: Arc<Mounts>,
}

impl Root {
    /// Creates the directory, or uses that of the settings.
    pub(super) fn create(settings: &Settings) -> Result<Self, Errno> {
        let name = new_name();
        let made = match &settings.root {
            Some(path) => DirBuilder::new()
                .recursive(true)
                .create(path)
                .and_then(|()| path.canonicalize())
                .map(|path| (path, None)),
            None => make_temporary(&name).map(|(path, top)| (path, Some(top))),
        };
        let (path, temporary) = made.map_err(|error| errors::of_io(&error))?;
        let filled = fill(settings, &path);
        if filled.is_err()
            && let Some(top) = &temporary
        {
            // Nothing else knows of it yet.
            let _ = std::fs::remove_dir_all(top);
        }
        Ok(Self {
            name,
            mounts: Arc::new(filled?),
            path,
            temporary,
        })
    }

    /// Removes a temporary directory that has no keeper yet.
    pub(super) fn remove(&self) {
        if let Some(top) = &self.temporary {
            // The keeper may just have removed it.
            let _ = std::fs::remove_dir_all(top);
        }
    }

    /// Returns the path on the host of a path in the sandbox that has no links.
    pub(super) fn on_host(&self, path: &str) -> PathBuf {
        self.path.join(path.trim_start_matches('/'))
    }
}

/// Creates the first contents and opens the mounts.
fn fill(settings: &Settings, path: &Path) -> Result<Mounts, Errno> {
    let failed = |error: io::Error| errors::of_io(&error);
    image::create_directories(path).map_err(failed)?;
    let root = Mount::open("/", path, Purpose::Root)?;
    if settings.isolation == Isolation::None {
        return Ok(Mounts::new(root, path.to_str().map(str::to_owned)));
    }
    let mut mounts = Mounts::new(root, None);
    for (own, host) in image::install(path).map_err(failed)? {
        mounts.add(Mount::open(&own, &host, Purpose::System)?);
    }
    for own in ["/dev", "/proc"] {
        let host = path.join(own.trim_start_matches('/'));
        mounts.add(Mount::open(own, &host, Purpose::Reserved)?);
    }
    for host in &settings.read_only {
        let own = host.to_str().ok_or(Errno::Invalid)?;
        let place = path.join(own.trim_start_matches('/'));
        let created = DirBuilder::new().recursive(true).create(place);
        created.map_err(failed)?;
        mounts.add(Mount::open(
            own.trim_end_matches('/'),
            host,
            Purpose::System,
        )?);
    }
    Ok(mounts)
}

fn new_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_nanos();
    format!("blaxel-guest-{}-{count}-{now:x}", std::process::id())
}

/// Creates a directory that only this user can enter, and the root in it.
fn make_temporary(name: &str) -> io::Result<(PathBuf, PathBuf)> {
    // Links in the path would lead commands elsewhere.
    let top = std::env::temp_dir().canonicalize()?.join(name);
    DirBuilder::new().mode(0o700).create(&top)?;
    let root = top.join("root");
    let created = DirBuilder::new().mode(0o755).create(&root);
    if created.is_err() {
        let _ = std::fs::remove_dir(&top);
    }
    created.map(|()| (root, top))
}
