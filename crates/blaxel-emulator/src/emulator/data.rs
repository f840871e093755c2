//! Saving the state of an emulator, and restoring it.

use super::Emulator;
use crate::data::{Data, InvalidData};
use crate::persist;

impl Emulator {
    /// Returns the whole state, to go on with it later or elsewhere. See [`Data`] for what it is.
    ///
    /// ```
    /// use blaxel_emulator::Emulator;
    ///
    /// let emulator = Emulator::offline();
    /// emulator.add_agent("support-bot");
    /// let before = emulator.save()?;
    /// emulator.add_agent("another");
    /// emulator.restore(&before)?;
    /// assert_eq!(emulator.save()?.to_string(), before.to_string());
    /// # Ok::<(), blaxel_emulator::InvalidData>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if a sandbox, a volume, a drive or a snapshot has its files in a directory of this
    /// machine, as those of local guests are.
    pub fn save(&self) -> Result<Data, InvalidData> {
        persist::save(&self.engine)
    }

    /// Replaces the state by a saved one, or adds the resources of a document that was written by hand. See
    /// [`save`](Self::save).
    ///
    /// With a saved state, everything of before ends as with [`reset`](Self::reset), and the clock shows the
    /// saved time. The journal is emptied.
    ///
    /// # Errors
    ///
    /// Returns an error, and changes nothing, if the data has other settings than this emulator, such as
    /// another workspace: its keys and tokens would not be valid here.
    /// [`Builder::data`](crate::Builder::data) begins with them instead.
    pub fn restore(&self, data: &Data) -> Result<(), InvalidData> {
        persist::restore(&self.engine, data)
    }
}
