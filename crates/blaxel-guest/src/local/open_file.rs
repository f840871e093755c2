//! [`LocalFile`], an open file of the host.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;

use rustix::fs::fstat;
use rustix::io::Errno as Kernel;

use super::errors;
use super::owners::Owners;
use crate::errno::Errno;
use crate::files::{Metadata, OpenFile, OpenOptions};

pub(super) struct LocalFile {
    pub(super) file: File,
    pub(super) options: OpenOptions,
    pub(super) owners: Owners,
}

/// Returns `true` if an error says that the file has no positions, as a pipe has none.
fn has_no_positions(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(Kernel::SPIPE.raw_os_error())
}

impl OpenFile for LocalFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        if !self.options.read {
            return Err(Errno::BadDescriptor);
        }
        let read = match self.file.read_at(buffer, offset) {
            Err(error) if has_no_positions(&error) => (&self.file).read(buffer),
            read => read,
        };
        read.map_err(|error| errors::of_io(&error))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        if !self.options.write && !self.options.append {
            return Err(Errno::BadDescriptor);
        }
        // The kernel ignores the offset of a file that is open for appending.
        let written = match self.file.write_at(bytes, offset) {
            Err(error) if has_no_positions(&error) => (&self.file).write(bytes),
            written => written,
        };
        written.map_err(|error| errors::of_io(&error))
    }

    fn set_len(&self, size: u64) -> Result<(), Errno> {
        if !self.options.write && !self.options.append {
            return Err(Errno::BadDescriptor);
        }
        let done = self.file.set_len(size);
        done.map_err(|error| errors::of_io(&error))
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        let stat = fstat(&self.file).map_err(errors::of_kernel)?;
        Ok(self.owners.metadata(&stat))
    }
}
