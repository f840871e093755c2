//! [`Files`]: the file system of a sandbox.

mod basics;
mod command;
mod entry;
mod exclude;
mod find;
mod form;
mod fuzzy;
mod glob;
mod grep;
#[cfg(feature = "local-files")]
mod local;
#[cfg(feature = "local-files")]
mod local_file;
mod locate;
mod mode;
mod multipart;
mod parts;
mod path;
mod problem;
mod read;
mod read_dir;
mod read_tree;
mod retry;
mod session;
mod stat;
mod uploads;
mod watch;
mod write;
mod write_tree;

use std::fmt;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BoxError, Error, HttpService, Source};
use bytes::Bytes;
use futures_core::Stream;

use self::basics::{CreateDirectory, Remove, RemoveDirectory};
pub use self::command::Copy;
pub use self::entry::{DirEntry, Metadata};
pub use self::exclude::DEFAULT_EXCLUDED_DIRS;
pub use self::find::{Find, FoundFile};
pub use self::fuzzy::{PathMatch, Search};
pub use self::grep::{Grep, LineMatch};
#[cfg(feature = "local-files")]
#[cfg_attr(docsrs, doc(cfg(feature = "local-files")))]
pub use self::local::{Download, DownloadDir, Transferred, UploadDir};
use self::locate::Place;
pub use self::mode::FileType;
pub use self::multipart::{Upload, UploadedPart};
use self::parts::byte_stream;
pub use self::problem::FileError;
use self::problem::{about, is_missing, settle_removal};
pub use self::read::{FileStream, ReadStream};
pub use self::read_dir::ReadDir;
pub use self::read_tree::ReadTree;
#[cfg(feature = "lifecycle")]
pub(crate) use self::retry::Attempts;
pub use self::uploads::Uploads;
pub(crate) use self::watch::watch_root;
pub use self::watch::{FileEvent, FileEvents, FileOp, Watch};
use self::write::Content;
pub use self::write::{Progress, Write};
pub use self::write_tree::WriteTree;
use crate::remote::Remote;

/// Maximum size of a file that is read into memory at once.
const READ_LIMIT: usize = 256 * 1024 * 1024;

/// The file system of a sandbox, created by [`SandboxHandle::fs`](crate::SandboxHandle::fs). Its methods are those of
/// `tokio::fs`, and some more.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
/// let files = sandbox.fs();
/// files.write("/app/.env", "A=1").mode(0o600).await?;
/// assert_eq!(files.read_to_string("/app/.env").await?, "A=1");
///
/// let mut entries = files.read_dir("/app").recursive(true);
/// while let Some(entry) = entries.try_next().await? {
///     println!("{}", entry.path);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Paths
///
/// A path that begins with `/` is absolute. Any other is relative to the working directory of the sandbox, which is
/// `.` itself. Names may contain anything but `/` and NUL. Paths are normalized before they are sent: `//`, `.` and
/// `..` are resolved by the text, without regard to symbolic links, as the server does.
///
/// `~` stands for nothing: a path that begins with it is refused, because some calls of the server would expand it.
/// `./~x` is the file `~x`.
///
/// A few relative paths cannot be sent as they are: those that leave the working directory, and those with the first
/// letters `tree` or `~`. For the first of them, one more request is sent, which reads the working directory.
///
/// # Errors
///
/// Errors that the sandbox reports have a [`FileError`] with the path and the reason.
/// [`Error::is_not_found`] is `true` for a missing file, and also for a missing sandbox; only for a file there is a
/// [`FileError::of`] the error.
///
/// # What the server cannot do
///
/// There is no `append`: the server replaces files as a whole, so appending would lose what others write meanwhile.
/// Writing is not atomic: readers can see a part of a file that is being written.
#[derive(Clone)]
pub struct Files<S> {
    place: Place<S>,
}

impl<S: HttpService> Files<S> {
    pub(crate) fn new(remote: Remote<S>) -> Self {
        Self {
            place: Place::new(remote),
        }
    }

    /// Reads a file into memory (`GET /filesystem/{path}`). It may have up to 256 MiB;
    /// [`read_stream`](Self::read_stream) reads larger ones.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let logo = sandbox.fs().read("/app/logo.png").await?;
    /// println!("{} bytes", logo.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such file, [`Error::is_decode`] if it is too large, and the error of
    /// the kind `IsADirectory` for a directory. A file whose name has control characters is the error of a broken
    /// connection on some servers: rename it, or use `download_dir`.
    pub async fn read(&self, path: impl AsRef<str>) -> Result<Bytes, Error> {
        self.read_stream(path).await?.collect(READ_LIMIT).await
    }

    /// Reads a file of UTF-8 text into memory.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let manifest = sandbox.fs().read_to_string("/app/Cargo.toml").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if it is not UTF-8; otherwise those of [`read`](Self::read).
    pub async fn read_to_string(&self, path: impl AsRef<str>) -> Result<String, Error> {
        let path = path.as_ref();
        let bytes = self.read(path).await?;
        String::from_utf8(bytes.into()).map_err(|problem| {
            Error::decode(format!("`{path}` is not UTF-8")).caused_by(problem.utf8_error())
        })
    }

    /// Reads a file, or a [range](ReadStream::range) of it, as a stream.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let mut log = sandbox.fs().read_stream("/var/log/app.log").range(1000..).await?;
    /// while let Some(chunk) = log.try_next().await? {
    ///     println!("{} bytes", chunk.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such file, [`Error::is_input`] for an empty range, and the error of
    /// the kind `IsADirectory` for a directory.
    pub fn read_stream(&self, path: impl AsRef<str>) -> ReadStream<S> {
        ReadStream::new(self.place.clone(), path.as_ref())
    }

    /// Writes a file, replacing its content if it exists (`PUT /filesystem/{path}`). Missing directories are
    /// created. Returns the number of bytes.
    ///
    /// A file of more than 5 MiB is sent in parts; see [`Write`] for how, and for the options.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// sandbox.fs().write("/app/run.sh", "exec node .").mode(0o755).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A [`FileError`] of the kind `PermissionDenied` if the user of the sandbox may not write there, and of the
    /// kind `IsADirectory` for a directory.
    pub fn write(&self, path: impl AsRef<str>, contents: impl Into<Bytes>) -> Write<S> {
        let content = Content::Memory(contents.into());
        Write::new(self.place.clone(), path.as_ref(), content)
    }

    /// Writes a stream of bytes of any length to a file, as [`write`](Self::write) does.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let files = sandbox.fs();
    /// let source = files.read_stream("/data/in.bin").await?;
    /// let bytes = files.write_stream("/data/out.bin", source).await?;
    /// println!("{bytes} bytes");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the stream fails, with its error as the cause; otherwise those of
    /// [`write`](Self::write).
    pub fn write_stream<T, B, E>(&self, path: impl AsRef<str>, stream: T) -> Write<S>
    where
        T: Stream<Item = Result<B, E>> + Send + 'static,
        B: Into<Bytes>,
        E: Into<BoxError>,
    {
        let content = Content::Stream(byte_stream(stream));
        Write::new(self.place.clone(), path.as_ref(), content)
    }

    /// Creates a directory, and those that it is in (`PUT /filesystem/{path}`). If it exists, nothing happens.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// sandbox.fs().create_dir_all("/app/data/cache").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A [`FileError`] of the kind `NotADirectory` if the path, or a part of it, is a file.
    pub async fn create_dir_all(&self, path: impl AsRef<str>) -> Result<(), Error> {
        let name = path.as_ref();
        let path = self.place.locate(name).await?;
        let outcome = self.place.remote.call(&CreateDirectory(&path)).await;
        outcome.map_err(about(name))
    }

    /// Removes a file (`DELETE /filesystem/{path}`). A symbolic link is removed, and not what it points to.
    ///
    /// The server does not distinguish files from empty directories, so an empty directory is removed as well.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// sandbox.fs().remove_file("/app/old.log").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such file, and for a link that points to nothing; a [`FileError`] of
    /// the kind `DirectoryNotEmpty` for a directory with entries.
    pub async fn remove_file(&self, path: impl AsRef<str>) -> Result<(), Error> {
        self.remove(path.as_ref(), false).await
    }

    /// Removes a directory with all that it contains (`DELETE /filesystem/{path}`). Symbolic links in it are
    /// removed, and not what they point to.
    ///
    /// The server does not distinguish files from directories, so a file is removed as well.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// sandbox.fs().remove_dir_all("/app/node_modules").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such directory; [`Error::is_input`] for the root.
    pub async fn remove_dir_all(&self, path: impl AsRef<str>) -> Result<(), Error> {
        self.remove(path.as_ref(), true).await
    }

    async fn remove(&self, name: &str, recursive: bool) -> Result<(), Error> {
        let path = self.place.locate(name).await?;
        if path.as_str() == "/" {
            let problem = "the root cannot be removed";
            return Err(Error::input("path", &Source::Code, problem));
        }
        let operation = Remove {
            path: &path,
            recursive,
        };
        settle_removal(self.place.remote.call(&operation).await, name)
    }

    /// Removes an empty directory (`DELETE /filesystem/tree/{path}`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such directory; a [`FileError`] of the kind `DirectoryNotEmpty` if it
    /// has entries, and of the kind `NotADirectory` for a file.
    pub async fn remove_dir(&self, path: impl AsRef<str>) -> Result<(), Error> {
        let name = path.as_ref();
        let path = self.place.absolute(name).await?;
        let outcome = self.place.remote.call(&RemoveDirectory(&path)).await;
        settle_removal(outcome, name)
    }

    /// Copies a file, or a directory with all that it contains, as `cp -r` does: into `to` if that is a directory that
    /// exists. Symbolic links in a directory are copied as links. Existing files are replaced, unless
    /// [`Copy::overwrite`] says otherwise.
    ///
    /// The program `cp` of the sandbox makes the copy.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// sandbox.fs().copy("/app/config.json", "/app/config.bak").overwrite(false).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such file, or no directory for the copy; without overwriting,
    /// [`Error::is_conflict`] if there is a file, and [`Error::is_input`] if the server is too old.
    pub fn copy(&self, from: impl AsRef<str>, to: impl AsRef<str>) -> Copy<S> {
        Copy::new(self.place.clone(), from.as_ref(), to.as_ref())
    }

    /// Renames or moves a file or directory. A file that has the new name is replaced, as is an empty directory by a
    /// directory. Between file systems it is a copy followed by a removal.
    ///
    /// The program `mv` of the sandbox does it.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let files = sandbox.fs();
    /// files.write("/app/data.json.new", "{}").await?;
    /// files.rename("/app/data.json.new", "/app/data.json").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such file, or no directory for the new name; a [`FileError`] of the kind
    /// `DirectoryNotEmpty`, `IsADirectory` or `NotADirectory` if the new name is taken by what cannot be replaced.
    pub async fn rename(&self, from: impl AsRef<str>, to: impl AsRef<str>) -> Result<(), Error> {
        command::rename(&self.place, from.as_ref(), to.as_ref()).await
    }

    /// Sets the permissions of a file or directory, such as `0o755`. Symbolic links are followed.
    ///
    /// The program `chmod` of the sandbox does it.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// sandbox.fs().set_permissions("/app/run.sh", 0o755).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such file; a [`FileError`] of the kind `PermissionDenied` if it belongs
    /// to another user.
    pub async fn set_permissions(&self, path: impl AsRef<str>, mode: u32) -> Result<(), Error> {
        command::set_permissions(&self.place, path.as_ref(), mode).await
    }

    /// Returns the entries of a directory (`GET /filesystem/{path}`), and with
    /// [`ReadDir::recursive`] also those of the directories below.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let mut entries = sandbox.fs().read_dir(".");
    /// while let Some(entry) = entries.try_next().await? {
    ///     println!("{} {:?}", entry.name, entry.len);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn read_dir(&self, path: impl AsRef<str>) -> ReadDir<S> {
        ReadDir::new(self.place.clone(), path.as_ref())
    }

    /// Returns the metadata of a file or directory (`HEAD /filesystem/{path}`). Symbolic links are followed.
    ///
    /// Servers of before September 2026 are asked for the first byte of the file in addition; they tell no
    /// permissions.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let metadata = sandbox.fs().metadata("/app/data.bin").await?;
    /// println!("{:?} bytes, changed at {:?}", metadata.len, metadata.modified);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such file.
    pub async fn metadata(&self, path: impl AsRef<str>) -> Result<Metadata, Error> {
        let name = path.as_ref();
        let path = self.place.locate(name).await?;
        stat::stat(&self.place.remote, &path)
            .await
            .map_err(about(name))
    }

    /// Returns `true` if there is a file or directory of this path. If the sandbox does not exist, that is an error.
    ///
    /// # Errors
    ///
    /// Those of [`metadata`](Self::metadata), but for a missing file.
    pub async fn exists(&self, path: impl AsRef<str>) -> Result<bool, Error> {
        match self.metadata(path).await {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns the working directory of the sandbox, which relative paths are relative to.
    ///
    /// # Errors
    ///
    /// Those of the call.
    pub async fn working_dir(&self) -> Result<String, Error> {
        self.place.working_dir().await.map(str::to_owned)
    }

    /// Finds files by their names (`GET /filesystem-find/{path}`).
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// for file in sandbox.fs().find("/app").patterns(["*.rs", "*.toml"]).await? {
    ///     println!("{}", file.path);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such directory; a [`FileError`] of the kind `PermissionDenied` if any
    /// directory below it cannot be read.
    pub fn find(&self, path: impl AsRef<str>) -> Find<S> {
        Find::new(self.place.clone(), path.as_ref())
    }

    /// Finds the lines of all files in a directory that contain a text (`GET /filesystem-content-search/{path}`).
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// for found in sandbox.fs().grep("/app", "TODO").file_pattern("*.rs").await? {
    ///     println!("{}:{}: {}", found.path, found.line, found.text);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such directory, [`Error::is_input`] for an empty text, and
    /// [`Error::is_timeout`] after the time limit.
    pub fn grep(&self, path: impl AsRef<str>, text: impl AsRef<str>) -> Grep<S> {
        Grep::new(self.place.clone(), path.as_ref(), text.as_ref())
    }

    /// Finds the paths that resemble a text (`GET /filesystem-search/{path}`).
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// for found in sandbox.fs().search("/app", "mainrs").limit(5).await? {
    ///     println!("{} {}", found.score, found.path);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the server is too old: before September 2026 it ignored the text.
    pub fn search(&self, path: impl AsRef<str>, text: impl AsRef<str>) -> Search<S> {
        Search::new(self.place.clone(), path.as_ref(), text.as_ref())
    }

    /// Writes files below a directory, which is created if it does not exist (`PUT /filesystem/tree/{path}`).
    ///
    /// `files` are the paths below the directory, and the contents. Small texts share requests of up to 4 MiB; large
    /// files, and those that are not UTF-8, are written one by one. New files have the permissions `0o644`. The files
    /// are not written at once: after a failure, some of them may be written.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let files = [("index.html", "<h1>Hello</h1>"), ("css/site.css", "h1 { color: teal }")];
    /// sandbox.fs().write_tree("/app/site", files).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a path that leaves the directory. Nothing is sent in this case.
    pub fn write_tree<N, C>(
        &self,
        path: impl AsRef<str>,
        files: impl IntoIterator<Item = (N, C)>,
    ) -> WriteTree<S>
    where
        N: Into<String>,
        C: Into<Bytes>,
    {
        let files = files.into_iter();
        let files = files.map(|(name, content)| (name.into(), content.into()));
        WriteTree::new(self.place.clone(), path.as_ref(), files.collect())
    }

    /// Reads all files of a directory into memory (`GET /filesystem/tree/{path}`). The result has the contents by
    /// the paths below the directory. Symbolic links are left out.
    ///
    /// Servers of before September 2026 are asked for each directory and each file.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let sources = sandbox.fs().read_tree("/app/src").patterns(["*.rs"]).await?;
    /// for (path, content) in sources {
    ///     println!("{path}: {} bytes", content.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such directory. Files beyond the limits on their number and size are
    /// an error of the server (422) or [`Error::is_decode`]; then nothing is returned.
    pub fn read_tree(&self, path: impl AsRef<str>) -> ReadTree<S> {
        ReadTree::new(self.place.clone(), path.as_ref())
    }

    /// Watches a directory for changes (`GET /watch/filesystem/{path}`), and with [`Watch::recursive`] also the
    /// directories below.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let mut changes = sandbox.fs().watch("/app/src").recursive(true).await?;
    /// while let Some(change) = changes.try_next().await? {
    ///     println!("{:?} {}", change.ops, change.path());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such directory; a [`FileError`] of the kind `NotADirectory` for a file.
    pub fn watch(&self, path: impl AsRef<str>) -> Watch<S> {
        Watch::new(self.place.clone(), path.as_ref())
    }

    /// Returns the multipart uploads, for programs that control the steps of an upload themselves.
    #[must_use]
    pub fn uploads(&self) -> Uploads<S> {
        Uploads::new(self.place.clone())
    }
}

impl<S> fmt::Debug for Files<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").finish_non_exhaustive()
    }
}
