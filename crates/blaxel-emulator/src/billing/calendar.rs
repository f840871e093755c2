//! Time windows and the steps they are divided into. All times are UTC, in hours since 1970.

use blaxel_core::Timestamp;

use crate::errors::ErrorResponse;
use crate::params::Params;

const SECONDS_PER_HOUR: i64 = 3600;
const HOURS_PER_DAY: i64 = 24;
const DAY: i64 = HOURS_PER_DAY * SECONDS_PER_HOUR;

/// A range of time that includes its start and excludes its end.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    start_moment: (i64, u32),
    end_moment: (i64, u32),
}

impl Window {
    /// Parses `startTime` and `endTime`.
    pub(crate) fn read(params: &Params) -> Result<Self, ErrorResponse> {
        let (start, start_moment) = moment(params, "startTime")?;
        let (end, end_moment) = moment(params, "endTime")?;
        if end_moment <= start_moment {
            return Err(ErrorResponse::bad_request(
                "endTime must be after startTime.",
            ));
        }
        Ok(Self {
            start,
            end,
            start_moment,
            end_moment,
        })
    }

    /// Returns the hours that begin in the window: the first one, and the one after the last.
    pub(crate) fn hours(&self) -> (i64, i64) {
        (first_hour(self.start_moment), first_hour(self.end_moment))
    }

    /// Returns `true` if the window is at most `days` days long.
    fn within(&self, days: i64) -> bool {
        self.length() <= (days * DAY, 0)
    }

    /// Returns `true` if the window is shorter than `days` days.
    fn shorter(&self, days: i64) -> bool {
        self.length() < (days * DAY, 0)
    }

    fn length(&self) -> (i64, u32) {
        let ((start, start_nanos), (end, end_nanos)) = (self.start_moment, self.end_moment);
        match end_nanos.checked_sub(start_nanos) {
            Some(nanos) => (end - start, nanos),
            None => (end - start - 1, end_nanos + 1_000_000_000 - start_nanos),
        }
    }
}

fn moment(params: &Params, name: &str) -> Result<(Timestamp, (i64, u32)), ErrorResponse> {
    let text = params
        .get(name)
        .ok_or_else(|| ErrorResponse::bad_request(format!("{name} is missing.")))?;
    let utc = ["Z", "z", "+00:00"].iter().any(|zone| text.ends_with(zone));
    let time = text.parse::<Timestamp>().ok().filter(|_| utc);
    time.and_then(|time| Some((time.clone(), time.unix()?)))
        .ok_or_else(|| {
            ErrorResponse::bad_request(format!("{name} is not an RFC 3339 time in UTC."))
        })
}

/// Returns the first hour that does not begin before a time.
fn first_hour((seconds, nanos): (i64, u32)) -> i64 {
    let seconds = seconds + i64::from(nanos > 0);
    seconds.div_euclid(SECONDS_PER_HOUR) + i64::from(seconds.rem_euclid(SECONDS_PER_HOUR) > 0)
}

/// The length of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    Hourly,
    Daily,
    Weekly,
    Monthly,
}

impl Resolution {
    /// Parses `resolution` for a window, or chooses one that suits its length.
    pub(crate) fn read(params: &Params, window: &Window) -> Result<Self, ErrorResponse> {
        let Some(text) = params.get("resolution") else {
            return Ok(Self::suiting(window));
        };
        let (resolution, most_days) = match text {
            "hourly" => (Self::Hourly, 7),
            "daily" => (Self::Daily, 90),
            // A year has up to 366 days.
            "weekly" => (Self::Weekly, 366),
            "monthly" => return Ok(Self::Monthly),
            _ => {
                return Err(ErrorResponse::bad_request(format!(
                    "resolution {text:?} is not one of hourly, daily, weekly, monthly."
                )));
            }
        };
        if window.within(most_days) {
            return Ok(resolution);
        }
        Err(ErrorResponse::bad_request(format!(
            "The range is too long for resolution {text}: at most {most_days} days."
        )))
    }

    fn suiting(window: &Window) -> Self {
        if window.shorter(7) {
            Self::Hourly
        } else if window.shorter(90) {
            Self::Daily
        } else if window.shorter(365) {
            Self::Weekly
        } else {
            Self::Monthly
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }

    /// Returns the steps that overlap a window, as the hours at which they begin. Steps begin with
    /// the calendar's hours, days, weeks (on Monday) and months, so the first one may begin before
    /// the window.
    pub(crate) fn steps(self, window: &Window) -> Vec<i64> {
        let start = window.start_moment.0.div_euclid(SECONDS_PER_HOUR);
        let end = first_hour(window.end_moment);
        let mut steps = Vec::new();
        let mut step = self.floor(start);
        while step < end {
            steps.push(step);
            step = self.after(step);
        }
        steps
    }

    /// Returns the start of the step that contains an hour.
    fn floor(self, hour: i64) -> i64 {
        let day = hour.div_euclid(HOURS_PER_DAY);
        match self {
            Self::Hourly => hour,
            Self::Daily => day * HOURS_PER_DAY,
            // 1970-01-01 was a Thursday.
            Self::Weekly => (day - (day + 3).rem_euclid(7)) * HOURS_PER_DAY,
            Self::Monthly => {
                let of_month = hour_time(hour)
                    .date()
                    .map_or(1, |(_, _, day)| i64::from(day));
                (day - of_month + 1) * HOURS_PER_DAY
            }
        }
    }

    /// Returns the start of the next step.
    fn after(self, step: i64) -> i64 {
        match self {
            Self::Hourly => step + 1,
            Self::Daily => step + HOURS_PER_DAY,
            Self::Weekly => step + 7 * HOURS_PER_DAY,
            // 31 days after the first of a month lie in the next month, and never in the one after.
            Self::Monthly => self.floor(step + 31 * HOURS_PER_DAY),
        }
    }
}

/// Returns the time at which an hour begins.
pub(crate) fn hour_time(hour: i64) -> Timestamp {
    Timestamp::from_unix(hour * SECONDS_PER_HOUR, 0)
}

/// Returns the hour at which a day begins.
pub(crate) fn day_hour(year: u16, month: u8, day: u8) -> i64 {
    let midnight = Timestamp::from_date(year, month, day).and_then(|midnight| midnight.unix());
    midnight.map_or(0, |(seconds, _)| seconds.div_euclid(SECONDS_PER_HOUR))
}
