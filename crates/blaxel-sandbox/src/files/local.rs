//! Transfers between local files and a sandbox.

mod archive;
mod download;
mod download_dir;
mod remote_list;
mod remote_temp;
mod selection;
mod temp;
mod unpack;
mod upload_dir;
mod walk;

use std::path::Path;

use blaxel_core::HttpService;

pub use self::download::Download;
pub use self::download_dir::DownloadDir;
pub use self::upload_dir::UploadDir;
use super::Files;
use super::write::{Content, Write};

/// The result of the transfer of a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transferred {
    /// The number of files and symbolic links that were transferred.
    pub files: u64,
    /// The number of their bytes.
    pub bytes: u64,
    /// The number of files that were left out because they have not changed.
    pub unchanged: u64,
    /// The number of symbolic links that were left out because the sandbox has no `tar`, or this system no such links.
    pub skipped_links: u64,
}

/// Size of a file from which on it is sent by itself instead of in an archive.
const LARGE: u64 = 1024 * 1024;

/// The number of small files from which on an archive is made of them.
const MANY: usize = 8;

/// Maximum size of the files of an archive together. It bounds the space that archives take in the sandbox.
const ARCHIVE_SIZE: u64 = 64 * 1024 * 1024;

impl<S: HttpService> Files<S> {
    /// Uploads a local file, as [`write`](Self::write) does. A new file has the permissions of the local one.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// sandbox.fs().upload("model.bin", "/app/model.bin").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`](blaxel_core::Error::is_input) if the local file cannot be read or is not a regular file, with
    /// the `std::io::Error` as its cause; otherwise those of [`write`](Self::write).
    #[cfg_attr(docsrs, doc(cfg(feature = "local-files")))]
    pub fn upload(&self, local: impl AsRef<Path>, path: impl AsRef<str>) -> Write<S> {
        let content = Content::File(local.as_ref().to_owned());
        Write::new(self.place.clone(), path.as_ref(), content)
    }

    /// Downloads a file. It is written under a temporary name and then renamed, so a download that fails leaves the
    /// file that was there before.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let bytes = sandbox.fs().download("/app/report.pdf", "report.pdf").await?;
    /// println!("{bytes} bytes");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`](blaxel_core::Error::is_not_found) if there is no such file;
    /// [`Error::is_input`](blaxel_core::Error::is_input) if the local file cannot be written, with the
    /// `std::io::Error` as its cause, and if there is a device, a pipe or a socket, such as `/dev/stdout`: use
    /// [`read_stream`](Self::read_stream) for those.
    #[cfg_attr(docsrs, doc(cfg(feature = "local-files")))]
    pub fn download(&self, path: impl AsRef<str>, local: impl AsRef<Path>) -> Download<S> {
        Download::new(self.place.clone(), path.as_ref(), local.as_ref())
    }

    /// Uploads the content of a local directory into a directory of the sandbox, which is created if it does not
    /// exist.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let sent = sandbox.fs().upload_dir("./site", "/app/site").exclude([".git/", "*.log"]).await?;
    /// println!("{} files, {} unchanged", sent.files, sent.unchanged);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`](blaxel_core::Error::is_input) if a local file cannot be read, or its name is not UTF-8;
    /// otherwise the errors of the sandbox. Files that were transferred before stay.
    #[cfg_attr(docsrs, doc(cfg(feature = "local-files")))]
    pub fn upload_dir(&self, local: impl AsRef<Path>, path: impl AsRef<str>) -> UploadDir<S> {
        UploadDir::new(self.place.clone(), local.as_ref(), path.as_ref())
    }

    /// Downloads the content of a directory of the sandbox into a local directory, which is created if it does not
    /// exist.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let received = sandbox.fs().download_dir("/app/dist", "./dist").await?;
    /// println!("{} files, {} bytes", received.files, received.bytes);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`](blaxel_core::Error::is_not_found) if there is no such directory;
    /// [`Error::is_input`](blaxel_core::Error::is_input) if a local file cannot be written, or is a device, a pipe or a
    /// socket, and for a path that would leave the local directory; [`Error::is_decode`](blaxel_core::Error::is_decode) for a name that is not UTF-8;
    /// [`Error::is_truncated`](blaxel_core::Error::is_truncated) if files were removed while they were transferred.
    /// Files that were transferred before stay.
    #[cfg_attr(docsrs, doc(cfg(feature = "local-files")))]
    pub fn download_dir(&self, path: impl AsRef<str>, local: impl AsRef<Path>) -> DownloadDir<S> {
        DownloadDir::new(self.place.clone(), path.as_ref(), local.as_ref())
    }
}
