//! The parameters of a request, from its path or its query.

use axum::extract::Query;
use http::Uri;

use crate::errors::ErrorResponse;

/// Decoded names and values, in the order in which they were sent.
#[derive(Clone, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Returns the parameters of a path.
    pub(crate) fn of_path(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// Parses the parameters of a query. Returns an error if one cannot be decoded.
    pub(crate) fn of_query(uri: &Uri) -> Result<Self, String> {
        match Query::try_from_uri(uri) {
            Ok(Query(pairs)) => Ok(Self(pairs)),
            Err(rejection) => Err(rejection.body_text()),
        }
    }

    /// Returns the first value of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Parses `limit`. A value above `max` is silently lowered to it; one below 1 is an error.
    pub(crate) fn limit(&self, default: usize, max: usize) -> Result<usize, ErrorResponse> {
        let Some(text) = self.get("limit") else {
            return Ok(default);
        };
        let bad_request =
            || ErrorResponse::bad_request(format!("limit {text:?} is not a whole number above 0."));
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad_request());
        }
        // Only a number that overflows the type fails to parse here.
        let limit = text.parse().unwrap_or(max).min(max);
        if limit == 0 {
            Err(bad_request())
        } else {
            Ok(limit)
        }
    }

    /// Parses `offset`, for lists that are paged by position.
    pub(crate) fn offset(&self) -> Result<usize, ErrorResponse> {
        let text = self.get("offset").unwrap_or("0");
        let bad_request =
            || ErrorResponse::bad_request(format!("offset {text:?} is not a whole number."));
        text.parse().map_err(|_| bad_request())
    }
}

/// Returns the decoded names and values of a query, as far as they can be decoded.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    let uri = Uri::builder().path_and_query(format!("/?{query}")).build();
    let params = uri.ok().and_then(|uri| Params::of_query(&uri).ok());
    params.unwrap_or_default().0
}
