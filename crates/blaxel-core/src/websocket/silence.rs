//! [`Silence`], the limit on the time without progress.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use crate::later::later;
use tokio::time::{Instant, Sleep, sleep_until};

/// A limit on the time without progress. Half of it passes before it asks for a sign of life.
pub(super) struct Silence {
    limit: Option<Duration>,
    /// The measure of progress at the last look.
    count: u64,
    /// `true` in the second half of the limit.
    asked: bool,
    /// `None` until the first wait.
    sleep: Option<Pin<Box<Sleep>>>,
}

/// The state of a [`Silence`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The limit has not expired.
    Wait,
    /// Half of the limit has passed. This is returned once.
    Ask,
    /// The limit has expired.
    Over(Duration),
}

impl Silence {
    pub(super) fn new(limit: Option<Duration>) -> Self {
        Self {
            limit,
            count: 0,
            asked: false,
            sleep: None,
        }
    }

    /// Looks at the clock. Any change of `count` is progress, and begins a new wait.
    ///
    /// It panics in a runtime without timers, as tokio does.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, count: u64) -> Step {
        let Some(limit) = self.limit else {
            return Step::Wait;
        };
        let half = limit.checked_div(2).unwrap_or(limit);
        let end = || later(Instant::now(), half);
        if self.count != count {
            self.count = count;
            self.asked = false;
            if let Some(sleep) = &mut self.sleep {
                sleep.as_mut().reset(end());
            }
        }
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(end())));
        if sleep.as_mut().poll(cx).is_pending() {
            return Step::Wait;
        }
        if self.asked {
            return Step::Over(limit);
        }
        self.asked = true;
        sleep.as_mut().reset(end());
        // Registers the task for the second half, which has just begun.
        let _ = sleep.as_mut().poll(cx);
        Step::Ask
    }
}
