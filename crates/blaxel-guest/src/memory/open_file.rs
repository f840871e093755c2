//! [`MemoryFile`], an open file of a volume.

use std::sync::Arc;

use super::Shared;
use super::place::Place;
use crate::errno::Errno;
use crate::files::{ChangeKind, FileKind, Metadata, OpenFile, OpenOptions};

pub(super) struct MemoryFile {
    shared: Arc<Shared>,
    place: Place,
    path: String,
    options: OpenOptions,
}

impl MemoryFile {
    pub(super) fn open(
        shared: Arc<Shared>,
        place: Place,
        path: String,
        options: OpenOptions,
    ) -> Result<Self, Errno> {
        place.volume.open().opened(place.inode)?;
        Ok(Self {
            shared,
            place,
            path,
            options,
        })
    }

    fn check_write(&self) -> Result<(), Errno> {
        if !self.options.write && !self.options.append {
            return Err(Errno::BadDescriptor);
        }
        if self.shared.is_frozen() && self.place.volume.is_same(&self.shared.root) {
            return Err(Errno::ReadOnly);
        }
        Ok(())
    }

    fn written(&self) -> Result<(), Errno> {
        // Nobody watches the content of devices.
        if self.metadata()?.kind == FileKind::File {
            self.shared.watchers.notify(ChangeKind::Write, &self.path);
        }
        Ok(())
    }
}

impl OpenFile for MemoryFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        if !self.options.read {
            return Err(Errno::BadDescriptor);
        }
        let now = self.shared.clock.since_epoch();
        self.place
            .volume
            .open()
            .read_at(self.place.inode, offset, buffer, now)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.check_write()?;
        let now = self.shared.clock.since_epoch();
        let offset = (!self.options.append).then_some(offset);
        let written = self
            .place
            .volume
            .open()
            .write_at(self.place.inode, offset, bytes, now)?;
        if written > 0 {
            self.written()?;
        }
        Ok(written)
    }

    fn set_len(&self, size: u64) -> Result<(), Errno> {
        self.check_write()?;
        let now = self.shared.clock.since_epoch();
        self.place
            .volume
            .open()
            .set_len(self.place.inode, size, now)?;
        self.written()
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        self.place.metadata()
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        self.place.volume.open().closed(self.place.inode);
    }
}
