//! The emulator's own time.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use blaxel_core::Timestamp;
use http::HeaderValue;

use crate::lock::lock;

/// The emulator's clock, which its sandboxes share. It stands still until
/// [`advance`](Clock::advance) moves it, or follows the real clock if
/// [`Builder::real_clock`](crate::Builder::real_clock) or
/// [`Builder::clock_rate`](crate::Builder::clock_rate) was set.
///
/// Everything that depends on time reads this clock, such as creation times and the expiry of
/// tokens and cursors, and the `sleep` of a command in a sandbox.
pub use blaxel_guest::Clock;

/// Converts a time since 1970-01-01T00:00:00Z into the API's format.
pub(crate) fn timestamp(since_epoch: Duration) -> Timestamp {
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_unix(seconds, since_epoch.subsec_nanos())
}

/// The start of the year 10000, which a date of HTTP has no place for.
const LATEST: Duration = Duration::from_secs(253_402_300_800);

/// The value of the header `Date`, which is written once a second.
#[derive(Default)]
pub(crate) struct Dates(Mutex<Option<(u64, HeaderValue)>>);

impl Dates {
    /// Returns the value for a time since 1970-01-01T00:00:00Z, if it has one.
    pub(crate) fn at(&self, since_epoch: Duration) -> Option<HeaderValue> {
        let second = since_epoch.as_secs();
        let mut last = lock(&self.0);
        if last.as_ref().is_none_or(|(written, _)| *written != second) {
            *last = http_date(since_epoch).map(|date| (second, date));
        }
        last.as_ref().map(|(_, date)| date.clone())
    }
}

/// Converts a time since 1970-01-01T00:00:00Z into a value of the header `Date`.
fn http_date(since_epoch: Duration) -> Option<HeaderValue> {
    let time = SystemTime::UNIX_EPOCH.checked_add(since_epoch)?;
    let date = (since_epoch < LATEST).then(|| httpdate::fmt_http_date(time))?;
    HeaderValue::try_from(date).ok()
}
