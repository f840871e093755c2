//! [`Errno`], the reason why the machine refused something.

use std::fmt;

/// An error of the operating system.
///
/// `Display` prints the text of the C library in lower case, as the server's messages have it.
///
/// ```
/// assert_eq!(blaxel_guest::Errno::NotFound.to_string(), "no such file or directory");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Errno {
    /// `EPERM`.
    NotPermitted,
    /// `ENOENT`.
    NotFound,
    /// `EIO`.
    Io,
    /// `EBADF`.
    BadDescriptor,
    /// `ENOMEM`.
    OutOfMemory,
    /// `EACCES`.
    PermissionDenied,
    /// `EBUSY`.
    Busy,
    /// `EEXIST`.
    Exists,
    /// `EXDEV`.
    CrossDevice,
    /// `ENOTDIR`.
    NotDirectory,
    /// `EISDIR`.
    IsDirectory,
    /// `EINVAL`.
    Invalid,
    /// `EFBIG`.
    FileTooLarge,
    /// `ENOSPC`.
    NoSpace,
    /// `EROFS`.
    ReadOnly,
    /// `EPIPE`.
    BrokenPipe,
    /// `ENAMETOOLONG`.
    NameTooLong,
    /// `ENOSYS`.
    NotImplemented,
    /// `ENOTEMPTY`.
    NotEmpty,
    /// `ELOOP`.
    TooManyLinks,
    /// `ECONNREFUSED`.
    ConnectionRefused,
}

impl Errno {
    /// Returns the text of the C library, as the tools of a shell print it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::NotPermitted => "Operation not permitted",
            Self::NotFound => "No such file or directory",
            Self::Io => "Input/output error",
            Self::BadDescriptor => "Bad file descriptor",
            Self::OutOfMemory => "Cannot allocate memory",
            Self::PermissionDenied => "Permission denied",
            Self::Busy => "Device or resource busy",
            Self::Exists => "File exists",
            Self::CrossDevice => "Invalid cross-device link",
            Self::NotDirectory => "Not a directory",
            Self::IsDirectory => "Is a directory",
            Self::Invalid => "Invalid argument",
            Self::FileTooLarge => "File too large",
            Self::NoSpace => "No space left on device",
            Self::ReadOnly => "Read-only file system",
            Self::BrokenPipe => "Broken pipe",
            Self::NameTooLong => "File name too long",
            Self::NotImplemented => "Function not implemented",
            Self::NotEmpty => "Directory not empty",
            Self::TooManyLinks => "Too many levels of symbolic links",
            Self::ConnectionRefused => "Connection refused",
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        // Only the first word of any of these texts begins with a capital, except for "I" and "O".
        match self {
            Self::Io => f.write_str("input/output error"),
            _ => {
                let (first, rest) = text.split_at(1);
                f.write_str(&first.to_ascii_lowercase())?;
                f.write_str(rest)
            }
        }
    }
}

impl std::error::Error for Errno {}
