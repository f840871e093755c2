//! Promise: the comparisons in these tests leave out no type, no operation and no query parameter
//! of the facade's sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::decoding::{assert_same, compared};
use crate::support::table::Operations;

/// Types that the API does not have: installers in images, and the kinds of manifests.
const OWN: [&str; 10] = [
    "Apk",
    "Apt",
    "Cargo",
    "Composer",
    "Gem",
    "Go",
    "ManifestKind",
    "Pip",
    "Pipx",
    "Uv",
];

/// Types are declared in macros, so their names are indented by one level.
#[test]
fn every_type_of_the_facade_is_compared() {
    let paths = compared().join("\n");
    let compared: BTreeSet<&str> = paths.split(|char: char| !char.is_alphanumeric()).collect();
    let mut missing = BTreeSet::new();
    for source in sources() {
        for line in source.lines().filter(|line| line.starts_with("    pub")) {
            if let ["pub", "struct" | "enum", name, ..] =
                &*line.split_whitespace().collect::<Vec<_>>()
                && !compared.contains(name)
                && !OWN.contains(name)
            {
                missing.insert((*name).to_owned());
            }
        }
    }
    assert!(missing.is_empty(), "types without a schema: {missing:?}");
}

#[test]
fn every_operation_and_parameter_of_the_facade_is_in_the_table() {
    let table = Operations::get();
    let operations: Vec<&str> = table.names().collect();
    let parameters: BTreeSet<&str> = table
        .names()
        .flat_map(|name| table.query_of(name))
        .collect();
    let (mut declared, mut sent) = (BTreeSet::new(), BTreeSet::new());
    for source in sources() {
        declared.extend(first_texts(&source, "OperationInfo::new("));
        for call in [".query(", ".query_opt(", ".flag("] {
            sent.extend(first_texts(&source, call));
        }
    }
    // It goes to an address from a response, not to the API.
    assert!(declared.remove("PutArchive"));
    let unknown = sent
        .iter()
        .filter(|name| !parameters.contains(name.as_str()));
    declared.extend(unknown.map(|name| format!("?{name}")));
    assert_same(&declared, &operations);
    assert!(sent.len() > 20, "{sent:?}");
}

/// Returns the string literals that are the first arguments of calls.
fn first_texts(source: &str, call: &str) -> BTreeSet<String> {
    let calls = source.split(call).skip(1);
    let texts = calls.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'));
    texts.map(|(text, _)| text.to_owned()).collect()
}

/// Returns the texts of all source files of the facade, without their tests.
fn sources() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/blaxel-management/src");
    let mut texts = Vec::new();
    let mut directories = vec![root];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.file_name().is_some_and(|name| name != "tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
                texts.push(code.to_owned());
            }
        }
    }
    texts
}
