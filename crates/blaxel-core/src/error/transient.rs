//! The rule by which an error response counts as transient, for retries and callers alike.

use http::HeaderMap;
use serde_json::Value;

use crate::description::Plane;

use super::api_error::{ApiError, ErrorOrigin};

/// Returns `true` if the same request can succeed later.
///
/// The first of these that applies decides:
///
/// 1. A conflict (409) is not transient, and neither is a 4xx of a workload to its own request.
/// 2. The header `x-should-retry`.
/// 3. The member `retryable` of the gateway's envelope. Workloads may use that member for anything,
///    so it counts only from the gateway.
/// 4. The gateway's code `WORKLOAD_UNAVAILABLE`, and the statuses 408, 425, 429, 502, 503 and 504.
#[must_use]
pub fn is_transient(plane: Option<Plane>, head: &http::response::Parts, body: &[u8]) -> bool {
    is_transient_response(plane, head, &ApiError::read(plane, head, body))
}

/// Returns `true` for a response of the gateway to a request that the workload has not received, so the request can
/// be sent again whatever it does.
#[must_use]
pub fn is_unprocessed(plane: Option<Plane>, head: &http::response::Parts, body: &[u8]) -> bool {
    ApiError::read(plane, head, body).proves_unprocessed()
}

/// Applies the rule of [`is_transient`] to a parsed response.
pub(super) fn is_transient_response(
    plane: Option<Plane>,
    head: &http::response::Parts,
    api: &ApiError,
) -> bool {
    let status = head.status.as_u16();
    let by_gateway = api.origin() == ErrorOrigin::Gateway;
    let by_workload = plane == Some(Plane::Run) && api.origin() == ErrorOrigin::Workload;
    if status == 409 || (by_workload && head.status.is_client_error()) {
        return false;
    }
    let stated = should_retry(&head.headers).or_else(|| api.retryable().filter(|_| by_gateway));
    stated.unwrap_or_else(|| {
        (by_gateway && api.code() == Some("WORKLOAD_UNAVAILABLE"))
            || matches!(status, 408 | 425 | 429 | 502 | 503 | 504)
    })
}

/// Returns `true` if an error inside of a successful response names a cause that goes away by itself, by a status
/// or by one of the codes that model providers use: a rate limit, an overloaded or unavailable server.
pub(super) fn is_transient_report(api: &ApiError) -> bool {
    let stated = |member| api.members().get(member);
    let numbers = ["code", "status", "status_code"];
    let by_number = numbers.into_iter().filter_map(stated).any(|number| {
        let text = number.as_str().and_then(|text| text.parse().ok());
        let number = number.as_u64().or(text);
        matches!(number, Some(408 | 425 | 429 | 502 | 503 | 504 | 529))
    });
    let words = ["code", "type", "status"];
    let words = words
        .into_iter()
        .filter_map(stated)
        .filter_map(Value::as_str);
    by_number || api.code().into_iter().chain(words).any(is_transient_code)
}

/// Returns `true` for codes such as `rate_limit_exceeded`, `overloaded_error`, `UNAVAILABLE` and
/// `RateLimitError`.
fn is_transient_code(code: &str) -> bool {
    let letters = code.chars().filter(char::is_ascii_alphanumeric);
    let code: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    let parts = ["ratelimit", "toomanyrequests", "overloaded", "unavailable"];
    let codes = [
        "resourceexhausted",
        "deadlineexceeded",
        "timeout",
        "timeouterror",
    ];
    parts.iter().any(|part| code.contains(part)) || codes.contains(&code.as_str())
}

/// Parses the header `x-should-retry`.
fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match headers.get("x-should-retry")?.to_str().ok()? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Response;

    struct TestResponse {
        plane: Plane,
        status: u16,
        headers: &'static [(&'static str, &'static str)],
        body: &'static str,
    }

    const BARE: TestResponse = TestResponse {
        plane: Plane::Control,
        status: 503,
        headers: &[],
        body: "",
    };
    const PLATFORM: &[(&str, &str)] = &[("x-blaxel-source", "platform")];
    const RETRYABLE: &str = r#"{"error":{"code":"WORKLOAD_UNAVAILABLE","retryable":true}}"#;
    const NOT_RETRYABLE: &str = r#"{"error":{"code":"WORKLOAD_UNAVAILABLE","retryable":false}}"#;
    const UNAVAILABLE: &str = r#"{"error":{"code":"WORKLOAD_UNAVAILABLE"}}"#;

    fn transient(case: &TestResponse) -> bool {
        let mut response = Response::builder().status(case.status);
        for (name, value) in case.headers {
            response = response.header(*name, *value);
        }
        let (head, ()) = response.body(()).unwrap().into_parts();
        is_transient(Some(case.plane), &head, case.body.as_bytes())
    }

    #[test]
    fn the_status_decides_if_the_response_does_not() {
        for status in 400..600 {
            let expected = matches!(status, 408 | 425 | 429 | 502..=504);
            for plane in [Plane::Control, Plane::Presigned] {
                let response = TestResponse {
                    plane,
                    status,
                    ..BARE
                };
                assert_eq!(transient(&response), expected, "{plane:?} {status}");
            }
            // A workload's 4xx is final, but its 5xx can mean that it is down.
            let response = TestResponse {
                plane: Plane::Run,
                status,
                ..BARE
            };
            assert_eq!(transient(&response), expected && status >= 500, "{status}");
        }
    }

    #[test]
    fn the_header_overrides_the_status_except_for_a_conflict() {
        let transient_with = |status, headers| {
            transient(&TestResponse {
                status,
                headers,
                ..BARE
            })
        };
        assert!(transient_with(500, &[("x-should-retry", "true")]));
        assert!(!transient_with(503, &[("x-should-retry", "false")]));
        assert!(transient_with(503, &[("x-should-retry", "maybe")]));
        assert!(!transient_with(409, &[("x-should-retry", "true")]));
        let both = &[("x-blaxel-source", "platform"), ("x-should-retry", "false")];
        let response = TestResponse {
            headers: both,
            body: RETRYABLE,
            ..BARE
        };
        assert!(!transient(&response));
    }

    #[test]
    fn the_gateways_statement_overrides_the_status() {
        let run = TestResponse {
            plane: Plane::Run,
            headers: PLATFORM,
            ..BARE
        };
        for (status, body, expected) in [
            (404, RETRYABLE, true),
            (404, UNAVAILABLE, true),
            (404, NOT_RETRYABLE, false),
            (502, NOT_RETRYABLE, false),
            (503, NOT_RETRYABLE, false),
            (503, "", true),
            (429, "", true),
            (400, RETRYABLE, true),
            (409, RETRYABLE, false),
        ] {
            assert_eq!(
                transient(&TestResponse {
                    status,
                    body,
                    ..run
                }),
                expected,
                "{status} {body}"
            );
        }
    }

    #[test]
    fn a_workloads_statement_is_ignored() {
        let run = TestResponse {
            plane: Plane::Run,
            ..BARE
        };
        for (status, body, expected) in [
            (404, RETRYABLE, false),
            (404, UNAVAILABLE, false),
            (429, RETRYABLE, false),
            (500, RETRYABLE, false),
            (503, NOT_RETRYABLE, true),
        ] {
            assert_eq!(
                transient(&TestResponse {
                    status,
                    body,
                    ..run
                }),
                expected,
                "{status} {body}"
            );
        }
    }
}
