//! The time limit on a process, and the end of processes that nobody waits for any more.

use std::pin::Pin;
use std::time::Duration;

use blaxel_core::__private::{ErrorParts, later};
use blaxel_core::{Error, HttpService};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::handle::{Process, is_unknown};
use super::start::ExecuteProcess;
use crate::cleanup::{self, Home};
use crate::remote::DataOperation;

/// Time for which a process is looked for that was possibly started a moment ago.
pub(super) const APPEARANCE: Duration = Duration::from_secs(5);

/// The delay between two lookups.
pub(super) const LOOKUP: Duration = Duration::from_millis(250);

/// The time limit on a process.
pub(super) struct Limit<S> {
    process: Process<S>,
    end: Option<(Instant, Duration)>,
}

impl<S: HttpService> Limit<S> {
    /// Creates the limit of a process that is started now.
    pub(super) fn new(process: Process<S>, limit: Option<Duration>) -> Self {
        let now = Instant::now();
        Self {
            process,
            end: limit.map(|limit| (later(now, limit), limit)),
        }
    }

    /// Waits for the work until the limit expires. Then the process is killed.
    ///
    /// The work is borrowed, because a future that owns it would contain it more than once.
    pub(super) async fn run<T>(
        &self,
        work: Pin<&mut impl Future<Output = Result<T, Error>>>,
    ) -> Result<T, Error> {
        let Some((end, limit)) = self.end else {
            return work.await;
        };
        if let Ok(outcome) = timeout_at(end, work).await {
            return outcome;
        }
        let killed = timeout(cleanup::LIMIT, kill(self.process.clone())).await;
        let fate = match killed {
            Ok(true) => "was killed",
            _ => "could not be killed",
        };
        let what = format!("process `{}`, which {fate},", self.process.name());
        Err(Error::timeout(&what, limit).in_operation(Some(ExecuteProcess::INFO)))
    }
}

impl<S: Clone> Clone for Limit<S> {
    fn clone(&self) -> Self {
        Self {
            process: self.process.clone(),
            end: self.end,
        }
    }
}

/// Kills a process that was possibly started a moment ago. Returns `true` if the signal was sent or the process has
/// ended.
pub(super) async fn kill<S: HttpService>(process: Process<S>) -> bool {
    let start = Instant::now();
    loop {
        match process.kill().await {
            Ok(()) => return true,
            Err(error) if is_unknown(&error) && start.elapsed() > APPEARANCE => return false,
            Err(error) if is_unknown(&error) || error.is_transient() => sleep(LOOKUP).await,
            Err(_) => return false,
        }
    }
}

/// Kills a process when it is dropped.
pub(super) struct KillOnDrop<S: HttpService> {
    process: Option<Process<S>>,
    home: Home,
}

impl<S: HttpService> KillOnDrop<S> {
    pub(super) fn new(process: &Process<S>, is_wanted: bool) -> Self {
        Self {
            process: is_wanted.then(|| process.clone()),
            home: Home::current(),
        }
    }

    /// Leaves the process alone: it has ended.
    pub(super) fn disarm(&mut self) {
        self.process = None;
    }
}

impl<S: HttpService> Drop for KillOnDrop<S> {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            self.home.clean_up(async move {
                kill(process).await;
            });
        }
    }
}
