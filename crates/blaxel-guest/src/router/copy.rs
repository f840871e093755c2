//! Copies that overwrite nothing.

use std::sync::Arc;

use blaxel_core::__private::lenient::null_as_default;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::call::{Call, into_response};
use super::path::{Paths, base};
use super::respond::{HandlerResult, Refusal, json, ok};
use super::route::Route;
use crate::errno::Errno;
use crate::files::{DirEntry, FileError, FileKind, Files, OpenFile, OpenOptions, join};
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[Route {
    operation: "CopyFile",
    method: Method::POST,
    pattern: "/filesystem-copy",
    since: ServerVersion::Current,
    handler: |call| Box::pin(async move { into_response(copy(call).await) }),
}];

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CopyRequest {
    #[serde(deserialize_with = "null_as_default")]
    source: String,
    #[serde(deserialize_with = "null_as_default")]
    destination: String,
    #[serde(deserialize_with = "null_as_default")]
    no_overwrite: bool,
}

async fn copy(mut call: Call) -> HandlerResult {
    #[derive(Serialize)]
    struct Copied<'a> {
        source: &'a str,
        destination: &'a str,
        message: &'static str,
    }
    #[derive(Serialize)]
    struct Conflict {
        error: String,
        code: &'static str,
    }
    let paths = Paths::of(&call.state);
    let request: CopyRequest = call.take_json().await?;
    for (name, value) in [
        ("source", &request.source),
        ("destination", &request.destination),
    ] {
        if value.is_empty() {
            return Err(Refusal::bad_request(format!("{name} is required")));
        }
    }
    if !request.no_overwrite {
        return Err(Refusal::bad_request("noOverwrite must be true"));
    }
    let source = paths.absolute(&paths.format(&request.source)?);
    let destination = paths.absolute(&paths.format(&request.destination)?);
    Call::with_files(&call.state, move |files| {
        // An existing directory is the place to copy into.
        let is_directory = files
            .metadata(&destination)
            .is_ok_and(|at| at.kind == FileKind::Directory);
        let destination = match is_directory {
            true => join(&destination, base(&source)),
            false => destination,
        };
        match copy_all(files, &source, &destination) {
            Ok(()) => ok(&Copied {
                source: &source,
                destination: &destination,
                message: "Copied successfully",
            }),
            Err(error) if error.errno() == Errno::Exists => {
                let code = "FILE_ALREADY_EXISTS";
                Ok(json(
                    StatusCode::CONFLICT,
                    &Conflict {
                        error: error.to_string(),
                        code,
                    },
                ))
            }
            Err(error) => Err(Refusal::unprocessable(error)),
        }
    })
    .await
}

/// Copies an entry and what is below it. Entries that were copied before a failure stay.
fn copy_all(files: &dyn Files, from: &str, to: &str) -> Result<(), FileError> {
    // There may be more levels than the stack of a thread has room for.
    let mut left = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = left.pop() {
        let entries = copy_entry(files, &from, &to)?.into_iter().rev();
        left.extend(entries.map(|entry| (join(&from, &entry.name), join(&to, &entry.name))));
    }
    Ok(())
}

/// Copies an entry. Returns the entries of a directory, which are not copied.
fn copy_entry(files: &dyn Files, from: &str, to: &str) -> Result<Vec<DirEntry>, FileError> {
    let facts = files
        .link_metadata(from)
        .map_err(|errno| FileError::new("lstat", from, errno))?;
    match facts.kind {
        FileKind::File => {
            let options = OpenOptions {
                write: true,
                create_new: true,
                mode: facts.mode,
                ..OpenOptions::default()
            };
            let opened = |path, options: &OpenOptions| -> Result<Arc<dyn OpenFile>, FileError> {
                files
                    .open(path, options)
                    .map_err(|errno| FileError::new("open", path, errno))
            };
            let source = opened(from, &OpenOptions::reading())?;
            let target = opened(to, &options)?;
            copy_content(&*source, &*target).map_err(|errno| FileError::new("write", to, errno))?;
        }
        FileKind::Directory => {
            if to
                .strip_prefix(from)
                .is_some_and(|below| below.starts_with('/'))
            {
                return Err(FileError::new("copy", from, Errno::Invalid));
            }
            files
                .create_dir(to, facts.mode)
                .map_err(|errno| FileError::new("mkdir", to, errno))?;
            let entries = files.read_dir(from);
            return entries.map_err(|errno| FileError::new("open", from, errno));
        }
        FileKind::Symlink => {
            let target = files.read_link(from);
            let target = target.map_err(|errno| FileError::new("readlink", from, errno))?;
            files
                .symlink(&target, to)
                .map_err(|errno| FileError::new("symlink", to, errno))?;
        }
        // Devices, pipes and sockets are refused.
        _ => return Err(FileError::new("copy", from, Errno::NotPermitted)),
    }
    Ok(Vec::new())
}

fn copy_content(source: &dyn OpenFile, target: &dyn OpenFile) -> Result<(), Errno> {
    let mut buffer = vec![0; 64 << 10];
    let mut offset = 0;
    loop {
        let count = source.read_at(offset, &mut buffer)?;
        let chunk = buffer.get(..count).unwrap_or_default();
        if chunk.is_empty() {
            return Ok(());
        }
        target.write_all_at(offset, chunk)?;
        offset += count as u64;
    }
}
