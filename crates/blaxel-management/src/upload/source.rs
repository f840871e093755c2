//! What is uploaded: something that can be read again for each try.

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
use super::progress::{Progress, Watcher};

/// The form of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Archive {
    /// A zip: what workloads are built from.
    Zip,
    /// A tar that is not compressed: what volume templates hold.
    Tar,
}

impl Archive {
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Zip => "application/zip",
            Self::Tar => "application/x-tar",
        })
    }
}

/// An archive to be uploaded. It is read anew for each try, and none of them holds more than a piece of it
/// in memory, unless it lies there already.
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
    watcher: Option<Watcher>,
}

#[derive(Clone)]
enum Content {
    Bytes(Bytes),
    #[cfg(feature = "upload-file")]
    File(std::path::PathBuf),
    Function(
        u64,
        Arc<dyn Fn() -> BoxFuture<Result<Body, BoxError>> + Send + Sync>,
    ),
}

impl UploadSource {
    /// An archive that lies in memory.
    #[must_use]
    pub fn bytes(archive: Archive, bytes: impl Into<Bytes>) -> Self {
        Self::of(archive, Content::Bytes(bytes.into()))
    }

    /// An archive that lies in a file. It is read piece by piece; if its length changes between two tries,
    /// the later one sends it as it is then.
    #[cfg(feature = "upload-file")]
    #[must_use]
    pub fn file(archive: Archive, path: impl Into<std::path::PathBuf>) -> Self {
        Self::of(archive, Content::File(path.into()))
    }

    /// An archive that comes from anywhere: the function opens it for each try, from its first byte on. It
    /// must be exactly so many bytes long.
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

    fn of(archive: Archive, content: Content) -> Self {
        Self {
            archive,
            content,
            watcher: None,
        }
    }

    /// Calls a function whenever the connection has taken a piece, which is at most 64 KiB long. The
    /// upload waits while it runs.
    #[must_use]
    pub fn on_progress(mut self, watch: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.watcher = Some(Arc::new(watch));
        self
    }

    /// The form of the archive.
    #[must_use]
    pub fn archive(&self) -> Archive {
        self.archive
    }

    /// Opens it for a try. What its reading fails with stands in the second part, if it does.
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
        Ok(Metered::new(body, start, self.watcher.clone()))
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
