//! Facts that a test learns from an emulator about the calls of its programs.

use std::panic::Location;
use std::time::Duration;

use serde_json::Value;

use super::Emulator;
use crate::checks::{self, Failed};
use crate::fault::UnknownOperation;
use crate::journal::OperationCount;
use crate::router::check_operation;
use crate::{curl, har};

impl Emulator {
    /// Returns how often an operation was asked for, and how often it took place, since the journal was
    /// cleared.
    ///
    /// A request that was refused, or that met a fault before it was processed, did not take place; one
    /// whose response was lost did. A call of a workload took place if the workload was called, whatever
    /// it responded.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// assert_eq!(emulator.operation_count("CreateSandbox")?.processed, 0);
    /// # Ok::<(), blaxel_emulator::UnknownOperation>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the emulator has no operation of this name.
    pub fn operation_count(&self, operation: &str) -> Result<OperationCount, UnknownOperation> {
        check_operation(operation)?;
        let counts = self.engine.journal.counts();
        Ok(counts.get(operation).copied().unwrap_or_default())
    }

    /// Asserts that an operation took place exactly once, however often it was asked for. It is for
    /// operations that must not be repeated, such as `CreateJobExecution`. See
    /// [`operation_count`](Self::operation_count).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use blaxel_core::{Plane, raw_request};
    /// use blaxel_emulator::Emulator;
    /// use tower_service::Service as _;
    ///
    /// let emulator = Emulator::offline();
    /// let request = raw_request(Plane::Control, http::Request::get("/models").body("")?)?;
    /// drop(emulator.service().call(request).await?);
    /// emulator.assert_exactly_once("ListModels");
    /// emulator.assert_times("DeleteModel", 0);
    /// emulator.assert_no_secret_in_url();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Panics otherwise, with the requests of the operation in the message, and if the emulator has no
    /// operation of this name.
    #[track_caller]
    pub fn assert_exactly_once(&self, operation: &str) {
        self.assert_times(operation, 1);
    }

    /// Asserts that an operation took place so many times. See
    /// [`assert_exactly_once`](Self::assert_exactly_once).
    ///
    /// # Panics
    ///
    /// Panics otherwise, and if the emulator has no operation of this name.
    #[track_caller]
    pub fn assert_times(&self, operation: &str, times: u64) {
        match checks::times(&self.engine, operation, times) {
            Ok(outcome) => hold(outcome),
            Err(unknown) => hold(Err(unknown.to_string())),
        }
    }

    /// Asserts that no request had a secret in its address, where proxies and servers log it. See
    /// [`Entry::secret_in_url`](crate::Entry::secret_in_url), and
    /// [`assert_exactly_once`](Self::assert_exactly_once) for an example.
    ///
    /// # Panics
    ///
    /// Panics otherwise, with the requests concerned. The secrets are masked.
    #[track_caller]
    pub fn assert_no_secret_in_url(&self) {
        hold(checks::no_secret_in_url(&self.engine));
    }

    /// Asserts that no connection of a client is open after at most the time `within`, in real time. A
    /// connection in the pool of a client is open, so the clients have to be dropped before.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use std::time::Duration;
    ///
    /// let emulator = blaxel_emulator::Emulator::start().await?;
    /// emulator.assert_no_open_connections(Duration::from_secs(5)).await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// The future panics otherwise, with the open connections and the calls that have not ended. It needs
    /// a tokio runtime with timers.
    #[track_caller]
    pub fn assert_no_open_connections(
        &self,
        within: Duration,
    ) -> impl Future<Output = ()> + Send + use<'_> {
        // A future is polled by its runtime, so the caller of the function is found here.
        let caller = Location::caller();
        async move {
            let outcome = checks::no_open_connections(&self.engine, within, None).await;
            hold(outcome.map_err(|failed| format!("{failed}\nasserted at {caller}")));
        }
    }

    /// Returns the journal as an HTTP Archive, version 1.2, which browsers and other tools show.
    ///
    /// It has the headers and bodies that [`Builder::journal_contents`](crate::Builder::journal_contents)
    /// keeps. Secrets are masked.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// assert_eq!(emulator.har()["log"]["version"], "1.2");
    /// ```
    #[must_use]
    pub fn har(&self) -> Value {
        har::archive(&self.engine.origin, &self.engine.journal.entries())
    }

    /// Returns the requests of the journal as commands for a POSIX shell with `curl`, one for each. The
    /// credential is the variable `BL_API_KEY`, and other secrets are masked.
    ///
    /// Headers and bodies are those that
    /// [`Builder::journal_contents`](crate::Builder::journal_contents) keeps; without it the commands
    /// have the headers that every request needs, and no body. A body of which only a part was kept is
    /// left out, with a comment.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// for command in emulator.curl_commands() {
    ///     println!("{command}");
    /// }
    /// ```
    #[must_use]
    pub fn curl_commands(&self) -> Vec<String> {
        let entries = self.engine.journal.entries();
        let command = |entry| curl::command(&self.engine, entry);
        entries.iter().map(command).collect()
    }

    /// Returns the seed of the chaos mode, if [`Builder::chaos`](crate::Builder::chaos) is set.
    #[must_use]
    pub fn chaos_seed(&self) -> Option<u64> {
        self.engine.config.chaos
    }
}

/// Panics if a check does not hold.
#[track_caller]
#[expect(clippy::panic, reason = "it is the purpose of an assertion")]
fn hold(outcome: Result<(), Failed>) {
    if let Err(failed) = outcome {
        panic!("{failed}");
    }
}
