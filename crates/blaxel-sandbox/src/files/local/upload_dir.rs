//! Uploads of directories.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::future::IntoFuture;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blaxel_core::{BoxFuture, Error, HttpService};
use tokio::task::spawn_blocking;

use super::archive::Archive;
use super::remote_list::{RemoteEntry, list};
use super::remote_temp::RemoteTemp;
use super::selection::Selection;
use super::walk::{LocalEntry, LocalKind, walk};
use super::{ARCHIVE_SIZE, LARGE, MANY, Transferred};
use crate::files::basics::CreateDirectory;
use crate::files::command::{is_missing_program, run, run_script};
use crate::files::local_file::open;
use crate::files::locate::Place;
use crate::files::mode::{FileType, octal};
use crate::files::path::RemotePath;
use crate::files::problem::about;
use crate::files::write::{Progress, Report, Settings, send};

/// Sets the permissions and the time of each file: the arguments are a mode, a time and a path for each.
const ATTRIBUTES: &str = "while [ $# -gt 2 ]; do chmod \"$1\" -- \"$3\" && touch -m -d \"@$2\" -- \"$3\" || exit; shift 3; done";

/// The number of files whose attributes are set by one command.
const ATTRIBUTES_AT_ONCE: usize = 200;

/// A directory that is about to be uploaded, created by [`Files::upload_dir`](super::super::Files::upload_dir). Await
/// it for what was transferred.
///
/// Many small files are sent as a few archives, which `tar` unpacks in the sandbox; large files, and all files of a
/// sandbox without `tar`, are sent one by one. Permissions, times of the last change and symbolic links are kept. Files
/// that exist only in the sandbox stay.
#[must_use = "nothing is sent until it is awaited"]
pub struct UploadDir<S> {
    place: Place<S>,
    local: PathBuf,
    path: String,
    selection: Selection,
    skip_unchanged: bool,
    report: Option<Report>,
}

impl<S: HttpService> UploadDir<S> {
    pub(crate) fn new(place: Place<S>, local: &Path, path: &str) -> Self {
        Self {
            place,
            local: local.to_owned(),
            path: path.to_owned(),
            selection: Selection::default(),
            skip_unchanged: true,
            report: None,
        }
    }

    /// Adds patterns of files and directories to leave out. `*` and `?` stand for characters of a name, and `[a-z]` for
    /// one of a class.
    ///
    /// A pattern without `/` matches the name at any depth; one with `/` matches the path below the directory. A
    /// pattern that ends with `/` matches directories only.
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

    /// Sets whether files are left out that have the same size and the same time of the last change in the sandbox. The
    /// default is `true`, so an upload that failed continues where it was.
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
        let (local, selection) = (self.local.clone(), self.selection.clone());
        let entries = match spawn_blocking(move || walk(&local, &selection)).await {
            Ok(entries) => entries?,
            Err(_) => return Err(Error::decode("a thread of the transfer has failed")),
        };
        let existing = if self.skip_unchanged {
            list(&self.place, &root, &Selection::default())
                .await?
                .unwrap_or_default()
        } else {
            HashMap::new()
        };
        let (unchanged, entries): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|entry| is_unchanged(entry, &existing));
        let unchanged = unchanged
            .iter()
            .filter(|entry| entry.kind != LocalKind::Directory);
        let mut upload = Upload {
            remote_root: root,
            total: Progress::default(),
            done: Transferred {
                unchanged: unchanged.count() as u64,
                ..Transferred::default()
            },
            directory: self,
        };
        upload.send(entries).await?;
        Ok(upload.done)
    }
}

/// Returns `true` if the sandbox has the same file, or the directory.
fn is_unchanged(entry: &LocalEntry, existing: &HashMap<String, RemoteEntry>) -> bool {
    let Some(remote) = existing.get(&entry.name) else {
        return false;
    };
    match entry.kind {
        LocalKind::File(len) => {
            remote.file_type == FileType::File
                && remote.len == len
                && remote.modified.is_some()
                && remote.modified == entry.modified
                && (entry.mode.is_none() || remote.mode == entry.mode)
        }
        LocalKind::Directory => remote.file_type == FileType::Directory,
        // A listing does not tell what a link points to.
        LocalKind::Link(_) => false,
    }
}

struct Upload<S> {
    directory: UploadDir<S>,
    remote_root: RemotePath,
    total: Progress,
    done: Transferred,
}

impl<S: HttpService> Upload<S> {
    async fn send(&mut self, entries: Vec<LocalEntry>) -> Result<(), Error> {
        let size = |entry: &LocalEntry| match entry.kind {
            LocalKind::File(len) => len,
            _ => 0,
        };
        let is_transferred = |entry: &&LocalEntry| entry.kind != LocalKind::Directory;
        self.total.total_bytes = Some(entries.iter().map(size).sum());
        self.total.total_files = Some(entries.iter().filter(is_transferred).count() as u64);
        self.report(0, 0);
        let create = CreateDirectory(&self.remote_root);
        let created = self.place().remote.call(&create).await;
        created.map_err(about(&self.directory.path))?;
        let (small, large): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| size(entry) < LARGE);
        let has_links = small
            .iter()
            .any(|entry| matches!(entry.kind, LocalKind::Link(_)));
        let rest = if small.len() >= MANY || has_links {
            self.send_archives(small).await?
        } else {
            small
        };
        self.send_single(rest.into_iter().chain(large).collect())
            .await
    }

    /// Sends files in archives. Returns those that could not be sent because there is no `tar`.
    async fn send_archives(&mut self, entries: Vec<LocalEntry>) -> Result<Vec<LocalEntry>, Error> {
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let mut batch = Vec::new();
            let (mut bytes, mut files) = (0, 0);
            while let Some(entry) = entries.next_if(|_| bytes < ARCHIVE_SIZE) {
                if let LocalKind::File(len) = entry.kind {
                    bytes += len;
                }
                files += u64::from(entry.kind != LocalKind::Directory);
                batch.push(entry);
            }
            match self.send_archive(batch.clone(), bytes).await {
                Ok(()) => {
                    self.done.files += files;
                    self.done.bytes += bytes;
                    self.report(0, 0);
                }
                Err(error) if is_missing_program(&error) => {
                    return Ok(batch.into_iter().chain(entries).collect());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Vec::new())
    }

    async fn send_archive(&self, batch: Vec<LocalEntry>, bytes: u64) -> Result<(), Error> {
        let remote = &self.place().remote;
        let temp = RemoteTemp::new(remote.clone(), "tar");
        let archive = Box::pin(Archive::new(batch));
        let settings = Settings {
            mode: Some(0o600),
            ..Settings::default()
        };
        // An archive is larger than its files.
        let report = |sent: u64| self.report(sent.min(bytes), 0);
        let sent = send(remote, temp.path(), archive, None, &settings, report).await;
        sent.map_err(about(temp.path().as_str()))?;
        // -o keeps the owner from being set to that of the local file.
        let arguments = [
            "-x",
            "-p",
            "-o",
            "-f",
            temp.path().as_str(),
            "-C",
            self.remote_root.as_str(),
        ];
        let arguments = arguments.map(str::to_owned);
        run(remote, "tar", arguments, &self.directory.path).await?;
        temp.remove().await;
        Ok(())
    }

    /// Sends files one by one. Directories that contain none of them are created.
    async fn send_single(&mut self, entries: Vec<LocalEntry>) -> Result<(), Error> {
        let parents: HashSet<&str> = entries
            .iter()
            .filter_map(|entry| Some(entry.name.rsplit_once('/')?.0))
            .collect();
        let mut attributes = Vec::new();
        for entry in &entries {
            let full = self.remote_root.join(&entry.name);
            let path = RemotePath::parse(&full)?;
            match &entry.kind {
                LocalKind::Directory if parents.contains(entry.name.as_str()) => {}
                LocalKind::Directory => {
                    let created = self.place().remote.call(&CreateDirectory(&path)).await;
                    created.map_err(about(&full))?;
                }
                LocalKind::Link(_) => self.done.skipped_links += 1,
                LocalKind::File(_) => {
                    let file = open(&entry.path).await?;
                    let settings = Settings {
                        mode: file.mode,
                        ..Settings::default()
                    };
                    let report = |sent| self.report(sent, 0);
                    let remote = &self.place().remote;
                    let sent = send(
                        remote,
                        &path,
                        file.stream,
                        Some(file.len),
                        &settings,
                        report,
                    );
                    let bytes = sent.await.map_err(about(&full))?;
                    self.done.bytes += bytes;
                    self.done.files += 1;
                    self.report(0, 0);
                    let mode = octal(entry.mode.unwrap_or(0o644));
                    attributes.extend([mode, entry.modified.unwrap_or(0).to_string(), full]);
                }
            }
        }
        for arguments in attributes.chunks(3 * ATTRIBUTES_AT_ONCE) {
            let remote = &self.place().remote;
            let set = run_script(remote, ATTRIBUTES, arguments.to_vec(), &self.directory.path);
            set.await?;
        }
        Ok(())
    }

    fn place(&self) -> &Place<S> {
        &self.directory.place
    }

    fn report(&self, bytes: u64, files: u64) {
        if let Some(report) = &self.directory.report {
            report(Progress {
                bytes: self.done.bytes + bytes,
                files: self.done.files + files,
                ..self.total
            });
        }
    }
}

impl<S: HttpService> IntoFuture for UploadDir<S> {
    type Output = Result<Transferred, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<S> fmt::Debug for UploadDir<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadDir")
            .field("local", &self.local)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
