//! The tools for files.

use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::{Failure, Outcome, read, value};
use crate::files::{FileError, FileKind, Files};
use crate::router::delete::{delete_directory, delete_file, kind};
use crate::router::describe::{File, list};
use crate::router::path::Paths;
use crate::router::permissions::{self, FILE, masked};
use crate::router::write::write_file;

#[derive(Deserialize)]
struct Path {
    path: String,
}

pub(super) fn list_directory(files: &dyn Files, paths: &Paths, arguments: Value) -> Outcome {
    let Path { path } = read(arguments)?;
    let listed = list(files, paths, &path).map_err(failed("failed to list directory"))?;
    Ok(json!({"directory": value(&listed)?}))
}

pub(super) fn read_file(files: &dyn Files, paths: &Paths, arguments: Value) -> Outcome {
    let Path { path } = read(arguments)?;
    let mut file = open(files, paths, &path)
        .map_err(|problem| format!("failed to read file: {problem}"))?
        .0;
    file.name.clone_from(&file.path);
    let mut file = value(&file)?;
    // This time has no fraction.
    if let Some(Value::String(time)) = file.get_mut("lastModified")
        && let Some(dot) = time.find('.')
    {
        time.replace_range(dot.., "Z");
    }
    Ok(file)
}

/// Returns a file with its content as text, and the content.
pub(super) fn open(
    files: &dyn Files,
    paths: &Paths,
    path: &str,
) -> Result<(File, Vec<u8>), Failure> {
    let absolute = paths.absolute(path);
    let facts = files
        .metadata(&absolute)
        .map_err(|errno| FileError::new("stat", &absolute, errno).to_string())?;
    if facts.kind == FileKind::Directory {
        return Err("path points to a directory, not a file".into());
    }
    let content = files.read(&absolute).map_err(|error| error.to_string())?;
    Ok((
        File::with_content(files, paths, path, &facts, &content),
        content,
    ))
}

pub(super) fn write(files: &dyn Files, paths: &Paths, arguments: Value) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Arguments {
        path: String,
        content: Option<String>,
        permissions: Option<String>,
        is_directory: Option<bool>,
    }
    let arguments: Arguments = read(arguments)?;
    let absolute = paths.absolute(&arguments.path);
    // Permissions that cannot be read count as none.
    let permissions = arguments.permissions.as_deref().unwrap_or_default();
    let mode = permissions::parse(permissions).unwrap_or(FILE);
    let message = match arguments.is_directory.unwrap_or_default() {
        true => {
            let created = files.create_dir_all(&absolute, masked(mode));
            created.map_err(failed("failed to create directory"))?;
            "Directory created successfully"
        }
        false => {
            let content = arguments.content.unwrap_or_default();
            let written = write_file(files, &absolute, content.as_bytes(), mode);
            written.map_err(failed("failed to write file"))?;
            "File created/updated successfully"
        }
    };
    Ok(json!({"path": arguments.path, "message": message}))
}

pub(super) fn edit(files: &dyn Files, paths: &Paths, arguments: Value) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Arguments {
        path: String,
        old_string: String,
        new_string: String,
        replace_all: Option<bool>,
    }
    let arguments: Arguments = read(arguments)?;
    let (path, old, new) = (
        &arguments.path,
        &arguments.old_string,
        &arguments.new_string,
    );
    if old.is_empty() {
        return Err("oldString must be non-empty".into());
    }
    if old == new {
        return Err("oldString and newString are identical".into());
    }
    let (file, content) =
        open(files, paths, path).map_err(|problem| format!("failed to read {path}: {problem}"))?;
    let (edited, count) = replace(&content, old.as_bytes(), new.as_bytes());
    if count == 0 {
        return Err(format!("oldString not found in {path}: read the file again").into());
    }
    if count > 1 && !arguments.replace_all.unwrap_or_default() {
        return Err(format!(
            "oldString matches {count} locations in {path}: make it unique, or set replaceAll"
        )
        .into());
    }
    let written = write_file(files, &paths.absolute(path), &edited, FILE);
    written.map_err(|error| format!("failed to write {path}: {error}"))?;
    Ok(json!({"path": file.path, "occurrencesReplaced": count}))
}

/// Replaces a text in all places, and counts them.
fn replace(content: &[u8], old: &[u8], new: &[u8]) -> (Vec<u8>, usize) {
    let (mut edited, mut count, mut rest) = (Vec::with_capacity(content.len()), 0, content);
    while let Some(at) = rest.windows(old.len()).position(|window| window == old) {
        let (before, after) = rest.split_at(at);
        edited.extend_from_slice(before);
        edited.extend_from_slice(new);
        rest = after.get(old.len()..).unwrap_or_default();
        count += 1;
    }
    edited.extend_from_slice(rest);
    (edited, count)
}

pub(super) fn delete(files: &dyn Files, paths: &Paths, arguments: Value) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Arguments {
        path: String,
        is_directory: Option<bool>,
        recursive: Option<bool>,
    }
    let arguments: Arguments = read(arguments)?;
    let absolute = paths.absolute(&arguments.path);
    let is_directory = match arguments.is_directory {
        Some(is_directory) => is_directory,
        None => {
            let found =
                kind(files, &absolute).map_err(failed("failed to check if path is a directory"))?;
            found == Some(FileKind::Directory)
        }
    };
    let message = match is_directory {
        true => {
            delete_directory(files, &absolute, arguments.recursive.unwrap_or_default())
                .map_err(|problem| format!("failed to delete directory: {problem}"))?;
            "Directory deleted successfully"
        }
        false => {
            delete_file(files, &absolute)
                .map_err(|problem| format!("failed to delete file: {problem}"))?;
            "File deleted successfully"
        }
    };
    Ok(json!({"path": arguments.path, "message": message}))
}

fn failed(action: &'static str) -> impl Fn(FileError) -> String {
    move |error| format!("{action}: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_replaced_from_the_left_without_overlaps() {
        for (content, old, new, edited, count) in [
            ("aaa", "aa", "b", "ba", 1),
            ("abcabc", "b", "", "acac", 2),
            ("abc", "x", "y", "abc", 0),
            ("", "x", "y", "", 0),
        ] {
            let replaced = replace(content.as_bytes(), old.as_bytes(), new.as_bytes());
            assert_eq!(replaced, (edited.as_bytes().to_vec(), count), "{content}");
        }
    }
}
