//! [`Uploads`]: multipart uploads, step by step.

use std::fmt;

use blaxel_core::{Error, HttpService, Source};

use super::form::Form;
use super::locate::Place;
use super::multipart::{
    AbortUpload, CompleteUpload, InitiateUpload, ListUploadParts, ListUploads, Upload, UploadPart,
    UploadedPart,
};
use super::problem::about;

/// The multipart uploads of a sandbox, created by [`Files::uploads`](super::Files::uploads).
///
/// [`Files::write`](super::Files::write) and its siblings do all of this by themselves. These methods are for
/// uploads that span several programs, and for removing what an aborted program has left: parts of an upload use
/// disk space or memory of the sandbox until it is completed or aborted.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
/// let uploads = sandbox.fs().uploads();
/// for upload in uploads.list().await? {
///     println!("{} has {} parts", upload.path, upload.parts.len());
///     uploads.abort(&upload.id).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Uploads<S> {
    place: Place<S>,
}

impl<S: HttpService> Uploads<S> {
    pub(crate) fn new(place: Place<S>) -> Self {
        Self { place }
    }

    /// Returns the uploads that were neither completed nor aborted (`GET /filesystem-multipart`).
    ///
    /// # Errors
    ///
    /// Those of the call.
    pub async fn list(&self) -> Result<Vec<Upload>, Error> {
        self.place.remote.call(&ListUploads).await
    }

    /// Begins an upload of a file, and returns its id (`POST /filesystem-multipart/initiate/{path}`). `mode` are
    /// the permissions of a new file, such as `0o755`; the default is `0o644`.
    ///
    /// # Errors
    ///
    /// Those of the call. After one that [may have been applied](Error::maybe_applied) there may be an empty
    /// upload.
    pub async fn begin(&self, path: impl AsRef<str>, mode: Option<u32>) -> Result<String, Error> {
        let name = path.as_ref();
        let operation = InitiateUpload {
            path: self.place.locate(name).await?,
            mode,
        };
        let id = self.place.remote.call(&operation).await;
        id.map_err(about(name))
    }

    /// Sends a part (`PUT /filesystem-multipart/{uploadId}/part`). A part that was sent already is replaced.
    /// `number` is from 1 to 10,000. The platform accepts parts of up to 5 MiB.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for another number. An unknown upload is an error of the status 500.
    pub async fn send_part(
        &self,
        upload_id: &str,
        number: u32,
        content: impl AsRef<[u8]>,
    ) -> Result<UploadedPart, Error> {
        if !(1..=10_000).contains(&number) {
            let problem = format!("{number} is not between 1 and 10000");
            return Err(Error::input("part number", &Source::Code, problem));
        }
        let content = content.as_ref();
        let mut form = Form::new(content.len());
        form.push(content);
        let operation = UploadPart {
            id: upload_id,
            number,
            form: form.finish(None),
        };
        self.place.remote.call(&operation).await
    }

    /// Returns the parts that the server has received (`GET /filesystem-multipart/{uploadId}/parts`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such upload, or no longer.
    pub async fn parts(&self, upload_id: &str) -> Result<Vec<UploadedPart>, Error> {
        self.place.remote.call(&ListUploadParts(upload_id)).await
    }

    /// Makes the given parts one file, in the order of their numbers
    /// (`POST /filesystem-multipart/{uploadId}/complete`). This ends the upload.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such upload, or no longer: it may be complete already. A part that
    /// is missing, or differs, is an error of the status 500.
    pub async fn complete(&self, upload_id: &str, parts: &[UploadedPart]) -> Result<(), Error> {
        let operation = CompleteUpload {
            id: upload_id,
            parts,
        };
        self.place.remote.call(&operation).await
    }

    /// Ends an upload and removes its parts (`DELETE /filesystem-multipart/{uploadId}/abort`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such upload, or no longer. The server also answers so while it receives a
    /// part of the upload: then abort it again later.
    pub async fn abort(&self, upload_id: &str) -> Result<(), Error> {
        self.place.remote.call(&AbortUpload(upload_id)).await
    }
}

impl<S> fmt::Debug for Uploads<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploads").finish_non_exhaustive()
    }
}
