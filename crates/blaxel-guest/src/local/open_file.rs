//! [`LocalFile`], an open file of the host.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use rustix::fs::fstat;
use rustix::io::Errno as Kernel;

use super::owners::Owners;
use crate::errno::Errno;
use crate::files::{Metadata, OpenFile, OpenOptions};
use crate::host::{Directory, errors};

pub(super) struct LocalFile {
    pub(super) file: File,
    pub(super) options: OpenOptions,
    pub(super) owners: Owners,
    /// The volume that the file is on, if it is open for writing.
    pub(super) volume: Option<Arc<Directory>>,
}

impl LocalFile {
    fn size(&self) -> Result<u64, Errno> {
        let facts = self.file.metadata();
        Ok(facts.map_err(|error| errors::of_io(&error))?.len())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        // The kernel ignores the offset of a file that is open for appending.
        let written = match self.file.write_at(bytes, offset) {
            Err(error) if has_no_positions(&error) => (&self.file).write(bytes),
            written => written,
        };
        written.map_err(|error| errors::of_io(&error))
    }

    fn resize(&self, size: u64) -> Result<(), Errno> {
        let done = self.file.set_len(size);
        done.map_err(|error| errors::of_io(&error))
    }
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
        let Some(volume) = &self.volume else {
            return self.write(offset, bytes);
        };
        let mut room = volume.room();
        let size = self.size()?;
        let start = if self.options.append { size } else { offset };
        let length = bytes.len() as u64;
        let growth = start.saturating_add(length).saturating_sub(size);
        let lacking = growth - room.fitting(growth);
        let fitting = length.saturating_sub(lacking);
        if fitting == 0 && length > 0 {
            return Err(Errno::NoSpace);
        }
        let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
        let written = self.write(offset, bytes.get(..fitting).unwrap_or(bytes))?;
        room.grown(self.size()?.saturating_sub(size));
        Ok(written)
    }

    fn set_len(&self, size: u64) -> Result<(), Errno> {
        if !self.options.write && !self.options.append {
            return Err(Errno::BadDescriptor);
        }
        let Some(volume) = &self.volume else {
            return self.resize(size);
        };
        let mut room = volume.room();
        let growth = size.saturating_sub(self.size()?);
        if room.fitting(growth) < growth {
            return Err(Errno::NoSpace);
        }
        self.resize(size)?;
        room.grown(growth);
        Ok(())
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        let stat = fstat(&self.file).map_err(errors::of_kernel)?;
        Ok(self.owners.metadata(&stat))
    }
}
