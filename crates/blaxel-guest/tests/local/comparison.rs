//! The same operations on a simulated guest and on local ones have the same outcomes.

use std::fmt::Write as _;

use blaxel_guest::{
    Clock, Errno, FileError, FileKind, Files, Guest as _, Metadata, OpenOptions, SimulatedGuest,
};

use crate::support::machines;

/// The outcomes of operations, one a line.
#[derive(Default)]
struct Log(String);

impl Log {
    fn add<T: std::fmt::Debug>(&mut self, operation: &str, outcome: Result<T, Errno>) {
        writeln!(self.0, "{operation}: {outcome:?}").unwrap();
    }

    fn add_file<T: std::fmt::Debug>(&mut self, operation: &str, outcome: Result<T, FileError>) {
        self.add(operation, outcome.map_err(|error| error.errno()));
    }
}

/// The facts that do not depend on the file system of the host.
fn facts(found: Metadata) -> (FileKind, u32, Option<u64>) {
    let size = matches!(found.kind, FileKind::File | FileKind::Symlink).then_some(found.size);
    (found.kind, found.mode, size)
}

/// Runs all operations in a new directory.
fn operate(files: &dyn Files) -> String {
    let mut log = Log::default();
    let base = "/tmp/table";
    files.create_dir_all(base, 0o755).unwrap();
    files.create_dir(&format!("{base}/dir"), 0o700).unwrap();
    files.create_dir(&format!("{base}/full"), 0o777).unwrap();
    files
        .write(&format!("{base}/full/in"), b"in", 0o644)
        .unwrap();
    files
        .write(&format!("{base}/file"), b"content", 0o604)
        .unwrap();
    for (name, target) in [
        ("to-file", "file"),
        ("to-dir", "/tmp/table/dir"),
        ("dangling", "nowhere"),
        ("deep", "nowhere/at/all"),
        ("loop", "loop"),
        ("up", "../../../.."),
    ] {
        files.symlink(target, &format!("{base}/{name}")).unwrap();
    }
    let long = "n".repeat(256);
    let too_long = format!("/{}", "p/".repeat(2100));
    let mut paths: Vec<String> = [
        "",
        "/",
        "/dir",
        "/dir/",
        "/file",
        "/file/",
        "/file/x",
        "/full",
        "/full/in",
        "/nope",
        "/nope/x",
        "/to-file",
        "/to-file/",
        "/to-dir",
        "/to-dir/",
        "/to-dir/x",
        "/dangling",
        "/dangling/",
        "/deep",
        "/loop",
        "/loop/x",
        "/up",
        "/up/",
        "/dir/.",
        "/dir/..",
        "/file/..",
        "/nope/..",
        "/dir/../file",
        "//full//in",
    ]
    .iter()
    .map(|name| format!("{base}{name}"))
    .collect();
    paths.extend([
        String::new(),
        "/".to_owned(),
        "/..".to_owned(),
        format!("{base}/{long}"),
        too_long,
        format!("{base}/nul\0"),
    ]);
    for path in &paths {
        let shown: String = path.chars().take(60).collect();
        log.add(&format!("stat {shown}"), files.metadata(path).map(facts));
        log.add(
            &format!("lstat {shown}"),
            files.link_metadata(path).map(facts),
        );
        log.add(&format!("readlink {shown}"), files.read_link(path));
        log.add(&format!("canonicalize {shown}"), files.canonicalize(path));
        let listed = files.read_dir(path).map(|entries| entries.len());
        // What is in `/` differs.
        let listed = listed.map(|count| {
            if path.starts_with(base) && !path.contains("up") {
                count
            } else {
                0
            }
        });
        log.add(&format!("ls {shown}"), listed);
        log.add_file(&format!("read {shown}"), files.read(path));
        log.add(&format!("space {shown}"), files.space(path).map(drop));
        log.add(&format!("mkdir {shown}"), files.create_dir(path, 0o1755));
        if log.0.ends_with(": Ok(())\n") {
            log.add(&format!("made {shown}"), files.metadata(path).map(facts));
            log.add(&format!("rmdir {shown}"), files.remove_dir(path));
        }
        log.add(&format!("symlink {shown}"), files.symlink("t", path));
        if log.0.ends_with(": Ok(())\n") {
            log.add(&format!("rm {shown}"), files.remove_file(path));
        }
        log.add(&format!("empty symlink {shown}"), files.symlink("", path));
        for (name, options) in ways() {
            let opened = files.open(path, &options).map(drop);
            let is_made = opened.is_ok();
            log.add(&format!("open {name} {shown}"), opened);
            if is_made && (options.create || options.create_new) {
                let mode = files.link_metadata(path).map(facts);
                log.add(&format!("opened {name} {shown}"), mode);
            }
            // Each way starts from the same files.
            for made in ["nope", "nowhere"] {
                let _ = files.remove_file(&format!("{base}/{made}"));
            }
            let _ = files.write(&format!("{base}/file"), b"content", 0o604);
            let _ = files.write(&format!("{base}/full/in"), b"in", 0o644);
        }
        let link = format!("{base}/second");
        log.add(&format!("link {shown}"), files.hard_link(path, &link));
        let _ = files.remove_file(&link);
        log.add(
            &format!("link to {shown}"),
            files.hard_link(&format!("{base}/file"), path),
        );
        let _ = files.remove_file(&format!("{base}/nope"));
        log.add(&format!("rename itself {shown}"), files.rename(path, path));
        for from in ["dir", "file", "full", "dangling", "nope"] {
            let from = format!("{base}/{from}");
            // Only those that fail: the next rows need the files as they are.
            if fails(files, &from, path) {
                log.add(&format!("rename {from} {shown}"), files.rename(&from, path));
            }
        }
        log.add(
            &format!("watch {shown}"),
            files.watch(path, false).map(drop),
        );
        let times = files.set_times(path, None, Some(std::time::Duration::new(77, 5)));
        let is_set = times.is_ok();
        log.add(&format!("utimes {shown}"), times);
        if is_set {
            log.add("mtime", files.metadata(path).map(|found| found.modified));
        }
    }
    for path in paths
        .iter()
        .filter(|path| !path.ends_with("up") && path.len() > base.len())
    {
        let shown: String = path.chars().take(60).collect();
        log.add(&format!("chmod {shown}"), files.set_mode(path, 0o2751));
        log.add(
            &format!("mode {shown}"),
            files.metadata(path).map(|found| found.mode),
        );
    }
    for path in [
        "/full", "/full/", "/file", "/file/", "/to-dir", "/to-dir/", "/nope", "/dir/", "/dir",
    ] {
        let path = format!("{base}{path}");
        log.add(&format!("rmdir {path}"), files.remove_dir(&path));
        log.add(&format!("rm {path}"), files.remove_file(&path));
    }
    log.add_file("remove all", files.remove_all(base));
    log.add("gone", files.metadata(base).map(facts));
    log.0
}

/// Returns `true` if a rename cannot succeed.
fn fails(files: &dyn Files, from: &str, to: &str) -> bool {
    let Ok(source) = files.link_metadata(from) else {
        return true;
    };
    match files.link_metadata(to) {
        Ok(target) => {
            let (a, b) = (
                source.kind == FileKind::Directory,
                target.kind == FileKind::Directory,
            );
            a != b || to.trim_end_matches('/').ends_with("/full") && !from.ends_with("/full")
        }
        Err(Errno::NotFound) => to.ends_with('/') && source.kind != FileKind::Directory,
        Err(_) => true,
    }
}

/// Returns ways to open a file.
fn ways() -> Vec<(&'static str, OpenOptions)> {
    let none = OpenOptions {
        mode: 0o640,
        ..OpenOptions::default()
    };
    vec![
        ("r", OpenOptions::reading()),
        (
            "w",
            OpenOptions {
                write: true,
                ..none
            },
        ),
        (
            "a",
            OpenOptions {
                append: true,
                ..none
            },
        ),
        ("replace", OpenOptions::replacing(0o666)),
        (
            "r create",
            OpenOptions {
                read: true,
                create: true,
                ..none
            },
        ),
        (
            "new",
            OpenOptions {
                write: true,
                create_new: true,
                ..none
            },
        ),
    ]
}

#[tokio::test]
async fn file_operations_have_the_outcomes_of_a_simulated_guest() {
    let simulated = SimulatedGuest::new(Clock::real());
    let expected = operate(&*simulated.files());
    assert!(expected.lines().count() > 500, "{expected}");
    for machine in machines() {
        let found = operate(&*machine.guest.files());
        let pairs = expected.lines().zip(found.lines());
        let differences: Vec<_> = pairs.filter(|(a, b)| a != b).collect();
        assert!(differences.is_empty(), "{}: {differences:#?}", machine.kind);
        assert_eq!(expected.lines().count(), found.lines().count());
    }
}
