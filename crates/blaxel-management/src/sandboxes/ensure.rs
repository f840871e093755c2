//! Having a sandbox of a name ready, whether it was there or not.

use std::future::Future;
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{ApiError, Attempts, Error, HttpService, OperationInfo};
use tokio::time::{Instant, sleep, timeout_at};

use super::Sandbox;
use crate::collection::{Collection, Outcome};
use crate::kind::{Created, Fetched};
use crate::metadata::Status;
use crate::pause::{Pauses, jittered};
use crate::resource::Resource;
use crate::wait::Watched;

/// The longest rest between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long a sandbox may stay out of sight after it was, or may have been, made. After that it is taken
/// for lost and made again.
const OUT_OF_SIGHT: Duration = Duration::from_secs(30);

/// How long before the end of the time the last look is taken, so that it can be answered.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// How often the making over a dead one may be refused.
const REFUSALS: u32 = 3;

const GET: &OperationInfo = &Sandbox::GET;
const CREATE: &OperationInfo = &Sandbox::CREATE;

/// How to [ensure](Collection::ensure) a sandbox.
#[derive(Clone, Debug)]
#[must_use]
pub struct Ensure {
    budget: Duration,
}

impl Default for Ensure {
    fn default() -> Self {
        Self {
            budget: Duration::from_secs(5 * 60),
        }
    }
}

impl Ensure {
    /// Within five minutes.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long all of it may take: every request and every rest. Five minutes by default.
    pub fn within(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }
}

impl<S: HttpService> Collection<Sandbox, S> {
    /// Has a sandbox of that name ready: the one that is there, or else a new one as it is described.
    ///
    /// One that is being made is waited for, whoever makes it. One that is being ended is waited out, and
    /// one that has ended or failed is made anew. An answer that got lost, as happens when the making
    /// takes longer than the minute after which the network between cuts it off, is no failure: the
    /// sandbox is looked for. Failures that may pass are sat out, too, unless there is no connection to
    /// begin with.
    ///
    /// It is [`Created`](Outcome::Created) if it was made here, and else [`Kept`](Outcome::Kept), also if
    /// another made it meanwhile. It is then as that one is, and not as the one that was handed in.
    ///
    /// Of several that ensure one sandbox at the same moment, only the one whose request made it is told
    /// so, as far as its answer was not lost.
    ///
    /// Time is tokio's, so this needs a tokio runtime. It may be dropped at any time, and asked for again;
    /// nothing goes on behind it.
    ///
    /// ```
    /// # async fn tour(sandboxes: blaxel_management::Collection<
    /// #     blaxel_management::sandboxes::Sandbox, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::{Ensure, Sandbox};
    ///
    /// let ensured = sandboxes.ensure(&Sandbox::new("code-runner"), &Ensure::new()).await?;
    /// if ensured.is_created() {
    ///     // Put into it what it needs.
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// At once, what a request failed with that cannot pass by itself, such as [`Error::is_quota`];
    /// [`Error::is_failed`] if the new sandbox came to a bad end, or a dead one cannot be made anew;
    /// [`Error::is_timeout`] if the time ran out, with what stood in the way as the cause.
    pub async fn ensure(
        &self,
        sandbox: &Sandbox,
        ensure: &Ensure,
    ) -> Result<Outcome<Sandbox>, Error> {
        let mut quest = Quest {
            sandboxes: self,
            draft: sandbox,
            name: sandbox.name().to_owned(),
            budget: ensure.budget,
            deadline: Instant::now() + ensure.budget,
            pauses: Pauses::up_to(LONGEST_PAUSE),
            claim: Claim::None,
            lost_since: None,
            dead: None,
            refusals: 0,
            stands: None,
            failure: None,
            asked: Duration::ZERO,
        };
        // What the server is to name cannot be looked for.
        let mut step = match quest.name.as_str() {
            "" => Step::Make,
            _ => Step::Look,
        };
        loop {
            step = match step {
                Step::Look => quest.look().await?,
                Step::Make => quest.make().await?,
                Step::LookLater => quest.rest(Step::Look).await?,
                Step::MakeLater => quest.rest(Step::Make).await?,
                Step::Done(ensured) => return Ok(*ensured),
            };
        }
    }
}

/// What to do next.
enum Step {
    Look,
    LookLater,
    Make,
    MakeLater,
    Done(Box<Outcome<Sandbox>>),
}

/// What we know of our own part in a sandbox that comes to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// We have none in it.
    None,
    /// We wanted to make it, and another did.
    Refused,
    /// We may have made it, or be about to.
    Unclear,
    /// We made it.
    Made,
}

impl Claim {
    fn is_ours(self) -> bool {
        matches!(self, Self::Unclear | Self::Made)
    }
}

struct Quest<'a, S> {
    sandboxes: &'a Collection<Sandbox, S>,
    draft: &'a Sandbox,
    name: String,
    budget: Duration,
    deadline: Instant,
    pauses: Pauses,
    claim: Claim,
    /// Since when what we made is not to be seen.
    lost_since: Option<Instant>,
    /// By what to know the dead one that is to be made anew.
    dead: Option<String>,
    /// How often that was refused.
    refusals: u32,
    /// What was seen last.
    stands: Option<String>,
    /// What failed last.
    failure: Option<Error>,
    /// How long the server asked to wait just now.
    asked: Duration,
}

impl<S: HttpService> Quest<'_, S> {
    async fn look(&mut self) -> Result<Step, Error> {
        let sandboxes = self.sandboxes;
        let name = self.name.clone();
        match self.in_time(sandboxes.find(&name)).await? {
            Ok(Some(sandbox)) => self.judge(sandbox),
            Ok(None) => Ok(self.miss()),
            Err(error) => self.sit_out(error),
        }
    }

    /// What to do about a sandbox as it was just seen.
    fn judge(&mut self, sandbox: Sandbox) -> Result<Step, Error> {
        if self.is_the_dead_one(&sandbox) {
            return self.make_anew(&sandbox);
        }
        self.stands = Some(describe(&self.name, &sandbox));
        self.lost_since = None;
        match Prospect::of(&sandbox) {
            Prospect::Ready => Ok(Step::Done(Box::new(match self.claim.is_ours() {
                true => Outcome::Created(sandbox),
                false => Outcome::Kept(sandbox),
            }))),
            Prospect::Coming => Ok(Step::LookLater),
            Prospect::Going => {
                // Whoever made it, what comes after it is another one.
                self.claim = Claim::None;
                Ok(Step::LookLater)
            }
            Prospect::Dead if !self.claim.is_ours() => {
                self.dead = Some(identity(&sandbox));
                self.refusals = 0;
                self.make_anew(&sandbox)
            }
            Prospect::Dead | Prospect::Away => Err(self.bad_end(describe(&self.name, &sandbox))),
        }
    }

    /// What to do about a sandbox that is not there.
    fn miss(&mut self) -> Step {
        self.stands = Some(format!("`{}` is not there", self.name));
        if !self.claim.is_ours() {
            (self.dead, self.refusals) = (None, 0);
        }
        match self.claim {
            Claim::None => Step::Make,
            // It went in between, or is not yet to be seen; the server knows.
            Claim::Refused => Step::MakeLater,
            Claim::Unclear | Claim::Made => self.await_sight(),
        }
    }

    /// Ours should be there, and another thing is seen.
    fn await_sight(&mut self) -> Step {
        let since = *self.lost_since.get_or_insert_with(Instant::now);
        // If the server is to name it, a second one would be a second one.
        if since.elapsed() < OUT_OF_SIGHT || self.draft.name().is_empty() {
            return Step::LookLater;
        }
        self.lost_since = None;
        Step::Make
    }

    fn is_the_dead_one(&self, sandbox: &Sandbox) -> bool {
        self.dead.as_ref() == Some(&identity(sandbox))
    }

    fn make_anew(&mut self, dead: &Sandbox) -> Result<Step, Error> {
        let state = describe(&self.name, dead);
        self.stands = Some(state.clone());
        if self.claim.is_ours() {
            return Ok(self.await_sight());
        }
        match self.refusals {
            0 => Ok(Step::Make),
            REFUSALS.. => Err(self.bad_end(format!("{state}, and cannot be made anew"))),
            _ => Ok(Step::MakeLater),
        }
    }

    async fn make(&mut self) -> Result<Step, Error> {
        let sandboxes = self.sandboxes;
        let draft = self.draft;
        // From here on it may come to be, whatever we hear of it.
        let before = std::mem::replace(&mut self.claim, Claim::Unclear);
        let outcome = if self.refusals == 0 {
            self.in_time(sandboxes.create(draft)).await?
        } else {
            // This makes a dead one anew where the plain request does not; but what is alive it takes for
            // made, so it is not the first choice.
            self.in_time(sandboxes.create_if_absent(draft)).await?
        };
        match outcome {
            Ok(made) if self.is_the_dead_one(&made) => {
                self.claim = Claim::Refused;
                self.refusals += 1;
                self.make_anew(&made)
            }
            Ok(made) => {
                self.claim = Claim::Made;
                self.name = made.name().to_owned();
                self.judge(made)
            }
            Err(error) if is_there_already(&error) => {
                self.claim = match before.is_ours() || error.maybe_applied() {
                    true => Claim::Unclear,
                    false => Claim::Refused,
                };
                self.refusals += u32::from(self.dead.is_some());
                self.failure = Some(error);
                Ok(Step::Look)
            }
            Err(error) => {
                if before.is_ours() {
                    // What became of the request before is as unclear as it was.
                    let mut attempts = Attempts::new(error.attempts().max(1) + 1);
                    attempts.unclear = true;
                    return self.sit_out(error.with_attempts(attempts));
                }
                if !error.maybe_applied() {
                    self.claim = before;
                }
                self.sit_out(error)
            }
        }
    }

    /// What to do about a failure: wait, if it may pass.
    fn sit_out(&mut self, error: Error) -> Result<Step, Error> {
        let offline = error.is_connect() && self.claim == Claim::None;
        if !error.is_transient() || offline || self.name.is_empty() {
            return Err(error);
        }
        self.asked = error.retry_after().unwrap_or_default();
        self.failure = Some(error);
        Ok(Step::LookLater)
    }

    async fn rest(&mut self, then: Step) -> Result<Step, Error> {
        let asked = std::mem::take(&mut self.asked);
        let left = self.deadline.saturating_duration_since(Instant::now());
        let left = left.saturating_sub(LAST_LOOK);
        if left.is_zero() || asked > left {
            return Err(self.give_up());
        }
        sleep(jittered(self.pauses.next()).max(asked).min(left)).await;
        Ok(then)
    }

    async fn in_time<T>(&mut self, call: impl Future<Output = T>) -> Result<T, Error> {
        let outcome = timeout_at(self.deadline, call).await;
        outcome.map_err(|_| self.give_up())
    }

    /// The time ran out: why it was not enough is the cause.
    fn give_up(&mut self) -> Error {
        let operation = if self.claim.is_ours() { CREATE } else { GET };
        let error = Error::timeout("ensure", self.budget).in_operation(Some(operation));
        match (self.stands.take(), self.failure.take()) {
            (Some(state), failure) => error.caused_by(behind(Error::failed(state), failure)),
            (None, Some(failure)) => error.caused_by(failure),
            (None, None) => error,
        }
    }

    fn bad_end(&mut self, state: String) -> Error {
        behind(Error::failed(state), self.failure.take())
    }
}

fn behind(error: Error, cause: Option<Error>) -> Error {
    match cause {
        Some(cause) => error.caused_by(cause),
        None => error,
    }
}

/// Whether a refusal says no more than that there is one of that name.
fn is_there_already(error: &Error) -> bool {
    error.is_conflict()
        || error.code() == Some("SANDBOX_ALREADY_EXISTS")
        || error.api().and_then(ApiError::reason) == Some("CREATION_IN_PROGRESS")
}

/// What can be hoped for from a sandbox in its status.
enum Prospect {
    Ready,
    Coming,
    Going,
    Dead,
    /// It is kept, but nothing brings it back by itself.
    Away,
}

impl Prospect {
    fn of(sandbox: &Sandbox) -> Self {
        match &sandbox.status {
            None | Some(Status::Deployed) => Self::Ready,
            Some(Status::Terminating | Status::Deleting | Status::Deactivating) => Self::Going,
            Some(Status::Failed | Status::Terminated | Status::Deactivated) => Self::Dead,
            Some(Status::Archived) => Self::Away,
            // Of a status without a name here, too, only time can tell.
            Some(_) => Self::Coming,
        }
    }
}

/// By what to tell a sandbox from a later one of the same name.
fn identity(sandbox: &Sandbox) -> String {
    format!("{:?} {}", sandbox.metadata.created_at, sandbox.stage())
}

fn describe(name: &str, sandbox: &Sandbox) -> String {
    match (sandbox.failure(), &sandbox.status) {
        (Some(failure), _) => format!("`{name}` {failure}"),
        (None, Some(status)) => format!("`{name}` is {status}"),
        (None, None) => format!("`{name}` has no status"),
    }
}

#[cfg(test)]
mod tests;
