//! Promise: the crate knows every operation of a sandbox's API by its name, method and path, with all query parameters
//! and members, and no others.
//!
//! `operations.txt` lists them. The descriptions of the crate are read from its sources, since they are private.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A name, method and path.
type Endpoint = (String, String, String);

#[derive(Default)]
struct Area {
    operations: BTreeSet<Endpoint>,
    /// The query parameters and the members of objects.
    members: BTreeSet<String>,
}

/// Reads the list.
fn areas() -> BTreeMap<String, Area> {
    let text = include_str!("operations.txt");
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (mut areas, mut current) = (BTreeMap::<String, Area>::new(), String::new());
    for line in lines {
        if let Some(name) = line.strip_prefix('[') {
            current = name.strip_suffix(']').unwrap().to_owned();
            continue;
        }
        let area = areas.entry(current.clone()).or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        let names = |list: &str| -> Vec<String> {
            let end = |char| matches!(char, '*' | ':');
            let name = |member: &str| member.trim().split(end).next().unwrap().to_owned();
            list.split(',').map(name).collect()
        };
        if words[1].chars().all(|char| char.is_ascii_uppercase()) {
            let endpoint = [words[0], words[1], words[2]].map(str::to_owned);
            let is_new = area.operations.insert(endpoint.into());
            assert!(is_new, "{line}");
            let query = words.iter().find_map(|word| word.strip_prefix('?'));
            area.members.extend(query.into_iter().flat_map(names));
        } else if words[1] != "=" {
            area.members.extend(names(line.split_once(' ').unwrap().1));
        }
    }
    areas
}

/// Returns the texts of all source files of the crate.
fn sources() -> String {
    let mut text = String::new();
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.file_name().is_some_and(|name| name != "tests.rs") {
                let source = fs::read_to_string(&path).unwrap();
                text += source.split("#[cfg(test)]\nmod ").next().unwrap();
            }
        }
    }
    text
}

/// Returns the operations that the sources describe.
fn declared(sources: &str) -> BTreeSet<Endpoint> {
    let calls = ["OperationInfo::new(", "described("];
    let calls = calls.iter().flat_map(|call| sources.split(call).skip(1));
    let mut found = BTreeSet::new();
    // A call with other arguments is the one inside of `described`.
    for call in calls.filter(|call| call.trim_start().starts_with('"')) {
        let mut texts = call.split('"').skip(1).step_by(2);
        let mut literal = || texts.next().unwrap().to_owned();
        let (name, path) = (literal(), literal());
        let method = call.split("Method::").nth(1).unwrap();
        let method: String = method
            .chars()
            .take_while(char::is_ascii_uppercase)
            .collect();
        found.insert((name, method, path));
    }
    found
}

#[test]
fn the_operations_of_the_crate_are_those_of_the_list() {
    let areas = areas();
    let declared = declared(&sources());
    let all: BTreeSet<&Endpoint> = areas.values().flat_map(|area| &area.operations).collect();
    let extra: Vec<_> = declared.iter().filter(|it| !all.contains(it)).collect();
    let missing: Vec<_> = all.iter().filter(|it| !declared.contains(**it)).collect();
    assert!(
        extra.is_empty() && missing.is_empty(),
        "only the crate has {extra:?}, and only the list {missing:?}"
    );
    assert!(declared.len() > 20, "{declared:?}");
}

#[test]
fn the_members_of_the_list_are_in_the_crate() {
    let sources = sources();
    let words: BTreeSet<&str> = sources
        .split(|char: char| !(char.is_ascii_alphanumeric() || char == '_'))
        .collect();
    let is_known = |member: &str| {
        let mut snake = String::new();
        for char in member.chars() {
            if char.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(char.to_ascii_lowercase());
        }
        words.contains(snake.as_str()) || sources.contains(&format!("\"{member}\""))
    };
    let areas = areas();
    let members: BTreeSet<&String> = areas.values().flat_map(|area| &area.members).collect();
    let missing: Vec<_> = members.iter().filter(|member| !is_known(member)).collect();
    // A wait for the end of a process that may take any time needs another call.
    let unused = ["waitForCompletion"];
    assert!(
        missing
            .iter()
            .all(|member| unused.contains(&member.as_str())),
        "{missing:?}"
    );
    assert!(members.len() > 100, "{members:?}");
}
