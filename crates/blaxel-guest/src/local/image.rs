//! The first contents of a local guest's root directory.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// The directories of every root, with their modes.
const DIRECTORIES: &[(&str, u32)] = &[
    ("blaxel", 0o755),
    ("dev", 0o755),
    ("etc", 0o755),
    ("home", 0o755),
    ("mnt", 0o755),
    ("opt", 0o755),
    ("proc", 0o755),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("tmp", 0o1777),
    ("var", 0o755),
    ("var/log", 0o755),
    ("var/tmp", 0o1777),
];

/// The files that do not depend on the host. An existing one is kept.
const FILES: &[(&str, &str)] = &[
    (
        "etc/group",
        "root:x:0:\ntty:x:5:\nusers:x:100:\nnogroup:x:65534:\n",
    ),
    ("etc/hostname", "sandbox\n"),
    (
        "etc/hosts",
        "127.0.0.1\tlocalhost\n::1\tlocalhost\n127.0.1.1\tsandbox\n",
    ),
    (
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
    ),
    ("etc/shells", "/bin/sh\n"),
];

/// The files of the host that are copied: name resolution, time zone, libraries.
const COPIES: &[&str] = &[
    "etc/ld.so.cache",
    "etc/ld.so.conf",
    "etc/localtime",
    "etc/nsswitch.conf",
    "etc/os-release",
    "etc/protocols",
    "etc/resolv.conf",
    "etc/services",
];

/// The directories of the host's system: programs, libraries, certificates. Those that are links on
/// the host are links in the sandbox.
const SYSTEM: &[&str] = &[
    "bin",
    "etc/alternatives",
    "etc/ca-certificates",
    "etc/ld.so.conf.d",
    "etc/pki",
    "etc/ssl",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "sbin",
    "usr",
];

/// Creates the directories that are the same on every host.
pub(super) fn create_directories(root: &Path) -> io::Result<()> {
    for (path, mode) in DIRECTORIES {
        let path = root.join(path);
        if create_directory(&path)? {
            fs::set_permissions(&path, Permissions::from_mode(*mode))?;
        }
    }
    Ok(())
}

/// Creates the files and mount points of a machine with programs. Returns the directories of the
/// host to mount, with their paths in the sandbox.
pub(super) fn install(root: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    for (path, content) in FILES {
        let path = root.join(path);
        if !exists(&path) {
            fs::write(path, content)?;
        }
    }
    for path in COPIES {
        let (from, to) = (Path::new("/").join(path), root.join(path));
        if from.is_file() && !exists(&to) {
            fs::copy(from, to)?;
        }
    }
    let mut mounts = Vec::new();
    for path in SYSTEM {
        let (host, own) = (Path::new("/").join(path), root.join(path));
        if let Ok(target) = fs::read_link(&host) {
            if !exists(&own) {
                symlink(target, own)?;
            }
        } else if host.is_dir() {
            create_directory(&own)?;
            mounts.push((format!("/{path}"), host));
        }
    }
    Ok(mounts)
}

/// Creates a directory and returns `true`, or returns `false` if it exists.
fn create_directory(path: &Path) -> io::Result<bool> {
    match DirBuilder::new().mode(0o755).create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns `true` if there is an entry at a path, even if it is a link that leads nowhere.
fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
