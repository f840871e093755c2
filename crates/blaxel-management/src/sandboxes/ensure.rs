//! Returns a ready sandbox, creating it if necessary: `ensure`.

use std::future::Future;
use std::time::Duration;

use blaxel_core::__private::{ErrorParts, later};
use blaxel_core::{ApiError, Attempts, Error, ErrorCode, HttpService, OperationInfo};
use tokio::time::{Instant, sleep, timeout_at};

use super::Sandbox;
use super::creation::{unreadable, with_cause};
use super::creation_request::{CreationRequest, check_deadline};
use super::creation_timeout::CreationTimeout;
use super::defaults::SandboxDefaults;
use super::readiness::{Readiness, describe};
use crate::backoff::{Backoff, jittered};
use crate::collection::{Collection, Outcome};
use crate::kind::{Created, Fetched};
use crate::resource::Resource;
use crate::wait::Watched;

/// The maximum delay between two polls, before jitter.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// The time for which a sandbox may be absent after it was, or may have been, created. After that it is
/// considered lost, and created again.
const VISIBILITY_DELAY: Duration = Duration::from_secs(30);

/// The time between the last poll and the deadline, so that the poll can complete.
const LAST_POLL: Duration = Duration::from_secs(1);

/// Maximum number of refused re-creations of a dead sandbox.
const MAX_REFUSALS: u32 = 3;

/// Maximum number of successive refusals that contradict the state of the sandbox, or that the server calls
/// retryable.
const MAX_DENIALS: u32 = 3;

const GET: &OperationInfo = &Sandbox::GET;
const CREATE: &OperationInfo = &Sandbox::CREATE;

/// The settings of [`ensure`](Collection::ensure).
#[derive(Clone, Debug)]
#[must_use]
pub struct Ensure {
    time_limit: Duration,
    creation_deadline: Option<Duration>,
    defaults: SandboxDefaults,
    refuses_drift: bool,
}

impl Default for Ensure {
    fn default() -> Self {
        Self {
            time_limit: Duration::from_secs(5 * 60),
            creation_deadline: None,
            defaults: SandboxDefaults::none(),
            refuses_drift: false,
        }
    }
}

impl Ensure {
    /// Creates the default settings: a time limit of 5 minutes, the platform's own creation deadline, and any existing
    /// sandbox is accepted.
    ///
    /// ```
    /// use std::time::Duration;
    /// use blaxel_management::sandboxes::Ensure;
    ///
    /// let ensure = Ensure::new().within(Duration::from_secs(60));
    /// # let _ = ensure;
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time limit of the whole call, including all requests and delays. The default is 5 minutes.
    pub fn within(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }

    /// Sets the time after which the platform cancels a creation and frees the name, in whole seconds from 1 to 50. The
    /// default is the platform's own deadline, which this can only shorten.
    ///
    /// It applies to each request that creates the sandbox, and not to the wait for a sandbox that another client
    /// creates. A cancelled creation ends the call, with a [`CreationTimeout`] as the cause of its error.
    pub fn creation_deadline(mut self, deadline: Duration) -> Self {
        self.creation_deadline = Some(deadline);
        self
    }

    /// Sets values for members that the draft leaves out. They are sent, in the requests that create the sandbox. By
    /// default nothing is filled in.
    pub fn defaults(mut self, defaults: SandboxDefaults) -> Self {
        self.defaults = defaults;
        self
    }

    /// Checks the settings, as [`ensure`](Collection::ensure) does before it sends anything.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a creation deadline that the platform does not accept.
    pub fn check(&self) -> Result<(), Error> {
        check_deadline(self.creation_deadline)
    }

    /// Sets whether an existing sandbox that differs from the draft is an error. The default is `false`: it is returned,
    /// and [`Sandbox::drift_from`] compares it with the draft.
    ///
    /// The [`Drift`](super::Drift) is the cause of the error. Nothing is changed. Default values are not compared.
    pub fn refuse_drift(mut self, refuse: bool) -> Self {
        self.refuses_drift = refuse;
        self
    }
}

impl<S: HttpService> Collection<Sandbox, S> {
    /// Returns a ready sandbox of that name, creating it as drafted if it does not exist.
    ///
    /// - If the sandbox is being created, by this or another client, the call waits until it is ready.
    /// - If it is being deleted, the call waits until it no longer exists, and creates a new one.
    /// - If it was terminated or has failed, a new one is created.
    /// - If the response of a create request is lost, the call polls for the sandbox instead of failing. This
    ///   happens when the creation takes longer than a minute, the timeout of the platform's gateway.
    /// - If the platform could not check the credential (403 `UNAUTHORIZED`, 503 `AUTHENTICATION_UNAVAILABLE`), the
    ///   create request is sent at most twice more.
    /// - Other transient errors are retried, except a failure to connect before anything was sent.
    ///
    /// The outcome is [`Created`](Outcome::Created) if this call created the sandbox. It is
    /// [`Unchanged`](Outcome::Unchanged) if the sandbox existed, or another client created it in the meantime; the
    /// sandbox may then differ from the draft, as [`Sandbox::drift_from`] tells.
    ///
    /// If several clients ensure the same sandbox concurrently, only the one whose request created it gets
    /// `Created`, provided that its response was not lost.
    ///
    /// It needs a tokio runtime with timers. The future can be dropped at any time, and the call repeated; no
    /// background task remains.
    ///
    /// ```no_run
    /// # async fn example(sandboxes: blaxel_management::Collection<
    /// #     blaxel_management::sandboxes::Sandbox, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::{Ensure, Sandbox};
    ///
    /// let ensured = sandboxes.ensure(&Sandbox::new("code-runner"), &Ensure::new()).await?;
    /// if ensured.is_created() {
    ///     // Set up the new sandbox here.
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a creation deadline that is not accepted; a permanent error of a request, at once, such
    /// as [`Error::is_quota`]; [`Error::is_failed`] if the new sandbox failed, a dead one cannot be created again, or
    /// an existing one differs and [`refuse_drift`](Ensure::refuse_drift) is set; [`Error::is_timeout`] after the time
    /// limit, with the last state or error as its cause.
    pub async fn ensure(
        &self,
        sandbox: &Sandbox,
        ensure: &Ensure,
    ) -> Result<Outcome<Sandbox>, Error> {
        ensure.check()?;
        let draft = self.with_default_region(sandbox).into_owned();
        let draft = draft.with_defaults(&ensure.defaults);
        let mut run = EnsureRun {
            sandboxes: self,
            request: CreationRequest::new(&draft, ensure.creation_deadline),
            name: sandbox.name().to_owned(),
            time_limit: ensure.time_limit,
            deadline: later(Instant::now(), ensure.time_limit),
            backoff: Backoff::up_to(MAX_DELAY),
            ownership: Ownership::None,
            missing_since: None,
            dead_identity: None,
            refusals: 0,
            denials: 0,
            last_state: None,
            last_error: None,
            retry_after: Duration::ZERO,
        };
        // A sandbox that the server will name cannot be looked up.
        let mut step = match run.name.as_str() {
            "" => Step::Create,
            _ => Step::Poll,
        };
        loop {
            step = match step {
                Step::Poll => run.poll().await?,
                Step::Create => run.create().await?,
                Step::PollLater => run.wait_then(Step::Poll).await?,
                Step::CreateLater => run.wait_then(Step::Create).await?,
                Step::Done(ensured) => {
                    if ensure.refuses_drift && !ensured.is_created() {
                        refuse_drift(ensured.resource(), sandbox)?;
                    }
                    return Ok(*ensured);
                }
            };
        }
    }
}

/// The next step of a call.
enum Step {
    Poll,
    PollLater,
    Create,
    CreateLater,
    Done(Box<Outcome<Sandbox>>),
}

/// The known origin of the sandbox: this call or another client.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ownership {
    /// No create request was sent.
    None,
    /// Our create request was refused: another client created it.
    OtherClient,
    /// Our create request may have been applied, or may still be.
    Uncertain,
    /// Our create request was applied.
    Ours,
}

impl Ownership {
    /// Returns `true` if this call created the sandbox, or may have.
    fn may_be_ours(self) -> bool {
        matches!(self, Self::Uncertain | Self::Ours)
    }
}

/// The state of one call of [`ensure`](Collection::ensure).
struct EnsureRun<'a, S> {
    sandboxes: &'a Collection<Sandbox, S>,
    request: CreationRequest<'a>,
    /// The name, which is empty until the server has chosen one for a draft without a name.
    name: String,
    time_limit: Duration,
    deadline: Instant,
    backoff: Backoff,
    ownership: Ownership,
    /// The time since which the sandbox that we created is absent.
    missing_since: Option<Instant>,
    /// The [`identity`] of the dead sandbox that is to be created again.
    dead_identity: Option<String>,
    /// The number of times that this was refused.
    refusals: u32,
    /// The number of successive refusals; see [`MAX_DENIALS`].
    denials: u32,
    /// The description of the last observed state.
    last_state: Option<String>,
    /// The last error.
    last_error: Option<Error>,
    /// The delay that the server requested in its last response.
    retry_after: Duration,
}

impl<S: HttpService> EnsureRun<'_, S> {
    /// Reads the sandbox.
    async fn poll(&mut self) -> Result<Step, Error> {
        let sandboxes = self.sandboxes;
        let name = self.name.clone();
        match self.in_time(sandboxes.find(&name)).await? {
            Ok(Some(sandbox)) => self.on_found(sandbox),
            Ok(None) => self.on_absent(),
            Err(error) if self.ownership.may_be_ours() && !error.is_transient() => {
                Err(unreadable(&name, error))
            }
            Err(error) => self.retry_later(error),
        }
    }

    /// Decides the next step from the state of the sandbox.
    fn on_found(&mut self, sandbox: Sandbox) -> Result<Step, Error> {
        if self.is_known_dead(&sandbox) {
            return self.recreate(&sandbox);
        }
        self.last_state = Some(describe(&self.name, &sandbox));
        self.missing_since = None;
        self.denials = 0;
        match Readiness::of(&sandbox) {
            Readiness::Ready => Ok(Step::Done(Box::new(match self.ownership.may_be_ours() {
                true => Outcome::Created(sandbox),
                false => Outcome::Unchanged(sandbox),
            }))),
            Readiness::Starting => Ok(Step::PollLater),
            Readiness::Stopping => {
                // Whoever created this sandbox, its successor is another one.
                self.ownership = Ownership::None;
                Ok(Step::PollLater)
            }
            Readiness::Dead if !self.ownership.may_be_ours() => {
                self.dead_identity = Some(identity(&sandbox));
                self.refusals = 0;
                self.recreate(&sandbox)
            }
            Readiness::Dead => Err(self.failed(describe(&self.name, &sandbox))),
            Readiness::Archived => {
                let state = describe(&self.name, &sandbox);
                Err(self.failed(format!("{state}; unarchive it first")))
            }
        }
    }

    /// Decides the next step for a sandbox that does not exist.
    fn on_absent(&mut self) -> Result<Step, Error> {
        self.last_state = Some(format!("`{}` does not exist", self.name));
        if !self.ownership.may_be_ours() {
            (self.dead_identity, self.refusals) = (None, 0);
        }
        match self.ownership {
            Ownership::None => Ok(Step::Create),
            // It was deleted in between, or is not visible yet. Only the server can tell.
            Ownership::OtherClient => self.check_denials(Step::CreateLater),
            Ownership::Uncertain | Ownership::Ours => Ok(self.wait_until_visible()),
        }
    }

    /// Decides the next step if the sandbox that we created is not visible.
    fn wait_until_visible(&mut self) -> Step {
        let since = *self.missing_since.get_or_insert_with(Instant::now);
        // A second request for a sandbox without a name would create a second sandbox.
        if since.elapsed() < VISIBILITY_DELAY || self.request.is_unnamed() {
            return Step::PollLater;
        }
        self.missing_since = None;
        Step::Create
    }

    /// Returns `true` if this is the dead sandbox that is to be created again.
    fn is_known_dead(&self, sandbox: &Sandbox) -> bool {
        self.dead_identity.as_ref() == Some(&identity(sandbox))
    }

    /// Decides the next step for a dead sandbox.
    fn recreate(&mut self, dead: &Sandbox) -> Result<Step, Error> {
        let state = describe(&self.name, dead);
        self.last_state = Some(state.clone());
        if self.ownership.may_be_ours() {
            return Ok(self.wait_until_visible());
        }
        match self.refusals {
            0 => Ok(Step::Create),
            MAX_REFUSALS.. => Err(self.failed(format!("{state}, and cannot be created again"))),
            _ => Ok(Step::CreateLater),
        }
    }

    /// Creates the sandbox.
    async fn create(&mut self) -> Result<Step, Error> {
        let sandboxes = self.sandboxes;
        let service = &sandboxes.service;
        // This request replaces a dead sandbox, which the plain request does not. It also succeeds for a live one
        // that another client created, so it is not the first choice.
        self.request.set_if_absent(self.refusals > 0);
        // From here on the sandbox may be created, whatever the response says.
        let before = std::mem::replace(&mut self.ownership, Ownership::Uncertain);
        let sent = timeout_at(self.deadline, self.request.send(service)).await;
        match sent.map_err(|_| self.timed_out())? {
            Ok(created) if self.is_known_dead(&created) => {
                self.ownership = Ownership::OtherClient;
                self.refusals += 1;
                self.recreate(&created)
            }
            Ok(created) => {
                self.ownership = Ownership::Ours;
                self.name = created.name().to_owned();
                self.on_found(created)
            }
            Err(error) if is_already_exists(&error) => {
                self.ownership = match before.may_be_ours() || error.maybe_applied() {
                    true => Ownership::Uncertain,
                    false => Ownership::OtherClient,
                };
                self.refusals += u32::from(self.dead_identity.is_some());
                self.last_error = Some(error);
                Ok(Step::Poll)
            }
            Err(error) => {
                let error = match before.may_be_ours() {
                    true => after_an_unclear_request(error),
                    false => error,
                };
                if !error.maybe_applied() {
                    self.ownership = before;
                }
                match CreationTimeout::of(&error) {
                    Some(_) => Err(error),
                    None => self.retry_later(error),
                }
            }
        }
    }

    /// Decides the next step after an error: retry if it is transient.
    fn retry_later(&mut self, error: Error) -> Result<Step, Error> {
        let offline = error.is_connect() && self.ownership == Ownership::None;
        if !error.is_transient() || offline || self.name.is_empty() {
            return Err(error);
        }
        self.retry_after = error.retry_after().unwrap_or_default();
        let refused = error
            .status()
            .is_some_and(|status| status.is_client_error());
        let busy = error.is_rate_limited() || error.is_unavailable();
        self.last_error = Some(error);
        if refused && !busy {
            return self.check_denials(Step::PollLater);
        }
        Ok(Step::PollLater)
    }

    /// Counts a refusal. Returns `next`, or the refusal if there were too many.
    fn check_denials(&mut self, next: Step) -> Result<Step, Error> {
        // The server says itself that this refusal ends by itself.
        let in_progress = self.last_error.as_ref().is_some_and(is_in_progress);
        if !in_progress {
            self.denials += 1;
        }
        match self.last_error.take_if(|_| self.denials > MAX_DENIALS) {
            Some(refusal) => Err(refusal),
            None => Ok(next),
        }
    }

    /// Waits for the backoff delay, and returns `then`.
    async fn wait_then(&mut self, then: Step) -> Result<Step, Error> {
        let retry_after = std::mem::take(&mut self.retry_after);
        let remaining = self.deadline.saturating_duration_since(Instant::now());
        let remaining = remaining.saturating_sub(LAST_POLL);
        if remaining.is_zero() || retry_after > remaining {
            return Err(self.timed_out());
        }
        sleep(
            jittered(self.backoff.next())
                .max(retry_after)
                .min(remaining),
        )
        .await;
        Ok(then)
    }

    /// Runs a call with the time limit.
    async fn in_time<T>(&mut self, call: impl Future<Output = T>) -> Result<T, Error> {
        let outcome = timeout_at(self.deadline, call).await;
        outcome.map_err(|_| self.timed_out())
    }

    /// Creates the timeout error, caused by the last state and the last error.
    fn timed_out(&mut self) -> Error {
        let operation = if self.ownership.may_be_ours() {
            CREATE
        } else {
            GET
        };
        let error =
            Error::timeout("wait for the sandbox", self.time_limit).in_operation(Some(operation));
        match (self.last_state.take(), self.last_error.take()) {
            (Some(state), failure) => error.caused_by(with_cause(Error::failed(state), failure)),
            (None, Some(failure)) => error.caused_by(failure),
            (None, None) => error,
        }
    }

    /// Creates the error for a sandbox that cannot become ready.
    fn failed(&mut self, state: String) -> Error {
        with_cause(Error::failed(state), self.last_error.take())
    }
}

/// Marks the error of a request for which the outcome of an earlier one is still uncertain.
fn after_an_unclear_request(error: Error) -> Error {
    let mut attempts = Attempts::new(error.attempts().max(1) + 1);
    attempts.unclear = true;
    error.with_attempts(attempts)
}

/// Refuses an existing sandbox that differs from the draft.
fn refuse_drift(found: &Sandbox, draft: &Sandbox) -> Result<(), Error> {
    let drift = found.drift_from(draft);
    if drift.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the sandbox `{}` exists and differs from the draft",
        found.name()
    );
    Err(Error::failed(message).caused_by(drift))
}

/// Returns `true` if a create request was refused because a sandbox of that name exists, or is being created.
fn is_already_exists(error: &Error) -> bool {
    let exists = error.platform_code() == Some(ErrorCode::SandboxAlreadyExists);
    error.is_conflict() || exists || is_in_progress(error)
}

/// Returns `true` if a create request was refused because the sandbox is being created.
fn is_in_progress(error: &Error) -> bool {
    error.api().and_then(ApiError::reason) == Some("CREATION_IN_PROGRESS")
}

/// Returns a text that distinguishes a sandbox from a later one of the same name.
fn identity(sandbox: &Sandbox) -> String {
    format!("{:?} {}", sandbox.metadata.created_at, sandbox.stage())
}

#[cfg(test)]
mod tests;
