//! Watches of directories.

use blaxel_guest::{ChangeKind, Changes, Errno, Guest as _};

use crate::support::{LIMIT, machines};

/// Returns the changes until one of a path with this end.
async fn until_path(changes: &mut Changes, end: &str) -> Vec<(ChangeKind, String)> {
    let mut seen = Vec::new();
    loop {
        let change = tokio::time::timeout(LIMIT, changes.recv()).await;
        let change = change
            .unwrap_or_else(|_| panic!("no change of {end} after {seen:?}"))
            .unwrap();
        let is_last = change.path.ends_with(end);
        seen.push((change.kind, change.path));
        if is_last {
            return seen;
        }
    }
}

#[tokio::test]
async fn changes_by_commands_are_reported() {
    use ChangeKind::{Chmod, Create, Remove, Rename, Write};
    for machine in machines() {
        let files = machine.guest.files();
        let mut changes = files.watch("/blaxel", false).unwrap();
        let text =
            "printf x > a; chmod 600 a; mv a b; rm b; mkdir d; echo hidden > d/c; echo > end";
        machine.print(text).await;
        let seen = until_path(&mut changes, "/end").await;
        let expected = [
            (Create, "/blaxel/a"),
            (Write, "/blaxel/a"),
            (Chmod, "/blaxel/a"),
            (Rename, "/blaxel/a"),
            (Create, "/blaxel/b"),
            (Remove, "/blaxel/b"),
            (Create, "/blaxel/d"),
            (Create, "/blaxel/end"),
        ];
        let expected = expected.map(|(kind, path)| (kind, path.to_owned()));
        assert_eq!(seen, expected, "{}", machine.kind);
    }
}

#[tokio::test]
async fn new_directories_are_watched_and_their_entries_reported_once() {
    for machine in machines() {
        let files = machine.guest.files();
        let mut changes = files.watch("/blaxel", true).unwrap();
        machine
            .print("mkdir -p ../tmp/t/u; touch ../tmp/t/u/f; mv ../tmp/t t; touch t/u/g end")
            .await;
        let seen = until_path(&mut changes, "/end").await;
        for path in ["/blaxel/t", "/blaxel/t/u", "/blaxel/t/u/f", "/blaxel/t/u/g"] {
            let created = (ChangeKind::Create, path.to_owned());
            let count = seen.iter().filter(|change| **change == created).count();
            assert_eq!(count, 1, "{}: {path}: {seen:?}", machine.kind);
        }
    }
}

/// Returns the number of descriptors that this program has open.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[tokio::test]
async fn the_removal_of_the_watched_directory_is_reported() {
    for machine in machines() {
        let files = machine.guest.files();
        for is_recursive in [false, true] {
            files.create_dir_all("/blaxel/top/in", 0o755).unwrap();
            let mut changes = files.watch("/blaxel/top", is_recursive).unwrap();
            machine.print("rm -r top").await;
            let seen = until_path(&mut changes, "/top").await;
            let removed = ["/blaxel/top/in", "/blaxel/top"];
            let removed = removed.map(|path| (ChangeKind::Remove, path.to_owned()));
            assert_eq!(seen, removed, "{}", machine.kind);
        }
    }
}

#[tokio::test]
async fn a_recursive_watch_needs_no_descriptor_for_each_directory() {
    for machine in machines() {
        let kind = machine.kind;
        let files = machine.guest.files();
        machine
            .print("i=0; while [ $i -lt 300 ]; do mkdir -p old/$i; i=$((i+1)); done")
            .await;
        let before = descriptors();
        let mut changes = files.watch("/blaxel", true).unwrap();
        machine
            .print("i=0; while [ $i -lt 300 ]; do mkdir -p new/$i; i=$((i+1)); done; echo > new/299/end")
            .await;
        until_path(&mut changes, "/new/299/end").await;
        // Other tests of this program open some meanwhile.
        assert!(descriptors() < before + 250, "{kind}");
        // A name that is used again is watched again.
        machine
            .print("rm -r old; mkdir -p old/7; sleep 0.3; echo > old/7/again")
            .await;
        let seen = until_path(&mut changes, "/old/7/again").await;
        let again = (ChangeKind::Create, "/blaxel/old/7/again".to_owned());
        assert_eq!(seen.last(), Some(&again), "{kind}");
    }
}

#[tokio::test]
async fn only_a_directory_can_be_watched() {
    for machine in machines() {
        let files = machine.guest.files();
        files.write("/tmp/a", b"", 0o644).unwrap();
        assert_eq!(
            files.watch("/tmp/a", false).err(),
            Some(Errno::NotDirectory)
        );
        assert_eq!(files.watch("/tmp/nope", false).err(), Some(Errno::NotFound));
    }
}
