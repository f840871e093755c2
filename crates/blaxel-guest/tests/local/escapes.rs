//! Paths and links that would lead out of the root.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use blaxel_guest::{Errno, Guest as _};

use crate::support::machines;

/// A file outside of every root, which is removed at the end.
struct Secret(PathBuf);

impl Secret {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("secret-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("file"), "secret").unwrap();
        Self(path.canonicalize().unwrap())
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn no_path_and_no_link_leaves_the_root() {
    let secret = Secret::new("paths");
    for machine in machines() {
        let files = machine.guest.files();
        let root = machine.guest.root().unwrap();
        let up = "../".repeat(20);
        // As a command could make them, without the checks of the files API.
        for (name, target) in [
            ("absolute", secret.path().to_owned()),
            (
                "relative",
                format!("{up}{}", secret.path().trim_start_matches('/')),
            ),
            ("proc", "/proc/self/root".to_owned()),
        ] {
            symlink(target, root.join("blaxel").join(name)).unwrap();
        }
        for path in [
            format!("{}/file", secret.path()),
            format!("/{up}{}/file", secret.path()),
            format!("/blaxel/{up}{}/file", secret.path()),
            "/blaxel/absolute/file".to_owned(),
            "/blaxel/relative/file".to_owned(),
            format!("/blaxel/proc{}/file", secret.path()),
        ] {
            let kind = machine.kind;
            assert_eq!(
                files.metadata(&path).err(),
                Some(Errno::NotFound),
                "{kind}: {path}"
            );
            assert!(files.read(&path).is_err(), "{kind}: {path}");
            assert!(files.write(&path, b"x", 0o644).is_err(), "{kind}: {path}");
            assert!(files.remove_file(&path).is_err(), "{kind}: {path}");
        }
        // It creates the target in the sandbox.
        let _ = files.write("/blaxel/absolute", b"x", 0o644);
        assert_eq!(fs::read(secret.0.join("file")).unwrap(), b"secret");
        assert_eq!(fs::read_dir(&secret.0).unwrap().count(), 1);
    }
}

#[tokio::test]
async fn an_absolute_link_leads_to_the_file_of_the_sandbox() {
    for machine in machines() {
        let files = machine.guest.files();
        files.write("/etc/passwd", b"own", 0o644).unwrap();
        files.symlink("/etc/passwd", "/blaxel/link").unwrap();
        assert_eq!(
            files.read("/blaxel/link").unwrap(),
            b"own",
            "{}",
            machine.kind
        );
        files.write("/blaxel/link", b"new", 0o644).unwrap();
        assert_eq!(files.read("/etc/passwd").unwrap(), b"new");
        assert_eq!(files.canonicalize("/blaxel/link").unwrap(), "/etc/passwd");
        // A link that a command makes with the path that it sees.
        machine
            .print("echo there > target; ln -s \"$(pwd -P)/target\" by-command")
            .await;
        assert_eq!(
            files.read("/blaxel/by-command").unwrap(),
            b"there\n",
            "{}",
            machine.kind
        );
    }
}

/// A thread swaps a directory and a link to the outside all the time.
#[tokio::test]
async fn a_link_that_is_swapped_in_during_use_leads_nowhere() {
    let secret = Secret::new("swap");
    for machine in machines() {
        let files = machine.guest.files();
        let root = machine.guest.root().unwrap().join("blaxel");
        fs::create_dir(root.join("real")).unwrap();
        fs::write(root.join("real/file"), "harmless").unwrap();
        symlink(&secret.0, root.join("link")).unwrap();
        fs::rename(root.join("real"), root.join("swapped")).unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    fs::rename(root.join("swapped"), root.join("real")).unwrap();
                    fs::rename(root.join("link"), root.join("swapped")).unwrap();
                    fs::rename(root.join("swapped"), root.join("link")).unwrap();
                    fs::rename(root.join("real"), root.join("swapped")).unwrap();
                }
            });
            let mut read = 0;
            for _ in 0..3000 {
                if let Ok(content) = files.read("/blaxel/swapped/file") {
                    assert_eq!(content, b"harmless", "{}", machine.kind);
                    read += 1;
                }
                let _ = files.write("/blaxel/swapped/file", b"harmless", 0o644);
                let _ = files.set_mode("/blaxel/swapped/file", 0o600);
                let _ = files.write("/blaxel/swapped/new", b"x", 0o644);
                let _ = files.remove_file("/blaxel/swapped/new");
            }
            done.store(true, Ordering::Relaxed);
            assert!(read > 0, "the directory was never there");
        });
        assert_eq!(fs::read(secret.0.join("file")).unwrap(), b"secret");
        assert_eq!(
            fs::read_dir(&secret.0).unwrap().count(),
            1,
            "{}",
            machine.kind
        );
    }
}
