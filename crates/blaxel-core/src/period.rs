//! Durations in the API's notation.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::parse_error::{ParseError, try_from_str};

/// The units and their lengths in seconds, largest first.
const UNITS: [(char, u64); 5] = [
    ('w', 7 * 24 * 60 * 60),
    ('d', 24 * 60 * 60),
    ('h', 60 * 60),
    ('m', 60),
    ('s', 1),
];

/// A duration, kept as the text that the API uses for it: `30m`, `24h`, `7d`.
///
/// The units are `s`, `m`, `h`, `d` and `w`. As with [`Timestamp`](crate::Timestamp), the server's
/// text is kept unchanged; a text that is not a duration still deserializes, and
/// [`duration`](Self::duration) then returns `None`.
///
/// Periods are compared and hashed by length, regardless of notation. Texts that are not durations
/// sort after all durations, in the order of the texts.
///
/// With the features `jiff` and `chrono` it converts to and from `jiff::SignedDuration` and
/// `chrono::TimeDelta`.
///
/// ```
/// use std::time::Duration;
/// use blaxel_core::Period;
///
/// assert_eq!(Period::minutes(30).as_str(), "30m");
/// assert_eq!(Period::from(Duration::from_secs(7200)).as_str(), "2h");
/// assert_eq!(Period::days(1), "24h".parse()?);
/// assert!(Period::minutes(90) > Period::hours(1));
/// assert_eq!(Duration::try_from(Period::minutes(1))?, Duration::from_secs(60));
/// # Ok::<(), blaxel_core::ParseError>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Period {
    text: String,
    seconds: Option<u64>,
}

impl Period {
    /// Creates a period of `count` seconds.
    #[must_use]
    pub fn seconds(count: u64) -> Self {
        Self::of(count, 's')
    }

    /// Creates a period of `count` minutes.
    #[must_use]
    pub fn minutes(count: u64) -> Self {
        Self::of(count, 'm')
    }

    /// Creates a period of `count` hours.
    #[must_use]
    pub fn hours(count: u64) -> Self {
        Self::of(count, 'h')
    }

    /// Creates a period of `count` days of 24 hours.
    #[must_use]
    pub fn days(count: u64) -> Self {
        Self::of(count, 'd')
    }

    /// Creates a period of `count` weeks.
    #[must_use]
    pub fn weeks(count: u64) -> Self {
        Self::of(count, 'w')
    }

    /// Creates a period of `count` units.
    fn of(count: u64, unit: char) -> Self {
        Self::from(format!("{count}{unit}"))
    }

    /// Returns the text in the API's notation.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the duration, or `None` if the text is not one.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.seconds.map(Duration::from_secs)
    }

    /// Returns the key for comparison and hashing: the length, or the text if it is not a duration.
    fn key(&self) -> (bool, u64, &str) {
        match self.seconds {
            Some(seconds) => (false, seconds, ""),
            None => (true, 0, &self.text),
        }
    }
}

/// Parses a sum of numbers with units in any order, such as `1h30m` or `90m`, into seconds.
fn parse_seconds(text: &str) -> Option<u64> {
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
    /// Keeps any text, including one that is not a duration.
    fn from(text: String) -> Self {
        let seconds = parse_seconds(&text);
        Self { text, seconds }
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.text
    }
}

impl From<Duration> for Period {
    /// Writes the duration in the largest unit that divides it. Fractions of a second are rounded up.
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

impl FromStr for Period {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let period = Self::from(text.to_owned());
        match period.seconds {
            Some(_) => Ok(period),
            None => Err(not_a_period(text)),
        }
    }
}

try_from_str!(Period);

/// Creates the error of a text that is not a duration.
fn not_a_period(text: &str) -> ParseError {
    ParseError::quoting("period", text, "is not a duration such as 30m, 24h or 7d")
}

impl TryFrom<&Period> for Duration {
    type Error = ParseError;

    /// Returns the duration, or an error if the text is not one.
    fn try_from(period: &Period) -> Result<Self, ParseError> {
        period
            .duration()
            .ok_or_else(|| not_a_period(period.as_str()))
    }
}

impl TryFrom<Period> for Duration {
    type Error = ParseError;

    /// Returns the duration, or an error if the text is not one.
    fn try_from(period: Period) -> Result<Self, ParseError> {
        Self::try_from(&period)
    }
}

impl PartialEq for Period {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Period {}

impl PartialOrd for Period {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Period {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for Period {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

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
    fn units_parse_alone_and_combined() {
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
    fn invalid_texts_deserialize_unchanged_but_do_not_parse() {
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
    fn fractions_of_a_second_are_rounded_up() {
        assert_eq!(Period::from(Duration::from_millis(1)).as_str(), "1s");
        assert_eq!(Period::from(Duration::ZERO).as_str(), "0s");
    }

    fn hash(period: &Period) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        period.hash(&mut hasher);
        hasher.finish()
    }

    #[test]
    fn invalid_texts_sort_last_and_do_not_convert() {
        let odd = Period::from("soon".to_owned());
        assert!(odd > Period::weeks(u64::MAX / UNITS[0].1));
        assert_ne!(odd, Period::from("later".to_owned()));
        let error = Duration::try_from(odd).unwrap_err();
        assert!(error.to_string().contains("`soon`"), "{error}");
    }

    proptest! {
        #[test]
        fn order_and_hash_go_by_length(a in 0u64..200_000, b in 0u64..200_000) {
            let whole = |seconds| Period::from(Duration::from_secs(seconds));
            let plain = |seconds| Period::seconds(seconds);
            prop_assert_eq!(whole(a).cmp(&plain(b)), a.cmp(&b));
            prop_assert_eq!(whole(a), plain(a));
            prop_assert_eq!(hash(&whole(a)), hash(&plain(a)));
        }

        #[test]
        fn displayed_periods_parse_back(seconds in any::<u64>()) {
            let period = Period::from(Duration::from_secs(seconds));
            let parsed = Period::try_from(period.to_string().as_str());
            prop_assert_eq!(parsed.as_ref().map(Period::as_str), Ok(period.as_str()));
        }

        #[test]
        fn whole_seconds_round_trip(seconds in any::<u64>()) {
            let duration = Duration::from_secs(seconds);
            prop_assert_eq!(Period::from(duration).duration(), Some(duration));
        }

        #[test]
        fn parsing_never_panics(text in ".{0,24}") {
            let _ = text.parse::<Period>();
        }
    }
}
