//! Downloads of single files.

use std::fmt;
use std::future::IntoFuture;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BoxFuture, Error, HttpService};
use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

use super::temp::{Attributes, TempFile};
use crate::files::local_file::local_error;
use crate::files::locate::Place;
use crate::files::read::ReadStream;
use crate::files::stat::stat;
use crate::files::write::{Progress, Report};

/// The number of bytes that are collected before they are written. Twice as many can be in memory.
const CHUNK: usize = 1024 * 1024;

/// A file that is about to be downloaded, created by [`Files::download`](super::super::Files::download). Await it for
/// the number of bytes.
#[must_use = "nothing is sent until it is awaited"]
pub struct Download<S> {
    place: Place<S>,
    path: String,
    local: PathBuf,
    report: Option<Report>,
}

impl<S: HttpService> Download<S> {
    pub(crate) fn new(place: Place<S>, path: &str, local: &Path) -> Self {
        Self {
            place,
            path: path.to_owned(),
            local: local.to_owned(),
            report: None,
        }
    }

    /// Sets a function that is called with the progress of the transfer.
    pub fn progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.report = Some(Arc::new(report));
        self
    }

    async fn run(self) -> Result<u64, Error> {
        let path = self.place.locate(&self.path).await?;
        let total = |bytes, total_bytes, files| {
            if let Some(report) = &self.report {
                report(Progress {
                    bytes,
                    total_bytes,
                    files,
                    total_files: Some(1),
                });
            }
        };
        let metadata = stat(&self.place.remote, &path).await;
        let metadata = metadata.map_err(crate::files::problem::about(&self.path))?;
        let attributes = Attributes {
            mode: metadata.mode,
            modified: metadata.modified.and_then(|time| time.to_system_time()),
        };
        let report = |bytes| total(bytes, metadata.len, 0);
        let bytes = fetch(
            &self.place,
            &self.path,
            self.local.clone(),
            attributes,
            report,
        )
        .await?;
        total(bytes, metadata.len, 1);
        Ok(bytes)
    }
}

/// Downloads a file to a temporary name, and then renames it. `report` is told the number of bytes so far.
pub(super) async fn fetch<S: HttpService>(
    place: &Place<S>,
    path: &str,
    local: PathBuf,
    attributes: Attributes,
    report: impl Fn(u64),
) -> Result<u64, Error> {
    let mut stream = ReadStream::new(place.clone(), path).await?;
    let target = local.clone();
    // A thread writes while the next chunks arrive.
    let mut writing = spawn_blocking(move || Sink::create(&target));
    let (mut bytes, mut waiting, mut chunks) = (0, 0, Vec::new());
    loop {
        let chunk = stream.try_next().await?;
        let is_end = chunk.is_none();
        if let Some(chunk) = chunk {
            waiting += chunk.len();
            chunks.push(chunk);
        }
        if waiting >= CHUNK || is_end {
            let sink = join(writing, &local).await?;
            report(bytes);
            let ready = std::mem::take(&mut chunks);
            writing = spawn_blocking(move || sink.write(ready));
            bytes += std::mem::take(&mut waiting) as u64;
        }
        if is_end {
            break;
        }
    }
    let sink = join(writing, &local).await?;
    report(bytes);
    let kept = spawn_blocking(move || sink.temp.keep(&sink.file, attributes));
    join(kept, &local).await?;
    Ok(bytes)
}

/// The file that is written. It is moved between threads, because writing blocks.
struct Sink {
    temp: TempFile,
    file: std::fs::File,
}

impl Sink {
    fn create(target: &Path) -> std::io::Result<Self> {
        let (temp, file) = TempFile::create(target)?;
        Ok(Self { temp, file })
    }

    fn write(mut self, chunks: Vec<Bytes>) -> std::io::Result<Self> {
        for chunk in chunks {
            self.file.write_all(&chunk)?;
        }
        Ok(self)
    }
}

/// Waits for blocking work on a local file.
pub(super) async fn join<T>(work: JoinHandle<std::io::Result<T>>, path: &Path) -> Result<T, Error> {
    match work.await {
        Ok(outcome) => outcome.map_err(|problem| local_error(path, problem)),
        Err(problem) => {
            Err(Error::decode("a thread of the transfer has failed").caused_by(problem))
        }
    }
}

impl<S: HttpService> IntoFuture for Download<S> {
    type Output = Result<u64, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<S> fmt::Debug for Download<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("path", &self.path)
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}
