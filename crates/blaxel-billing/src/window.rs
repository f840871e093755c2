//! The span of time that a query covers.

use std::fmt;
use std::time::Duration;

use blaxel_core::{Error, RequestWriter, Source, Timestamp};
use serde::Serialize;

use crate::calendar;
pub use crate::calendar::Resolution;

const DAY: Duration = Duration::from_secs(86_400);

/// A span of time in UTC, from an inclusive start to an exclusive end.
///
/// ```
/// use blaxel_billing::Window;
///
/// let april = Window::month(2026, 4)?;
/// assert_eq!(april.to_string(), "2026-04-01T00:00:00Z..2026-05-01T00:00:00Z");
/// assert_eq!(april.length().as_secs(), 30 * 86_400);
/// assert_eq!(april.automatic_resolution().as_str(), "daily");
/// assert!(Window::new("2026-05-01T00:00:00Z".parse().unwrap(), april.start().clone()).is_err());
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    start: Timestamp,
    end: Timestamp,
    #[serde(skip)]
    length: Duration,
}

impl Window {
    /// Creates a window from `start`, inclusive, to `end`, exclusive.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if either is not an RFC 3339 time, or if the end is not after the start.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, Error> {
        let moment = |name, time: &Timestamp| {
            time.unix()
                .ok_or_else(|| invalid(format_args!("its {name} `{time}` is not an RFC 3339 time")))
        };
        let (from, to) = (moment("start", &start)?, moment("end", &end)?);
        let length = end.saturating_duration_since(&start);
        if length.is_zero() {
            return Err(invalid(format_args!(
                "its start {start} is not before its end {end}; the end is exclusive"
            )));
        }
        // The API documents UTC times only, so other offsets are converted.
        let utc = |(seconds, nanos)| Timestamp::from_unix(seconds, nanos);
        Ok(Self {
            start: utc(from),
            end: utc(to),
            length,
        })
    }

    /// Creates the window of a calendar month, in UTC.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a month that does not exist, or that is after the year 9999.
    pub fn month(year: u16, month: u8) -> Result<Self, Error> {
        let (next_year, next) = if month == 12 {
            (year.saturating_add(1), 1)
        } else {
            (year, month.wrapping_add(1))
        };
        match (
            Timestamp::from_date(year, month, 1),
            Timestamp::from_date(next_year, next, 1),
        ) {
            (Some(start), Some(end)) => Self::new(start, end),
            _ => Err(invalid(format_args!(
                "there is no month {month} in the year {year}"
            ))),
        }
    }

    /// Creates the window of a calendar year, in UTC.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a year after 9998.
    pub fn year(year: u16) -> Result<Self, Error> {
        match (
            Timestamp::from_date(year, 1, 1),
            year.checked_add(1)
                .and_then(|next| Timestamp::from_date(next, 1, 1)),
        ) {
            (Some(start), Some(end)) => Self::new(start, end),
            _ => Err(invalid(format_args!("there is no year {year}"))),
        }
    }

    /// Creates the window of the calendar month that contains `moment`.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if `moment` is not an RFC 3339 time of the years 0 to 9999.
    pub fn month_of(moment: &Timestamp) -> Result<Self, Error> {
        let (year, month) = month_at(moment)?;
        Self::month(year, month)
    }

    /// Creates the window of the calendar month before the one that contains `moment`.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if `moment` is not an RFC 3339 time of the years 1 to 9999.
    ///
    /// ```
    /// use blaxel_billing::Window;
    ///
    /// let moment = "2026-04-21T09:30:00Z".parse().unwrap();
    /// assert_eq!(Window::month_of(&moment)?, Window::month(2026, 4)?);
    /// assert_eq!(Window::month_before(&moment)?, Window::month(2026, 3)?);
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    pub fn month_before(moment: &Timestamp) -> Result<Self, Error> {
        match month_at(moment)? {
            (year, 1) if year > 0 => Self::month(year - 1, 12),
            (year, month) if month > 1 => Self::month(year, month - 1),
            _ => Err(invalid(format_args!("there is no month before `{moment}`"))),
        }
    }

    /// Creates the window from the start of the calendar month of `moment` to `moment`. A
    /// [forecast](crate::Report::forecast) uses it.
    ///
    /// ```
    /// use blaxel_billing::Window;
    ///
    /// let so_far = Window::month_so_far(&"2026-04-21T09:30:00Z".parse().unwrap())?;
    /// assert_eq!(so_far.to_string(), "2026-04-01T00:00:00Z..2026-04-21T09:30:00Z");
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if `moment` is not an RFC 3339 time, or if it is the first of its month, which
    /// would make the window empty.
    pub fn month_so_far(moment: &Timestamp) -> Result<Self, Error> {
        let month = Self::month_of(moment)?;
        Self::new(month.start, moment.clone())
    }

    /// Creates the window of the `days` whole days, in UTC, before the day that contains `moment`.
    ///
    /// ```
    /// use blaxel_billing::Window;
    ///
    /// let week = Window::days_before(7, &"2026-04-21T09:30:00Z".parse().unwrap())?;
    /// assert_eq!(week.to_string(), "2026-04-14T00:00:00Z..2026-04-21T00:00:00Z");
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for 0 days, and if `moment` is not an RFC 3339 time.
    pub fn days_before(days: u32, moment: &Timestamp) -> Result<Self, Error> {
        let (seconds, _) = moment
            .unix()
            .ok_or_else(|| invalid(format_args!("`{moment}` is not an RFC 3339 time")))?;
        let end = Resolution::Daily.floor(seconds).unwrap_or(seconds);
        let start = end - i64::from(days) * calendar::DAY;
        Self::new(Timestamp::from_unix(start, 0), Timestamp::from_unix(end, 0))
    }

    /// Returns the window just before this one, for comparison. A window of whole calendar months is
    /// preceded by as many whole months, whatever their lengths, and any other by a window of the same length.
    ///
    /// ```
    /// use blaxel_billing::Window;
    ///
    /// assert_eq!(Window::month(2026, 4)?.previous()?, Window::month(2026, 3)?);
    /// assert_eq!(Window::year(2026)?.previous()?, Window::year(2025)?);
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the previous window would begin before the year 0.
    pub fn previous(&self) -> Result<Self, Error> {
        let (from, to) = (self.from(), self.to());
        let start = match (calendar::month_begun(from), calendar::month_begun(to)) {
            (Some(first), Some(after)) => {
                calendar::month_start(2 * first - after).map(|start| Timestamp::from_unix(start, 0))
            }
            _ => self.start.checked_sub(self.length),
        };
        let start = start.ok_or_else(|| invalid(format_args!("there is no time before {self}")))?;
        Self::new(start, self.start.clone())
    }

    /// Splits the window into windows that the server accepts with `resolution`, as long as possible, in order
    /// and without gaps. It is split only where a step ends, so that each step lies in one window.
    ///
    /// For weekly steps, a year counts as 365 days here: the longest window that is allowed in every year.
    ///
    /// ```
    /// use blaxel_billing::{Resolution, Window};
    ///
    /// let quarters = Window::year(2026)?.split(&Resolution::Daily);
    /// let days: Vec<_> = quarters.iter().map(|quarter| quarter.length().as_secs() / 86_400).collect();
    /// assert_eq!(days, [90, 90, 90, 90, 5]);
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    #[must_use]
    pub fn split(&self, resolution: &Resolution) -> Vec<Self> {
        let Some(longest) = resolution.longest_window() else {
            return vec![self.clone()];
        };
        let stride = longest.min(365 * DAY);
        let stride = i64::try_from(stride.as_secs()).unwrap_or(i64::MAX);
        let mut parts = Vec::new();
        let mut rest = self.clone();
        while rest.length > longest {
            // A step is much shorter than the longest window, so the cut lies after the start.
            let cut = resolution.floor(rest.from().0.saturating_add(stride));
            let cut = Timestamp::from_unix(cut.unwrap_or(i64::MAX), 0);
            let (Ok(part), Ok(after)) = (
                Self::new(rest.start.clone(), cut.clone()),
                Self::new(cut, rest.end.clone()),
            ) else {
                break;
            };
            parts.push(part);
            rest = after;
        }
        parts.push(rest);
        parts
    }

    /// Returns the start, which belongs to the window.
    #[must_use]
    pub fn start(&self) -> &Timestamp {
        &self.start
    }

    /// Returns the end, which does not belong to the window.
    #[must_use]
    pub fn end(&self) -> &Timestamp {
        &self.end
    }

    /// Returns the start in seconds and nanoseconds since 1970.
    pub(crate) fn from(&self) -> (i64, u32) {
        self.start.unix().unwrap_or_default()
    }

    /// Returns the end in seconds and nanoseconds since 1970.
    pub(crate) fn to(&self) -> (i64, u32) {
        self.end.unix().unwrap_or_default()
    }

    /// Returns the time from the start to the end.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.length
    }

    /// Returns the resolution that the server chooses for this window by default: hourly below 7 days, daily
    /// below 90 days, weekly below 365 days, and monthly otherwise.
    #[must_use]
    pub fn automatic_resolution(&self) -> Resolution {
        match self.length {
            length if length < 7 * DAY => Resolution::Hourly,
            length if length < 90 * DAY => Resolution::Daily,
            length if length < 365 * DAY => Resolution::Weekly,
            _ => Resolution::Monthly,
        }
    }

    /// Writes the query parameters.
    pub(crate) fn write(&self, request: &mut RequestWriter) {
        request.query("startTime", &self.start);
        request.query("endTime", &self.end);
    }
}

/// Returns the year and the month that contain `moment`.
fn month_at(moment: &Timestamp) -> Result<(u16, u8), Error> {
    let date = moment
        .date()
        .and_then(|(year, month, _)| Some((u16::try_from(year).ok()?, month)));
    date.ok_or_else(|| invalid(format_args!("`{moment}` is not in a calendar month")))
}

fn invalid(problem: impl fmt::Display) -> Error {
    Error::input("window", &Source::Code, problem)
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: &str, end: &str) -> Result<Window, Error> {
        Window::new(start.to_owned().into(), end.to_owned().into())
    }

    #[test]
    fn malformed_and_empty_windows_are_refused() {
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
    fn the_month_before_january_is_in_the_previous_year() {
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
