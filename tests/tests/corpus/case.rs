//! The files of the corpus.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

/// A response, and what must come out of it.
#[derive(Clone)]
pub(crate) struct Case {
    /// The path below `tests/corpus`, without its extension.
    pub(crate) name: String,
    pub(crate) head: Head,
    pub(crate) body: Bytes,
    pub(crate) expected: Value,
}

/// The status and headers of a response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(other, _)| other == name)?;
        value.to_str().ok()
    }
}

/// The folders, and the extension of their files beside the expectations.
const KINDS: [(&str, &str); 16] = [
    ("agent-json", "http"),
    ("agent-stream", "http"),
    ("agent-text", "http"),
    ("chat", "http"),
    ("chat-stream", "http"),
    ("config-file", "yaml"),
    ("embeddings", "http"),
    ("env-file", "env"),
    ("errors", "http"),
    ("management", "http"),
    ("mcp", "http"),
    ("oauth-device", "http"),
    ("oauth-device-token", "http"),
    ("oauth-discovery", "http"),
    ("oauth-token", "http"),
    ("variables", "json"),
];

fn directory(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(kind)
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// A file of another name would be read by no test.
#[test]
fn every_file_belongs_to_a_case() {
    let kinds = KINDS.iter().map(|(kind, _)| (*kind).to_owned());
    let kinds: BTreeSet<String> = kinds.chain(["README.md".to_owned()]).collect();
    assert_eq!(names(&directory("")), kinds);
    for (kind, extension) in KINDS {
        for name in names(&directory(kind)) {
            let path = directory(kind).join(&name);
            let is_known = name.ends_with(&format!(".{extension}")) || name.ends_with(".json");
            let both = [extension, "json"].map(|it| path.with_extension(it).is_file());
            assert!(
                is_known && both == [true, true],
                "{kind}/{name} is not a case"
            );
        }
    }
}

/// Returns the files of a kind that have an extension, in order: their paths, names and expectations.
pub(crate) fn files(kind: &str, extension: &str) -> Vec<(PathBuf, String, Value)> {
    let entries = std::fs::read_dir(directory(kind)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| path.extension().is_some_and(|it| it == extension));
    assert!(!paths.is_empty(), "no files *.{extension} in {kind}");
    let read = |path: PathBuf| {
        let name = format!("{kind}/{}", path.file_stem().unwrap().to_str().unwrap());
        let text = std::fs::read_to_string(path.with_extension("json"));
        let text = text.unwrap_or_else(|error| panic!("{name}.json: {error}"));
        let expected: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}.json: {error}"));
        assert!(expected["about"].is_string(), "{name}.json says nothing");
        (path, name, expected)
    };
    paths.into_iter().map(read).collect()
}

/// Returns the responses of a kind, in order.
pub(crate) fn cases(kind: &str) -> Vec<Case> {
    let read = |(path, name, expected): (PathBuf, String, Value)| {
        let (head, body) = parse(&std::fs::read(path).unwrap())
            .unwrap_or_else(|| panic!("{name}.http is not a response"));
        Case {
            name,
            head,
            body,
            expected,
        }
    };
    files(kind, "http").into_iter().map(read).collect()
}

/// Parses a status line, headers and an empty line, which end with LF each. The rest is the body.
fn parse(file: &[u8]) -> Option<(Head, Bytes)> {
    let at = file.windows(2).position(|window| window == b"\n\n")?;
    let mut lines = std::str::from_utf8(&file[..at]).ok()?.lines();
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    let header = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.parse().ok()?, value.parse().ok()?))
    };
    let head = Head {
        status: status.parse().ok()?,
        headers: lines.map(header).collect::<Option<_>>()?,
    };
    Some((head, Bytes::copy_from_slice(&file[at + 2..])))
}
