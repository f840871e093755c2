//! The span of time that a report covers.

use std::fmt;
use std::time::Duration;

use blaxel_core::{Error, Source, Timestamp, open_enum};

const DAY: Duration = Duration::from_secs(86_400);

/// A span of time from a moment to before another, in UTC.
///
/// ```
/// use blaxel_billing::Window;
///
/// let april = Window::month(2026, 4)?;
/// assert_eq!(april.to_string(), "2026-04-01T00:00:00Z..2026-05-01T00:00:00Z");
/// assert!(Window::new("2026-05-01T00:00:00Z".parse().unwrap(), april.start().clone()).is_err());
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    start: Timestamp,
    end: Timestamp,
    length: Duration,
}

impl Window {
    /// From `start`, inclusive, to `end`, exclusive.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if one is no RFC 3339 time, or the end is not after the start.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, Error> {
        let moment = |name, time: &Timestamp| {
            time.unix()
                .ok_or_else(|| bad(format_args!("its {name} `{time}` is no RFC 3339 time")))
        };
        let (from, to) = (moment("start", &start)?, moment("end", &end)?);
        if from >= to {
            return Err(bad(format_args!(
                "its start {start} is not before its end {end}; the end is exclusive"
            )));
        }
        let length = seconds_between(from, to);
        // The API wants UTC; an offset is not documented to be understood.
        let utc = |(seconds, nanos)| Timestamp::from_unix(seconds, nanos);
        Ok(Self {
            start: utc(from),
            end: utc(to),
            length,
        })
    }

    /// A calendar month.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a month that does not exist, or lies beyond the year 9999.
    pub fn month(year: u16, month: u8) -> Result<Self, Error> {
        let (next_year, next) = if month == 12 {
            (year + 1, 1)
        } else {
            (year, month.wrapping_add(1))
        };
        match (
            Timestamp::from_date(year, month, 1),
            Timestamp::from_date(next_year, next, 1),
        ) {
            (Some(start), Some(end)) => Self::new(start, end),
            _ => Err(bad(format_args!(
                "there is no month {month} in the year {year}"
            ))),
        }
    }

    /// The calendar month before the one that a moment lies in.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the moment is no RFC 3339 time of the years 1 to 9999.
    pub fn month_before(moment: &Timestamp) -> Result<Self, Error> {
        let date = moment
            .date()
            .and_then(|(year, month, _)| Some((u16::try_from(year).ok()?, month)));
        match date {
            Some((year, 1)) if year > 0 => Self::month(year - 1, 12),
            Some((year, month)) if month > 1 => Self::month(year, month - 1),
            _ => Err(bad(format_args!("`{moment}` names no month"))),
        }
    }

    /// The start, which belongs to the window.
    #[must_use]
    pub fn start(&self) -> &Timestamp {
        &self.start
    }

    /// The end, which does not belong to it.
    #[must_use]
    pub fn end(&self) -> &Timestamp {
        &self.end
    }

    /// From start to end.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.length
    }

    /// The resolution that the server chooses for this window if none is asked for: hours below 7
    /// days, days below 90, weeks below a year, else months.
    #[must_use]
    pub fn automatic_resolution(&self) -> Resolution {
        match self.length {
            length if length < 7 * DAY => Resolution::Hourly,
            length if length < 90 * DAY => Resolution::Daily,
            length if length < 365 * DAY => Resolution::Weekly,
            _ => Resolution::Monthly,
        }
    }
}

fn seconds_between((from, from_nanos): (i64, u32), (to, to_nanos): (i64, u32)) -> Duration {
    let nanos = Duration::from_nanos(u64::from(to_nanos));
    let whole = Duration::from_secs(to.abs_diff(from)) + nanos;
    whole.saturating_sub(Duration::from_nanos(u64::from(from_nanos)))
}

fn bad(problem: impl fmt::Display) -> Error {
    Error::input("window", &Source::Code, problem)
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

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
    /// The longest window that the server accepts with this resolution; `None` where there is no
    /// limit. A year is taken for 366 days, so that a leap year is not refused.
    #[must_use]
    pub fn longest_window(&self) -> Option<Duration> {
        match self {
            Self::Hourly => Some(7 * DAY),
            Self::Daily => Some(90 * DAY),
            Self::Weekly => Some(366 * DAY),
            Self::Monthly | Self::Other(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: &str, end: &str) -> Result<Window, Error> {
        Window::new(start.to_owned().into(), end.to_owned().into())
    }

    #[test]
    fn windows_that_cannot_be_are_refused() {
        for (start, end, part) in [
            ("2026-04-02T00:00:00Z", "2026-04-01T00:00:00Z", "not before"),
            ("2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z", "not before"),
            (
                "2026-04-01T02:00:00+02:00",
                "2026-04-01T00:00:00Z",
                "not before",
            ),
            ("yesterday", "2026-04-01T00:00:00Z", "start `yesterday`"),
            (
                "2026-04-01T00:00:00Z",
                "2026-04-31T00:00:00Z",
                "end `2026-04-31",
            ),
        ] {
            let error = window(start, end).unwrap_err();
            assert!(
                error.is_input() && error.to_string().contains(part),
                "{error}"
            );
        }
        assert!(Window::month(2026, 13).is_err());
        assert!(Window::month(2026, 0).is_err());
        assert!(Window::month(2026, 255).is_err());
    }

    #[test]
    fn months_before_cross_the_year() {
        let before = |moment: &str| Window::month_before(&moment.parse().unwrap()).unwrap();
        assert_eq!(
            before("2026-01-15T00:00:00Z"),
            Window::month(2025, 12).unwrap()
        );
        assert_eq!(
            before("2024-03-31T23:59:59Z"),
            Window::month(2024, 2).unwrap()
        );
        assert_eq!(
            before("2026-03-01T00:30:00+01:00"),
            Window::month(2026, 1).unwrap()
        );
    }

    #[test]
    fn the_automatic_resolution_changes_at_the_documented_lengths() {
        let days = |count: i64| {
            let start = Timestamp::from_unix(0, 0);
            Window::new(start, Timestamp::from_unix(count * 86_400, 0)).unwrap()
        };
        for (length, resolution) in [
            (1, Resolution::Hourly),
            (6, Resolution::Hourly),
            (7, Resolution::Daily),
            (89, Resolution::Daily),
            (90, Resolution::Weekly),
            (364, Resolution::Weekly),
            (365, Resolution::Monthly),
        ] {
            assert_eq!(
                days(length).automatic_resolution(),
                resolution,
                "{length} days"
            );
        }
    }
}
