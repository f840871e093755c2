//! Spans of time as the API writes them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many seconds each unit has, the largest first.
const UNITS: [(char, u64); 5] = [
    ('w', 7 * 24 * 60 * 60),
    ('d', 24 * 60 * 60),
    ('h', 60 * 60),
    ('m', 60),
    ('s', 1),
];

/// A span of time, kept as the text the API uses for it: `30m`, `24h`, `7d`.
///
/// The units are `s`, `m`, `h`, `d` and `w`. As with [`Timestamp`](crate::Timestamp), what the server
/// sent is kept letter for letter; a text that is no span of time still decodes, and
/// [`duration`](Self::duration) is then `None`. Two periods are equal when they are as long, however
/// they are written.
///
/// ```
/// use std::time::Duration;
/// use blaxel_core::Period;
///
/// assert_eq!(Period::minutes(30).as_str(), "30m");
/// assert_eq!(Period::from(Duration::from_secs(7200)).as_str(), "2h");
/// assert_eq!(Period::days(1), "24h".parse()?);
/// # Ok::<(), blaxel_core::ParsePeriodError>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Period {
    text: String,
    seconds: Option<u64>,
}

impl Period {
    /// So many seconds.
    #[must_use]
    pub fn seconds(count: u64) -> Self {
        Self::of(count, 's')
    }

    /// So many minutes.
    #[must_use]
    pub fn minutes(count: u64) -> Self {
        Self::of(count, 'm')
    }

    /// So many hours.
    #[must_use]
    pub fn hours(count: u64) -> Self {
        Self::of(count, 'h')
    }

    /// So many days of 24 hours.
    #[must_use]
    pub fn days(count: u64) -> Self {
        Self::of(count, 'd')
    }

    /// So many weeks.
    #[must_use]
    pub fn weeks(count: u64) -> Self {
        Self::of(count, 'w')
    }

    fn of(count: u64, unit: char) -> Self {
        Self::from(format!("{count}{unit}"))
    }

    /// The text as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How long it is, or `None` if the text is no span of time.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.seconds.map(Duration::from_secs)
    }

    /// What equality looks at.
    fn key(&self) -> (Option<u64>, &str) {
        match self.seconds {
            Some(seconds) => (Some(seconds), ""),
            None => (None, &self.text),
        }
    }
}

/// Reads `1h30m` as well as `90m`; units come in descending order or not, as the server likes.
fn read(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (count, after) = rest.split_at_checked(digits)?;
        let unit = after.chars().next()?;
        let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(count.parse::<u64>().ok()?.checked_mul(*seconds)?)?;
        rest = after.get(1..)?;
    }
    (!text.is_empty()).then_some(total)
}

impl From<String> for Period {
    /// Takes any text; see the type's documentation.
    fn from(text: String) -> Self {
        let seconds = read(&text);
        Self { text, seconds }
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.text
    }
}

impl From<Duration> for Period {
    /// In the largest unit that divides it; a part of a second is rounded up to a whole one.
    fn from(duration: Duration) -> Self {
        let part = u64::from(duration.subsec_nanos() > 0);
        let seconds = duration.as_secs().saturating_add(part);
        let unit = UNITS
            .iter()
            .find(|(_, unit)| seconds > 0 && seconds.is_multiple_of(*unit));
        match unit {
            Some((name, unit)) => Self::of(seconds / unit, *name),
            None => Self::seconds(seconds),
        }
    }
}

/// A text that is not a span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsePeriodError(String);

impl fmt::Display for ParsePeriodError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        write!(f, "`{text}` is not a span of time such as 30m, 24h or 7d")
    }
}

impl std::error::Error for ParsePeriodError {}

impl FromStr for Period {
    type Err = ParsePeriodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let period = Self::from(text.to_owned());
        match period.seconds {
            Some(_) => Ok(period),
            None => Err(ParsePeriodError(text.chars().take(64).collect())),
        }
    }
}

impl PartialEq for Period {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Period {}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Period({})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_unit_is_read_and_may_be_joined() {
        for (text, seconds) in [
            ("0s", 0),
            ("45s", 45),
            ("30m", 1800),
            ("24h", 86_400),
            ("7d", 604_800),
            ("2w", 1_209_600),
            ("1h30m", 5400),
        ] {
            let period: Period = text.parse().unwrap();
            assert_eq!(
                period.duration(),
                Some(Duration::from_secs(seconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn other_texts_decode_as_they_are_but_do_not_parse() {
        for text in [
            "",
            "m",
            "30",
            "30 m",
            "-1h",
            "1.5h",
            "3y",
            "soon",
            "99999999999999999999d",
        ] {
            assert!(text.parse::<Period>().is_err(), "{text}");
            let json = serde_json::to_string(text).unwrap();
            let decoded: Period = serde_json::from_str(&json).unwrap();
            assert_eq!((decoded.as_str(), decoded.duration()), (text, None));
            assert_eq!(serde_json::to_string(&decoded).unwrap(), json);
        }
    }

    #[test]
    fn part_of_a_second_is_never_lost() {
        assert_eq!(Period::from(Duration::from_millis(1)).as_str(), "1s");
        assert_eq!(Period::from(Duration::ZERO).as_str(), "0s");
    }

    proptest! {
        #[test]
        fn a_duration_of_whole_seconds_comes_back(seconds in any::<u64>()) {
            let duration = Duration::from_secs(seconds);
            prop_assert_eq!(Period::from(duration).duration(), Some(duration));
        }

        #[test]
        fn no_text_panics(text in ".{0,24}") {
            let _ = text.parse::<Period>();
        }
    }
}
