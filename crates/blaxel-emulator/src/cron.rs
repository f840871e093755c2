//! Cron expressions of five fields, in UTC, and the times at which they are due.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::clock::timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// The longest time between two leap days, in days.
const YEARS: u64 = 8 * 366;

/// An expression such as `0 8 * * 1-5`: minute, hour, day of the month, month, day of the week.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cron {
    minutes: Set,
    hours: Set,
    days: Set,
    months: Set,
    weekdays: Set,
    /// Set if a day must match both the month's days and the weekdays. If both fields are
    /// restricted, either match is enough, as is usual for cron.
    both: bool,
}

/// A set of numbers below 64.
#[derive(Clone, Copy, Debug)]
struct Set(u64);

/// The range of a field's values, and the names of its first values.
struct Field {
    values: RangeInclusive<u8>,
    names: &'static [&'static str],
}

const MINUTES: Field = Field {
    values: 0..=59,
    names: &[],
};
const HOURS: Field = Field {
    values: 0..=23,
    names: &[],
};
const DAYS: Field = Field {
    values: 1..=31,
    names: &[],
};
const MONTHS: Field = Field {
    values: 1..=12,
    names: &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ],
};
/// Sunday is 0, and also 7.
const WEEKDAYS: Field = Field {
    values: 0..=7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

impl Cron {
    /// Parses an expression. Returns `None` if it is invalid.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = *fields.as_slice() else {
            return None;
        };
        let mut of_week = WEEKDAYS.read(weekdays)?;
        if of_week.has(7) {
            of_week.0 |= 1;
        }
        Some(Self {
            minutes: MINUTES.read(minutes)?,
            hours: HOURS.read(hours)?,
            days: DAYS.read(days)?,
            months: MONTHS.read(months)?,
            weekdays: of_week,
            both: days.starts_with('*') || weekdays.starts_with('*'),
        })
    }

    /// Returns the times at which it is due after `since` and up to `until`, latest first. Times
    /// are since 1970-01-01T00:00:00Z.
    pub(crate) fn due(self, since: Duration, until: Duration) -> impl Iterator<Item = Duration> {
        let first = since.as_secs() / DAY;
        (first..=until.as_secs() / DAY)
            .rev()
            .filter(move |day| self.falls_on(*day))
            .flat_map(move |day| self.of_day().map(move |second| day * DAY + second))
            .map(Duration::from_secs)
            .skip_while(move |at| *at > until)
            .take_while(move |at| *at > since)
    }

    /// Returns the first time after `since` at which it is due, or `None` if that is more than eight years later.
    pub(crate) fn next(self, since: Duration) -> Option<Duration> {
        let first = since.as_secs() / DAY;
        let mut days = (first..first + YEARS).filter(|day| self.falls_on(*day));
        days.find_map(|day| {
            let times = self
                .of_day()
                .map(|second| Duration::from_secs(day * DAY + second));
            times.take_while(|at| *at > since).last()
        })
    }

    /// Returns the seconds of a day at which it is due, latest first.
    fn of_day(self) -> impl Iterator<Item = u64> {
        let hours = (0..24).rev().filter(move |hour| self.hours.has(*hour));
        hours.flat_map(move |hour| {
            let minutes = (0..60)
                .rev()
                .filter(move |minute| self.minutes.has(*minute));
            minutes.map(move |minute| u64::from(hour) * HOUR + u64::from(minute) * MINUTE)
        })
    }

    /// Returns `true` if it is due on a day, counted from 1970-01-01.
    fn falls_on(self, day: u64) -> bool {
        // 1970-01-01 was a Thursday.
        let of_week = self.weekdays.has(((day + 4) % 7) as u8);
        let date = timestamp(Duration::from_secs(day * DAY)).date();
        date.is_some_and(|(_, month, day)| {
            let of_month = self.days.has(day);
            let right = if self.both {
                of_month && of_week
            } else {
                of_month || of_week
            };
            right && self.months.has(month)
        })
    }
}

impl Set {
    fn has(self, number: u8) -> bool {
        self.0 >> number & 1 == 1
    }
}

impl Field {
    /// Parses a field: one or more parts, separated by commas.
    fn read(&self, text: &str) -> Option<Set> {
        let mut set = 0;
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0)?),
                None => (part, 1),
            };
            let has_step = range.len() < part.len();
            let (first, last) = match range.split_once('-') {
                _ if range == "*" => (*self.values.start(), self.last()),
                Some((first, last)) => (self.value(first)?, self.value(last)?),
                // `5/15` starts at 5 and continues to the end of the range.
                None if has_step => (self.value(range)?, self.last()),
                None => (self.value(range)?, self.value(range)?),
            };
            if first > last {
                return None;
            }
            for number in (first..=last).step_by(step) {
                set |= 1 << number;
            }
        }
        Some(Set(set))
    }

    fn value(&self, text: &str) -> Option<u8> {
        let named = self
            .names
            .iter()
            .position(|name| text.eq_ignore_ascii_case(name));
        let number = match named {
            Some(place) => self.values.start() + u8::try_from(place).ok()?,
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok()?,
            None => return None,
        };
        self.values.contains(&number).then_some(number)
    }

    /// Returns the last value that is not a second name of the first one.
    fn last(&self) -> u8 {
        let last = *self.values.end();
        if last == 7 { 6 } else { last }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Duration {
        let time: blaxel_core::Timestamp = text.parse().unwrap();
        Duration::from_secs(u64::try_from(time.unix().unwrap().0).unwrap())
    }

    /// Returns the due times from May to noon on 15 June 2026, a Monday.
    fn due(expression: &str, count: usize) -> Vec<String> {
        let until = moment("2026-06-15T12:00:00Z");
        let since = moment("2026-05-01T00:00:00Z");
        let times = Cron::parse(expression).unwrap().due(since, until);
        times
            .take(count)
            .map(|at| timestamp(at).as_str()[5..16].to_owned())
            .collect()
    }

    #[test]
    fn common_expressions_are_due_at_the_expected_times() {
        for (expression, times) in [
            ("* * * * *", ["06-15T12:00", "06-15T11:59", "06-15T11:58"]),
            (
                "*/20 9 * * *",
                ["06-15T09:40", "06-15T09:20", "06-15T09:00"],
            ),
            (
                "5/30 * * * *",
                ["06-15T11:35", "06-15T11:05", "06-15T10:35"],
            ),
            ("0 8 * * 1-5", ["06-15T08:00", "06-12T08:00", "06-11T08:00"]),
            (
                "0 8 * * MON,fri",
                ["06-15T08:00", "06-12T08:00", "06-08T08:00"],
            ),
            ("30 1 * * 7", ["06-14T01:30", "06-07T01:30", "05-31T01:30"]),
            (
                "0 0 1,15 * *",
                ["06-15T00:00", "06-01T00:00", "05-15T00:00"],
            ),
            (
                "15-17 3 31 may *",
                ["05-31T03:17", "05-31T03:16", "05-31T03:15"],
            ),
            // Either day matches if both fields are restricted.
            ("0 0 10 * 6", ["06-13T00:00", "06-10T00:00", "06-06T00:00"]),
        ] {
            assert_eq!(due(expression, 3), times, "{expression}");
        }
    }

    #[test]
    fn the_start_is_exclusive_and_the_end_inclusive() {
        let (since, until) = (
            moment("2026-01-01T00:00:00Z"),
            moment("2026-01-01T02:00:00Z"),
        );
        let hourly = Cron::parse("0 * * * *").unwrap();
        let times: Vec<_> = hourly.due(since, until).collect();
        let hour = Duration::from_secs(HOUR);
        assert_eq!(times, [since + 2 * hour, since + hour]);
        assert_eq!(hourly.due(until, until).count(), 0);
        assert_eq!(hourly.due(until, since).count(), 0);
        assert_eq!(hourly.due(since, since + hour * 3 / 2).count(), 1);
    }

    #[test]
    fn the_next_time_is_the_first_one_that_is_due() {
        let since = moment("2026-06-15T12:00:00Z");
        for (expression, next) in [
            ("* * * * *", Some("2026-06-15T12:01:00Z")),
            ("0 12 * * *", Some("2026-06-16T12:00:00Z")),
            ("30 11,13 * * *", Some("2026-06-15T13:30:00Z")),
            ("0 0 29 2 *", Some("2028-02-29T00:00:00Z")),
            ("0 0 30 2 *", None),
        ] {
            let cron = Cron::parse(expression).unwrap();
            assert_eq!(cron.next(since), next.map(moment), "{expression}");
        }
    }

    #[test]
    fn an_expression_for_a_leap_day_is_due_in_leap_years() {
        let (since, until) = (
            moment("2020-03-01T00:00:00Z"),
            moment("2026-01-01T00:00:00Z"),
        );
        let times: Vec<_> = Cron::parse("0 0 29 2 *")
            .unwrap()
            .due(since, until)
            .collect();
        assert_eq!(times, [moment("2024-02-29T00:00:00Z")]);
    }

    #[test]
    fn invalid_expressions_are_rejected() {
        for text in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "5-1 * * * *",
            "*/0 * * * *",
            "a * * * *",
            "1,,2 * * * *",
            "-1 * * * *",
            "+1 * * * *",
            "@daily",
            "* * * foo *",
        ] {
            assert!(Cron::parse(text).is_none(), "{text}");
        }
    }
}
