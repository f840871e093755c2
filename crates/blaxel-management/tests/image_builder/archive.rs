//! The archive of a build and the digest of a definition.

use std::collections::BTreeMap;
use std::io::Read;

use blaxel_core::Error;
use blaxel_emulator::Emulator;
use blaxel_management::image_builder::{
    IgnoreRules, ImageBuild, ImageDefinition, LocalDir, RegistryCredentials,
};
use blaxel_management::sandboxes::Sandbox;

use crate::support::{Platform, TempDir};

/// An entry of an archive: its permissions and contents.
type Entries = BTreeMap<String, (u32, Vec<u8>)>;

/// Reads an archive. The checksum of each file is checked.
fn unpack(archive: &[u8]) -> Entries {
    let zip = rawzip::ZipArchive::from_slice(archive).unwrap();
    let mut entries = Entries::new();
    for entry in zip.entries() {
        let entry = entry.unwrap();
        let name = entry
            .file_path()
            .try_normalize()
            .unwrap()
            .as_str()
            .to_owned();
        let mode = entry.mode().value() & 0o777;
        let mut contents = Vec::new();
        if !entry.is_dir() {
            let compressed = zip.get_entry(entry.wayfinder()).unwrap();
            let decoder = flate2::read::DeflateDecoder::new(compressed.data());
            compressed
                .verifying_reader(decoder)
                .read_to_end(&mut contents)
                .unwrap();
        }
        assert!(
            entries.insert(name.clone(), (mode, contents)).is_none(),
            "{name} twice"
        );
    }
    entries
}

/// Builds a sandbox, and returns the archive that was uploaded.
async fn archive_of(build: &ImageBuild) -> Result<Vec<u8>, Error> {
    let emulator = Emulator::offline();
    let platform = Platform::new(&emulator);
    let sandboxes = platform.management().sandboxes();
    let _running = sandboxes.build(&Sandbox::new("dev"), build).await?;
    let upload = platform.uploads().pop().unwrap();
    assert_eq!(upload.length, Some(upload.archive.len() as u64));
    Ok(upload.archive.to_vec())
}

fn base() -> ImageDefinition {
    ImageDefinition::from_registry("debian:bookworm-slim")
}

fn names(entries: &Entries) -> Vec<&str> {
    entries.keys().map(String::as_str).collect()
}

#[tokio::test]
async fn the_archive_contains_the_dockerfile_and_the_local_files() {
    let directory = TempDir::new("contents");
    directory.write("app/main.py", "print(1)");
    directory.write("app/data/big.bin", vec![7; 700_000]);
    directory.write(
        "app/noise.bin",
        (0..300_000u32)
            .map(|at| (at.wrapping_mul(at) >> 7) as u8)
            .collect::<Vec<u8>>(),
    );
    directory.write("app/skip.log", "x");
    directory.write("app/.dockerignore", "*.log\n");
    std::fs::create_dir_all(directory.path().join("app/empty/inner")).unwrap();
    let definition = base()
        .copy_dir(directory.path().join("app"), "/app")
        .copy_bytes("a=1\n", "/etc/app.toml")
        .copy_file(directory.path().join("app/main.py"), "/bin/");
    let build = ImageBuild::new(definition.clone())
        .argument("VERSION", "1.4")
        .argument("A", "")
        .registry(RegistryCredentials::new("ghcr.io", "robot", "hunter2").and("b.io", "u", "p:q"));
    let archive = archive_of(&build).await.unwrap();
    let entries = unpack(&archive);
    assert_eq!(
        names(&entries),
        [
            ".docker/config.json",
            ".env.build",
            "Dockerfile",
            "local/0/.dockerignore",
            "local/0/data/big.bin",
            "local/0/empty/inner/",
            "local/0/main.py",
            "local/0/noise.bin",
            "local/1",
            "local/2",
        ]
    );
    let text = |name: &str| String::from_utf8(entries[name].1.clone()).unwrap();
    assert_eq!(
        text("Dockerfile"),
        definition
            .clone()
            .with_sandbox_api("latest")
            .dockerfile()
            .unwrap()
    );
    assert_eq!(text(".env.build"), "A=\nVERSION=1.4\n");
    let config =
        r#"{"auths":{"b.io":{"auth":"dTpwOnE="},"ghcr.io":{"auth":"cm9ib3Q6aHVudGVyMg=="}}}"#;
    assert_eq!(text(".docker/config.json"), config);
    assert_eq!(text("local/1"), "a=1\n");
    assert_eq!(text("local/2"), "print(1)");
    assert_eq!(entries["local/0/data/big.bin"].1, vec![7; 700_000]);
    assert!(archive.len() < 700_000, "it is compressed");
    assert_eq!(
        archive_of(&build).await.unwrap(),
        archive,
        "the same files give the same bytes"
    );
    let shown = format!("{build:?} {definition:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("1.4"),
        "{shown}"
    );
}

#[tokio::test]
async fn the_files_of_a_build_are_written_into_an_empty_directory() {
    let directory = TempDir::new("written");
    directory.write("app/a/run.sh", "#!/bin/sh\n");
    directory.write("app/b.txt", vec![7; 300_000]);
    std::fs::create_dir_all(directory.path().join("app/empty")).unwrap();
    let definition = base()
        .copy_dir(directory.path().join("app"), "/app")
        .copy_bytes("x", "/x");
    let target = directory.path().join("new/image");
    definition.write_to(&target).await.unwrap();
    let text = |name: &str| std::fs::read_to_string(target.join(name)).unwrap();
    assert_eq!(text("Dockerfile"), definition.dockerfile().unwrap());
    assert_eq!(text("local/0/a/run.sh"), "#!/bin/sh\n");
    assert_eq!(text("local/0/b.txt").len(), 300_000);
    assert_eq!(text("local/1"), "x");
    assert!(target.join("local/0/empty").is_dir());

    let error = definition.write_to(&target).await.unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("not empty"),
        "{error}"
    );
    let file = directory.path().join("app/b.txt");
    assert!(definition.write_to(file).await.unwrap_err().is_input());
    let invalid = base()
        .run("")
        .write_to(directory.path().join("other"))
        .await;
    assert!(invalid.unwrap_err().is_input());
    assert!(
        !directory.path().join("other").exists(),
        "nothing is written"
    );
}

#[tokio::test]
async fn ignore_rules_that_are_no_file_of_a_sensible_size_are_refused() {
    let directory = TempDir::new("rules");
    let problem = async || {
        let digest = base().copy_dir(directory.path(), "/app").digest().await;
        let error = digest.unwrap_err();
        assert!(error.is_input(), "{error}");
        error.to_string()
    };
    directory.write(".dockerignore", "#".repeat(1024 * 1024 + 1));
    assert!(problem().await.contains("larger than 1 MiB"));
    std::fs::remove_file(directory.path().join(".dockerignore")).unwrap();
    directory.write(".dockerignore/file", "");
    assert!(problem().await.contains("not a file"));
}

#[tokio::test]
async fn a_very_deep_directory_is_refused() {
    let directory = TempDir::new("deep");
    let deep = directory.path().join("a/".repeat(1000));
    std::fs::create_dir_all(&deep).unwrap();
    let digest = base().copy_dir(directory.path(), "/app").digest().await;
    let error = digest.unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("128 directories"),
        "{error}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_written_file_stays_executable() {
    use std::os::unix::fs::PermissionsExt;

    let directory = TempDir::new("executable");
    for (name, mode) in [("run", 0o755), ("text", 0o644)] {
        directory.write(name, "x");
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(directory.path().join(name), permissions).unwrap();
    }
    let definition = base()
        .copy_file(directory.path().join("run"), "/bin/run")
        .copy_file(directory.path().join("text"), "/text");
    let target = directory.path().join("image");
    definition.write_to(&target).await.unwrap();
    let mode = |name: &str| {
        let metadata = std::fs::metadata(target.join("local").join(name)).unwrap();
        metadata.permissions().mode() & 0o100
    };
    assert_eq!([mode("0"), mode("1")], [0o100, 0]);
}

#[tokio::test]
async fn the_digest_depends_on_contents_and_not_on_the_machine() {
    let one = TempDir::new("digest-one");
    let other = TempDir::new("digest-other");
    one.write("a/x.txt", "x");
    one.write("b.txt", "b");
    // Written in another order, at another time, in another place.
    other.write("b.txt", "b");
    other.write("a/x.txt", "x");
    let digest = async |directory: &TempDir| {
        base()
            .copy_dir(directory.path(), "/app")
            .digest()
            .await
            .unwrap()
    };
    let first = digest(&one).await;
    assert_eq!(digest(&other).await, first);
    assert_eq!((first.to_string().len(), first.short().len()), (64, 12));
    assert!(first.to_string().starts_with(&first.short()));

    other.write("b.txt", "c");
    assert_ne!(digest(&other).await, first, "contents");
    other.write("b.txt", "b");
    other.write("c.txt", "");
    assert_ne!(digest(&other).await, first, "a further file");
    std::fs::remove_file(other.path().join("c.txt")).unwrap();
    assert_eq!(digest(&other).await, first);
    let elsewhere = base()
        .copy_dir(other.path(), "/app2")
        .digest()
        .await
        .unwrap();
    assert_ne!(elsewhere, first, "the Dockerfile");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let file = other.path().join("b.txt");
        let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode));
        mode(0o600).unwrap();
        assert_eq!(digest(&other).await, first, "other permissions");
        mode(0o700).unwrap();
        assert_ne!(digest(&other).await, first, "an executable file");
    }
}

/// A definition on every machine has this digest. If it changes, all sandboxes are built once more.
#[tokio::test]
async fn the_digest_is_stable() {
    let image = base().run("true").copy_bytes("contents", "/a");
    assert_eq!(
        image.digest().await.unwrap().to_string(),
        "5fa8cdf077d05b041b61f47b9eed67d204ba1f14e3fb398722e00997c3189b65"
    );
}

#[tokio::test]
async fn ignored_files_are_left_out() {
    let directory = TempDir::new("ignored");
    for path in [
        "target/a",
        "target/keep/b",
        "src/x.rs",
        "src/x.log",
        "notes.md",
    ] {
        directory.write(path, path);
    }
    directory.write(
        ".dockerignore",
        ".dockerignore\ntarget\n!target/keep\n**/*.log\n",
    );
    let files = async |source: LocalDir| {
        let build = ImageBuild::new(base().copy_dir(source, "/app"));
        let entries = unpack(&archive_of(&build).await.unwrap());
        let files = names(&entries)
            .into_iter()
            .filter_map(|name| name.strip_prefix("local/0/"));
        files.map(str::to_owned).collect::<Vec<_>>()
    };
    let source = || LocalDir::new(directory.path());
    assert_eq!(
        files(source()).await,
        ["notes.md", "src/x.rs", "target/keep/b"]
    );
    let more = IgnoreRules::parse("*.md\n!target").unwrap();
    assert_eq!(
        files(source().ignore(more)).await,
        ["src/x.rs", "target/a", "target/keep/b"]
    );
    assert_eq!(files(source().dockerignore(false)).await.len(), 6);
    let all = IgnoreRules::parse("*").unwrap();
    assert_eq!(
        files(source().ignore(all)).await,
        [""],
        "the directory itself exists"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn links_are_followed_within_the_directory_only() {
    use std::os::unix::fs::symlink;

    let directory = TempDir::new("links");
    let digest = async || base().copy_dir(directory.path(), "/app").digest().await;
    directory.write("real/a.txt", "a");
    symlink("real/a.txt", directory.path().join("file")).unwrap();
    symlink("real", directory.path().join("dir")).unwrap();
    let build = ImageBuild::new(base().copy_dir(directory.path(), "/app"));
    let entries = unpack(&archive_of(&build).await.unwrap());
    assert_eq!(entries["local/0/file"].1, b"a");
    assert_eq!(entries["local/0/dir/a.txt"].1, b"a");

    for (target, problem) in [
        ("/etc/hostname", "leads out"),
        ("..", "leads out"),
        (".", "contains it"),
        ("gone", "cannot be read"),
    ] {
        let link = directory.path().join("real/link");
        symlink(target, &link).unwrap();
        if target == ".." {
            // Within the directory, it is a loop; out of it, it leads away.
            std::fs::remove_file(&link).unwrap();
            symlink("../..", &link).unwrap();
        }
        let error = digest().await.unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains(problem),
            "{target}: {error}"
        );
        std::fs::remove_file(&link).unwrap();
    }
    digest().await.unwrap();
}

#[tokio::test]
async fn a_missing_or_wrong_file_is_an_error_before_anything_is_sent() {
    let directory = TempDir::new("missing");
    directory.write("a.txt", "a");
    let path = directory.path();
    for (definition, problem) in [
        (base().copy_file(path.join("gone"), "/a"), "cannot be read"),
        (base().copy_file(path, "/a"), "copy_dir"),
        (base().copy_dir(path.join("a.txt"), "/a"), "copy_file"),
        (base().copy_file("..", "/a/"), "no name"),
        (base().copy_bytes("a", "/a/"), "name the file"),
    ] {
        let emulator = Emulator::offline();
        let platform = Platform::new(&emulator);
        let build = ImageBuild::new(definition);
        let sandboxes = platform.management().sandboxes();
        let error = sandboxes
            .build(&Sandbox::new("dev"), &build)
            .await
            .unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains(problem),
            "{error}"
        );
        assert!(emulator.journal().is_empty());
    }
    directory.write(".dockerignore", "[");
    let error = base().copy_dir(path, "/a").digest().await.unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains(".dockerignore"),
        "{error}"
    );
}

/// The archive is packed when it is sent, from files that were measured before.
#[tokio::test]
async fn a_file_that_changes_during_the_build_fails_the_upload() {
    for contents in ["other contents of the length", "shorter"] {
        let directory = TempDir::new("changing");
        directory.write("a.txt", "some. contents of the length");
        let file = directory.path().join("a.txt");
        let definition = base().copy_dir(directory.path(), "/app");
        let build = ImageBuild::new(definition).on_progress(move |_| ());
        let emulator = Emulator::offline();
        let platform = Platform::new(&emulator);
        let changed = contents.to_owned();
        let service =
            tower::util::MapRequest::new(platform.clone(), move |request: http::Request<_>| {
                if !request.uri().path().starts_with("/uploads/") {
                    std::fs::write(&file, &changed).unwrap();
                }
                request
            });
        let sandboxes = blaxel_management::Management::new(service).sandboxes();
        let error = sandboxes
            .build(&Sandbox::new("dev"), &build)
            .await
            .unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains("changed"),
            "{error}"
        );
        assert!(platform.uploads().is_empty(), "nothing arrived");
    }
}
