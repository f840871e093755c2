//! Durations in requests.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// A duration in seconds, such as 0.25.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seconds(pub(super) Duration);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        let duration = Duration::try_from_secs_f64(seconds);
        duration.map(Self).map_err(|problem| {
            de::Error::custom(format_args!(
                "{seconds} is not a number of seconds: {problem}"
            ))
        })
    }
}
