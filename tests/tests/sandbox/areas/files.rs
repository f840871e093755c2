//! Files and directories: single ones, trees, searches and uploads in parts.

use std::collections::BTreeMap;

use blaxel_emulator::blaxel_guest::SimulatedGuest;
use blaxel_sandbox::files::{DirEntry, FileType};
use bytes::Bytes;

use crate::support::{Age, World};

pub fn prepare(_: &SimulatedGuest) {}

pub fn unsent(_: Age) -> &'static [&'static str] {
    &[
        // The facade asks for the bytes by a header, which all servers understand.
        "ReadFile?download",
        // A search for paths is narrowed by its text.
        "SearchPaths?patterns",
        // An empty directory only is removed by this call.
        "RemoveDirectory?recursive",
    ]
}

pub async fn perform(world: &World) {
    single_files(world).await;
    metadata(world).await;
    directories(world).await;
    trees(world).await;
    finding(world).await;
    paths(world).await;
    contents(world).await;
    uploads(world).await;
    large_files(world).await;
    refusals(world).await;
}

async fn single_files(world: &World) {
    let files = world.sandbox().fs();
    files.write("/data/a b%", "text").mode(0o600).await.unwrap();
    world.expect(&["WriteFile"]);
    assert_eq!(world.content("/data/a b%"), "text");
    let mode = world.disk().metadata("/data/a b%").unwrap().mode;
    assert_eq!(mode & 0o777, 0o600);

    // A path below the working directory.
    files.write("notes/one", vec![0xff, 0]).await.unwrap();
    assert_eq!(files.read("notes/one").await.unwrap(), vec![0xff, 0]);
    world.expect(&["WriteFile", "ReadFile"]);
    assert!(world.has("/blaxel/notes/one"));

    let part = files.read_stream("/data/a b%").range(1..3).await.unwrap();
    assert_eq!((part.position(), part.remaining()), (1, Some(2)));
    assert_eq!(part.collect(10).await.unwrap(), "ex");
    world.expect(&["ReadFile"]);

    files.remove_file("/data/a b%").await.unwrap();
    world.expect(&["RemoveFile"]);
    assert!(!world.has("/data/a b%"));
}

/// Old servers answer `HEAD` with nothing, so the first byte is read. It does not tell the permissions.
async fn metadata(world: &World) {
    world.put("/data/file", "1234");
    world.put("/data/empty", "");
    let files = world.sandbox().fs();
    let stat = world.by_age(&["StatFile", "ReadFile"][..], &["StatFile"][..]);
    let metadata = files.metadata("/data/file").await.unwrap();
    world.expect(stat);
    assert!(metadata.is_file());
    assert_eq!(metadata.len, Some(4));
    assert_eq!(metadata.mode, world.by_age(None, Some(0o644)));
    assert!(metadata.modified.is_some());
    assert_eq!(files.metadata("/data/empty").await.unwrap().len, Some(0));
    world.expect(stat);
    assert!(files.metadata("/data").await.unwrap().is_dir());
    world.expect(stat);
    assert!(files.exists("/data/file").await.unwrap());
    world.expect(stat);
    // A server that says nothing of the path may be an old one.
    assert!(!files.exists("/data/nothing").await.unwrap());
    world.expect(&["StatFile", "ReadFile"]);
}

async fn directories(world: &World) {
    let files = world.sandbox().fs();
    assert_eq!(files.working_dir().await.unwrap(), "/blaxel");
    world.expect(&["GetWorkingDirectory"]);
    files.create_dir_all("/dirs/one/two").await.unwrap();
    world.expect(&["CreateDirectory"]);
    assert!(world.has("/dirs/one/two"));
    world.put("/dirs/file", "12");
    world.put("/dirs/one/.hidden", "");

    let mut walk = files.read_dir("/dirs").recursive(true);
    let mut found = Vec::new();
    while let Some(entry) = walk.try_next().await.unwrap() {
        found.push(entry);
    }
    world.expect(&["ListDirectory"; 3]);
    let name = |entry: &DirEntry| (entry.path.clone(), entry.file_type.clone());
    let mut names: Vec<_> = found.iter().map(name).collect();
    names.sort_by(|(one, _), (other, _)| one.cmp(other));
    let expected = [
        ("/dirs/file", FileType::File),
        ("/dirs/one", FileType::Directory),
        ("/dirs/one/.hidden", FileType::File),
        ("/dirs/one/two", FileType::Directory),
    ];
    assert_eq!(names, expected.map(|(path, kind)| (path.to_owned(), kind)));
    let file = found.iter().find(|entry| entry.name == "file").unwrap();
    assert_eq!((file.len, file.mode), (Some(2), Some(0o644)));

    assert!(files.remove_dir("/dirs/one").await.is_err());
    assert!(world.has("/dirs/one/.hidden"));
    files.remove_dir("/dirs/one/two").await.unwrap();
    assert!(!world.has("/dirs/one/two"));
    world.expect(&["RemoveDirectory", "RemoveDirectory"]);
    files.remove_dir_all("/dirs").await.unwrap();
    assert!(!world.has("/dirs"));
    world.expect(&["RemoveFile"]);
}

/// Old servers ignore that a tree is to be recursive, so the directories are walked.
async fn trees(world: &World) {
    let files = world.sandbox().fs();
    let sent = [
        ("main.rs", "fn main() {}"),
        ("a/b.rs", "// b"),
        ("a/c.txt", "c"),
    ];
    files.write_tree("/tree", sent).await.unwrap();
    world.expect(&["WriteTree"]);
    assert_eq!(world.content("/tree/a/b.rs"), "// b");
    world.put("/tree/skipped/x.rs", "x");
    world.put("/tree/.hidden.rs", "x");
    world
        .disk()
        .write("/tree/a/raw.rs", &[0xff], 0o644)
        .unwrap();

    let reading = files
        .read_tree("/tree")
        .patterns(["*.rs"])
        .exclude_dirs(["skipped"])
        .hidden(false)
        .max_files(10)
        .max_bytes(1000);
    let read: BTreeMap<String, Bytes> = reading.await.unwrap();
    let expected: [(&str, &[u8]); 3] = [
        ("a/b.rs", b"// b"),
        ("a/raw.rs", b"\xff"),
        ("main.rs", b"fn main() {}"),
    ];
    let expected = expected.map(|(name, content)| (name.to_owned(), Bytes::from(content)));
    assert_eq!(read, BTreeMap::from(expected));
    // Bytes that are no text are read one file at a time.
    world.expect_some(world.by_age(
        &["ReadTree", "ListDirectory", "ReadFile"][..],
        &["ReadTree", "ReadFile"][..],
    ));
    let error = files.read_tree("/tree").max_files(1).await.unwrap_err();
    assert!(error.to_string().contains("more than 1"), "{error}");
    world.expect_some(world.by_age(
        &["ReadTree", "ListDirectory", "ReadFile"][..],
        &["ReadTree"][..],
    ));
}

async fn finding(world: &World) {
    let files = world.sandbox().fs();
    world.put("/find/one.rs", "");
    world.put("/find/sub/two.rs", "");
    world.put("/find/sub/three.txt", "");
    world.put("/find/left/four.rs", "");
    let finding = files
        .find("/find")
        .patterns(["*.rs"])
        .exclude_dirs(["left"])
        .hidden(true)
        .limit(10);
    let mut found: Vec<String> = finding
        .await
        .unwrap()
        .into_iter()
        .map(|it| it.path)
        .collect();
    found.sort();
    assert_eq!(found, ["/find/one.rs", "/find/sub/two.rs"]);
    let found = files.find("/find").directories().await.unwrap();
    assert_eq!(found.len(), 2);
    assert!(
        found
            .iter()
            .all(|found| found.file_type == FileType::Directory)
    );
    world.expect(&["FindFiles", "FindFiles"]);
}

/// Old servers take the path for the text. They are found out, because no result resembles the text.
async fn paths(world: &World) {
    let files = world.sandbox().fs();
    let search = files
        .search("/find", "thr")
        .exclude_dirs(["left"])
        .hidden(true)
        .limit(5);
    let found = search.await;
    match world.age {
        Age::August => {
            let error = found.unwrap_err();
            assert!(
                error.is_input() && error.to_string().contains("too old"),
                "{error}"
            );
            world.expect(&["SearchPaths", "ProbeSearch"]);
        }
        Age::Current => {
            let found = found.unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].path, "/find/sub/three.txt");
            world.expect(&["SearchPaths"]);
            // A result without matches might come from an old server.
            assert!(files.search("/find", "zzz").await.unwrap().is_empty());
            world.expect(&["SearchPaths", "ProbeSearch"]);
        }
    }
}

async fn contents(world: &World) {
    let files = world.sandbox().fs();
    world.put("/grep/a.txt", "one\nTwo words\nthree\n");
    world.put("/grep/b.md", "two\n");
    world.put("/grep/left/c.txt", "two\n");
    let search = files
        .grep("/grep", "two")
        .ignore_case(true)
        .file_pattern("*.txt")
        .exclude_dirs(["left"])
        .context(1)
        .limit(5);
    let found = search.await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    let found = &found[0];
    assert_eq!(
        (&*found.path, found.line, found.column),
        ("/grep/a.txt", 2, 1)
    );
    assert!(found.text.contains("Two words"));
    // Old servers do not know the lines around a match.
    let context = found.context.as_deref();
    let has_context = context.is_some_and(|context| context.contains("three"));
    assert_eq!(has_context, world.by_age(false, true), "{context:?}");
    assert!(files.grep("/grep", "TWO").await.unwrap().is_empty());
    world.expect(&["SearchContents", "SearchContents"]);
}

async fn uploads(world: &World) {
    let uploads = world.sandbox().fs().uploads();
    let id = uploads.begin("/data/large", Some(0o600)).await.unwrap();
    let first = uploads.send_part(&id, 1, "first ").await.unwrap();
    let second = uploads.send_part(&id, 2, "second").await.unwrap();
    assert_eq!((first.part_number, first.size), (1, 6));
    world.expect(&["InitiateUpload", "UploadPart", "UploadPart"]);
    let listed = uploads.list().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((&*listed[0].id, &*listed[0].path), (&*id, "/data/large"));
    assert_eq!(listed[0].mode, Some(0o600));
    assert_eq!(listed[0].parts[&2].etag, second.etag);
    let parts = uploads.parts(&id).await.unwrap();
    let etags: Vec<_> = parts.iter().map(|part| &part.etag).collect();
    assert_eq!(etags, [&first.etag, &second.etag]);
    world.expect(&["ListUploads", "ListUploadParts"]);
    uploads.complete(&id, &parts).await.unwrap();
    assert_eq!(world.content("/data/large"), "first second");

    let id = uploads.begin("/data/unwanted", None).await.unwrap();
    uploads.abort(&id).await.unwrap();
    assert!(uploads.list().await.unwrap().is_empty());
    assert!(!world.has("/data/unwanted"));
    world.expect(&[
        "CompleteUpload",
        "InitiateUpload",
        "AbortUpload",
        "ListUploads",
    ]);
}

/// Large files are sent in parts, because the platform refuses large bodies.
async fn large_files(world: &World) {
    let files = world.sandbox().fs();
    let content = Bytes::from(vec![7; 11 << 20]);
    files.write("/data/huge", content.clone()).await.unwrap();
    assert_eq!(world.disk().metadata("/data/huge").unwrap().size, 11 << 20);
    world.expect_some(&["InitiateUpload", "UploadPart", "CompleteUpload"]);
    assert_eq!(files.read("/data/huge").await.unwrap(), content);
    world.expect(&["ReadFile"]);
}

async fn refusals(world: &World) {
    let files = world.sandbox().fs();
    assert!(files.read("/no/thing").await.unwrap_err().is_not_found());
    assert!(
        files
            .remove_file("/no/thing")
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert!(files.read("/data").await.is_err());
    let error = files.read_dir("/no/thing").try_next().await.unwrap_err();
    assert!(error.is_not_found());
    let error = files.read_dir("/data/large").try_next().await.unwrap_err();
    assert!(!error.is_not_found(), "{error}");
    world.expect(&[
        "ReadFile",
        "RemoveFile",
        "ReadFile",
        "ListDirectory",
        "ListDirectory",
    ]);
}
