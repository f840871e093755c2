//! The kernel's errors as those of the guest.

use std::io;

use rustix::io::Errno as Kernel;

use crate::errno::Errno;

/// Converts an error of the standard library or of `cap-std`.
pub(crate) fn of_io(error: &io::Error) -> Errno {
    match error.raw_os_error() {
        Some(number) => of_kernel(Kernel::from_raw_os_error(number)),
        None => match error.kind() {
            // A path that would have left its directory.
            io::ErrorKind::PermissionDenied => Errno::PermissionDenied,
            io::ErrorKind::InvalidInput => Errno::Invalid,
            io::ErrorKind::NotFound => Errno::NotFound,
            _ => Errno::Io,
        },
    }
}

/// Converts the number of an error.
pub(crate) fn of_kernel(errno: Kernel) -> Errno {
    match errno {
        Kernel::PERM => Errno::NotPermitted,
        Kernel::NOENT => Errno::NotFound,
        Kernel::BADF => Errno::BadDescriptor,
        Kernel::NOMEM => Errno::OutOfMemory,
        Kernel::ACCESS => Errno::PermissionDenied,
        Kernel::BUSY | Kernel::TXTBSY => Errno::Busy,
        Kernel::EXIST => Errno::Exists,
        Kernel::XDEV => Errno::CrossDevice,
        Kernel::NOTDIR => Errno::NotDirectory,
        Kernel::ISDIR => Errno::IsDirectory,
        Kernel::INVAL => Errno::Invalid,
        Kernel::FBIG => Errno::FileTooLarge,
        Kernel::NOSPC | Kernel::DQUOT => Errno::NoSpace,
        Kernel::ROFS => Errno::ReadOnly,
        Kernel::PIPE => Errno::BrokenPipe,
        Kernel::NAMETOOLONG => Errno::NameTooLong,
        Kernel::NOSYS => Errno::NotImplemented,
        Kernel::NOTEMPTY => Errno::NotEmpty,
        Kernel::LOOP => Errno::TooManyLinks,
        Kernel::CONNREFUSED => Errno::ConnectionRefused,
        _ => Errno::Io,
    }
}
