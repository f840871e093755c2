//! [`SandboxScript`], what a test plans for the machine of a sandbox.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::response::IntoResponse;
use blaxel_guest::{CodeScript, CommandPattern, Script};
use http::Request;
use tower_service::Service;

use super::Emulator;
use crate::engine::Engine;

/// A plan for the machine of a sandbox: what its commands, its code and its ports do. Returned by
/// [`Emulator::sandbox`].
///
/// It holds for the machine that runs, and for each that starts later, until
/// [`Emulator::reset`](Emulator::reset).
#[derive(Clone)]
pub struct SandboxScript {
    engine: Arc<Engine>,
    sandbox: String,
}

impl Emulator {
    /// Returns the plan for the machine of a sandbox, which need not exist yet, or `None` if
    /// [`Builder::machines`](crate::Builder::machines) or another function of the test makes the machines,
    /// which scripts them then.
    ///
    /// ```
    /// use std::time::Duration;
    /// use blaxel_emulator::Emulator;
    /// use blaxel_emulator::blaxel_guest::Script;
    ///
    /// let emulator = Emulator::offline();
    /// let dev = emulator.sandbox("dev").ok_or("other machines")?;
    /// dev.on_command(
    ///     "cargo test",
    ///     Script::stdout("running 2 tests\n")
    ///         .then(Duration::from_secs(3))
    ///         .then(Script::stderr("test failed\n"))
    ///         .exit(101),
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn sandbox(&self, name: &str) -> Option<SandboxScript> {
        self.engine
            .config
            .machines
            .is_none()
            .then(|| SandboxScript {
                engine: Arc::clone(&self.engine),
                sandbox: name.to_owned(),
            })
    }
}

impl SandboxScript {
    /// Runs a script in place of a command. Of several scripts for a command, the one that was added last
    /// counts. See [`SimulatedGuest::on_command`](blaxel_guest::SimulatedGuest::on_command).
    pub fn on_command(
        &self,
        pattern: impl Into<CommandPattern>,
        script: impl Into<Script>,
    ) -> &Self {
        let (pattern, script) = (pattern.into(), script.into());
        self.plan(move |guest| guest.on_command(pattern.clone(), script.clone()))
    }

    /// Answers code that is run in the code interpreter by a script. See
    /// [`SimulatedGuest::on_code`](blaxel_guest::SimulatedGuest::on_code).
    pub fn on_code(&self, pattern: impl Into<CommandPattern>, script: CodeScript) -> &Self {
        let pattern = pattern.into();
        self.plan(move |guest| guest.on_code(pattern.clone(), script.clone()))
    }

    /// Answers the requests to a port by a service, such as an `axum::Router`. See
    /// [`SimulatedGuest::on_port`](blaxel_guest::SimulatedGuest::on_port).
    pub fn on_port<S>(&self, port: u16, service: S) -> &Self
    where
        S: Service<Request<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        self.plan(move |guest| guest.on_port(port, service.clone()))
    }

    fn plan(&self, plan: impl Fn(&blaxel_guest::SimulatedGuest) + Send + Sync + 'static) -> &Self {
        // There is a plan only if the machines are the emulator's own.
        let _ = self.engine.guests.plan(&self.sandbox, Arc::new(plan));
        self
    }
}

impl fmt::Debug for SandboxScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxScript")
            .field("sandbox", &self.sandbox)
            .finish_non_exhaustive()
    }
}
