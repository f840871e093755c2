//! Following and writing to a process that any program has started.

use blaxel_core::HttpService;

use super::event::Position;
use super::events::Events;
use super::follow::Follow;
use super::handle::Process;
use super::limit::Limit;

impl<S: HttpService> Process<S> {
    /// Returns the output and the end of the process, from its start (`GET /process/{identifier}/logs/stream`).
    ///
    /// Servers keep the last 32 MiB of each stream by default. Output before that is a [`Gap`](super::Gap).
    pub fn follow(&self) -> Events<S> {
        self.follow_from(Position::default())
    }

    /// Returns the output and the end of the process, from a position that was stored.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let mut events = sandbox.process("web").follow();
    /// events.try_next().await?;
    /// let position = serde_json::to_string(&events.position()).unwrap();
    ///
    /// // Later, in another program:
    /// let position = serde_json::from_str(&position).unwrap();
    /// let mut events = sandbox.process("web").follow_from(position);
    /// # Ok(())
    /// # }
    /// ```
    pub fn follow_from(&self, position: Position) -> Events<S> {
        Events::new(
            Follow::new(self.clone(), position),
            Limit::new(self.clone(), None),
        )
    }
}
