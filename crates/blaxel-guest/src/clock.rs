//! [`Clock`], the time of a sandbox.

mod standby;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use blaxel_core::{BoxFuture, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;

pub use self::standby::Awake;
use self::standby::Standby;
use crate::lock::lock;

/// A clock that stands still until [`advance`](Self::advance) moves it, or that follows the real
/// time, as fast or a number of times faster.
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
pub struct Clock {
    time: Arc<Shared>,
    standby: Option<Arc<Standby>>,
}

struct Shared {
    state: Mutex<State>,
    /// Counts the advances, so that sleepers compute their remaining time again.
    advances: watch::Sender<u64>,
    uses: Mutex<MachineUses>,
}

/// The uses of all machines whose clocks share a time. Equal ones without a current use mean that no
/// machine was used in between.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MachineUses {
    begun: u64,
    ended: u64,
}

impl MachineUses {
    /// Returns `true` if a machine is used now.
    #[must_use]
    pub fn are_current(self) -> bool {
        self.begun != self.ended
    }
}

struct State {
    /// The time since 1970-01-01T00:00:00Z, without the real time that passed since `following`.
    at: Duration,
    /// The start of following the real clock.
    following: Instant,
    /// The number of seconds that pass in one real second. 0 if the clock stands still.
    rate: u32,
}

impl Clock {
    /// Creates a clock that follows the real time.
    #[must_use]
    pub fn real() -> Self {
        Self::new(SystemTime::now(), 1)
    }

    /// Creates a clock that stands at the current real time until it is moved.
    #[must_use]
    pub fn standing() -> Self {
        Self::standing_at(SystemTime::now())
    }

    /// Creates a clock that stands at `start` until it is moved. A time before 1970 becomes 1970.
    #[must_use]
    pub fn standing_at(start: SystemTime) -> Self {
        Self::new(start, 0)
    }

    /// Creates a clock that starts at `start` and follows the real time from there.
    #[must_use]
    pub fn real_from(start: SystemTime) -> Self {
        Self::new(start, 1)
    }

    /// Creates a clock that starts at `start` and is `rate` times as fast as the real time. It stands
    /// still if that is 0.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use blaxel_guest::Clock;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let clock = Clock::fast_from(SystemTime::now(), 3600);
    /// let started = tokio::time::Instant::now();
    /// clock.sleep(Duration::from_secs(24 * 3600)).await;
    /// assert!(started.elapsed() < Duration::from_secs(25));
    /// # }
    /// ```
    #[must_use]
    pub fn fast_from(start: SystemTime, rate: u32) -> Self {
        Self::new(start, rate)
    }

    fn new(start: SystemTime, rate: u32) -> Self {
        let state = Mutex::new(State {
            at: start.duration_since(UNIX_EPOCH).unwrap_or_default(),
            following: Instant::now(),
            rate,
        });
        let advances = watch::Sender::new(0);
        Self {
            time: Arc::new(Shared {
                state,
                advances,
                uses: Mutex::default(),
            }),
            standby: None,
        }
    }

    /// Returns a clock with the same time for one machine, which goes on standby when it was not
    /// used for the time `after`. It was last used at `last_use`, a time since
    /// 1970-01-01T00:00:00Z.
    ///
    /// While the machine is on standby, its sleeps stand still: a process that sleeps for a minute
    /// goes on when the machine was awake for a minute. [`stay_awake`](Self::stay_awake) wakes it
    /// up.
    ///
    /// ```
    /// use std::time::Duration;
    /// use blaxel_guest::Clock;
    ///
    /// let clock = Clock::standing();
    /// let machine = clock.with_standby(Duration::from_secs(15), clock.since_epoch());
    /// clock.advance(Duration::from_secs(15));
    /// assert!(machine.is_on_standby());
    /// let awake = machine.stay_awake();
    /// assert!(!machine.is_on_standby());
    /// # drop(awake);
    /// ```
    #[must_use]
    pub fn with_standby(&self, after: Duration, last_use: Duration) -> Self {
        Self {
            time: Arc::clone(&self.time),
            standby: Some(Arc::new(Standby::new(after, last_use))),
        }
    }

    /// Keeps the machine of this clock awake until the result is dropped, and wakes it up if it is on
    /// standby. A clock without standby is not affected.
    pub fn stay_awake(&self) -> Awake {
        Awake::new(self.clone())
    }

    /// Returns `true` if the machine of this clock is on standby.
    #[must_use]
    pub fn is_on_standby(&self) -> bool {
        let now = self.since_epoch();
        let standby = self.standby.as_ref();
        standby.is_some_and(|standby| standby.is_on(now))
    }

    /// Returns the time since 1970-01-01T00:00:00Z at which the machine of this clock was last used.
    /// It is the current time while something keeps it awake, and for a clock without standby.
    #[must_use]
    pub fn last_use(&self) -> Duration {
        let now = self.since_epoch();
        let standby = self.standby.as_ref();
        standby.map_or(now, |standby| standby.last_use(now))
    }

    /// Returns the uses of all machines whose clocks share this time.
    #[doc(hidden)]
    #[must_use]
    pub fn machine_uses(&self) -> MachineUses {
        *lock(&self.time.uses)
    }

    /// Returns `true` if the machine of this clock may go on standby.
    pub(crate) fn has_standby(&self) -> bool {
        self.standby.is_some()
    }

    /// Waits until the machine of this clock is on standby. Without standby it never completes.
    pub(crate) async fn until_standby(&self) {
        let Some(standby) = &self.standby else {
            return std::future::pending().await;
        };
        let mut advances = self.time.advances.subscribe();
        let mut ends = standby.ends();
        loop {
            advances.borrow_and_update();
            ends.borrow_and_update();
            let (now, rate) = self.time();
            let left = standby.left(now);
            if left.is_some_and(|left| left.is_zero()) {
                return;
            }
            tokio::select! {
                _ = advances.changed() => {}
                _ = ends.changed() => {}
                // Created only if it is needed, since it needs a runtime with timers.
                () = async { tokio::time::sleep(real(left.unwrap_or_default(), rate)).await },
                    if rate > 0 && left.is_some() => {}
            }
        }
    }

    /// Waits until the machine of this clock is not on standby.
    pub(crate) async fn until_awake(&self) {
        let Some(standby) = &self.standby else {
            return;
        };
        let mut wakes = standby.wakes();
        loop {
            wakes.borrow_and_update();
            if !self.is_on_standby() {
                return;
            }
            // The sender lives in `self`, so this is never an error.
            let _ = wakes.changed().await;
        }
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        timestamp(self.since_epoch())
    }

    /// Returns the current time since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn since_epoch(&self) -> Duration {
        lock(&self.time.state).now()
    }

    /// Moves the clock forward and wakes whatever waits for a time until then.
    pub fn advance(&self, by: Duration) {
        {
            let mut state = lock(&self.time.state);
            state.at = state.at.saturating_add(by);
        }
        self.time
            .advances
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Sets the clock to a time since 1970-01-01T00:00:00Z, also an earlier one. It goes on from there, if it
    /// follows the real time. What waits for a time goes on waiting for that time.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let clock = blaxel_guest::Clock::standing();
    /// clock.set(Duration::from_secs(60));
    /// assert_eq!(clock.now().as_str(), "1970-01-01T00:01:00Z");
    /// ```
    pub fn set(&self, time: Duration) {
        {
            let mut state = lock(&self.time.state);
            (state.at, state.following) = (time, Instant::now());
        }
        self.time
            .advances
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Waits until `duration` has passed on this clock.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        let (passed, _) = self.passed();
        self.wait(passed.saturating_add(duration))
    }

    /// Waits until this clock shows `deadline`, a time since 1970-01-01T00:00:00Z, or longer if the
    /// machine is on standby meanwhile.
    pub fn sleep_until(&self, deadline: Duration) -> Sleep {
        self.sleep(deadline.saturating_sub(self.since_epoch()))
    }

    /// Waits until so much time has passed for the machine of this clock.
    fn wait(&self, deadline: Duration) -> Sleep {
        let clock = self.clone();
        Sleep(Box::pin(async move {
            let mut advances = clock.time.advances.subscribe();
            let mut wakes = clock.standby.as_ref().map(|standby| standby.wakes());
            loop {
                advances.borrow_and_update();
                if let Some(wakes) = &mut wakes {
                    wakes.borrow_and_update();
                }
                let (passed, rate) = clock.passed();
                let left = deadline.saturating_sub(passed);
                if left.is_zero() {
                    return;
                }
                let woken = async {
                    match &mut wakes {
                        // The senders live in `clock`, so this is never an error.
                        Some(wakes) => drop(wakes.changed().await),
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    _ = advances.changed() => {}
                    () = woken => {}
                    // Created only if it is needed, since it needs a runtime with timers.
                    () = async { tokio::time::sleep(real(left, rate)).await }, if rate > 0 => {}
                }
            }
        }))
    }

    /// Returns the time that has passed for the machine of this clock, and the rate at which it
    /// passes without [`advance`](Self::advance).
    fn passed(&self) -> (Duration, u32) {
        let (now, rate) = self.time();
        match &self.standby {
            None => (now, rate),
            Some(standby) if standby.is_on(now) => (standby.passed(now), 0),
            Some(standby) => (standby.passed(now), rate),
        }
    }

    /// Returns the time since 1970-01-01T00:00:00Z, and the rate at which it passes without
    /// [`advance`](Self::advance).
    fn time(&self) -> (Duration, u32) {
        let state = lock(&self.time.state);
        (state.now(), state.rate)
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
        let followed = match self.rate {
            // The real clock is not asked.
            0 => Duration::ZERO,
            rate => self.following.elapsed().saturating_mul(rate),
        };
        self.at.saturating_add(followed)
    }
}

/// Returns the real time in which so much time passes, rounded up, so that it has passed then.
fn real(duration: Duration, rate: u32) -> Duration {
    let exact = duration.checked_div(rate).unwrap_or(Duration::MAX);
    exact.saturating_add(Duration::from_nanos(u64::from(rate > 1)))
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
    async fn a_fast_clock_wakes_sleepers_in_a_part_of_the_time() {
        for rate in [1, 2, 7, 60, 86_400] {
            let clock = Clock::fast_from(SystemTime::now(), rate);
            let (started, before) = (Instant::now(), clock.since_epoch());
            clock.sleep(MINUTE * 60).await;
            assert!(clock.since_epoch() - before >= MINUTE * 60, "{rate}");
            // The timers of the runtime have a resolution of a millisecond.
            let expected = MINUTE * 60 / rate;
            let took = started.elapsed();
            assert!(took >= expected, "{rate}: {took:?}");
            assert!(
                took <= expected + Duration::from_millis(2),
                "{rate}: {took:?}"
            );
        }
        let clock = Clock::fast_from(SystemTime::now(), 60);
        let sleep = tokio::spawn(clock.sleep(MINUTE));
        tokio::task::yield_now().await;
        clock.advance(MINUTE);
        let started = Instant::now();
        sleep.await.unwrap();
        assert!(started.elapsed() < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_stands_still_while_its_machine_is_on_standby() {
        for clock in [Clock::standing(), Clock::real()] {
            let machine = clock.with_standby(MINUTE / 4, clock.since_epoch());
            let mut sleep = tokio::spawn(machine.sleep(MINUTE));
            clock.advance(MINUTE * 10);
            assert!(machine.is_on_standby());
            assert!(tokio::time::timeout(MINUTE, &mut sleep).await.is_err());
            let awake = machine.stay_awake();
            clock.advance(MINUTE * 3 / 4 - Duration::from_secs(1));
            let soon = Duration::from_millis(900);
            assert!(tokio::time::timeout(soon, &mut sleep).await.is_err());
            clock.advance(Duration::from_secs(1));
            sleep.await.unwrap();
            drop(awake);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_goes_on_standby_when_its_last_use_has_ended() {
        let clock = Clock::standing();
        let start = clock.since_epoch();
        let machine = clock.with_standby(MINUTE, start);
        let uses = [machine.stay_awake(), machine.stay_awake()];
        clock.advance(MINUTE * 2);
        assert_eq!(machine.last_use(), start + MINUTE * 2);
        let [first, last] = uses;
        drop(first);
        clock.advance(MINUTE);
        assert!(!machine.is_on_standby());
        drop(last);
        clock.advance(MINUTE - Duration::from_secs(1));
        assert!(!machine.is_on_standby());
        clock.advance(Duration::from_secs(1));
        assert!(machine.is_on_standby());
        assert_eq!(machine.last_use(), start + MINUTE * 3);
        assert!(!clock.is_on_standby(), "it has no standby");
    }

    #[tokio::test(start_paused = true)]
    async fn standby_and_its_end_can_be_waited_for() {
        for clock in [Clock::standing(), Clock::real()] {
            let machine = clock.with_standby(MINUTE, clock.since_epoch());
            let awake = machine.stay_awake();
            let waiting = machine.clone();
            let mut standby = tokio::spawn(async move { waiting.until_standby().await });
            clock.advance(MINUTE * 10);
            let soon = Duration::from_millis(10);
            assert!(tokio::time::timeout(soon, &mut standby).await.is_err());
            drop(awake);
            assert!(tokio::time::timeout(soon, &mut standby).await.is_err());
            clock.advance(MINUTE);
            standby.await.unwrap();
            let waiting = machine.clone();
            let mut end = tokio::spawn(async move { waiting.until_awake().await });
            clock.advance(MINUTE);
            assert!(tokio::time::timeout(soon, &mut end).await.is_err());
            let awake = machine.stay_awake();
            end.await.unwrap();
            drop(awake);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn standby_comes_by_itself_if_the_time_passes_by_itself() {
        let clock = Clock::real();
        let machine = clock.with_standby(MINUTE, clock.since_epoch());
        let started = Instant::now();
        machine.until_standby().await;
        assert!(started.elapsed() >= MINUTE && machine.is_on_standby());
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_runs_on_the_clock() {
        let clock = Clock::real();
        let waited = clock.timeout(MINUTE, std::future::pending::<()>()).await;
        assert_eq!(waited, None);
        assert_eq!(clock.timeout(MINUTE, async { 1 }).await, Some(1));
    }
}
