//! Times in the headers of responses: the server's own, and the wait that it asks for.

use std::time::{Duration, SystemTime};

use crate::time::Timestamp;

/// Parses the wait that a server asks for: in milliseconds, in seconds, or until a date.
pub(crate) fn parse_retry_after<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<Duration> {
    let number = |name, unit: f64| {
        let seconds = header(name)?.trim().parse::<f64>().ok()? * unit;
        // A value too large for a `Duration` is longer than any call waits.
        (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    };
    let date = |name| httpdate::parse_http_date(header(name)?.trim()).ok();
    // The server's own clock is preferred: the local one may be wrong.
    let until = || {
        // Read first: without it the local clock is not needed, and in a browser there is none.
        let until = date("retry-after")?;
        let now = date("date").unwrap_or_else(SystemTime::now);
        Some(until.duration_since(now).unwrap_or_default())
    };
    number("retry-after-ms", 0.001)
        .or_else(|| number("retry-after", 1.0))
        .or_else(until)
}

/// Returns the wait before another attempt that the response headers ask for, as
/// [`Error::retry_after`](crate::Error::retry_after) does.
#[must_use]
pub fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    parse_retry_after(|name| headers.get(name)?.to_str().ok())
}

/// Returns the time of the server that sent response headers, in whole seconds, if they tell it.
#[must_use]
pub fn server_time(headers: &http::HeaderMap) -> Option<Timestamp> {
    let date = headers.get(http::header::DATE)?.to_str().ok()?;
    Some(httpdate::parse_http_date(date.trim()).ok()?.into())
}
