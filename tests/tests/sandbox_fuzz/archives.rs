//! Archives that are unpacked into a local directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use blaxel_tests::random::Random;
use http::Method;
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};
use tokio::runtime;

use super::input::{Format, Input};
use super::run::run;
use super::service::{Answer, body, json as document, problem, sandbox};

/// A directory that is removed at the end.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        let name = format!("blaxel-fuzz-{}", std::process::id());
        let dir = Self(std::env::temp_dir().join(name));
        let _ = fs::remove_dir_all(&dir.0);
        fs::create_dir_all(dir.0.join("outside")).unwrap();
        fs::write(dir.0.join("outside/kept"), "kept").unwrap();
        dir
    }

    /// Returns all files and links below the directory, with their contents, and removes those of the download.
    fn take(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut pending = vec![self.0.clone()];
        while let Some(directory) = pending.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let kind = fs::symlink_metadata(&path).unwrap();
                let content = match (kind.is_dir(), kind.is_symlink()) {
                    (true, _) => {
                        pending.push(path);
                        continue;
                    }
                    (_, true) => format!("-> {}", fs::read_link(&path).unwrap().display()),
                    _ => fs::read(&path).unwrap().escape_ascii().to_string(),
                };
                let name = path.strip_prefix(&self.0).unwrap().display().to_string();
                found.insert(name, content);
            }
        }
        let _ = fs::remove_dir_all(self.0.join("root"));
        found
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The files that the sandbox lists. There are enough of them for an archive.
const NAMES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "link", "hard"];

/// Returns the blocks of an entry whose path and target are not checked.
fn entry(kind: EntryType, path: &str, target: &str, content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o6751);
    header.set_mtime(1_000_000_000);
    header.set_size(content.len() as u64);
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
    header.set_cksum();
    let mut builder = Builder::new(Vec::new());
    builder.append(&header, content).unwrap();
    let mut blocks = std::mem::take(builder.get_mut());
    blocks.truncate(512 + content.len().next_multiple_of(512));
    blocks
}

fn format() -> Format {
    let mut tokens = Vec::new();
    for path in NAMES
        .into_iter()
        .chain(["../out", "/out", "a/b", "link/out", "./a", ""])
    {
        tokens.push(entry(EntryType::Regular, path, "", b"content"));
        tokens.push(entry(EntryType::Symlink, path, "../outside/kept", b""));
        tokens.push(entry(EntryType::Link, path, "a", b""));
        tokens.push(entry(EntryType::Directory, path, "", b""));
    }
    tokens.push(entry(EntryType::GNULongName, "././@LongLink", "", b"./a\0"));
    tokens.push(entry(
        EntryType::GNULongLink,
        "././@LongLink",
        "",
        b"../../x\0",
    ));
    tokens.push(entry(EntryType::XHeader, "pax", "", b"13 path=../x\n"));
    tokens.push(entry(
        EntryType::XHeader,
        "pax",
        "",
        b"22 size=9999999999999\n",
    ));
    tokens.push(entry(EntryType::GNUSparse, "b", "", b"1234"));
    tokens.push(vec![0; 512]);
    tokens.push(vec![0; 1024]);
    let whole = NAMES[..8]
        .iter()
        .map(|name| entry(EntryType::Regular, name, "", b"content"));
    let mut whole: Vec<u8> = whole.flatten().collect();
    whole.extend(entry(EntryType::Symlink, "link", "a", b""));
    whole.extend(entry(EntryType::Link, "hard", "./a", b""));
    whole.extend([0; 1024]);
    Format {
        tokens,
        seeds: vec![whole],
    }
}

/// Makes the checksums of some headers right again, so that changes are not all found by them.
fn repaired(input: &Input) -> Input {
    let mut random = Random(input.flags as u64);
    let mut bytes = input.bytes.to_vec();
    for block in bytes.chunks_exact_mut(512) {
        if random.below(4) > 0 && block[257..262] == *b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        }
    }
    Input {
        bytes: bytes.into(),
        ..input.clone()
    }
}

/// Answers the calls of a download whose archive is the input.
fn answer(request: &http::Request<blaxel_core::Body>, input: &Input) -> Answer {
    let path = request.uri().path();
    if request.method() == Method::POST {
        let state = json!({
            "pid": "1", "status": "completed", "exitCode": 0, "completedAt": "x", "stdout": "", "stderr": "",
        });
        let line = json!({"type": "result", "data": state.to_string()});
        let mut answer = document(&line);
        let kind = http::HeaderValue::from_static("application/x-ndjson");
        answer.headers_mut().insert("content-type", kind);
        return answer;
    }
    if request.method() == Method::GET && path.ends_with("tar") {
        return body("application/octet-stream", input);
    }
    if request.method() == Method::GET {
        let file = |name: &str| {
            let mode = if name == "link" { "1000000777" } else { "644" };
            json!({"path": format!("/data/{name}"), "name": name, "permissions": mode, "size": 7})
        };
        let files: Vec<Value> = NAMES.into_iter().map(file).collect();
        return document(&json!({"path": "/data", "files": files, "subdirectories": []}));
    }
    document(&json!({"message": "done"}))
}

fn download(input: &Input, local: &Path) -> String {
    let input = repaired(input);
    let sandbox = sandbox(move |request| answer(request, &input));
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime
        .unwrap()
        .block_on(async { sandbox.fs().download_dir("/data", local).await });
    match done {
        Ok(done) => format!("{done:?}"),
        Err(error) => problem(&error),
    }
}

#[test]
fn archives_are_unpacked_below_the_directory_whatever_the_chunks() {
    let dir = Dir::new();
    run(&format(), |input| {
        let done = download(input, &dir.0.join("root"));
        let mut files = dir.take();
        assert_eq!(files.remove("outside/kept").as_deref(), Some("kept"));
        for (name, content) in &files {
            let below = name.strip_prefix("root/").expect("a file below the root");
            assert!(NAMES.contains(&below), "{name}");
            assert!(content.len() <= 1 << 20, "{name} has {}", content.len());
        }
        format!("{done} {files:?}")
    });
}
