//! Forms with files (`multipart/form-data`).

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use multer::{Field, Multipart};

use super::call::Call;
use super::path::parent;
use super::permissions::{DIRECTORY, masked};
use super::respond::Refusal;
use crate::files::{FileError, OpenFile, OpenOptions};
use crate::state::State;

/// A form that is read while it is received.
pub(super) struct Form(Multipart<'static>);

impl Form {
    /// Takes the body of a request as a form.
    pub(super) fn of(call: &mut Call) -> Result<Self, Refusal> {
        let content_type = call.header(CONTENT_TYPE);
        let boundary = multer::parse_boundary(content_type).map_err(|_| {
            let problem = match content_type.starts_with("multipart/form-data") {
                true => "no multipart boundary param in Content-Type",
                false => "request Content-Type isn't multipart/form-data",
            };
            Refusal::bad_request(format!("error reading multipart data: {problem}"))
        })?;
        let body = std::mem::take(&mut call.body).into_data_stream();
        Ok(Self(Multipart::new(body, boundary)))
    }

    /// Returns the next field. The field before it is skipped.
    pub(super) async fn next_field(&mut self) -> Result<Option<Field<'static>>, Refusal> {
        self.0.next_field().await.map_err(unreadable)
    }

    /// Reads a field as text.
    pub(super) async fn text(
        &mut self,
        field: &mut Field<'static>,
        limit: usize,
    ) -> Result<String, Refusal> {
        let mut text = Vec::new();
        while let Some(chunk) = self.chunk(field).await? {
            if text.len() + chunk.len() > limit {
                return Err(Refusal::bad_request(
                    "error reading multipart part: too long",
                ));
            }
            text.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Returns the next chunk of a field.
    pub(super) async fn chunk(
        &mut self,
        field: &mut Field<'static>,
    ) -> Result<Option<bytes::Bytes>, Refusal> {
        field.chunk().await.map_err(unreadable)
    }

    /// Writes a field to a file. The outer error is about the form, the inner one about the file.
    pub(super) async fn copy(
        &mut self,
        field: &mut Field<'static>,
        file: &PartialFile,
    ) -> Result<Result<(), FileError>, Refusal> {
        let mut offset = 0;
        while let Some(chunk) = self.chunk(field).await? {
            let size = chunk.len() as u64;
            if let Err(error) = file.write(offset, chunk).await {
                return Ok(Err(error));
            }
            offset += size;
        }
        Ok(Ok(()))
    }
}

fn unreadable(error: multer::Error) -> Refusal {
    let problem = match error {
        multer::Error::IncompleteStream => "multipart: NextPart: EOF".to_owned(),
        error => error.to_string(),
    };
    Refusal::bad_request(format!("error reading multipart part: {problem}"))
}

/// A file that is being written. It is removed if it is dropped before [`keep`](Self::keep).
pub(super) struct PartialFile {
    state: Arc<State>,
    path: String,
    file: Arc<dyn OpenFile>,
    is_kept: bool,
}

impl PartialFile {
    /// Opens a file for replacing its content, and creates the directories above it. The flag is
    /// `true` if the file is new.
    pub(super) async fn create(
        state: &Arc<State>,
        path: &str,
        mode: u32,
    ) -> Result<(Self, bool), FileError> {
        let path = path.to_owned();
        let opened = Call::with_files(state, move |files| {
            let open = || {
                files.create_dir_all(parent(&path), masked(DIRECTORY))?;
                let is_new = files.metadata(&path).is_err();
                let file = files.open(&path, &OpenOptions::replacing(mode));
                Ok((
                    file.map_err(|errno| FileError::new("open", &path, errno))?,
                    is_new,
                ))
            };
            Ok((open(), path))
        });
        let (opened, path) = opened.await.map_err(|_| lost("open", ""))?;
        let (file, is_new) = opened?;
        Ok((
            Self {
                state: Arc::clone(state),
                path,
                file,
                is_kept: false,
            },
            is_new,
        ))
    }

    /// Writes a chunk.
    pub(super) async fn write(&self, offset: u64, chunk: bytes::Bytes) -> Result<(), FileError> {
        let (file, path) = (Arc::clone(&self.file), self.path.clone());
        let written = Call::with_files(&self.state, move |_| {
            let written = file.write_all_at(offset, &chunk);
            Ok(written.map_err(|errno| FileError::new("write", &path, errno)))
        });
        written
            .await
            .unwrap_or_else(|_| Err(lost("write", &self.path)))
    }

    /// Keeps the file.
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

/// The error of work on files that has panicked.
fn lost(operation: &'static str, path: &str) -> FileError {
    FileError::new(operation, path, crate::errno::Errno::Io)
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if !self.is_kept {
            // It may have been removed already.
            let _ = self.state.guest.files().remove_file(&self.path);
        }
    }
}
