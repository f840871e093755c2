//! [`Root`], the root directory of a sandbox.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::image;
use super::mounts::{Mount, MountTable, Mounts, Purpose};
use super::settings::{Isolation, Settings};
use super::volumes;
use crate::errno::Errno;
use crate::host::{Directory, errors, make_temporary, new_name};

/// The directory of a sandbox, and what is mounted in it.
pub(super) struct Root {
    /// A name that no other sandbox on this machine has.
    pub(super) name: String,
    /// The directory on the host.
    pub(super) path: PathBuf,
    /// The directory to remove at the end.
    pub(super) temporary: Option<PathBuf>,
    pub(super) mounts: MountTable,
    /// The directory as a volume.
    pub(super) disk: Arc<Directory>,
    /// A copy of the first contents, if the directory is temporary.
    image: OnceLock<Directory>,
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
            None => make_temporary(&name, "root").map(|(path, top)| (path, Some(top))),
        };
        let (path, temporary) = made.map_err(|error| errors::of_io(&error))?;
        let filled =
            fill(settings, &path).and_then(|mounts| Ok((mounts, Directory::open(&path, None)?)));
        if filled.is_err()
            && let Some(top) = &temporary
        {
            // Nothing else knows of it yet.
            let _ = std::fs::remove_dir_all(top);
        }
        let (mounts, disk) = filled?;
        Ok(Self {
            name,
            mounts: MountTable::new(mounts),
            disk: Arc::new(disk),
            image: OnceLock::new(),
            path,
            temporary,
        })
    }

    /// Keeps a copy of the contents, which are those of the image.
    pub(super) fn keep_image(&self) -> Result<(), Errno> {
        let Some(top) = &self.temporary else {
            return Ok(());
        };
        let path = top.join("image");
        let created = DirBuilder::new().mode(0o700).create(&path);
        created.map_err(|error| errors::of_io(&error))?;
        let image = Directory::open(&path, None)?;
        image.copy_from(&self.disk)?;
        // It is called once.
        let _ = self.image.set(image);
        Ok(())
    }

    /// Returns the files of the image.
    pub(super) fn image(&self) -> Option<MountTable> {
        let image = self.image.get()?;
        let root = Mount::open("/", &image.path, Purpose::FrozenRoot).ok()?;
        Some(MountTable::new(Mounts::new(root, None)))
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

impl Drop for Root {
    fn drop(&mut self) {
        volumes::unlink_all(&self.mounts, &self.disk);
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
