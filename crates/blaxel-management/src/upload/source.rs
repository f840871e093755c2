//! The archive to upload, which can be read again for each attempt.

#[cfg(feature = "upload-file")]
mod file;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Body, BoxError, BoxFuture, Error, Source};
use bytes::Bytes;
use http::HeaderValue;

use super::metered::{Metered, unreadable};
use super::progress::{Progress, ProgressCallback};

/// The format of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Archive {
    /// A zip, from which workloads are built.
    Zip,
    /// An uncompressed tar, the content of a volume template.
    Tar,
}

impl Archive {
    /// Returns the media type of the format.
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Zip => "application/zip",
            Self::Tar => "application/x-tar",
        })
    }
}

/// An archive to upload. It is read again for each attempt, one chunk at a time; only an archive that is given
/// as bytes is in memory as a whole.
///
/// ```
/// use blaxel_management::upload::{Archive, UploadSource};
///
/// # let zipped: Vec<u8> = Vec::new();
/// let source = UploadSource::bytes(Archive::Zip, zipped)
///     .on_progress(|progress| println!("{} of {} bytes", progress.sent, progress.total));
/// # let _ = source;
/// ```
#[derive(Clone)]
pub struct UploadSource {
    archive: Archive,
    content: Content,
    on_progress: Option<ProgressCallback>,
}

/// The origin of the bytes of an archive.
#[derive(Clone)]
enum Content {
    Bytes(Bytes),
    #[cfg(feature = "upload-file")]
    File(std::path::PathBuf),
    /// The length, and the function that opens the archive.
    Function(
        u64,
        Arc<dyn Fn() -> BoxFuture<Result<Body, BoxError>> + Send + Sync>,
    ),
}

impl UploadSource {
    /// Creates a source from an archive in memory.
    #[must_use]
    pub fn bytes(archive: Archive, bytes: impl Into<Bytes>) -> Self {
        Self::of(archive, Content::Bytes(bytes.into()))
    }

    /// Creates a source from a file, which is streamed. If the length of the file changes between two attempts,
    /// the later attempt sends the file as it is then.
    ///
    /// ```
    /// use blaxel_management::upload::{Archive, UploadSource};
    ///
    /// let source = UploadSource::file(Archive::Zip, "target/code.zip");
    /// assert_eq!(source.archive(), Archive::Zip);
    /// ```
    #[cfg(feature = "upload-file")]
    #[must_use]
    pub fn file(archive: Archive, path: impl Into<std::path::PathBuf>) -> Self {
        Self::of(archive, Content::File(path.into()))
    }

    /// Creates a source from a function that opens the archive for each attempt, at its first byte. The archive
    /// must be exactly `length` bytes long.
    ///
    /// ```
    /// use blaxel_core::{Body, Error};
    /// use blaxel_management::upload::{Archive, UploadSource};
    ///
    /// let archive = "the bytes of a tar";
    /// let length = archive.len() as u64;
    /// let source = UploadSource::function(Archive::Tar, length, move || async move {
    ///     Ok::<_, Error>(Body::from(archive))
    /// });
    /// # let _ = source;
    /// ```
    pub fn function<F, E>(
        archive: Archive,
        length: u64,
        open: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Body, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let open = move || -> BoxFuture<Result<Body, BoxError>> {
            let opening = open();
            Box::pin(async move { opening.await.map_err(Into::into) })
        };
        Self::of(archive, Content::Function(length, Arc::new(open)))
    }

    /// Creates a source without a progress callback.
    fn of(archive: Archive, content: Content) -> Self {
        Self {
            archive,
            content,
            on_progress: None,
        }
    }

    /// Sets a function that is called whenever a chunk was passed to the connection. A chunk has at most 64
    /// KiB. The upload waits while the function runs. None by default.
    #[must_use]
    pub fn on_progress(mut self, callback: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.on_progress = Some(Arc::new(callback));
        self
    }

    /// Returns the format of the archive.
    #[must_use]
    pub fn archive(&self) -> Archive {
        self.archive
    }

    /// Opens the archive for an attempt. The second value holds the error of reading it, as soon as there is one.
    pub(super) async fn open(
        &self,
        attempt: u32,
    ) -> Result<(Metered, Arc<OnceLock<Error>>), Error> {
        let (body, length) = match &self.content {
            Content::Bytes(bytes) => (Body::from(bytes.clone()), bytes.len() as u64),
            #[cfg(feature = "upload-file")]
            Content::File(path) => file::open(path).await?,
            Content::Function(length, open) => {
                let body = open().await;
                let body = body.map_err(|error| unreadable(&Source::Code).caused_by(error))?;
                (body, *length)
            }
        };
        let start = Progress {
            sent: 0,
            total: length,
            attempt,
        };
        Ok(Metered::new(body, start, self.on_progress.clone()))
    }
}

impl fmt::Debug for UploadSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content = match &self.content {
            Content::Bytes(bytes) => format!("{} bytes", bytes.len()),
            #[cfg(feature = "upload-file")]
            Content::File(path) => path.display().to_string(),
            Content::Function(length, _) => format!("{length} bytes from a function"),
        };
        f.debug_struct("UploadSource")
            .field("archive", &self.archive)
            .field("content", &content)
            .finish_non_exhaustive()
    }
}
