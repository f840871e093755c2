//! [`Clock`], the time of a sandbox.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use blaxel_core::{BoxFuture, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::lock::lock;

/// A clock that stands still until [`advance`](Self::advance) moves it, or that follows the real
/// time.
///
/// Everything in a sandbox that depends on time uses it: times of files, the `sleep` of a shell,
/// keepalives, time limits. Clones share the same time. The real time is tokio's, so a test that
/// pauses tokio's clock pauses this one too.
///
/// ```
/// use std::time::Duration;
///
/// let clock = blaxel_guest::Clock::standing();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().duration_since(&before), Some(Duration::from_secs(60)));
/// ```
#[derive(Clone)]
pub struct Clock(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Counts the advances, so that sleepers compute their remaining time again.
    advances: watch::Sender<u64>,
}

struct State {
    /// The time since 1970-01-01T00:00:00Z, without the real time that passed since `following`.
    at: Duration,
    /// The start of following the real clock, if it does.
    following: Option<Instant>,
}

impl Clock {
    /// Creates a clock that follows the real time.
    #[must_use]
    pub fn real() -> Self {
        Self::new(SystemTime::now(), true)
    }

    /// Creates a clock that stands at the current real time until it is moved.
    #[must_use]
    pub fn standing() -> Self {
        Self::standing_at(SystemTime::now())
    }

    /// Creates a clock that stands at `start` until it is moved. A time before 1970 becomes 1970.
    #[must_use]
    pub fn standing_at(start: SystemTime) -> Self {
        Self::new(start, false)
    }

    /// Creates a clock that starts at `start` and follows the real time from there.
    #[must_use]
    pub fn real_from(start: SystemTime) -> Self {
        Self::new(start, true)
    }

    fn new(start: SystemTime, follow: bool) -> Self {
        let state = Mutex::new(State {
            at: start.duration_since(UNIX_EPOCH).unwrap_or_default(),
            following: follow.then(Instant::now),
        });
        let advances = watch::Sender::new(0);
        Self(Arc::new(Shared { state, advances }))
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        timestamp(self.since_epoch())
    }

    /// Returns the current time since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn since_epoch(&self) -> Duration {
        lock(&self.0.state).now()
    }

    /// Moves the clock forward and wakes whatever waits for a time until then.
    pub fn advance(&self, by: Duration) {
        {
            let mut state = lock(&self.0.state);
            state.at = state.at.saturating_add(by);
        }
        self.0
            .advances
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Waits until `duration` has passed on this clock.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.since_epoch().saturating_add(duration))
    }

    /// Waits until this clock shows `deadline`, a time since 1970-01-01T00:00:00Z.
    pub fn sleep_until(&self, deadline: Duration) -> Sleep {
        let clock = self.clone();
        Sleep(Box::pin(async move {
            let mut advances = clock.0.advances.subscribe();
            loop {
                advances.borrow_and_update();
                let (left, follows) = {
                    let state = lock(&clock.0.state);
                    (
                        deadline.saturating_sub(state.now()),
                        state.following.is_some(),
                    )
                };
                if left.is_zero() {
                    return;
                }
                tokio::select! {
                    // The sender lives in `clock`, so this is never an error.
                    _ = advances.changed() => {}
                    () = tokio::time::sleep(left), if follows => {}
                }
            }
        }))
    }

    /// Runs `future` for at most `limit` on this clock. Returns `None` if it did not end in time.
    pub async fn timeout<F: Future>(&self, limit: Duration, future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            output = future => Some(output),
            () = self.sleep(limit) => None,
        }
    }
}

impl State {
    fn now(&self) -> Duration {
        let followed = self
            .following
            .map_or(Duration::ZERO, |since| since.elapsed());
        self.at.saturating_add(followed)
    }
}

/// The future of [`Clock::sleep`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct Sleep(BoxFuture<()>);

impl Future for Sleep {
    type Output = ();

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sleep")
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// Converts a time since 1970-01-01T00:00:00Z into the format of the API.
pub(crate) fn timestamp(since_epoch: Duration) -> Timestamp {
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_unix(seconds, since_epoch.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_standing_clock_wakes_sleepers_only_when_it_is_moved() {
        let clock = Clock::standing();
        let mut sleep = tokio::spawn(clock.sleep(MINUTE));
        assert!(tokio::time::timeout(MINUTE * 10, &mut sleep).await.is_err());
        clock.advance(MINUTE / 2);
        assert!(tokio::time::timeout(MINUTE * 10, &mut sleep).await.is_err());
        clock.advance(MINUTE / 2);
        sleep.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_real_clock_wakes_sleepers_by_itself_and_earlier_when_it_is_moved() {
        let clock = Clock::real();
        let started = Instant::now();
        clock.sleep(MINUTE).await;
        assert!(started.elapsed() >= MINUTE);
        let sleep = tokio::spawn(clock.sleep(MINUTE));
        tokio::task::yield_now().await;
        clock.advance(MINUTE);
        let started = Instant::now();
        sleep.await.unwrap();
        assert!(started.elapsed() < MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_runs_on_the_clock() {
        let clock = Clock::real();
        let waited = clock.timeout(MINUTE, std::future::pending::<()>()).await;
        assert_eq!(waited, None);
        assert_eq!(clock.timeout(MINUTE, async { 1 }).await, Some(1));
    }
}
