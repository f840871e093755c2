//! Conversions to and from the types of `chrono`.

use ::chrono::{DateTime, TimeDelta, TimeZone, Utc};

use super::{invalid_duration, out_of_range, try_from_owned};
use crate::parse_error::ParseError;
use crate::period::Period;
use crate::time::Timestamp;

impl TryFrom<&Timestamp> for DateTime<Utc> {
    type Error = ParseError;

    /// Fails if the text is not an RFC 3339 time.
    fn try_from(time: &Timestamp) -> Result<Self, ParseError> {
        let (seconds, nanos) = time.try_unix()?;
        Self::from_timestamp(seconds, nanos).ok_or_else(|| out_of_range(time))
    }
}

try_from_owned!(Timestamp => DateTime<Utc>);

impl<Tz: TimeZone> From<DateTime<Tz>> for Timestamp {
    /// Converts to UTC. Saturates to the years 0 to 9999.
    fn from(time: DateTime<Tz>) -> Self {
        Self::from_unix(time.timestamp(), time.timestamp_subsec_nanos())
    }
}

impl TryFrom<&Period> for TimeDelta {
    type Error = ParseError;

    /// Fails if the text is not a duration.
    fn try_from(period: &Period) -> Result<Self, ParseError> {
        Self::from_std(period.try_into()?).map_err(|_| invalid_duration(period))
    }
}

try_from_owned!(Period => TimeDelta);

impl TryFrom<TimeDelta> for Period {
    type Error = ParseError;

    /// Rounds up to whole seconds. Fails for a negative duration.
    fn try_from(duration: TimeDelta) -> Result<Self, ParseError> {
        let converted = duration.to_std();
        converted
            .map(Self::from)
            .map_err(|_| invalid_duration(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::chrono::FixedOffset;
    use proptest::prelude::*;

    #[test]
    fn invalid_times_and_durations_are_rejected() {
        assert!(DateTime::try_from(Timestamp::from("soon".to_owned())).is_err());
        assert!(TimeDelta::try_from(Period::from("soon".to_owned())).is_err());
        assert!(TimeDelta::try_from(Period::seconds(u64::MAX)).is_err());
        assert!(Period::try_from(TimeDelta::seconds(-1)).is_err());
    }

    #[test]
    fn an_offset_is_converted_to_utc() {
        let zone = FixedOffset::east_opt(7200).unwrap();
        let noon = zone.with_ymd_and_hms(2026, 4, 28, 14, 0, 0).unwrap();
        assert_eq!(Timestamp::from(noon).as_str(), "2026-04-28T12:00:00Z");
    }

    proptest! {
        #[test]
        fn times_and_durations_round_trip(
            seconds in -60_000_000_000i64..250_000_000_000,
            nanos in 0u32..1_000_000_000,
            length in 0u64..1_000_000_000,
        ) {
            let time = Timestamp::from_unix(seconds, nanos);
            let instant = DateTime::try_from(&time).unwrap();
            prop_assert_eq!(instant.timestamp(), seconds);
            prop_assert_eq!(Timestamp::from(instant).unix(), time.unix());
            let period = Period::seconds(length);
            let duration = TimeDelta::try_from(&period).unwrap();
            prop_assert_eq!(duration.num_seconds().unsigned_abs(), length);
            prop_assert_eq!(Period::try_from(duration), Ok(period));
        }
    }
}
