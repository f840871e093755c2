//! Downloads of directories.

use std::collections::HashMap;
use std::fmt;
use std::future::IntoFuture;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BoxFuture, Error, HttpService};
use bytes::Bytes;
use tokio::sync::mpsc::channel;
use tokio::task::spawn_blocking;

use super::download::{fetch, join};
use super::remote_list::{RemoteEntry, list};
use super::remote_temp::RemoteTemp;
use super::selection::Selection;
use super::temp::{Attributes, from_seconds, seconds};
use super::unpack::{ChunkReader, Unpacked, local_path, make_dir_all, unpack};
use super::{ARCHIVE_SIZE, LARGE, MANY, Transferred};
use crate::files::command::{is_missing_program, run_tar};
use crate::files::local_file::local_error;
use crate::files::locate::Place;
use crate::files::mode::FileType;
use crate::files::parts::in_memory;
use crate::files::path::RemotePath;
use crate::files::problem::{FileError, about, is_missing};
use crate::files::read::ReadStream;
use crate::files::write::{Progress, Report, Settings, send};

/// The number of chunks of an archive that wait to be unpacked.
const WAITING_CHUNKS: usize = 2;

/// A directory that is about to be downloaded, created by [`Files::download_dir`](super::super::Files::download_dir).
/// Await it for what was transferred.
///
/// Many small files are packed into a few archives by `tar` in the sandbox; large files, and all files of a sandbox
/// without `tar`, are read one by one. The permissions and the times of the last change of files, and symbolic links,
/// are kept. New directories have the permissions of any new directory, because the server does not list theirs. Local
/// files that the sandbox does not have stay.
///
/// # Security
///
/// A sandbox may run code that is not trusted, so everything it sends is checked. Nothing is written outside of the
/// local directory: only files of the listing are accepted, and none whose path leaves the directory or passes a
/// symbolic link. Symbolic links of the sandbox are made as they are, so they can point anywhere: do not follow them,
/// or leave them out by [`filter`](Self::filter). Set-user-id and similar permissions are dropped. Each file is written
/// under a temporary name and then renamed.
#[must_use = "nothing is sent until it is awaited"]
pub struct DownloadDir<S> {
    place: Place<S>,
    path: String,
    local: PathBuf,
    selection: Selection,
    skip_unchanged: bool,
    report: Option<Report>,
}

impl<S: HttpService> DownloadDir<S> {
    pub(crate) fn new(place: Place<S>, path: &str, local: &Path) -> Self {
        Self {
            place,
            path: path.to_owned(),
            local: local.to_owned(),
            selection: Selection::default(),
            skip_unchanged: true,
            report: None,
        }
    }

    /// Adds patterns of files and directories to leave out; see
    /// [`UploadDir::exclude`](super::UploadDir::exclude).
    pub fn exclude<T: Into<String>>(mut self, patterns: impl IntoIterator<Item = T>) -> Self {
        self.selection.exclude(patterns.into_iter().map(Into::into));
        self
    }

    /// Sets a function that returns `true` for the paths to transfer. They are those below the directory, with `/`
    /// between their parts. A directory that it refuses is left out with all that it contains.
    pub fn filter(mut self, filter: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.selection.filter(filter);
        self
    }

    /// Sets whether files are left out that have the same size and the same time of the last change locally. The
    /// default is
    /// `true`, so a download that failed continues where it was.
    pub fn skip_unchanged(mut self, skip: bool) -> Self {
        self.skip_unchanged = skip;
        self
    }

    /// Sets a function that is called with the progress of the transfer.
    pub fn progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.report = Some(Arc::new(report));
        self
    }

    async fn run(self) -> Result<Transferred, Error> {
        let root = self.place.absolute(&self.path).await?;
        let entries = list(&self.place, &root, &self.selection).await?;
        let Some(entries) = entries else {
            return Err(missing(&self.place, &root, &self.path).await);
        };
        let (local, skip) = (self.local.clone(), self.skip_unchanged);
        let planned = spawn_blocking(move || plan(&local, entries, skip));
        let (wanted, unchanged) = join(planned, &self.local).await?;
        let mut download = Download {
            root,
            total: Progress::default(),
            done: Transferred {
                unchanged,
                ..Transferred::default()
            },
            directory: self,
        };
        download.fetch(wanted).await?;
        Ok(download.done)
    }
}

/// Returns the error of a directory that does not exist.
async fn missing<S: HttpService>(place: &Place<S>, root: &RemotePath, name: &str) -> Error {
    let stat = crate::files::stat::stat(&place.remote, root).await;
    stat.map_or_else(about(name), |_| {
        Error::decode(format!("`{name}` was created in the meantime"))
            .caused_by(FileError::new(name, ErrorKind::NotFound))
    })
}

/// Creates the local directories. Returns the files that are to be transferred, sorted, and the number of others.
fn plan(
    local: &Path,
    entries: HashMap<String, RemoteEntry>,
    skip_unchanged: bool,
) -> std::io::Result<(Vec<(String, RemoteEntry)>, u64)> {
    std::fs::create_dir_all(local)?;
    let mut wanted = Vec::new();
    let mut unchanged = 0;
    for (name, entry) in entries {
        match entry.file_type {
            FileType::Directory => make_dir_all(local, &name)?,
            FileType::File | FileType::Symlink => {
                let path = local_path(local, &name)?;
                if skip_unchanged && is_unchanged(&path, &entry) {
                    unchanged += 1;
                } else {
                    wanted.push((name, entry));
                }
            }
            _ => {}
        }
    }
    wanted.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok((wanted, unchanged))
}

fn is_unchanged(path: &Path, entry: &RemoteEntry) -> bool {
    let Ok(metadata) = std::fs::symlink_metadata(path) else {
        return false;
    };
    let modified = metadata.modified().ok().and_then(seconds);
    entry.file_type == FileType::File
        && metadata.is_file()
        && metadata.len() == entry.len
        && modified.is_some()
        && modified == entry.modified
}

struct Download<S> {
    directory: DownloadDir<S>,
    root: RemotePath,
    total: Progress,
    done: Transferred,
}

impl<S: HttpService> Download<S> {
    async fn fetch(&mut self, wanted: Vec<(String, RemoteEntry)>) -> Result<(), Error> {
        let size = |(_, entry): &(String, RemoteEntry)| match entry.file_type {
            FileType::File => entry.len,
            _ => 0,
        };
        self.total.total_bytes = Some(wanted.iter().map(size).sum());
        self.total.total_files = Some(wanted.len() as u64);
        self.report(0);
        // The list of the files in an archive has a line for each, in which `\` begins an escape.
        let is_listable = |name: &str| !name.contains(['\n', '\\']);
        // The server names the file in a header of the response, where such a name cannot be read.
        let is_unreadable = |name: &str| name.chars().any(char::is_control);
        let (packed, single): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|entry| {
            is_listable(&entry.0) && (size(entry) < LARGE || is_unreadable(&entry.0))
        });
        let needs_archive = packed
            .iter()
            .any(|(name, entry)| entry.file_type == FileType::Symlink || is_unreadable(name));
        let rest = if packed.len() >= MANY || needs_archive {
            self.fetch_archives(packed).await?
        } else {
            packed
        };
        for (name, entry) in rest.into_iter().chain(single) {
            if entry.file_type == FileType::File {
                self.fetch_file(&name, &entry).await?;
            } else {
                self.done.skipped_links += 1;
            }
        }
        Ok(())
    }

    async fn fetch_file(&mut self, name: &str, entry: &RemoteEntry) -> Result<(), Error> {
        let (root, below) = (self.directory.local.clone(), name.to_owned());
        let local = spawn_blocking(move || local_path(&root, &below));
        let local = join(local, &self.directory.local).await?;
        let attributes = Attributes {
            mode: entry.mode,
            modified: entry.modified.and_then(from_seconds),
        };
        let path = self.root.join(name);
        let report = |bytes| self.report(bytes);
        let bytes = fetch(&self.directory.place, &path, local, attributes, report).await?;
        self.done.bytes += bytes;
        self.done.files += 1;
        self.report(0);
        Ok(())
    }

    /// Fetches files in archives. Returns those that could not be fetched because there is no `tar`.
    async fn fetch_archives(
        &mut self,
        entries: Vec<(String, RemoteEntry)>,
    ) -> Result<Vec<(String, RemoteEntry)>, Error> {
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let mut batch = Vec::new();
            let mut bytes = 0;
            while let Some(entry) = entries.next_if(|_| bytes < ARCHIVE_SIZE) {
                bytes += entry.1.len;
                batch.push(entry);
            }
            let names = batch.iter().map(|(name, entry)| (name.clone(), entry.len));
            match self.fetch_archive(names.collect()).await {
                Ok(unpacked) => {
                    self.done.files += unpacked.files;
                    self.done.bytes += unpacked.bytes;
                    self.done.skipped_links += unpacked.skipped_links;
                    self.report(0);
                }
                Err(error) if is_missing_program(&error) => {
                    return Ok(batch.into_iter().chain(entries).collect());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Vec::new())
    }

    async fn fetch_archive(&self, wanted: HashMap<String, u64>) -> Result<Unpacked, Error> {
        let place = &self.directory.place;
        let (names, archive) = (
            RemoteTemp::new(place.remote.clone(), "list"),
            RemoteTemp::new(place.remote.clone(), "tar"),
        );
        // A name that begins with `-` would be an option.
        let lines: String = wanted.keys().map(|name| format!("./{name}\n")).collect();
        let lines = Bytes::from(lines);
        let (size, settings) = (lines.len() as u64, Settings::default());
        let sent = send(
            &place.remote,
            names.path(),
            in_memory(lines),
            Some(size),
            &settings,
            |_| (),
        );
        sent.await.map_err(about(names.path().as_str()))?;
        let (from, to) = (self.root.as_str(), archive.path().as_str());
        let arguments =
            ["-c", "-f", to, "-C", from, "-T", names.path().as_str()].map(str::to_owned);
        let packed = run_tar(&place.remote, arguments, &self.directory.path).await;
        names.remove().await;
        let lacks_files = match packed {
            Ok(()) => None,
            // The archive has the others.
            Err(error) if is_missing(&error) => Some(self.explain_missing(&wanted, error)?),
            Err(error) => return Err(error),
        };
        let unpacked = match (
            self.unpack(archive.path().as_str(), wanted).await,
            lacks_files,
        ) {
            // There is no archive at all.
            (Err(error), Some(lacks_files)) if is_missing(&error) => return Err(lacks_files),
            (unpacked, _) => unpacked?,
        };
        archive.remove().await;
        Ok(unpacked)
    }

    /// Returns the error of `tar` if files were removed after they were listed.
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if a file cannot be found by its name, because the listing has another character in place
    /// of bytes that are not UTF-8.
    fn explain_missing(&self, wanted: &HashMap<String, u64>, error: Error) -> Result<Error, Error> {
        let is_garbled = |name: &&String| name.contains(char::REPLACEMENT_CHARACTER);
        match wanted.keys().find(is_garbled) {
            None => Ok(error),
            Some(name) => Err(Error::decode(format!(
                "the name of `{}` is not UTF-8; rename it, or leave it out with `filter`",
                self.root.join(name)
            ))),
        }
    }

    /// Unpacks an archive while it is downloaded.
    async fn unpack(&self, archive: &str, wanted: HashMap<String, u64>) -> Result<Unpacked, Error> {
        let expected = wanted.len() as u64;
        let mut stream = ReadStream::new(self.directory.place.clone(), archive).await?;
        let (sender, receiver) = channel(WAITING_CHUNKS);
        let root = self.directory.local.clone();
        let unpacking = spawn_blocking(move || unpack(ChunkReader::new(receiver), &root, &wanted));
        let mut bytes = 0;
        while let Some(chunk) = stream.try_next().await? {
            bytes += chunk.len() as u64;
            // It ends early if it has failed, and after the last entry.
            if sender.send(chunk).await.is_err() {
                break;
            }
            self.report(bytes.min(self.total.total_bytes.unwrap_or(bytes)));
        }
        drop(sender);
        let unpacked = unpacking.await.map_err(|problem| {
            Error::decode("a thread of the transfer has failed").caused_by(problem)
        })?;
        let unpacked = unpacked.map_err(|problem| local_error(&self.directory.local, problem))?;
        let found = unpacked.files + unpacked.skipped_links;
        if found != expected {
            return Err(Error::truncated(format!(
                "the archive has {found} of {expected} files of `{}`",
                self.directory.path
            )));
        }
        Ok(unpacked)
    }

    fn report(&self, bytes: u64) {
        if let Some(report) = &self.directory.report {
            report(Progress {
                bytes: self.done.bytes + bytes,
                files: self.done.files,
                ..self.total
            });
        }
    }
}

impl<S: HttpService> IntoFuture for DownloadDir<S> {
    type Output = Result<Transferred, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<S> fmt::Debug for DownloadDir<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownloadDir")
            .field("path", &self.path)
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}
