//! Volumes and drives in local guests.

use std::fs;
use std::path::{Path, PathBuf};

use blaxel_guest::{
    Clock, DriveMount, Errno, ExitStatus, FileKind, Files as _, Guest as _, LocalGuest,
    MemoryFiles, Server, SimulatedGuest, Volume,
};
use http::{Method, StatusCode};
use serde_json::json;

use crate::requests::send;
use crate::support::{Machine, can_isolate, command, machines, until};

fn mount(volume: &Volume, path: &str) -> DriveMount {
    DriveMount {
        drive_name: "data".to_owned(),
        mount_path: path.to_owned(),
        drive_path: "/".to_owned(),
        read_only: false,
        volume: volume.clone(),
    }
}

fn volume() -> Volume {
    Volume::in_memory(1 << 20)
}

/// Mounts a volume at a new directory of a machine.
fn mounted(machine: &Machine, volume: &Volume, path: &str) {
    machine.guest.files().create_dir_all(path, 0o755).unwrap();
    machine.guest.mount(&mount(volume, path)).unwrap();
}

/// A directory of the host that is removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("volumes-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_drive_appears_in_a_running_sandbox_for_files_and_later_commands() {
    for machine in machines() {
        let mut running = machine
            .start(command("echo on; read -r line; ls /mnt 2>/dev/null; ls"))
            .await;
        running.read_until("on").await;
        let drive = volume();
        mounted(&machine, &drive, "/blaxel/drive");
        let files = machine.guest.files();
        files
            .write("/blaxel/drive/file", b"from the API", 0o640)
            .unwrap();
        let kind = machine.kind;
        assert_eq!(
            machine
                .print("cat drive/file; echo more > drive/other; mkdir drive/dir")
                .await,
            "from the API",
            "{kind}"
        );
        assert_eq!(files.read("/blaxel/drive/other").unwrap(), b"more\n");
        let entries = files.read_dir("/blaxel").unwrap();
        assert_eq!(entries.len(), 1, "{kind}");
        assert_eq!(entries.first().unwrap().kind, FileKind::Directory, "{kind}");
        assert_eq!(
            files.link_metadata("/blaxel/drive").unwrap().kind,
            FileKind::Directory
        );
        assert_eq!(
            files.remove_dir("/blaxel/drive"),
            Err(Errno::Busy),
            "{kind}"
        );
        assert_eq!(
            files.rename("/blaxel/drive/other", "/blaxel/other"),
            Err(Errno::CrossDevice),
            "{kind}"
        );
        // A working directory may be on it.
        let mut inside = command("pwd; ls");
        inside.working_dir = "/blaxel/drive/dir".to_owned();
        let ended = machine.start(inside).await.end().await;
        assert_eq!(ended.status, ExitStatus::Code(0), "{kind}: {ended:?}");
        assert!(ended.stdout.ends_with("/dir\n"), "{kind}: {ended:?}");

        machine.guest.unmount("/blaxel/drive").unwrap();
        assert_eq!(files.read_dir("/blaxel/drive").unwrap(), [], "{kind}");
        assert_eq!(machine.print("ls drive").await, "", "{kind}");
        assert_eq!(machine.guest.unmount("/blaxel/drive"), Err(Errno::Invalid));
        // The contents are kept.
        mounted(&machine, &drive, "/blaxel/again");
        assert_eq!(
            machine.print("ls again").await,
            "dir\nfile\nother\n",
            "{kind}"
        );
    }
}

#[tokio::test]
async fn two_sandboxes_see_the_same_drive() {
    let drive = volume();
    let (first, second) = (machines(), machines());
    for machine in first.iter().chain(&second) {
        mounted(machine, &drive, "/srv/shared");
    }
    let list = |machine: &Machine| match machine.kind {
        "isolated" => "ls /srv/shared".to_owned(),
        _ => format!("ls {}/srv/shared", machine.guest.root().unwrap().display()),
    };
    let mut expected = String::new();
    for (number, machine) in first.iter().enumerate() {
        let path = format!("/srv/shared/{number}");
        machine.guest.files().write(&path, b"x", 0o644).unwrap();
        expected.push_str(&format!("{number}\n"));
    }
    for machine in first.iter().chain(&second) {
        assert_eq!(
            machine.print(&list(machine)).await,
            expected,
            "{}",
            machine.kind
        );
    }
}

#[tokio::test]
async fn a_directory_of_a_drive_can_be_mounted_and_read_only_refuses_writes() {
    for machine in machines() {
        let kind = machine.kind;
        let drive = volume();
        mounted(&machine, &drive, "/srv/all");
        let files = machine.guest.files();
        files.create_dir_all("/srv/all/deep/er", 0o755).unwrap();
        files
            .write("/srv/all/deep/er/file", b"deep", 0o644)
            .unwrap();
        files.symlink("/etc", "/srv/all/out").unwrap();
        files.create_dir("/blaxel/part", 0o755).unwrap();
        let mut part = mount(&drive, "/blaxel/part");
        part.read_only = true;
        for (path, errno) in [
            ("/nowhere", Errno::NotFound),
            ("/deep/er/file", Errno::NotDirectory),
            // A link on a drive does not lead to the host.
            ("/out", Errno::NotFound),
        ] {
            part.drive_path = path.to_owned();
            assert_eq!(machine.guest.mount(&part), Err(errno), "{kind}: {path}");
        }
        part.drive_path = "/deep/er".to_owned();
        machine.guest.mount(&part).unwrap();
        assert_eq!(files.read("/blaxel/part/file").unwrap(), b"deep");
        assert_eq!(machine.print("cat part/file").await, "deep", "{kind}");
        let written = files.write("/blaxel/part/file", b"x", 0o644).unwrap_err();
        assert_eq!(written.errno(), Errno::ReadOnly, "{kind}");
        let created = files.create_dir("/blaxel/part/dir", 0o755);
        assert_eq!(created, Err(Errno::ReadOnly), "{kind}");
        if kind == "isolated" {
            let ended = machine.run("echo x > part/file").await;
            assert!(ended.stderr.contains("Read-only file system"), "{ended:?}");
        }
        // A directory that does not exist is created if the mount may write.
        files.create_dir("/blaxel/new", 0o755).unwrap();
        let mut new = mount(&drive, "/blaxel/new");
        new.drive_path = "/made/for/it".to_owned();
        machine.guest.mount(&new).unwrap();
        assert!(files.metadata("/srv/all/made/for/it").is_ok(), "{kind}");
    }
}

#[tokio::test]
async fn a_mounted_directory_that_is_removed_can_be_unmounted() {
    for machine in machines() {
        let (kind, files) = (machine.kind, machine.guest.files());
        let drive = volume();
        files.create_dir("/blaxel/part", 0o755).unwrap();
        let mut part = mount(&drive, "/blaxel/part");
        part.drive_path = "/a/b".to_owned();
        machine.guest.mount(&part).unwrap();
        machine.print("echo x > part/file").await;
        let all = drive.files(Clock::standing()).unwrap();
        all.remove_all("/a").unwrap();
        assert_eq!(files.read_dir("/blaxel/part"), Ok(Vec::new()), "{kind}");
        let refused = files.write("/blaxel/part/new", b"y", 0o644).unwrap_err();
        assert_eq!(refused.errno(), Errno::NotFound, "{kind}");
        machine.guest.unmount("/blaxel/part").unwrap();
        assert_eq!(
            machine.print("echo y > part/new; ls part").await,
            "new\n",
            "{kind}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_mounted_is_refused() {
    for machine in machines() {
        let (kind, files) = (machine.kind, machine.guest.files());
        let refused = |path: &str| machine.guest.mount(&mount(&volume(), path)).unwrap_err();
        files.write("/srv/file", b"", 0o644).unwrap();
        assert_eq!(refused("/"), Errno::Busy, "{kind}");
        assert_eq!(refused("/srv/none"), Errno::NotFound, "{kind}");
        assert_eq!(refused("/srv/file"), Errno::NotDirectory, "{kind}");
        let outer = volume();
        mounted(&machine, &outer, "/srv/a/b");
        assert_eq!(refused("/srv/a/b"), Errno::Busy, "{kind}");
        assert_eq!(
            refused("/srv/a"),
            Errno::Busy,
            "it would hide the other one"
        );
        assert_eq!(files.rename("/srv/a", "/srv/c"), Err(Errno::Busy), "{kind}");
        files.create_dir("/srv/a/b/c", 0o755).unwrap();
        let inner = machine.guest.mount(&mount(&volume(), "/srv/a/b/c"));
        if kind == "isolated" {
            inner.unwrap();
            assert_eq!(machine.guest.unmount("/srv/a/b"), Err(Errno::Busy));
            machine.guest.unmount("/srv/a/b/c").unwrap();
            assert_eq!(refused("/usr/share/none"), Errno::NotFound);
            assert_eq!(machine.guest.unmount("/usr"), Err(Errno::Invalid));
        } else {
            // The link for commands would be on the other volume, or hide what is there.
            assert_eq!(inner, Err(Errno::NotImplemented));
            files.write("/srv/full/file", b"", 0o644).unwrap_err();
            files.create_dir_all("/srv/full/dir", 0o755).unwrap();
            assert_eq!(refused("/srv/full"), Errno::NotEmpty);
        }
        machine.guest.unmount("/srv/a/b").unwrap();
    }
}

#[tokio::test]
async fn the_files_api_keeps_to_the_size_of_a_volume() {
    for machine in machines() {
        let kind = machine.kind;
        let small = Volume::in_memory(1000);
        mounted(&machine, &small, "/blaxel/small");
        let files = machine.guest.files();
        let space = files.space("/blaxel/small").unwrap();
        assert_eq!((space.total, space.used), (1000, 0), "{kind}");
        files.write("/blaxel/small/a", &[1; 600], 0o644).unwrap();
        let full = files
            .write("/blaxel/small/b", &[2; 600], 0o644)
            .unwrap_err();
        assert_eq!(full.errno(), Errno::NoSpace, "{kind}");
        assert_eq!(
            files.read("/blaxel/small/b").unwrap().len(),
            400,
            "what fits is written, as on a real disk"
        );
        assert_eq!(small.space().used, 1000, "{kind}");
        // Replacing needs no further room, and a command may make some.
        files.write("/blaxel/small/a", &[3; 600], 0o644).unwrap();
        machine.print("rm small/b").await;
        files.write("/blaxel/small/c", &[4; 400], 0o644).unwrap();
        // Commands are not limited, but count.
        machine
            .print("rm small/c; head -c 5000 /dev/zero > small/big")
            .await;
        assert_eq!(small.space().used, 5600, "{kind}");
        let full = files.write("/blaxel/small/d", b"x", 0o644).unwrap_err();
        assert_eq!(full.errno(), Errno::NoSpace, "{kind}");
        small.resize(10_000);
        files.write("/blaxel/small/d", b"x", 0o644).unwrap();
    }
}

#[tokio::test]
async fn contents_in_memory_move_to_a_directory_when_a_local_guest_mounts_them() {
    let drive = volume();
    let memory = MemoryFiles::new(drive.clone(), Clock::standing());
    memory.create_dir_all("/dir/in", 0o750).unwrap();
    memory
        .write("/dir/run", b"#!/bin/sh\necho ran\n", 0o755)
        .unwrap();
    memory.symlink("dir/run", "/link").unwrap();
    let machine = machines().pop().unwrap();
    mounted(&machine, &drive, "/blaxel/drive");
    let printed = machine
        .print("stat -c %a drive/dir/in; drive/link; readlink drive/link")
        .await;
    assert_eq!(printed, "750\nran\ndir/run\n");
    // From then on, simulated machines refuse it.
    assert_eq!(memory.metadata("/dir"), Err(Errno::NotImplemented));
    let simulated = SimulatedGuest::new(Clock::standing());
    let refused = simulated.mount(&mount(&drive, "/mnt"));
    assert_eq!(refused, Err(Errno::NotImplemented));
}

#[tokio::test]
async fn the_files_of_a_volume_are_reached_without_a_machine_wherever_they_are() {
    let drive = Volume::in_memory(1000);
    let clock = Clock::standing();
    let files = drive.files(clock.clone()).unwrap();
    files.create_dir_all("/dir/in", 0o755).unwrap();
    files.write("/dir/in/file", b"first", 0o644).unwrap();
    for machine in machines() {
        let kind = machine.kind;
        mounted(&machine, &drive, "/blaxel/drive");
        assert_eq!(
            machine.print("cat drive/dir/in/file").await,
            "first",
            "{kind}"
        );
        machine.print("ln -s /etc drive/dir/out").await;
        let files = drive.files(clock.clone()).unwrap();
        assert_eq!(files.read("/dir/in/file").unwrap(), b"first", "{kind}");
        assert_eq!(files.metadata("/dir/out"), Err(Errno::NotFound), "{kind}");
        let full = files.write("/dir/large", &[0; 2000], 0o644).unwrap_err();
        assert_eq!(full.errno(), Errno::NoSpace, "{kind}");
        files.remove_all("/dir").unwrap();
        assert_eq!(machine.print("ls drive").await, "", "{kind}");
        files.create_dir_all("/dir/in", 0o755).unwrap();
        files.write("/dir/in/file", b"first", 0o644).unwrap();
    }
}

/// Returns the temporary directory that a mounted volume is in.
fn contents_of(machine: &Machine, path: &str) -> PathBuf {
    let link = machine
        .guest
        .root()
        .unwrap()
        .join(path.trim_start_matches('/'));
    fs::read_link(link).unwrap()
}

#[tokio::test]
async fn a_temporary_directory_lasts_as_long_as_its_volume() {
    let machine = machines().swap_remove(0);
    let drive = volume();
    mounted(&machine, &drive, "/blaxel/drive");
    let contents = contents_of(&machine, "/blaxel/drive");
    assert!(contents.is_dir());
    drop(drive);
    assert!(contents.is_dir(), "it is mounted");
    drop(machine);
    assert!(!contents.parent().unwrap().exists());
}

#[tokio::test]
async fn a_volume_in_a_directory_is_kept() {
    let directory = Directory::new("kept");
    for round in 0..2 {
        let drive = Volume::in_directory(directory.0.join("drive"), 1 << 20).unwrap();
        for machine in machines() {
            mounted(&machine, &drive, "/blaxel/drive");
            let kind = machine.kind;
            machine
                .print(&format!(
                    "cat drive/{kind} 2>/dev/null; echo {round} >> drive/{kind}"
                ))
                .await;
        }
        drop(drive);
    }
    let kept = fs::read_to_string(directory.0.join("drive/unconfined")).unwrap();
    assert_eq!(kept, "0\n1\n");
}

#[tokio::test]
async fn a_kept_root_directory_has_no_links_to_volumes_at_the_end() {
    let directory = Directory::new("root");
    let build = || {
        let builder = LocalGuest::builder().unconfined().root(&directory.0);
        Machine {
            kind: "unconfined",
            guest: builder.build(Clock::real()).unwrap(),
        }
    };
    for _ in 0..2 {
        let machine = build();
        mounted(&machine, &volume(), "/blaxel/drive");
        machine.print("echo x > drive/file").await;
    }
    let left = fs::symlink_metadata(directory.0.join("blaxel/drive")).unwrap();
    assert!(left.is_dir());
}

#[tokio::test]
async fn a_snapshot_of_a_disk_restores_another_one_without_volumes() {
    for (machine, other) in machines().into_iter().zip(machines()) {
        let kind = machine.kind;
        mounted(&machine, &volume(), "/blaxel/drive");
        machine
            .print(
                "mkdir -p dir/sub; echo kept > dir/file; ln -s dir/file link; chmod 500 dir/sub; \
                 touch -d 2001-02-03T04:05:06Z dir/file; echo no > drive/on-the-drive; \
                 mkfifo pipe; echo a > becomes-dir; mkdir becomes-file",
            )
            .await;
        let snapshot = machine.guest.disk().unwrap().snapshot().unwrap();
        machine.print("echo changed > dir/file").await;
        other
            .print("mkdir becomes-dir; echo old > becomes-dir/x; echo f > becomes-file; echo gone > gone")
            .await;
        other.guest.disk().unwrap().copy_from(&snapshot).unwrap();
        let printed = other
            .print("ls; cat link; stat -c '%a %Y' dir/sub dir/file; ls drive; cat becomes-dir")
            .await;
        let (listed, rest) = printed.split_once("kept\n").unwrap();
        assert_eq!(
            listed, "becomes-dir\nbecomes-file\ndir\ndrive\nlink\n",
            "{kind}"
        );
        let mut rest = rest.lines();
        assert!(rest.next().unwrap().starts_with("500 "), "{kind}");
        assert_eq!(rest.next().unwrap(), "644 981173106", "{kind}");
        assert_eq!(rest.collect::<Vec<_>>(), ["a"], "{kind}");
        // The programs of the system are still there.
        assert_eq!(other.print("sh -c 'echo fine'").await, "fine\n", "{kind}");
        let mixed = other.guest.disk().unwrap().copy_from(&volume());
        assert_eq!(mixed, Err(Errno::NotImplemented), "{kind}");
    }
}

#[tokio::test]
async fn a_mounted_directory_that_is_removed_elsewhere_is_empty_and_closed() {
    if !can_isolate() {
        return;
    }
    let [one, two] = [(); 2].map(|()| Machine {
        kind: "isolated",
        guest: LocalGuest::builder().build(Clock::real()).unwrap(),
    });
    let drive = volume();
    mounted(&one, &drive, "/srv/all");
    one.print("mkdir /srv/all/part").await;
    two.guest.files().create_dir("/srv/part", 0o755).unwrap();
    let mut part = mount(&drive, "/srv/part");
    part.drive_path = "/part".to_owned();
    two.guest.mount(&part).unwrap();
    assert_eq!(two.print("ls /srv/part").await, "");
    one.print("rmdir /srv/all/part").await;
    let ended = two.run("ls /srv/part; echo x > /srv/part/file").await;
    assert!(ended.stderr.contains("Read-only"), "{ended:?}");
    assert_eq!(ended.stdout, "");
}

#[tokio::test]
async fn a_killed_program_leaves_no_directory() {
    // The shell that removes it waits for the end of a pipe, which the kernel closes in any case.
    let machine = machines().swap_remove(0);
    mounted(&machine, &volume(), "/blaxel/drive");
    let contents = contents_of(&machine, "/blaxel/drive");
    let top = contents.parent().unwrap().to_owned();
    let is_kept = has_keeper(&top);
    assert!(is_kept, "a shell keeps {}", top.display());
    drop(machine);
    until("it is removed", || !top.exists()).await;
}

/// Returns `true` if a process names a directory in its arguments.
fn has_keeper(directory: &Path) -> bool {
    crate::support::is_running(directory.to_str().unwrap())
}

#[tokio::test]
async fn a_server_whose_disk_cannot_be_restored_refuses_all_requests() {
    for machine in machines() {
        let server = Server::builder(machine.guest.clone())
            .disk(volume())
            .build();
        let response = send(&server, Method::GET, "/health", json!({})).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        let body = String::from_utf8(body.unwrap().to_vec()).unwrap();
        assert!(
            body.contains("cannot restore the disk: function not implemented"),
            "{body}"
        );
    }
}
