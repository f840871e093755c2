//! The data that an emulator begins with.

use super::Builder;
use crate::clock::timestamp;
use crate::data::Data;
use crate::persist;

impl Builder {
    /// Begins with saved data, or with a seed that was written by hand, and with it again after
    /// [`Emulator::reset`](crate::Emulator::reset). See [`Data`] for an example.
    ///
    /// The data's settings, such as the workspace and the API key, and its time replace those set so far;
    /// methods that are called later replace them again.
    pub fn data(mut self, data: Data) -> Self {
        persist::apply_settings(&mut self.config, &data);
        if let Some(clock) = data.document().clock {
            self.start_time = timestamp(clock).to_system_time();
        }
        self.config.data = Some(data);
        self
    }
}
