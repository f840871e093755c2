//! Waiting for the end of a process.

use std::sync::atomic::Ordering;
use std::time::Duration;

use blaxel_core::{ApiError, Error, HttpService};
use http::StatusCode;
use tokio::time::{Instant, sleep};

use super::exit::{Exit, ExitCheck, RESTART_POLL};
use super::handle::{Process, is_unknown};
use super::info::{ExitStatus, ProcessInfo};
use super::operations::WaitForProcess;
use super::outage::Outage;

/// Time for which the server waits in one call. The platform's proxies end a call after 60 seconds of silence.
const LONG_POLL: Duration = Duration::from_secs(50);

/// Time limit on a response beyond the time for which the server waits.
const RESPONSE: Duration = Duration::from_secs(30);

/// The delay between two polls: the first one, and the longest one.
const POLL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

impl<S: HttpService> Process<S> {
    /// Waits for the end of the process and returns its exit status (`GET /process/{identifier}/wait`, or polls of
    /// `GET /process/{identifier}` on older servers).
    ///
    /// There is no limit on the wait for a running process; wrap it in `tokio::time::timeout` to have one. An outage
    /// of the sandbox of up to 5 minutes is waited out. The future can be dropped at any time, which does nothing to
    /// the process.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the server does not know the process any more; its exit status is then unknown.
    /// [`Error::is_transient`] if the sandbox cannot be reached for too long; the process can be waited for again.
    pub async fn wait(&self) -> Result<ExitStatus, Error> {
        let (mut check, mut outage) = (ExitCheck::default(), Outage::default());
        let mut delay = POLL.0;
        let mut exit = Exit::No;
        loop {
            let start = Instant::now();
            match self.poll_end(exit == Exit::Maybe).await {
                Ok(info) => {
                    outage.end();
                    exit = check.check(&info);
                }
                Err(error) => {
                    outage.pause(error).await?;
                    continue;
                }
            }
            match exit {
                Exit::Yes(status) => return Ok(status),
                Exit::Maybe => sleep(RESTART_POLL).await,
                // The server has waited in our place, unless it did not understand.
                Exit::No if start.elapsed() > POLL.1 => {}
                Exit::No => {
                    sleep(delay).await;
                    delay = delay.saturating_mul(2).min(POLL.1);
                }
            }
        }
    }

    /// Returns the state of the process: at its end or after some time, if the server can wait, otherwise at once.
    async fn poll_end(&self, at_once: bool) -> Result<ProcessInfo, Error> {
        let remote = self.remote();
        let no_wait = &remote.learned().no_process_wait;
        if at_once || no_wait.load(Ordering::Relaxed) {
            return self.look().await;
        }
        let limit = remote.options().and_then(|options| options.deadline());
        let seconds = limit.map_or(LONG_POLL, |limit| (limit / 2).min(LONG_POLL));
        let wait = WaitForProcess {
            process: self.name(),
            seconds: seconds.as_secs().max(1),
        };
        let limit = Duration::from_secs(wait.seconds).saturating_add(RESPONSE);
        match self.within(limit, remote.call(&wait)).await {
            Ok(info) => {
                self.check(&info)?;
                Ok(info)
            }
            Err(error) if is_no_route(&error) => {
                no_wait.store(true, Ordering::Relaxed);
                self.look().await
            }
            Err(error) => Err(self.describe(error)),
        }
    }
}

/// Returns `true` if the server does not have the path of a call: what its own code refuses has a message in JSON.
fn is_no_route(error: &Error) -> bool {
    let has_message = error
        .api()
        .is_some_and(|api: &ApiError| !api.members().is_empty());
    error.status() == Some(StatusCode::METHOD_NOT_ALLOWED) || (is_unknown(error) && !has_message)
}
