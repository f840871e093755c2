//! Writing of files and directories.

use std::sync::Arc;

use axum::response::Response;
use blaxel_core::__private::lenient::null_as_default;
use http::Method;
use http::header::CONTENT_TYPE;
use serde::Deserialize;

use super::call::{Call, into_response};
use super::form::{Form, PartialFile};
use super::path::{Paths, parent, requested};
use super::permissions::{self, DIRECTORY, FILE, masked};
use super::respond::{HandlerResult, Refusal, success};
use super::route::Route;
use crate::files::{FileError, Files};
use crate::state::State;
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[Route {
    operation: "WriteFile",
    method: Method::PUT,
    pattern: "/filesystem/*path",
    since: ServerVersion::August,
    handler: |call| Box::pin(write(call)),
}];

/// The longest text of a field for permissions.
const PERMISSIONS_LIMIT: usize = 64;

async fn write(call: Call) -> Response {
    let is_form = call.header(CONTENT_TYPE).starts_with("multipart/form-data");
    into_response(if is_form {
        write_form(call).await
    } else {
        write_json(call).await
    })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FileRequest {
    #[serde(deserialize_with = "null_as_default")]
    content: String,
    #[serde(deserialize_with = "null_as_default")]
    is_directory: bool,
    #[serde(deserialize_with = "null_as_default")]
    permissions: String,
}

async fn write_json(mut call: Call) -> HandlerResult {
    let paths = Paths::of(&call.state);
    let path = paths.format(&requested(&call))?;
    let request: FileRequest = call.take_json().await?;
    let mode = match request.permissions.as_str() {
        "" if request.is_directory => DIRECTORY,
        "" => FILE,
        text => permissions(text)?,
    };
    let absolute = paths.absolute(&path);
    Call::with_files(&call.state, move |files| {
        if request.is_directory {
            files
                .create_dir_all(&absolute, masked(mode))
                .map_err(|error| {
                    Refusal::unprocessable(format!("error creating directory: {error}"))
                })?;
            return success(&path, "Directory created successfully");
        }
        write_file(files, &absolute, request.content.as_bytes(), mode)
            .map_err(|error| Refusal::unprocessable(format!("error writing file: {error}")))?;
        success(&path, "File created/updated successfully")
    })
    .await
}

/// Writes a file and creates the directories above it.
pub(super) fn write_file(
    files: &dyn Files,
    path: &str,
    content: &[u8],
    mode: u32,
) -> Result<(), FileError> {
    files.create_dir_all(parent(path), masked(DIRECTORY))?;
    files.write(path, content, masked(mode))
}

fn permissions(text: &str) -> Result<u32, Refusal> {
    permissions::parse(text).map_err(|problem| {
        Refusal::bad_request(format!(
            "invalid permissions format '{text}': strconv.ParseUint: {problem}"
        ))
    })
}

/// Writes the file of a form while it is received.
async fn write_form(mut call: Call) -> HandlerResult {
    let paths = Paths::of(&call.state);
    let path = paths.format(&requested(&call))?;
    let absolute = paths.absolute(&path);
    let version = call.state.version();
    let mut form = Form::of(&mut call)?;
    let mut mode = None;
    let mut written: Option<bool> = None;
    while let Some(mut field) = form.next_field().await? {
        let is_file = field.file_name().is_some_and(|name| !name.is_empty());
        match field.name() {
            Some("permissions") if !is_file => {
                let text = form.text(&mut field, PERMISSIONS_LIMIT).await?;
                if !text.is_empty() {
                    mode = Some(permissions(text.trim())?);
                }
                let is_late = written.is_some() && version > ServerVersion::August;
                if is_late
                    && written == Some(true)
                    && let Some(mode) = mode
                {
                    set_mode(&call.state, absolute.clone(), masked(mode)).await?;
                }
            }
            Some("file") if is_file && written.is_none() => {
                let mode = masked(mode.unwrap_or(FILE));
                let unwritten =
                    |error| Refusal::unprocessable(format!("error writing binary file: {error}"));
                let (file, is_new) = PartialFile::create(&call.state, &absolute, mode)
                    .await
                    .map_err(unwritten)?;
                form.copy(&mut field, &file).await?.map_err(unwritten)?;
                file.keep();
                written = Some(is_new);
            }
            _ => {}
        }
    }
    if written.is_none() {
        return Err(Refusal::bad_request(
            "missing 'file' field in multipart form",
        ));
    }
    success(&path, "Binary file uploaded successfully")
}

async fn set_mode(state: &Arc<State>, path: String, mode: u32) -> Result<(), Refusal> {
    Call::with_files(state, move |files| {
        files.set_mode(&path, mode).map_err(|errno| {
            let error = FileError::new("chmod", &path, errno);
            Refusal::unprocessable(format!("error writing binary file: {error}"))
        })
    })
    .await
}
