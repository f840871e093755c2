//! The files of a new simulated machine.

use crate::apps;
use crate::errno::Errno;
use crate::files::{FileError, Files as _};
use crate::memory::MemoryFiles;
use crate::volume::Device;
/// The directories that are not created with a file, with their modes.
const DIRECTORIES: &[(&str, u32)] = &[
    ("/bl", 0o755),
    ("/blaxel", 0o755),
    ("/bin", 0o755),
    ("/dev", 0o755),
    ("/etc", 0o755),
    ("/home", 0o755),
    ("/mnt", 0o755),
    ("/opt", 0o755),
    ("/root", 0o700),
    ("/run", 0o755),
    ("/sbin", 0o755),
    ("/srv", 0o755),
    ("/tmp", 0o1777),
    ("/usr/bin", 0o755),
    ("/usr/lib", 0o755),
    ("/usr/local/bin", 0o755),
    ("/usr/sbin", 0o755),
    ("/usr/share", 0o755),
    ("/var/log", 0o755),
    ("/var/tmp", 0o1777),
];

const FILES: &[(&str, &str)] = &[
    (
        "/etc/group",
        "root:x:0:\ntty:x:5:\nusers:x:100:\nnogroup:x:65534:\n",
    ),
    ("/etc/hostname", "sandbox\n"),
    (
        "/etc/hosts",
        "127.0.0.1\tlocalhost\n::1\tlocalhost\n127.0.1.1\tsandbox\n",
    ),
    (
        "/etc/os-release",
        "NAME=\"Blaxel simulated sandbox\"\nID=blaxel-simulated\nPRETTY_NAME=\"Blaxel simulated sandbox\"\n",
    ),
    (
        "/etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
    ),
    ("/etc/shells", "/bin/sh\n"),
];

const DEVICES: &[(&str, Device)] = &[
    ("/dev/null", Device::Null),
    ("/dev/zero", Device::Zero),
    ("/dev/full", Device::Full),
];

/// Creates the files of an image on an empty disk: those of a small Linux system, and those that the
/// public image of that name has besides.
pub(super) fn install(files: &MemoryFiles, image: &str) -> Result<(), FileError> {
    for (path, mode) in DIRECTORIES {
        files.create_dir_all(path, 0o755)?;
        files.set_mode(path, *mode).map_err(failed(path))?;
    }
    for (path, content) in FILES {
        files.write(path, content.as_bytes(), 0o644)?;
    }
    for (path, device) in DEVICES {
        files.create_device(path, *device).map_err(failed(path))?;
    }
    apps::install(files, image)
}

fn failed(path: &str) -> impl Fn(Errno) -> FileError {
    move |errno| FileError::new("open", path, errno)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::volume::Volume;

    #[test]
    fn the_image_fits_on_an_empty_disk() {
        let files = MemoryFiles::new(Volume::in_memory(1 << 16), Clock::standing());
        install(&files, "blaxel/base-image:latest").unwrap();
        assert_eq!(files.metadata("/tmp").unwrap().mode, 0o1777);
        files.write("/dev/null", b"gone", 0o644).unwrap();
        assert_eq!(files.read("/dev/null").unwrap(), b"");
        let error = files.write("/dev/full", b"x", 0o644).unwrap_err();
        assert_eq!(error.errno(), Errno::NoSpace);
    }
}
