//! [`RunningBuild`]: a build that is followed to its end.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use blaxel_core::__private::{ErrorParts, later};
use blaxel_core::{BoxFuture, Error, HttpService};
use futures_core::Stream;
use tokio::time::{Instant, sleep_until};

use super::log::{Log, Tail};
use super::settings::StatusCallback;
use crate::collection::Collection;
use crate::logs::LogEntry;
use crate::metadata::{Event, Status};
use crate::wait::{Wait, Watched};

/// The time after the end of a build at which its log is read for the last time, because entries arrive late.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// A kind whose builds can be followed.
pub trait Buildable: Watched {
    /// Returns `true` if the build is complete, and the resource can be used.
    fn is_built(&self) -> bool;

    /// Returns the events of the resource, oldest first.
    fn events(&self) -> &[Event];
}

/// A build on the platform, with its log. It is the result of [`Collection::build`], and continues if it is
/// dropped.
///
/// [`try_next`](Self::try_next) returns the log while the build runs; it is also a `Stream`.
/// [`finish`](Self::finish) waits for the end of the build and returns the resource. Nothing is requested before it
/// is asked for an entry. It needs a tokio runtime with timers.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # use blaxel_management::{Collection, sandboxes::Sandbox};
/// # async fn example(sandboxes: Collection<Sandbox, impl HttpService>) -> Result<(), Error> {
/// use blaxel_management::image_builder::{ImageBuild, ImageDefinition};
///
/// let image = ImageDefinition::from_registry("python:3.12-slim").run("pip install numpy");
/// let mut build = sandboxes.build(&Sandbox::new("dev"), &ImageBuild::new(image)).await?;
/// while let Some(entry) = build.try_next().await? {
///     println!("{}", entry.message.unwrap_or_default());
/// }
/// let sandbox = build.finish().await?;
/// # let _ = sandbox;
/// # Ok(())
/// # }
/// ```
///
/// [`Collection::build`]: crate::Collection::build
#[must_use = "the build is followed only when it is asked for its log or its end"]
pub struct RunningBuild<R, S> {
    /// The mutex only makes the state `Sync`. It is never locked.
    state: Mutex<State<R, S>>,
    is_unchanged: bool,
    log_error: Option<Error>,
}

/// The state after a step, and the outcome of the step.
type Step<R, S> = (Box<Follow<R, S>>, Result<Option<LogEntry>, Error>);

enum State<R, S> {
    Idle(Box<Follow<R, S>>),
    /// The state is in the future, which survives a dropped `try_next`.
    Busy(BoxFuture<Step<R, S>>),
    Ended(Result<R, Error>),
    /// Only while the state is replaced.
    Taken,
}

impl<R: Buildable, S: HttpService> RunningBuild<R, S> {
    pub(super) fn new(follow: Follow<R, S>) -> Self {
        Self {
            state: Mutex::new(State::Idle(Box::new(follow))),
            is_unchanged: false,
            log_error: None,
        }
    }

    /// Creates the outcome of a build that is not necessary.
    pub(super) fn unchanged(resource: R) -> Self {
        Self {
            state: Mutex::new(State::Ended(Ok(resource))),
            is_unchanged: true,
            log_error: None,
        }
    }

    /// Returns `true` if nothing is built, because the resource was built from the same definition before.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.is_unchanged
    }

    /// Returns the error for which the log is not read any more, after several failures to read it. The build is
    /// followed without it.
    #[must_use]
    pub fn log_error(&self) -> Option<&Error> {
        self.log_error.as_ref()
    }

    /// Returns the next entry of the log, or `None` after the end of a successful build.
    ///
    /// Entries are in the order of their times, as far as they have arrived. If the log cannot be read, the build is
    /// followed without it. It is cancel safe: a future that is dropped before it completes loses no entry.
    ///
    /// # Errors
    ///
    /// [`Error::is_failed`] if the build fails; its cause is a [`BuildFailure`](super::BuildFailure) with the end of
    /// the log. [`Error::is_timeout`] after too long a time without a change ([`Wait::inactivity`]); otherwise the
    /// permanent error of a request. After an error there are no more entries.
    pub async fn try_next(&mut self) -> Result<Option<LogEntry>, Error> {
        poll_fn(|cx| self.poll_entry(cx)).await.transpose()
    }

    /// Waits for the end of the build and returns the resource. Entries of the log that were not read are dropped.
    ///
    /// # Errors
    ///
    /// Those of [`try_next`](Self::try_next).
    pub async fn finish(mut self) -> Result<R, Error> {
        while self.try_next().await?.is_some() {}
        let state = self.state.into_inner();
        match state.unwrap_or_else(PoisonError::into_inner) {
            State::Ended(outcome) => outcome,
            // Not reached: the loop ends with an outcome.
            _ => Err(Error::failed("the build has no outcome")),
        }
    }

    fn poll_entry(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<LogEntry, Error>>> {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let State::Idle(_) = state
            && let State::Idle(mut follow) = std::mem::replace(state, State::Taken)
        {
            *state = State::Busy(Box::pin(async move {
                let outcome = follow.next().await;
                (follow, outcome)
            }));
        }
        let State::Busy(busy) = state else {
            return Poll::Ready(None);
        };
        let (follow, outcome) = ready!(busy.as_mut().poll(cx));
        self.log_error = follow.log.error().cloned();
        *state = match &outcome {
            Ok(Some(_)) => State::Idle(follow),
            Ok(None) => State::Ended(follow.into_outcome()),
            Err(error) => State::Ended(Err(error.clone())),
        };
        Poll::Ready(outcome.transpose())
    }
}

impl<R: Buildable, S: HttpService> Stream for RunningBuild<R, S> {
    type Item = Result<LogEntry, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_entry(cx)
    }
}

impl<R, S> fmt::Debug for RunningBuild<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningBuild")
            .field("is_unchanged", &self.is_unchanged)
            .finish_non_exhaustive()
    }
}

/// The state before a build, from which its end is told apart.
pub(super) struct Before {
    last_event: Option<Event>,
    /// `true` if the resource was seen in a state of the new build.
    pub(super) has_begun: bool,
}

impl Before {
    /// Creates the state from the resource before the build, or `None` if there was none.
    pub(super) fn new<R: Buildable>(before: Option<&R>) -> Self {
        Self {
            last_event: before.and_then(|before| before.events().last().cloned()),
            has_begun: before.is_none(),
        }
    }
}

/// Work that is done once after a successful build. Its error is ignored.
pub(super) type AtEnd<R> = Box<dyn FnOnce(R) -> BoxFuture<R> + Send>;

/// A build that is polled, with its log.
pub(super) struct Follow<R, S> {
    pub(super) collection: Collection<R, S>,
    pub(super) name: String,
    pub(super) wait: Wait,
    pub(super) before: Before,
    pub(super) log: Log<S>,
    pub(super) tail: Tail,
    /// `true` if the resource appears only some time after the upload.
    pub(super) appears_late: bool,
    pub(super) at_end: Option<AtEnd<R>>,
    pub(super) on_status: Option<StatusCallback>,
    pub(super) progress: Progress<R>,
}

/// The progress of polling.
pub(super) struct Progress<R> {
    entries: VecDeque<LogEntry>,
    start: Instant,
    next_poll: Instant,
    last_stage: Option<String>,
    last_status: Option<String>,
    changed_at: Instant,
    /// The outcome of the build, and the time of the last look at its log.
    end: Option<(Result<R, Error>, Instant)>,
    is_complete: bool,
}

impl<R> Progress<R> {
    /// Creates the progress of a build that begins now.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            entries: VecDeque::new(),
            start: now,
            next_poll: now,
            last_stage: None,
            last_status: None,
            changed_at: now,
            end: None,
            is_complete: false,
        }
    }
}

impl<R: Buildable, S: HttpService> Follow<R, S> {
    async fn next(&mut self) -> Result<Option<LogEntry>, Error> {
        loop {
            if let Some(entry) = self.progress.entries.pop_front() {
                self.tail.push(&entry);
                return Ok(Some(entry));
            }
            if !self.progress.is_complete {
                self.step().await?;
                continue;
            }
            return match &self.progress.end {
                Some((Err(error), _)) => {
                    let error = error.clone();
                    Err(error.caused_by(self.tail.failure()))
                }
                _ => Ok(None),
            };
        }
    }

    fn into_outcome(self) -> Result<R, Error> {
        let end = self.progress.end.map(|(outcome, _)| outcome);
        end.unwrap_or_else(|| Err(Error::failed("the build has no outcome")))
    }

    /// Waits for the next look at the build and its log, and takes it.
    async fn step(&mut self) -> Result<(), Error> {
        if let Some((_, last_look)) = &self.progress.end {
            sleep_until(*last_look).await;
            let entries = self.log.read().await;
            self.progress.entries.extend(entries);
            self.progress.is_complete = true;
            return Ok(());
        }
        sleep_until(self.progress.next_poll).await;
        let end = self.poll().await?;
        let entries = self.log.read().await;
        self.progress.entries.extend(entries);
        self.progress.next_poll = later(Instant::now(), self.wait.every);
        if let Some(end) = end {
            let end = match (end, self.at_end.take()) {
                (Ok(resource), Some(at_end)) => Ok(at_end(resource).await),
                (end, _) => end,
            };
            self.progress.end = Some((end, later(Instant::now(), LAST_LOOK)));
        }
        Ok(())
    }

    /// Looks at the resource, and returns the outcome if the build has ended.
    async fn poll(&mut self) -> Result<Option<Result<R, Error>>, Error> {
        match self.collection.get(&self.name).await {
            Ok(resource) => {
                self.note_status(resource.status());
                let stage = resource.stage();
                if self.progress.last_stage.as_ref() != Some(&stage) {
                    self.progress.last_stage = Some(stage);
                    self.progress.changed_at = Instant::now();
                }
                if let Some(end) = self.end_of(resource) {
                    return Ok(Some(end));
                }
            }
            Err(error) if error.is_not_found() && self.appears_late => {}
            Err(error) if error.is_not_found() => {
                let message = format!("`{}` does not exist", self.name);
                return Err(Error::failed(message).caused_by(error));
            }
            // A build takes minutes, and one lost poll says nothing about it.
            Err(error) if error.is_transient() => {}
            Err(error) => return Err(error),
        }
        if self.progress.changed_at.elapsed() >= self.wait.inactivity {
            let status = self.progress.last_status.as_deref();
            let state = status.unwrap_or("without a status");
            let unchanged = Error::failed(format!("`{}` is still {state}", self.name));
            let timeout = Error::timeout("wait for a build", self.wait.inactivity);
            return Err(timeout.caused_by(unchanged));
        }
        Ok(None)
    }

    /// Records the status, and reports it if it is new.
    fn note_status(&mut self, status: Option<&str>) {
        if self.progress.last_status.as_deref() == status {
            return;
        }
        self.progress.last_status = status.map(str::to_owned);
        if let (Some(status), Some(callback)) = (status, &self.on_status) {
            callback(&Status::from(status));
        }
    }

    /// Returns the outcome that a resource shows, if it is that of this build.
    fn end_of(&mut self, resource: R) -> Option<Result<R, Error>> {
        let failure = resource.failure();
        let is_built = resource.is_built();
        if failure.is_none() && !is_built {
            self.before.has_begun = true;
            return None;
        }
        if !self.before.has_begun && !self.shows_new_end(&resource) {
            return None;
        }
        Some(match failure {
            Some(failure) => Err(Error::failed(format!("`{}` {failure}", self.name))),
            None => Ok(resource),
        })
    }

    /// Returns `true` if the final state of a resource is not the one before the build: its last event is new and
    /// has that state, or the old state has lasted longer than a new build needs to begin.
    fn shows_new_end(&self, resource: &R) -> bool {
        let last = resource.events().last();
        let has_new_event = last.is_some_and(|last| {
            let status = last.status.as_ref().map(Status::as_str);
            Some(last) != self.before.last_event.as_ref() && status == resource.status()
        });
        has_new_event || self.progress.start.elapsed() >= self.wait.settling
    }
}
