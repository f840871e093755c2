//! The tools for code: searches, parts of files, and edits by a model.

use std::collections::BTreeSet;

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::{Outcome, read, value};
use super::files::open;
use crate::files::{FileKind, Files};
use crate::router::codegen::{self, Provider};
use crate::router::delete::kind;
use crate::router::describe::list;
use crate::router::path::{Paths, base, clean, parent};
use crate::router::scope::{Flow, Scope, Visit};

/// The number of files that a search for names returns.
const MATCHES: usize = 10;

/// The directories whose files are not ranked.
const UNRANKED: [&str; 8] = [
    "node_modules",
    "vendor",
    ".git",
    "dist",
    "build",
    "target",
    "__pycache__",
    ".venv",
];

/// A tool that the server does not have, though it lists it.
pub(super) fn missing(tool: &str) -> Outcome {
    let message = format!("this server does not support {tool}");
    Ok(json!({"success": false, "message": message}))
}

pub(super) fn search_meanings(arguments: Value) -> Outcome {
    #[derive(Deserialize)]
    struct Arguments {
        query: String,
    }
    let Arguments { query } = read(arguments)?;
    Ok(json!({"success": true, "results": [], "query": query}))
}

pub(super) fn search_names(files: &dyn Files, paths: &Paths, arguments: Value) -> Outcome {
    #[derive(Deserialize)]
    struct Arguments {
        query: String,
        directory: Option<String>,
    }
    let arguments: Arguments = read(arguments)?;
    let root = paths.absolute(".");
    let searched = match arguments.directory.as_deref() {
        None | Some("") => root,
        Some(directory) => {
            let searched = clean(&format!("{root}/{directory}"));
            if !searched.starts_with(&root) {
                return Err("directory must be within workspace".into());
            }
            let found = kind(files, &paths.absolute(directory))
                .map_err(|error| format!("failed to check directory: {error}"))?;
            if found != Some(FileKind::Directory) {
                return Err(format!("directory not found: {directory}").into());
            }
            searched
        }
    };
    let query = arguments.query.to_lowercase();
    let mut matches = Vec::new();
    let mut visit = |found: &Visit<'_>| {
        if found.kind != FileKind::Directory && has_in_order(&found.name.to_lowercase(), &query) {
            matches.push(found.path.to_owned());
        }
        match matches.len() < MATCHES {
            true => Flow::Continue,
            false => Flow::Stop,
        }
    };
    Scope::everything()
        .walk(files, &searched, true, &mut visit)
        .map_err(|error| format!("failed to search files: {error}"))?;
    // Without a match there is no list.
    let matches = (!matches.is_empty()).then_some(matches);
    Ok(json!({"success": true, "matches": matches, "query": arguments.query}))
}

/// Returns `true` if a text has the characters of a query in their order. Its bytes count as
/// characters.
fn has_in_order(text: &str, query: &str) -> bool {
    let mut bytes = text.bytes();
    query
        .chars()
        .all(|wanted| bytes.any(|byte| u32::from(byte) == u32::from(wanted)))
}

pub(super) fn read_lines(files: &dyn Files, paths: &Paths, arguments: Value) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Arguments {
        target_file: String,
        start_line_one_indexed: i64,
        end_line_one_indexed_inclusive: i64,
    }
    let arguments: Arguments = read(arguments)?;
    let (_, content) = open(files, paths, &arguments.target_file)
        .map_err(|problem| format!("failed to read file: {problem}"))?;
    let content = String::from_utf8_lossy(&content);
    let lines: Vec<&str> = content.split('\n').collect();
    let first = arguments.start_line_one_indexed.checked_sub(1);
    let first = first.and_then(|first| usize::try_from(first).ok());
    let last = usize::try_from(arguments.end_line_one_indexed_inclusive).ok();
    let range = first
        .zip(last)
        .and_then(|(first, last)| lines.get(first..last));
    let range = range.ok_or("invalid line range")?;
    Ok(json!({
        "success": true,
        "content": range.join("\n"),
        "file": arguments.target_file,
    }))
}

pub(super) fn list_directory(files: &dyn Files, paths: &Paths, arguments: Value) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Arguments {
        relative_workspace_path: String,
    }
    let arguments: Arguments = read(arguments)?;
    let listed = list(files, paths, &arguments.relative_workspace_path)
        .map_err(|error| format!("failed to list directory: {error}"))?;
    Ok(json!({"success": true, "directory": value(&listed)?}))
}

pub(super) fn edit(files: &dyn Files, paths: &Paths, arguments: Value) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Arguments {
        target_file: String,
    }
    let Arguments { target_file } = read(arguments)?;
    let found = kind(files, &paths.absolute(&target_file))
        .map_err(|error| format!("failed to check if file exists: {error}"))?;
    if found.is_some_and(|kind| kind != FileKind::Directory) {
        open(files, paths, &target_file)
            .map_err(|problem| format!("failed to read file: {problem}"))?;
    }
    let refusal = codegen::unreachable();
    Err(format!("failed to apply edit: {}", refusal.message()).into())
}

pub(super) fn rank(
    files: &dyn Files,
    paths: &Paths,
    provider: Provider,
    arguments: Value,
) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Arguments {
        path: String,
        file_pattern: Option<String>,
    }
    let arguments: Arguments = read(arguments)?;
    let directory = paths
        .format(&arguments.path)
        .map_err(|refusal| format!("invalid path: {}", refusal.message()))?;
    let root = paths.absolute(&directory);
    let found =
        kind(files, &root).map_err(|error| format!("failed to check directory: {error}"))?;
    if found != Some(FileKind::Directory) {
        return Err(format!("path is not a directory: {directory}").into());
    }
    if !provider.ranks() {
        let name = provider.name();
        return Err(format!("current provider ({name}) does not support reranking").into());
    }
    let pattern = match arguments.file_pattern.as_deref().unwrap_or_default() {
        "" => None,
        pattern => Some(Regex::new(pattern).map_err(|error| {
            format!("failed to collect documents: invalid file pattern regex: {error}")
        })?),
    };
    let unranked = BTreeSet::from(UNRANKED);
    let mut has_some = false;
    let mut visit = |found: &Visit<'_>| {
        let is_wanted =
            |pattern: &Regex| pattern.is_match(found.path) || pattern.is_match(found.name);
        has_some = found.kind != FileKind::Directory
            && !found.name.starts_with('.')
            && !unranked.contains(base(parent(found.path)))
            && pattern.as_ref().is_none_or(is_wanted);
        if has_some { Flow::Stop } else { Flow::Continue }
    };
    Scope::everything()
        .walk(files, &root, false, &mut visit)
        .map_err(|error| {
            format!("failed to collect documents: failed to read directory: {error}")
        })?;
    if !has_some {
        let message = "No files found matching criteria";
        return Ok(json!({"success": true, "message": message, "files": []}));
    }
    let refusal = codegen::unreachable();
    Err(format!("failed to rerank documents: {}", refusal.message()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_that_have_the_characters_in_order() {
        for (text, query, expected) in [
            ("main.rs", "mnr", true),
            ("main.rs", "rm", false),
            ("main.rs", "", true),
            ("aa", "aaa", false),
            ("é", "é", false),
        ] {
            assert_eq!(has_in_order(text, query), expected, "{text} {query}");
        }
    }
}
