use super::*;
use crate::files::Change;

fn files() -> MemoryFiles {
    MemoryFiles::new(Volume::in_memory(1000), Clock::standing())
}

fn drive(volume: &Volume, mount_path: &str, drive_path: &str, read_only: bool) -> DriveMount {
    DriveMount {
        drive_name: "d".into(),
        mount_path: mount_path.into(),
        drive_path: drive_path.into(),
        read_only,
        volume: volume.clone(),
    }
}

fn seen(changes: &mut Changes) -> Vec<(ChangeKind, String)> {
    let all = std::iter::from_fn(|| changes.try_recv());
    all.map(|Change { kind, path }| (kind, path)).collect()
}

#[test]
fn links_and_dots_lead_where_they_say() {
    let files = files();
    files.create_dir_all("/a/b", 0o755).unwrap();
    files.write("/a/b/f", b"1", 0o644).unwrap();
    files.symlink("../b/./f", "/a/b/relative").unwrap();
    files.symlink("/a/b", "/absolute").unwrap();
    files.symlink("loop", "/loop").unwrap();
    files.symlink("/a/new", "/dangling").unwrap();
    for path in [
        "/a/b/f",
        "//a//b/f",
        "/a/b/relative",
        "/absolute/f",
        "/absolute/../b/f",
        "/../a/b/f",
    ] {
        assert_eq!(files.canonicalize(path), Ok("/a/b/f".into()), "{path}");
    }
    let errors = [
        ("/a/x/f", Errno::NotFound),
        ("/a/b/f/x", Errno::NotDirectory),
        ("/a/b/f/", Errno::NotDirectory),
        ("/a/b/f/..", Errno::NotDirectory),
        ("/loop", Errno::TooManyLinks),
        ("/dangling", Errno::NotFound),
        ("", Errno::NotFound),
    ];
    for (path, errno) in errors {
        assert_eq!(files.metadata(path), Err(errno), "{path}");
    }
    files.write("/dangling", b"2", 0o644).unwrap();
    assert_eq!(files.read("/a/new").unwrap(), b"2");
    assert_eq!(files.read_link("/absolute"), Ok("/a/b".into()));
    assert_eq!(
        files.link_metadata("/absolute").unwrap().kind,
        FileKind::Symlink
    );
}

#[test]
fn a_full_volume_takes_what_fits_and_returns_the_space_of_removed_files() {
    let files = files();
    files.write("/a", &[1; 900], 0o644).unwrap();
    let error = files.write("/b", &[2; 200], 0o644).unwrap_err();
    assert_eq!(error.to_string(), "write /b: no space left on device");
    assert_eq!(files.read("/b").unwrap(), [2; 100]);
    let open = files.open("/a", &OpenOptions::reading()).unwrap();
    files.remove_file("/a").unwrap();
    assert_eq!(files.space("/").unwrap().used, 1000);
    assert_eq!(open.metadata().unwrap().links, 0);
    drop(open);
    assert_eq!(files.space("/").unwrap().used, 100);
}

#[test]
fn permissions_are_checked_for_other_users() {
    let files = files();
    files.create_dir_all("/closed", 0o700).unwrap();
    files.create_dir("/tmp", 0o1777).unwrap();
    files.write("/closed/secret", b"", 0o666).unwrap();
    files.write("/tmp/theirs", b"", 0o666).unwrap();
    files.write("/readable", b"r", 0o644).unwrap();
    let user = files.as_user(1000, 1000);
    assert_eq!(
        user.metadata("/closed/secret"),
        Err(Errno::PermissionDenied)
    );
    assert_eq!(user.read("/readable").unwrap(), b"r");
    assert_eq!(
        user.write("/readable", b"", 0o644).unwrap_err().errno(),
        Errno::PermissionDenied
    );
    assert_eq!(user.create_dir("/new", 0o755), Err(Errno::PermissionDenied));
    assert_eq!(user.remove_file("/tmp/theirs"), Err(Errno::NotPermitted));
    assert_eq!(user.set_mode("/readable", 0o777), Err(Errno::NotPermitted));
    user.write("/tmp/mine", b"", 0o600).unwrap();
    assert_eq!(user.metadata("/tmp/mine").unwrap().user, 1000);
    user.remove_file("/tmp/mine").unwrap();
}

#[test]
fn renames_follow_the_rules_of_the_kernel() {
    let files = files();
    files.create_dir_all("/a/b", 0o755).unwrap();
    files.create_dir("/empty", 0o755).unwrap();
    files.write("/f", b"1", 0o644).unwrap();
    files.write("/g", b"2", 0o644).unwrap();
    assert_eq!(files.rename("/a", "/a/b/c"), Err(Errno::Invalid));
    assert_eq!(files.rename("/f", "/a"), Err(Errno::IsDirectory));
    assert_eq!(files.rename("/a", "/f"), Err(Errno::NotDirectory));
    assert_eq!(files.rename("/empty", "/a"), Err(Errno::NotEmpty));
    assert_eq!(files.rename("/missing", "/x"), Err(Errno::NotFound));
    assert_eq!(files.rename("/", "/x"), Err(Errno::Busy));
    files.rename("/f", "/g").unwrap();
    assert_eq!(files.read("/g").unwrap(), b"1");
    files.rename("/a", "/empty").unwrap();
    assert!(files.metadata("/empty/b").is_ok());
}

#[test]
fn a_hard_link_is_the_same_file() {
    let files = files();
    files.write("/a", b"1", 0o644).unwrap();
    files.hard_link("/a", "/b").unwrap();
    files.write("/b", b"2", 0o644).unwrap();
    files.remove_file("/a").unwrap();
    assert_eq!(files.read("/b").unwrap(), b"2");
    assert_eq!(files.metadata("/b").unwrap().links, 1);
}

#[test]
fn two_sandboxes_share_a_mounted_volume() {
    let volume = Volume::in_memory(100);
    let (one, two) = (files(), files());
    for files in [&one, &two] {
        files.create_dir_all("/mnt/d", 0o755).unwrap();
    }
    one.mount(&drive(&volume, "/mnt/d", "/", false)).unwrap();
    one.create_dir("/mnt/d/sub", 0o755).unwrap();
    two.mount(&drive(&volume, "/mnt/d", "/sub", true)).unwrap();
    assert_eq!(
        one.mount(&drive(&volume, "/mnt/d", "/", false)),
        Err(Errno::Busy)
    );
    one.write("/mnt/d/sub/f", b"shared", 0o644).unwrap();
    assert_eq!(two.read("/mnt/d/f").unwrap(), b"shared");
    assert_eq!(
        two.write("/mnt/d/f", b"", 0o644).unwrap_err().errno(),
        Errno::ReadOnly
    );
    assert_eq!(two.canonicalize("/mnt/d/../d/f"), Ok("/mnt/d/f".into()));
    assert_eq!(one.rename("/mnt/d/sub/f", "/f"), Err(Errno::CrossDevice));
    assert_eq!(one.remove_dir("/mnt/d"), Err(Errno::Busy));
    two.unmount("/mnt/d").unwrap();
    assert_eq!(two.read_dir("/mnt/d"), Ok(Vec::new()));
    assert_eq!(two.unmount("/mnt/d"), Err(Errno::Invalid));
}

#[test]
fn watches_see_their_directory_and_recursive_ones_all_below() {
    let files = files();
    files.create_dir_all("/w/old", 0o755).unwrap();
    files.create_dir_all("/other/deep", 0o755).unwrap();
    files.write("/other/deep/f", b"", 0o644).unwrap();
    let mut direct = files.watch("/w", false).unwrap();
    let mut recursive = files.watch("/w", true).unwrap();
    files.write("/w/f", b"1", 0o644).unwrap();
    files.set_mode("/w/f", 0o600).unwrap();
    files.write("/w/old/g", b"", 0o644).unwrap();
    files.rename("/w/f", "/w/h").unwrap();
    files.rename("/other", "/w/moved").unwrap();
    files.remove_file("/w/h").unwrap();
    files.write("/wide", b"", 0o644).unwrap();
    use ChangeKind::{Chmod, Create, Remove, Rename, Write};
    let change = |kind, path: &str| (kind, path.to_owned());
    let shared = [
        change(Create, "/w/f"),
        change(Write, "/w/f"),
        change(Chmod, "/w/f"),
        change(Rename, "/w/f"),
        change(Create, "/w/h"),
        change(Create, "/w/moved"),
        change(Remove, "/w/h"),
    ];
    assert_eq!(seen(&mut direct), shared);
    let below = [
        change(Create, "/w/old/g"),
        change(Create, "/w/moved/deep"),
        change(Create, "/w/moved/deep/f"),
    ];
    let (found, rest): (Vec<_>, Vec<_>) = seen(&mut recursive)
        .into_iter()
        .partition(|change| below.contains(change));
    assert_eq!(found, below);
    assert_eq!(rest, shared);
    assert!(matches!(
        files.watch("/wide", false),
        Err(Errno::NotDirectory)
    ));
}

#[test]
fn a_snapshot_does_not_follow_later_changes() {
    let files = files();
    files.write("/a", b"old", 0o644).unwrap();
    let copy = files.root().snapshot().unwrap();
    files.write("/a", b"new", 0o644).unwrap();
    let copy = MemoryFiles::new(copy, Clock::standing());
    assert_eq!(copy.read("/a").unwrap(), b"old");
}
