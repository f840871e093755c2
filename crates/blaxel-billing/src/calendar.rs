//! Steps of time: hours, days, weeks and months in UTC, in seconds since 1970.

use std::time::Duration;

use blaxel_core::{Timestamp, open_enum};

pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
/// 1970-01-01 was a Thursday; this is the Monday before it.
const FIRST_MONDAY: i64 = -3 * DAY;

/// A point in time: seconds since 1970, and nanoseconds within the second.
pub(crate) type Moment = (i64, u32);

open_enum! {
    /// The length of the steps in a time series.
    pub enum Resolution {
        /// An hour; for windows of up to 7 days.
        Hourly = "hourly",
        /// A day; for windows of up to 90 days.
        Daily = "daily",
        /// A week; for windows of up to a year.
        Weekly = "weekly",
        /// A month; for windows of any length.
        Monthly = "monthly",
    }
}

impl Resolution {
    /// Returns the longest window that the server accepts with this resolution, or `None` if there is no
    /// limit. A year counts as 366 days, so that a leap year is not refused.
    #[must_use]
    pub fn longest_window(&self) -> Option<Duration> {
        let days = |days: u64| Duration::from_secs(days * DAY.unsigned_abs());
        match self {
            Self::Hourly => Some(days(7)),
            Self::Daily => Some(days(90)),
            Self::Weekly => Some(days(366)),
            Self::Monthly | Self::Other(_) => None,
        }
    }

    /// Returns the start of the step that contains `second`. Weeks begin on Monday.
    pub(crate) fn floor(&self, second: i64) -> Option<i64> {
        let grid = |step: i64, origin: i64| second - (second - origin).rem_euclid(step);
        match self {
            Self::Hourly => Some(grid(HOUR, 0)),
            Self::Daily => Some(grid(DAY, 0)),
            Self::Weekly => Some(grid(WEEK, FIRST_MONDAY)),
            Self::Monthly => month_start(month_at(second)?),
            Self::Other(_) => None,
        }
    }

    /// Returns the start of the step that lies `steps` steps later, or earlier if negative. `second` need not be
    /// the start of a calendar step.
    pub(crate) fn step_from(&self, second: i64, steps: i64) -> Option<i64> {
        match self {
            Self::Hourly => second.checked_add(steps * HOUR),
            Self::Daily => second.checked_add(steps * DAY),
            Self::Weekly => second.checked_add(steps * WEEK),
            Self::Monthly => {
                let month = month_at(second)?;
                let within = second - month_start(month)?;
                // A month-long step that begins late in its month begins equally late in all others, or at their
                // last second if they are shorter.
                // they are that long.
                let length = month_start(month + steps + 1)? - month_start(month + steps)?;
                month_start(month + steps)?.checked_add(within.min(length - 1))
            }
            Self::Other(_) => None,
        }
    }
}

/// Returns the number of months from the year 0 to the month that contains `second`.
fn month_at(second: i64) -> Option<i64> {
    let (year, month, _) = Timestamp::from_unix(second, 0).date()?;
    Some(year * 12 + i64::from(month) - 1)
}

/// Returns the number of months from the year 0 to `moment`, if a month begins exactly then.
pub(crate) fn month_begun((second, nanos): Moment) -> Option<i64> {
    let month = month_at(second)?;
    (nanos == 0 && month_start(month)? == second).then_some(month)
}

/// Returns the second at which a month begins; the inverse of [`month_at`].
pub(crate) fn month_start(month: i64) -> Option<i64> {
    let year = u16::try_from(month.div_euclid(12)).ok()?;
    let of_year = u8::try_from(month.rem_euclid(12) + 1).ok()?;
    let (second, _) = Timestamp::from_date(year, of_year, 1)?.unix()?;
    Some(second)
}

/// Converts a point in time to a [`Timestamp`].
pub(crate) fn timestamp((second, nanos): Moment) -> Timestamp {
    Timestamp::from_unix(second, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn second(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().unix().unwrap().0
    }

    #[test]
    fn steps_follow_the_calendar() {
        let moment = second("2026-04-23T13:45:10Z");
        for (resolution, floor, next) in [
            (
                Resolution::Hourly,
                "2026-04-23T13:00:00Z",
                "2026-04-23T14:00:00Z",
            ),
            (
                Resolution::Daily,
                "2026-04-23T00:00:00Z",
                "2026-04-24T00:00:00Z",
            ),
            (
                Resolution::Weekly,
                "2026-04-20T00:00:00Z",
                "2026-04-27T00:00:00Z",
            ),
            (
                Resolution::Monthly,
                "2026-04-01T00:00:00Z",
                "2026-05-01T00:00:00Z",
            ),
        ] {
            assert_eq!(
                resolution.floor(moment),
                Some(second(floor)),
                "{resolution}"
            );
            assert_eq!(
                resolution.step_from(second(floor), 1),
                Some(second(next)),
                "{resolution}"
            );
            assert_eq!(
                resolution.step_from(second(next), -1),
                Some(second(floor)),
                "{resolution}"
            );
        }
        let odd = Resolution::from("fortnightly");
        assert_eq!((odd.floor(moment), odd.step_from(moment, 1)), (None, None));
        let last = second("2026-01-31T00:00:00Z");
        assert_eq!(
            Resolution::Monthly
                .step_from(last, 1)
                .map(|late| timestamp((late, 0)).to_string()),
            Some("2026-02-28T23:59:59Z".to_owned())
        );
    }

    proptest! {
        #[test]
        fn every_moment_lies_between_the_start_of_its_step_and_the_next(moment in 0i64..4_000_000_000) {
            for resolution in [
                Resolution::Hourly,
                Resolution::Daily,
                Resolution::Weekly,
                Resolution::Monthly,
            ] {
                let floor = resolution.floor(moment).unwrap();
                let next = resolution.step_from(floor, 1).unwrap();
                prop_assert!(floor <= moment && moment < next, "{}", resolution);
                prop_assert_eq!(resolution.floor(floor), Some(floor));
                prop_assert_eq!(resolution.floor(next), Some(next));
                prop_assert_eq!(resolution.floor(next - 1), Some(floor));
            }
        }
    }
}
