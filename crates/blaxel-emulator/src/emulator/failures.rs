//! Work of an emulator that a test makes fail.

use super::Emulator;
use crate::failure::Failure;
use crate::state::UnknownKind;

impl Emulator {
    /// Makes work fail when it is next done: a deployment, a build, an execution or a task of it, a verification, a
    /// snapshot or an archive.
    ///
    /// ```
    /// use blaxel_emulator::{Emulator, Failure};
    ///
    /// let emulator = Emulator::offline();
    /// emulator.fail_next(Failure::deployment("agents", "support-bot"))?;
    /// let error = emulator.fail_next(Failure::deployment("agent", "support-bot")).unwrap_err();
    /// assert!(error.to_string().starts_with("unknown collection `agent`: use one of agents, "));
    /// # Ok::<(), blaxel_emulator::UnknownKind>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails if a collection or an image type does not exist, or does not have such work: resources that are nested in
    /// others are not deployed, for example. A resource that does not exist is none: it may be created later.
    pub fn fail_next(&self, failure: Failure) -> Result<(), UnknownKind> {
        failure.plan(&mut self.engine.store.open())
    }
}
