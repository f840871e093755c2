//! Deletion of files and directories.

use http::Method;

use super::call::{Call, into_response};
use super::path::{Paths, requested};
use super::respond::{HandlerResult, Refusal, success};
use super::route::Route;
use crate::errno::Errno;
use crate::files::{FileError, FileKind, Files};
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[Route {
    operation: "RemoveFile",
    method: Method::DELETE,
    pattern: "/filesystem/*path",
    since: ServerVersion::August,
    handler: |call| Box::pin(async move { into_response(delete(call).await) }),
}];

async fn delete(call: Call) -> HandlerResult {
    let paths = Paths::of(&call.state);
    let path = paths.format(&requested(&call))?;
    let absolute = paths.absolute(&path);
    let is_recursive = call.query("recursive") == "true";
    Call::with_files(&call.state, move |files| {
        let message = match kind(files, &absolute).map_err(Refusal::unprocessable)? {
            Some(FileKind::Directory) => {
                remove_dir(files, &absolute, is_recursive).map_err(|error| {
                    Refusal::unprocessable(format!("error deleting directory: {error}"))
                })?;
                "Directory deleted successfully"
            }
            Some(_) => {
                files.remove_file(&absolute).map_err(|errno| {
                    let error = FileError::new("remove", &absolute, errno);
                    Refusal::unprocessable(format!("error deleting file: {error}"))
                })?;
                "File deleted successfully"
            }
            None => return Err(Refusal::not_found("file or directory not found")),
        };
        success(&path, message)
    })
    .await
}

/// Deletes a file, or a link to one. Returns a sentence about the problem.
pub(super) fn delete_file(files: &dyn Files, path: &str) -> Result<(), String> {
    if is_directory(files, path)? {
        return Err("path points to a directory, not a file".to_owned());
    }
    let removed = files.remove_file(path);
    removed.map_err(|errno| FileError::new("remove", path, errno).to_string())
}

/// Deletes a directory, or a link to one. Returns a sentence about the problem.
pub(super) fn delete_directory(
    files: &dyn Files,
    path: &str,
    is_recursive: bool,
) -> Result<(), String> {
    if !is_directory(files, path)? {
        return Err("path points to a file, not a directory".to_owned());
    }
    remove_dir(files, path, is_recursive).map_err(|error| error.to_string())
}

fn is_directory(files: &dyn Files, path: &str) -> Result<bool, String> {
    let facts = files.metadata(path);
    let facts = facts.map_err(|errno| FileError::new("stat", path, errno).to_string())?;
    Ok(facts.kind == FileKind::Directory)
}

/// Returns the type of what a path leads to; `None` if it does not exist.
pub(super) fn kind(files: &dyn Files, path: &str) -> Result<Option<FileKind>, FileError> {
    match files.metadata(path) {
        Ok(facts) => Ok(Some(facts.kind)),
        Err(Errno::NotFound) => Ok(None),
        Err(errno) => Err(FileError::new("stat", path, errno)),
    }
}

/// Removes a directory, or a link to one.
fn remove_dir(files: &dyn Files, path: &str, is_recursive: bool) -> Result<(), FileError> {
    if is_recursive {
        return files.remove_all(path);
    }
    let is_link = files
        .link_metadata(path)
        .is_ok_and(|facts| facts.kind == FileKind::Symlink);
    let removed = if is_link {
        files.remove_file(path)
    } else {
        files.remove_dir(path)
    };
    removed.map_err(|errno| FileError::new("remove", path, errno))
}
