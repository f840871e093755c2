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

pub use self::download::Download;
pub use self::download_dir::DownloadDir;
pub use self::upload_dir::UploadDir;

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
