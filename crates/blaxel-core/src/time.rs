//! Times, kept as the text that the server sent.

mod arithmetic;
mod text;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::text::Text;
use crate::civil;
use crate::parse_error::{ParseError, try_from_str};
use crate::read_text::ReadText;

const SECONDS_PER_DAY: i64 = 86_400;
/// 0000-01-01T00:00:00Z, the first second that RFC 3339 can represent.
const FIRST_SECOND: i64 = -62_167_219_200;
/// 9999-12-31T23:59:59Z, the last second that RFC 3339 can represent.
const LAST_SECOND: i64 = 253_402_300_799;

/// A time, kept as the text that the server sent.
///
/// The API writes times as RFC 3339 text with up to nanosecond precision. A `Timestamp` keeps that
/// text, so nothing is lost when a resource is read and written back, and parses it once. A text
/// that is not an RFC 3339 time still deserializes, and [`unix`](Self::unix) then returns `None`,
/// so one malformed field does not make a whole list unreadable. `FromStr` rejects such a text.
///
/// Timestamps are compared and hashed by the instant they denote, regardless of offset. Texts that
/// are not times sort after all times, in the order of the texts.
///
/// With the features `jiff` and `chrono` it converts to and from `jiff::Timestamp` and
/// `chrono::DateTime`.
///
/// ```
/// use blaxel_core::Timestamp;
///
/// let noon: Timestamp = "2026-04-28T12:00:00Z".parse()?;
/// let same: Timestamp = "2026-04-28T14:00:00.000+02:00".parse()?;
/// assert_eq!(noon, same);
/// assert_eq!(same.as_str(), "2026-04-28T14:00:00.000+02:00");
/// assert_eq!(noon.unix(), Some((1_777_377_600, 0)));
/// # Ok::<(), blaxel_core::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Timestamp {
    text: Text,
    instant: Option<UnixTime>,
}

/// Seconds since 1970-01-01T00:00:00Z and the nanoseconds after them.
type UnixTime = (i64, u32);

impl Timestamp {
    /// Creates the time `seconds` and `nanos` after 1970-01-01T00:00:00Z, written in UTC.
    ///
    /// Nanoseconds beyond a second are carried over. Trailing zeros of the fraction are not
    /// written. RFC 3339 can represent the years 0 to 9999 only, so a time before or after them
    /// becomes the first or last second of that range.
    ///
    /// ```
    /// use blaxel_core::Timestamp;
    ///
    /// assert_eq!(Timestamp::from_unix(0, 500_000_000).as_str(), "1970-01-01T00:00:00.5Z");
    /// ```
    #[must_use]
    pub fn from_unix(seconds: i64, nanos: u32) -> Self {
        let seconds = seconds.saturating_add(i64::from(nanos / 1_000_000_000));
        let instant = match seconds {
            ..FIRST_SECOND => (FIRST_SECOND, 0),
            FIRST_SECOND..=LAST_SECOND => (seconds, nanos % 1_000_000_000),
            _ => (LAST_SECOND, 999_999_999),
        };
        Self {
            text: Text::from(format_rfc3339(instant).as_str()),
            instant: Some(instant),
        }
    }

    /// Creates the time of midnight UTC at the start of a day, or returns `None` if there is no
    /// such day or its year is after 9999.
    #[must_use]
    pub fn from_date(year: u16, month: u8, day: u8) -> Option<Self> {
        let seconds = civil::days_from_date(i64::from(year), month, day) * SECONDS_PER_DAY;
        let exists = civil::is_date(year, month, day) && seconds <= LAST_SECOND;
        exists.then(|| Self::from_unix(seconds, 0))
    }

    /// Returns the current time of the system clock.
    #[must_use]
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// Returns the text as received.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// Returns the seconds since 1970-01-01T00:00:00Z and the nanoseconds after them, or `None` if
    /// the text is not an RFC 3339 time.
    #[must_use]
    pub fn unix(&self) -> Option<(i64, u32)> {
        self.instant
    }

    /// Returns the same as [`unix`](Self::unix), with an error if the text is not an RFC 3339 time.
    #[cfg(any(feature = "chrono", feature = "jiff"))]
    pub(crate) fn try_unix(&self) -> Result<(i64, u32), ParseError> {
        self.instant.ok_or_else(|| not_a_time(self.as_str()))
    }

    /// Returns the year, month and day in UTC, or `None` if the text is not an RFC 3339 time.
    #[must_use]
    pub fn date(&self) -> Option<(i64, u8, u8)> {
        let (seconds, _) = self.instant?;
        Some(civil::date_from_days(seconds.div_euclid(SECONDS_PER_DAY)))
    }

    /// Converts to a [`SystemTime`], or returns `None` if the text is not an RFC 3339 time.
    #[must_use]
    pub fn to_system_time(&self) -> Option<SystemTime> {
        let (seconds, nanos) = self.instant?;
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let base = if seconds < 0 {
            UNIX_EPOCH.checked_sub(whole)?
        } else {
            UNIX_EPOCH.checked_add(whole)?
        };
        base.checked_add(Duration::from_nanos(u64::from(nanos)))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self::from_unix(saturate(after.as_secs()), after.subsec_nanos()),
            Err(before) => {
                let before = before.duration();
                let seconds = -saturate(before.as_secs());
                match before.subsec_nanos() {
                    0 => Self::from_unix(seconds, 0),
                    nanos => Self::from_unix(seconds - 1, 1_000_000_000 - nanos),
                }
            }
        }
    }
}

/// Converts to a signed number, saturating at [`i64::MAX`].
fn saturate(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

impl From<String> for Timestamp {
    /// Keeps any text, including one that is not a time.
    fn from(text: String) -> Self {
        Self::keep(&text)
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.as_str().to_owned()
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ReadText::deserialize(deserializer).map(|text| Self::keep(&text))
    }
}

impl FromStr for Timestamp {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let timestamp = Self::keep(text);
        match timestamp.instant {
            Some(_) => Ok(timestamp),
            None => Err(not_a_time(text)),
        }
    }
}

try_from_str!(Timestamp);

/// Creates the error of a text that is not an RFC 3339 time.
fn not_a_time(text: &str) -> ParseError {
    ParseError::quoting(
        "timestamp",
        text,
        "is not an RFC 3339 time such as 2026-04-28T12:00:00Z",
    )
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({})", self.as_str())
    }
}

impl Timestamp {
    /// Keeps any text, including one that is not a time.
    fn keep(text: &str) -> Self {
        Self {
            text: Text::from(text),
            instant: parse_rfc3339(text),
        }
    }

    /// Returns the key for comparison and hashing: the instant, or the text if it is not a time.
    fn key(&self) -> (bool, UnixTime, &str) {
        match self.instant {
            Some(instant) => (false, instant, ""),
            None => (true, (0, 0), self.as_str()),
        }
    }
}

impl PartialEq for Timestamp {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Timestamp {}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timestamp {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for Timestamp {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// Formats a time in UTC, without trailing zeros of the fraction.
fn format_rfc3339((seconds, nanos): UnixTime) -> String {
    let (year, month, day) = civil::date_from_days(seconds.div_euclid(SECONDS_PER_DAY));
    let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    // Digits are set in place, since `format!` takes several times as long.
    let mut text = b"0000-00-00T00:00:00.000000000Z".to_vec();
    set_digits(&mut text[0..4], year);
    set_digits(&mut text[5..7], month.into());
    set_digits(&mut text[8..10], day.into());
    set_digits(&mut text[11..13], hour);
    set_digits(&mut text[14..16], minute);
    set_digits(&mut text[17..19], second);
    let fraction = &mut text[20..29];
    set_digits(fraction, nanos.into());
    let zeros = fraction.iter().rev().take_while(|digit| **digit == b'0');
    let zeros = zeros.count();
    text.truncate(match zeros {
        9 => 19,
        zeros => 29 - zeros,
    });
    text.push(b'Z');
    // Digits and separators are always text.
    String::from_utf8(text).unwrap_or_default()
}

/// Sets the last decimal digits of a number that is not negative.
fn set_digits(digits: &mut [u8], number: i64) {
    let mut rest = number.unsigned_abs() as u32;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// Parses an RFC 3339 time, or returns `None` if the text is not one.
///
/// It reads bytes at fixed positions, because a page of a list has hundreds of times.
fn parse_rfc3339(text: &str) -> Option<UnixTime> {
    let (date, time) = text.as_bytes().split_first_chunk()?;
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = date else {
        return None;
    };
    let year = number([y0, y1, y2, y3])?;
    let (month, day) = (two_digits(m0, m1)?, two_digits(d0, d1)?);
    if !civil::is_date(year, month, day) {
        return None;
    }
    let [
        b'T' | b't' | b' ',
        h0,
        h1,
        b':',
        n0,
        n1,
        b':',
        s0,
        s1,
        rest @ ..,
    ] = time
    else {
        return None;
    };
    let (hour, minute) = (two_digits(h0, h1)?, two_digits(n0, n1)?);
    let second = two_digits(s0, s1)?;
    // A leap second, written as :60, is parsed as the first second of the next minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (nanos, offset) = match rest {
        [b'.', fraction @ ..] => parse_fraction(fraction)?,
        offset => (0, offset),
    };
    let offset = parse_offset(offset)?;
    let days = civil::days_from_date(i64::from(year), month, day);
    let of_day = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    Some((days * SECONDS_PER_DAY + of_day - offset, nanos))
}

/// Parses the offset at the end of a time, in seconds east of UTC.
fn parse_offset(offset: &[u8]) -> Option<i64> {
    let [sign, h0, h1, b':', m0, m1] = offset else {
        return matches!(offset, b"Z" | b"z").then_some(0);
    };
    let (hours, minutes) = (two_digits(h0, h1)?, two_digits(m0, m1)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i64::from(hours) * 3600 + i64::from(minutes) * 60;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// Parses the digits after the decimal point as nanoseconds, and returns the bytes after them. Digits
/// beyond nine are dropped.
fn parse_fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let (mut nanos, mut unit) = (0, 100_000_000);
    let mut rest = text;
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        nanos += u32::from(digit - b'0') * unit;
        unit /= 10;
        rest = after;
    }
    (rest.len() < text.len()).then_some((nanos, rest))
}

/// Returns the number that two digits denote.
fn two_digits(tens: &u8, ones: &u8) -> Option<u8> {
    number([tens, ones]).and_then(|number| u8::try_from(number).ok())
}

/// Returns the number that at most four digits denote.
fn number<const N: usize>(digits: [&u8; N]) -> Option<u16> {
    digits.into_iter().try_fold(0, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u16::from(digit - b'0'))?;
        Some(number * 10 + digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn offsets_and_fractions_parse() {
        for (text, instant) in [
            ("1970-01-01T00:00:00Z", (0, 0)),
            ("1970-01-01t00:00:00z", (0, 0)),
            ("1969-12-31T23:59:59.5Z", (-1, 500_000_000)),
            (
                "2026-04-28T12:00:00.123456789+02:00",
                (1_777_370_400, 123_456_789),
            ),
            ("2026-04-28 12:00:00-00:30", (1_777_379_400, 0)),
            ("2016-12-31T23:59:60Z", (1_483_228_800, 0)),
            (
                "2026-04-28T12:00:00.1234567899Z",
                (1_777_377_600, 123_456_789),
            ),
        ] {
            assert_eq!(
                text.parse::<Timestamp>().unwrap().unix(),
                Some(instant),
                "{text}"
            );
        }
    }

    #[test]
    fn invalid_texts_deserialize_unchanged_but_do_not_parse() {
        for text in [
            "",
            "yesterday",
            "2026-04-28",
            "2026-04-28T12:00:00",
            "2026-02-30T12:00:00Z",
            "2026-04-28T24:00:00Z",
            "2026-04-28T12:00Z",
            "2026-04-28T12:00:00.Z",
            "2026-04-28T12:00:00+2:00",
            "2026-04-28T12:00:00+é0:00",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
            let json = serde_json::to_string(text).unwrap();
            let decoded: Timestamp = serde_json::from_str(&json).unwrap();
            assert_eq!((decoded.as_str(), decoded.unix()), (text, None));
            assert_eq!(serde_json::to_string(&decoded).unwrap(), json);
        }
    }

    #[test]
    fn timestamps_sort_by_instant() {
        let early: Timestamp = "2026-04-28T12:00:00+02:00".parse().unwrap();
        let late: Timestamp = "2026-04-28T11:00:00Z".parse().unwrap();
        let odd = Timestamp::from("0000".to_owned());
        assert!(early < late && late < odd);
    }

    #[test]
    fn times_outside_the_years_of_rfc_3339_saturate() {
        for (seconds, text) in [
            (i64::MIN, "0000-01-01T00:00:00Z"),
            (FIRST_SECOND, "0000-01-01T00:00:00Z"),
            (LAST_SECOND, "9999-12-31T23:59:59Z"),
            (i64::MAX, "9999-12-31T23:59:59.999999999Z"),
        ] {
            let time = Timestamp::from_unix(seconds, 0);
            assert_eq!(time.as_str(), text);
            assert_eq!(Timestamp::try_from(text).unwrap().unix(), time.unix());
        }
        assert_eq!(Timestamp::from_date(10_000, 1, 1), None);
        assert!(Timestamp::from_date(9_999, 12, 31).is_some());
    }

    #[test]
    fn from_date_returns_midnight_utc() {
        assert_eq!(
            Timestamp::from_date(2026, 4, 28).unwrap().as_str(),
            "2026-04-28T00:00:00Z"
        );
        assert_eq!(Timestamp::from_date(2026, 2, 29), None);
        assert_eq!(
            Timestamp::from_date(2026, 4, 28).unwrap().date(),
            Some((2026, 4, 28))
        );
    }

    proptest! {
        #[test]
        fn formatted_times_parse_back(seconds in -60_000_000_000i64..250_000_000_000, nanos in 0u32..1_000_000_000) {
            let written = Timestamp::from_unix(seconds, nanos);
            let read: Timestamp = written.as_str().parse().unwrap();
            prop_assert_eq!(read.unix(), Some((seconds, nanos)));
            let back = Timestamp::from(read.to_system_time().unwrap());
            prop_assert_eq!(back, written);
        }

        #[test]
        fn parsing_never_panics(text in ".{0,40}") {
            let _ = text.parse::<Timestamp>();
        }
    }
}
