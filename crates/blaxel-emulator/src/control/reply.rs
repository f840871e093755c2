//! Responses that a test describes in JSON.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;

use super::answer::Refused;

/// An error of the gateway in front of the workloads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GatewayError {
    status: u16,
    pub(super) code: String,
    #[serde(default)]
    pub(super) retryable: bool,
}

impl GatewayError {
    pub(super) fn status(&self) -> Result<StatusCode, Refused> {
        status(self.status)
    }
}

pub(super) fn status(code: u16) -> Result<StatusCode, Refused> {
    let checked = StatusCode::from_u16(code).ok().filter(|_| code >= 200);
    checked.ok_or_else(|| Refused::bad(format!("{code} is not the status of a response")))
}

/// Returns the headers with these names and values.
pub(super) fn headers(
    given: BTreeMap<String, String>,
) -> Result<Vec<(HeaderName, HeaderValue)>, Refused> {
    let parsed = given.into_iter().map(|(name, value)| {
        let bad = || Refused::bad(format!("the header {name:?} cannot be sent"));
        let value = HeaderValue::try_from(&value).map_err(|_| bad())?;
        Ok((HeaderName::try_from(&name).map_err(|_| bad())?, value))
    });
    parsed.collect()
}

/// Returns the only one of several descriptions of the same thing.
pub(super) fn only<T, const N: usize>(given: [(&str, Option<T>); N]) -> Result<T, Refused> {
    let names = given.each_ref().map(|(name, _)| *name).join(", ");
    let mut found = given.into_iter().filter_map(|(_, value)| value);
    match (found.next(), found.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(Refused::bad(format!("expected exactly one of {names}"))),
    }
}
