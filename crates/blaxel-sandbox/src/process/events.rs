//! [`Events`]: the events of a process as a stream.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use blaxel_core::{BoxFuture, Error, HttpService};
use futures_core::Stream;

use super::event::{Event, Position};
use super::follow::Follow;
use super::limit::Limit;

/// The output and the end of a process, from its start or from a stored [`Position`].
///
/// The output is exact: it is what the process has written, byte by byte, also across lost connections, standby and
/// restarts of the sandbox's API. Where that is impossible, a [`Gap`](super::Gap) says so. Chunks are of any size, and
/// are not lines. The order within each stream is that of the process; the order between the two is the server's.
///
/// Nothing is read before an event is requested, and no more than that: a slow reader holds the server back, and
/// memory holds one chunk. It needs a tokio runtime with timers. Dropping it does nothing to the process.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
/// use blaxel_sandbox::process::Event;
///
/// let mut events = sandbox.process("web").follow();
/// while let Some(event) = events.try_next().await? {
///     match event {
///         Event::Stdout(bytes) | Event::Stderr(bytes) => print!("{}", String::from_utf8_lossy(&bytes)),
///         Event::Exited(status) => println!("{status}"),
///         other => println!("{other:?}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "the output is read only when events are requested"]
pub struct Events<S> {
    /// The mutex only makes the state `Sync`, so that a future which holds a reference to a child is `Send`. It is
    /// never locked.
    state: Mutex<State<S>>,
    position: Position,
}

/// The state after a step, and the outcome of the step.
type Step<S> = (Box<Inner<S>>, Result<Option<Event>, Error>);

enum State<S> {
    Idle(Box<Inner<S>>),
    /// The state is in the future, which survives a dropped `try_next`.
    Busy(BoxFuture<Step<S>>),
    Ended,
}

struct Inner<S> {
    follow: Follow<S>,
    limit: Limit<S>,
}

impl<S: HttpService> Events<S> {
    pub(super) fn new(follow: Follow<S>, limit: Limit<S>) -> Self {
        Self {
            position: follow.position(),
            state: Mutex::new(State::Idle(Box::new(Inner { follow, limit }))),
        }
    }

    /// Returns the next event, or `None` after [`Event::Exited`].
    ///
    /// It is cancel safe: a future that is dropped before it completes loses no event.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the server does not know the process any more; its exit status is then unknown.
    /// [`Error::is_transient`] if the sandbox cannot be reached for 5 minutes; the process can be followed again from
    /// [`position`](Self::position). [`Error::is_timeout`] if the time limit of a [`Child`](super::Child) has expired.
    /// After an error there are no more events.
    pub async fn try_next(&mut self) -> Result<Option<Event>, Error> {
        poll_fn(|cx| self.poll_event(cx)).await.transpose()
    }

    /// Returns the position after the last event, from which the process can be
    /// [followed](super::Process::follow_from) later.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let State::Idle(_) = state
            && let State::Idle(mut inner) = std::mem::replace(state, State::Ended)
        {
            *state = State::Busy(Box::pin(async move {
                let Inner { follow, limit } = &mut *inner;
                let outcome = limit.run(pin!(follow.next())).await;
                (inner, outcome)
            }));
        }
        let State::Busy(busy) = state else {
            return Poll::Ready(None);
        };
        let (inner, outcome) = ready!(busy.as_mut().poll(cx));
        self.position = inner.follow.position();
        *state = match &outcome {
            Ok(Some(_)) => State::Idle(inner),
            _ => State::Ended,
        };
        Poll::Ready(outcome.transpose())
    }
}

impl<S: HttpService> Stream for Events<S> {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_event(cx)
    }
}

impl<S> fmt::Debug for Events<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
