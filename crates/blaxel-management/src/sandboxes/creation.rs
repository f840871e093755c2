//! Creates a sandbox and returns it when it is ready: `create_ready`.

use std::time::Duration;

use blaxel_core::__private::{ErrorParts, later};
use blaxel_core::{Delivery, Error, HttpService, OperationInfo};
use http::StatusCode;
use tokio::time::{Instant, sleep, timeout_at};

use super::Sandbox;
use super::creation_request::{CreationRequest, check_deadline};
use super::defaults::SandboxDefaults;
use super::readiness::{Readiness, describe};
use crate::backoff::{Backoff, jittered};
use crate::collection::Collection;
use crate::kind::Created;
use crate::metadata::Status;
use crate::resource::Resource;

/// The maximum delay between two polls, before jitter.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// The time for which the sandbox is polled after its creation was answered with a gateway timeout.
const RECOVERY: Duration = Duration::from_secs(120);

const CREATE: &OperationInfo = &Sandbox::CREATE;

/// The settings of [`create_ready`](Collection::create_ready).
///
/// ```
/// use std::time::Duration;
/// use blaxel_management::sandboxes::Creation;
///
/// let creation = Creation::new().deadline(Duration::from_secs(20));
/// # let _ = creation;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Creation {
    deadline: Option<Duration>,
    defaults: SandboxDefaults,
    time_limit: Duration,
}

impl Default for Creation {
    fn default() -> Self {
        Self {
            deadline: None,
            defaults: SandboxDefaults::none(),
            time_limit: Duration::from_secs(5 * 60),
        }
    }
}

impl Creation {
    /// Creates the default settings: the platform's own deadline, and a time limit of 5 minutes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time after which the platform cancels the creation and frees the name, in whole seconds from 1 to 50.
    /// The default is the platform's own deadline, which this can only shorten.
    ///
    /// The call then fails with a [`CreationTimeout`](super::CreationTimeout) as its cause. It is sent as
    /// `X-Blaxel-Creation-Timeout`.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets values for members that the draft leaves out. They are sent, in the requests that create the sandbox. By
    /// default nothing is filled in.
    pub fn defaults(mut self, defaults: SandboxDefaults) -> Self {
        self.defaults = defaults;
        self
    }

    /// Checks the settings, as [`create_ready`](Collection::create_ready) does before it sends anything.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a deadline that the platform does not accept.
    pub fn check(&self) -> Result<(), Error> {
        check_deadline(self.deadline)
    }

    /// Sets the time limit of the whole call, including all requests and delays. The default is 5 minutes.
    ///
    /// After it, the call fails, but nothing is cancelled: the sandbox may become ready later.
    pub fn within(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }
}

impl<S: HttpService> Collection<Sandbox, S> {
    /// Creates a sandbox, and returns it when it is ready (`POST /sandboxes`).
    ///
    /// [`create`](Self::create) sends one request and returns the response. This method also does what a creation needs
    /// to be reliable:
    ///
    /// - If the server responds before the sandbox is ready, the sandbox is polled.
    /// - If the creation takes longer than a minute, the gateway responds with 504 although the creation goes on. The
    ///   sandbox is then polled by its name for at most 2 minutes. A sandbox without a name cannot be looked up, so
    ///   this is an error.
    /// - If the platform could not check the credential (403 `UNAUTHORIZED`, 503 `AUTHENTICATION_UNAVAILABLE`), nothing
    ///   was created, and the request is sent at most twice more. A refusal for another reason is final.
    ///
    /// No request is sent again after any other failure. If the response is lost, [`Error::maybe_applied`] is `true`;
    /// [`ensure`](Self::ensure) finds out whether the sandbox exists.
    ///
    /// After a 504, a sandbox of that name which existed before cannot be told apart from the new one.
    ///
    /// It needs a tokio runtime with timers. If the future is dropped, the sandbox may be created nevertheless.
    ///
    /// ```no_run
    /// # async fn example(sandboxes: blaxel_management::Collection<
    /// #     blaxel_management::sandboxes::Sandbox, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use std::time::Duration;
    /// use blaxel_management::sandboxes::{Creation, CreationTimeout, Sandbox};
    ///
    /// let draft = Sandbox::new("code-runner").image("blaxel/base-image:latest");
    /// let creation = Creation::new().deadline(Duration::from_secs(20));
    /// match sandboxes.create_ready(&draft, &creation).await {
    ///     Ok(sandbox) => println!("{:?}", sandbox.metadata.url),
    ///     Err(error) if CreationTimeout::of(&error).is_some() => println!("try another region"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a deadline that is not accepted; [`Error::is_conflict`] if there is a sandbox of this
    /// name; an error that is caused by a [`CreationTimeout`](super::CreationTimeout) if the deadline was exceeded;
    /// [`Error::is_failed`] if the sandbox fails, or cannot be polled; [`Error::is_timeout`] after the time limit;
    /// otherwise the error of a request.
    pub async fn create_ready(
        &self,
        sandbox: &Sandbox,
        creation: &Creation,
    ) -> Result<Sandbox, Error> {
        creation.check()?;
        let draft = self.with_default_region(sandbox).into_owned();
        let draft = draft.with_defaults(&creation.defaults);
        let request = CreationRequest::new(&draft, creation.deadline);
        let deadline = later(Instant::now(), creation.time_limit);
        let timed_out = || {
            Error::timeout("creation of the sandbox", creation.time_limit)
                .in_operation(Some(CREATE))
        };
        let outcome = timeout_at(deadline, request.send(&self.service)).await;
        match outcome.map_err(|_| timed_out())? {
            Ok(created) if Readiness::of(&created) == Readiness::Ready => Ok(created),
            Ok(created) => {
                let outcome = self
                    .poll_until_ready(created.name(), deadline, Visibility::Certain)
                    .await;
                outcome.map_err(|unready| match unready {
                    Unready::Failed(error) => error,
                    Unready::Unreadable(error) => unreadable(created.name(), error),
                    Unready::TimeOver(last) => with_cause(timed_out(), last),
                })
            }
            Err(error) if error.status() == Some(StatusCode::GATEWAY_TIMEOUT) => {
                let deadline = deadline.min(later(Instant::now(), RECOVERY));
                self.recover(draft.name(), deadline, error).await
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for a sandbox whose creation was answered with a gateway timeout.
    async fn recover(&self, name: &str, deadline: Instant, error: Error) -> Result<Sandbox, Error> {
        if name.is_empty() {
            let subject = "a sandbox without a name may have been created, and cannot be looked up: list the newest \
                           sandboxes, or give it a name";
            return Err(error.with_subject(subject));
        }
        let outcome = self
            .poll_until_ready(name, deadline, Visibility::Uncertain)
            .await;
        outcome.map_err(|unready| match unready {
            Unready::Failed(failure) => with_cause(failure, Some(error)),
            Unready::Unreadable(failure) => with_cause(error, Some(failure)),
            Unready::TimeOver(last) => with_cause(error, last),
        })
    }

    /// Polls a sandbox that was created until it is ready.
    async fn poll_until_ready(
        &self,
        name: &str,
        deadline: Instant,
        visibility: Visibility,
    ) -> Result<Sandbox, Unready> {
        let mut backoff = Backoff::up_to(MAX_DELAY);
        let mut last = None;
        let mut requested = Duration::ZERO;
        loop {
            let delay = jittered(backoff.next()).max(requested);
            if later(Instant::now(), delay) >= deadline {
                return Err(Unready::TimeOver(last));
            }
            sleep(delay).await;
            let Ok(found) = timeout_at(deadline, self.find(name)).await else {
                return Err(Unready::TimeOver(last));
            };
            requested = Duration::ZERO;
            last = match found {
                Ok(Some(sandbox)) => match visibility.judge(&sandbox) {
                    Readiness::Ready => return Ok(sandbox),
                    Readiness::Starting => Some(Error::failed(describe(name, &sandbox))),
                    _ => return Err(Unready::Failed(Error::failed(describe(name, &sandbox)))),
                },
                Ok(None) => {
                    let absent = Error::failed(format!("`{name}` does not exist"));
                    if visibility == Visibility::Certain {
                        return Err(Unready::Failed(absent));
                    }
                    Some(absent)
                }
                Err(error) if error.is_transient() => {
                    requested = error.retry_after().unwrap_or_default();
                    Some(error)
                }
                Err(error) => return Err(Unready::Unreadable(error)),
            };
        }
    }
}

/// The knowledge about a sandbox that is polled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visibility {
    /// The server has returned it, so every state is its own.
    Certain,
    /// It may not be visible yet, so an ended sandbox of its name may be an older one.
    Uncertain,
}

impl Visibility {
    /// Returns the readiness of the new sandbox.
    fn judge(self, sandbox: &Sandbox) -> Readiness {
        match Readiness::of(sandbox) {
            Readiness::Stopping | Readiness::Dead
                if self == Self::Uncertain && sandbox.status != Some(Status::Failed) =>
            {
                Readiness::Starting
            }
            readiness => readiness,
        }
    }
}

/// The reason why a polled sandbox is not ready.
enum Unready {
    /// It cannot become ready.
    Failed(Error),
    /// It cannot be polled.
    Unreadable(Error),
    /// The time is over. The last observed state or error.
    TimeOver(Option<Error>),
}

/// Creates the error for a sandbox that was, or may have been, created, and cannot be polled.
pub(super) fn unreadable(name: &str, error: Error) -> Error {
    let message = format!("the state of the new sandbox `{name}` cannot be read");
    Error::failed(message)
        .in_operation(Some(CREATE))
        .with_delivery(Delivery::Unknown)
        .caused_by(error)
}

/// Returns `error` with its cause, if there is one.
pub(super) fn with_cause(error: Error, cause: Option<Error>) -> Error {
    match cause {
        Some(cause) => error.caused_by(cause),
        None => error,
    }
}

#[cfg(test)]
mod tests;
