//! [`Ticker`], a regular point in time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::clock::{Clock, Sleep};

/// Ticks once in each period of a clock. Ticks that nobody waited for are not made up for.
pub(super) struct Ticker {
    clock: Clock,
    period: Duration,
    sleep: Sleep,
}

impl Ticker {
    pub(super) fn new(clock: &Clock, period: Duration) -> Self {
        Self {
            clock: clock.clone(),
            period,
            sleep: clock.sleep(period),
        }
    }

    pub(super) fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(Pin::new(&mut self.sleep).poll(cx));
        self.sleep = self.clock.sleep(self.period);
        Poll::Ready(())
    }
}
