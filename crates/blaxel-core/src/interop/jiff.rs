//! Conversions to and from the types of `jiff`.

use std::time::Duration;

use ::jiff::{SignedDuration, Timestamp as Instant};

use super::{invalid_duration, out_of_range, try_from_owned};
use crate::parse_error::ParseError;
use crate::period::Period;
use crate::time::Timestamp;

impl TryFrom<&Timestamp> for Instant {
    type Error = ParseError;

    /// Fails if the text is not an RFC 3339 time.
    fn try_from(time: &Timestamp) -> Result<Self, ParseError> {
        let (seconds, nanos) = time.try_unix()?;
        let out_of_range = |_| out_of_range(time);
        let start = Self::from_second(seconds).map_err(out_of_range)?;
        start
            .checked_add(SignedDuration::from_nanos(i64::from(nanos)))
            .map_err(out_of_range)
    }
}

try_from_owned!(Timestamp => Instant);

impl From<Instant> for Timestamp {
    /// Saturates to the years 0 to 9999.
    fn from(instant: Instant) -> Self {
        let nanos = instant.subsec_nanosecond();
        // Seconds and nanoseconds have the same sign.
        match u32::try_from(nanos) {
            Ok(nanos) => Self::from_unix(instant.as_second(), nanos),
            Err(_) => Self::from_unix(
                instant.as_second() - 1,
                1_000_000_000 - nanos.unsigned_abs(),
            ),
        }
    }
}

impl TryFrom<&Period> for SignedDuration {
    type Error = ParseError;

    /// Fails if the text is not a duration.
    fn try_from(period: &Period) -> Result<Self, ParseError> {
        Self::try_from(Duration::try_from(period)?).map_err(|_| invalid_duration(period))
    }
}

try_from_owned!(Period => SignedDuration);

impl TryFrom<SignedDuration> for Period {
    type Error = ParseError;

    /// Rounds up to whole seconds. Fails for a negative duration.
    fn try_from(duration: SignedDuration) -> Result<Self, ParseError> {
        let converted = Duration::try_from(duration);
        converted
            .map(Self::from)
            .map_err(|_| invalid_duration(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn invalid_times_and_durations_are_rejected() {
        assert!(Instant::try_from(Timestamp::from("soon".to_owned())).is_err());
        assert!(
            Instant::try_from(&"9999-12-31T23:59:59-01:00".parse::<Timestamp>().unwrap()).is_err()
        );
        assert!(SignedDuration::try_from(Period::from("soon".to_owned())).is_err());
        assert!(SignedDuration::try_from(Period::seconds(u64::MAX)).is_err());
        assert!(Period::try_from(SignedDuration::from_secs(-1)).is_err());
        assert!(Timestamp::from(Instant::MIN) < Timestamp::from_unix(-62_000_000_000, 0));
    }

    proptest! {
        #[test]
        fn times_and_durations_round_trip(
            seconds in -60_000_000_000i64..250_000_000_000,
            nanos in 0u32..1_000_000_000,
            length in 0u64..1_000_000_000,
        ) {
            let time = Timestamp::from_unix(seconds, nanos);
            let instant = Instant::try_from(&time).unwrap();
            prop_assert_eq!(instant.to_string().parse::<Timestamp>(), Ok(time.clone()));
            prop_assert_eq!(Timestamp::from(instant).unix(), time.unix());
            let period = Period::seconds(length);
            let duration = SignedDuration::try_from(&period).unwrap();
            prop_assert_eq!(duration.as_secs().unsigned_abs(), length);
            prop_assert_eq!(Period::try_from(duration), Ok(period));
        }
    }
}
