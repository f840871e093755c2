//! [`Volume::files`], the file system of a volume that no machine has to mount.

use std::sync::Arc;

use crate::clock::Clock;
use crate::errno::Errno;
use crate::files::Files;
use crate::memory::MemoryFiles;
use crate::volume::Volume;

impl Volume {
    /// Returns the file system whose `/` is this volume, from the view of the superuser.
    ///
    /// It is the same for contents in memory and for those in a directory of this machine. Changes are
    /// seen by all machines that have mounted the volume. The times of changes are those of `clock` in
    /// memory, and those of this machine in a directory. In a directory, operations block the thread.
    ///
    /// The file system is that of the current contents: if they move to a directory later, its
    /// operations fail with [`Errno::NotImplemented`], and this method returns another one.
    ///
    /// ```
    /// use blaxel_guest::{Clock, Volume};
    ///
    /// let volume = Volume::in_memory(1 << 20);
    /// let files = volume.files(Clock::standing())?;
    /// files.create_dir_all("/reports/2026", 0o755)?;
    /// files.write("/reports/2026/may.txt", b"12", 0o644)?;
    /// assert_eq!(volume.space().used, 2);
    /// files.remove_all("/reports")?;
    /// assert_eq!(volume.space().used, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails if the directory with the contents cannot be opened.
    pub fn files(&self, clock: Clock) -> Result<Arc<dyn Files>, Errno> {
        #[cfg(all(feature = "local", target_os = "linux"))]
        if let Some(directory) = self.moved() {
            return Ok(Arc::new(crate::local::files_of(directory)?));
        }
        Ok(Arc::new(MemoryFiles::new(self.clone(), clock)))
    }
}
