//! Arithmetic of timestamps and durations.

use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

use super::{FIRST_SECOND, LAST_SECOND, Timestamp, UnixTime};

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// Arithmetic. Results are written in UTC.
///
/// The operators `+` and `-` saturate and never panic. If the text is not a time, adding or
/// subtracting a `Duration` has no effect, and a difference is zero; the `checked_*` methods and
/// [`duration_since`](Self::duration_since) return `None` instead.
///
/// ```
/// use std::time::Duration;
/// use blaxel_core::Timestamp;
///
/// let noon: Timestamp = "2026-04-28T14:00:00+02:00".parse()?;
/// let later = &noon + Duration::from_millis(1500);
/// assert_eq!(later.as_str(), "2026-04-28T12:00:01.5Z");
/// assert_eq!(&later - &noon, Duration::from_millis(1500));
/// assert_eq!(noon.duration_since(&later), None);
/// # Ok::<(), blaxel_core::ParseError>(())
/// ```
impl Timestamp {
    /// Returns the time `duration` later, or `None` if the text is not a time or the result is
    /// after the year 9999.
    #[must_use]
    pub fn checked_add(&self, duration: Duration) -> Option<Self> {
        in_range(nanos(self.instant?) + duration_nanos(duration))
    }

    /// Returns the time `duration` earlier, or `None` if the text is not a time or the result is
    /// before the year 0.
    #[must_use]
    pub fn checked_sub(&self, duration: Duration) -> Option<Self> {
        in_range(nanos(self.instant?) - duration_nanos(duration))
    }

    /// Returns the time `duration` later, or the end of the year 9999 if the result is after it. A
    /// text that is not a time is returned unchanged.
    #[must_use]
    pub fn saturating_add(&self, duration: Duration) -> Self {
        self.saturating_offset(duration_nanos(duration))
    }

    /// Returns the time `duration` earlier, or the start of the year 0 if the result is before it.
    /// A text that is not a time is returned unchanged.
    #[must_use]
    pub fn saturating_sub(&self, duration: Duration) -> Self {
        self.saturating_offset(-duration_nanos(duration))
    }

    /// Returns the time elapsed from `earlier` to this time, or `None` if `earlier` is later or
    /// either text is not a time.
    #[must_use]
    pub fn duration_since(&self, earlier: &Self) -> Option<Duration> {
        let nanos = u128::try_from(nanos(self.instant?) - nanos(earlier.instant?)).ok()?;
        let per_second = NANOS_PER_SECOND.unsigned_abs();
        let seconds = u64::try_from(nanos / per_second).ok()?;
        let rest = u32::try_from(nanos % per_second).ok()?;
        Some(Duration::new(seconds, rest))
    }

    /// Returns the time elapsed from `earlier` to this time, or zero if `earlier` is later or
    /// either text is not a time.
    #[must_use]
    pub fn saturating_duration_since(&self, earlier: &Self) -> Duration {
        self.duration_since(earlier).unwrap_or_default()
    }

    /// Returns the time `by` nanoseconds later, limited to the years 0 to 9999.
    fn saturating_offset(&self, by: i128) -> Self {
        match self.instant {
            Some(instant) => {
                let first = nanos((FIRST_SECOND, 0));
                let last = nanos((LAST_SECOND, 999_999_999));
                from_nanos((nanos(instant) + by).clamp(first, last)).unwrap_or_else(|| self.clone())
            }
            None => self.clone(),
        }
    }
}

/// Returns the nanoseconds since 1970. An `i64` of seconds cannot overflow the result.
fn nanos((seconds, nanos): UnixTime) -> i128 {
    i128::from(seconds) * NANOS_PER_SECOND + i128::from(nanos)
}

/// Returns the nanoseconds of a duration. A `u64` of seconds cannot overflow the result.
fn duration_nanos(duration: Duration) -> i128 {
    i128::from(duration.as_secs()) * NANOS_PER_SECOND + i128::from(duration.subsec_nanos())
}

/// Returns the time of a number of nanoseconds since 1970.
fn from_nanos(nanos: i128) -> Option<Timestamp> {
    let seconds = i64::try_from(nanos.div_euclid(NANOS_PER_SECOND)).ok()?;
    let rest = u32::try_from(nanos.rem_euclid(NANOS_PER_SECOND)).ok()?;
    Some(Timestamp::from_unix(seconds, rest))
}

/// Returns the time of a number of nanoseconds since 1970, or `None` outside the years 0 to 9999.
fn in_range(nanos: i128) -> Option<Timestamp> {
    let seconds = i64::try_from(nanos.div_euclid(NANOS_PER_SECOND)).ok()?;
    (FIRST_SECOND..=LAST_SECOND)
        .contains(&seconds)
        .then(|| from_nanos(nanos))
        .flatten()
}

impl Add<Duration> for &Timestamp {
    type Output = Timestamp;

    fn add(self, duration: Duration) -> Timestamp {
        self.saturating_add(duration)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        self.saturating_add(duration)
    }
}

impl AddAssign<Duration> for Timestamp {
    fn add_assign(&mut self, duration: Duration) {
        *self = self.saturating_add(duration);
    }
}

impl Sub<Duration> for &Timestamp {
    type Output = Timestamp;

    fn sub(self, duration: Duration) -> Timestamp {
        self.saturating_sub(duration)
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        self.saturating_sub(duration)
    }
}

impl SubAssign<Duration> for Timestamp {
    fn sub_assign(&mut self, duration: Duration) {
        *self = self.saturating_sub(duration);
    }
}

impl Sub for &Timestamp {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

impl Sub for Timestamp {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(&earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::from(text.to_owned())
    }

    #[test]
    fn results_stay_within_the_years_of_rfc_3339() {
        let (first, last) = (
            time("0000-01-01T00:00:00Z"),
            time("9999-12-31T23:59:59.999999999Z"),
        );
        let nano = Duration::from_nanos(1);
        assert_eq!(last.checked_add(nano), None);
        assert_eq!(first.checked_sub(nano), None);
        assert_eq!((&last - nano).checked_add(nano).as_ref(), Some(&last));
        assert_eq!(last.saturating_add(Duration::MAX), last);
        assert_eq!(first.saturating_sub(Duration::MAX), first);
        assert_eq!(&last - Duration::MAX, first);
        // With its offset, this time is after the year 9999 in UTC.
        let beyond = time("9999-12-31T23:59:59-01:00");
        assert!(beyond.unix().is_some());
        assert_eq!(beyond.checked_add(Duration::ZERO), None);
        assert_eq!(beyond + Duration::ZERO, last);
    }

    #[test]
    fn arithmetic_on_an_invalid_text_has_no_effect() {
        let (soon, now) = (time("soon"), time("2026-04-28T12:00:00Z"));
        let hour = Duration::from_secs(3600);
        assert_eq!(
            (soon.checked_add(hour), soon.checked_sub(hour)),
            (None, None)
        );
        assert_eq!((&soon + hour, &soon - hour), (soon.clone(), soon.clone()));
        assert_eq!(soon.duration_since(&now), None);
        assert_eq!(now.duration_since(&soon), None);
        assert_eq!(now - soon, Duration::ZERO);
    }

    proptest! {
        #[test]
        fn sums_and_differences_are_consistent(
            seconds in FIRST_SECOND..LAST_SECOND,
            nanos in 0u32..1_000_000_000,
            added in 0u64..400_000_000_000,
            part in 0u32..1_000_000_000,
        ) {
            let start = Timestamp::from_unix(seconds, nanos);
            let duration = Duration::new(added, part);
            match start.checked_add(duration) {
                Some(end) => {
                    prop_assert!(end >= start);
                    prop_assert_eq!(&end, &(start.clone() + duration));
                    prop_assert_eq!(end.duration_since(&start), Some(duration));
                    prop_assert_eq!(start.duration_since(&end).is_some(), duration.is_zero());
                    prop_assert_eq!(end.checked_sub(duration), Some(start));
                    prop_assert_eq!(end.as_str().parse::<Timestamp>(), Ok(end));
                }
                None => prop_assert_eq!((start + duration).unix(), Some((LAST_SECOND, 999_999_999))),
            }
        }

        #[test]
        fn assigning_operators_add_up(seconds in -60_000_000_000i64..200_000_000_000, steps in prop::collection::vec(any::<u32>(), 0..8)) {
            let start = Timestamp::from_unix(seconds, 0);
            let mut time = start.clone();
            for step in &steps {
                time += Duration::from_millis(u64::from(*step));
            }
            let sum: u64 = steps.iter().map(|step| u64::from(*step)).sum();
            prop_assert_eq!(&time - &start, Duration::from_millis(sum));
            for step in &steps {
                time -= Duration::from_millis(u64::from(*step));
            }
            prop_assert_eq!(time, start);
        }
    }
}
