//! The rule by which an error response counts as transient, for retries and for callers alike.

use http::HeaderMap;

use crate::description::Plane;

use super::answer::{ApiError, Origin};

/// Returns `true` if the same request can succeed later.
///
/// The first of these that says something decides:
///
/// 1. A conflict (409) is an answer, and so is a 4xx that a workload gives to its own requests.
/// 2. The header `x-should-retry`.
/// 3. The member `retryable` of the gateway's envelope. A workload may use that member for whatever it
///    likes, so nobody else's counts.
/// 4. The gateway's code `WORKLOAD_UNAVAILABLE`, and the statuses 408, 425, 429, 502, 503 and 504.
#[must_use]
pub fn is_transient(plane: Option<Plane>, head: &http::response::Parts, body: &[u8]) -> bool {
    is_transient_answer(plane, head, &ApiError::read(plane, head, body))
}

pub(super) fn is_transient_answer(
    plane: Option<Plane>,
    head: &http::response::Parts,
    answer: &ApiError,
) -> bool {
    let status = head.status.as_u16();
    let by_gateway = answer.origin() == Origin::Gateway;
    let own_answer = plane == Some(Plane::Run) && answer.origin() == Origin::Workload;
    if status == 409 || (own_answer && head.status.is_client_error()) {
        return false;
    }
    let told = should_retry(&head.headers).or_else(|| answer.retryable().filter(|_| by_gateway));
    told.unwrap_or_else(|| {
        (by_gateway && answer.code() == Some("WORKLOAD_UNAVAILABLE"))
            || matches!(status, 408 | 425 | 429 | 502 | 503 | 504)
    })
}

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

    struct Answer {
        plane: Plane,
        status: u16,
        headers: &'static [(&'static str, &'static str)],
        body: &'static str,
    }

    const BARE: Answer = Answer {
        plane: Plane::Control,
        status: 503,
        headers: &[],
        body: "",
    };
    const PLATFORM: &[(&str, &str)] = &[("x-blaxel-source", "platform")];
    const RETRYABLE: &str = r#"{"error":{"code":"WORKLOAD_UNAVAILABLE","retryable":true}}"#;
    const NOT_RETRYABLE: &str = r#"{"error":{"code":"WORKLOAD_UNAVAILABLE","retryable":false}}"#;
    const UNAVAILABLE: &str = r#"{"error":{"code":"WORKLOAD_UNAVAILABLE"}}"#;

    fn passes(answer: &Answer) -> bool {
        let mut response = Response::builder().status(answer.status);
        for (name, value) in answer.headers {
            response = response.header(*name, *value);
        }
        let (head, ()) = response.body(()).unwrap().into_parts();
        is_transient(Some(answer.plane), &head, answer.body.as_bytes())
    }

    #[test]
    fn the_status_decides_where_nobody_says_more() {
        for status in 400..600 {
            let expected = matches!(status, 408 | 425 | 429 | 502..=504);
            for plane in [Plane::Control, Plane::Presigned] {
                let answer = Answer {
                    plane,
                    status,
                    ..BARE
                };
                assert_eq!(passes(&answer), expected, "{plane:?} {status}");
            }
            // What a workload says about its own requests is its answer, but it can be down.
            let answer = Answer {
                plane: Plane::Run,
                status,
                ..BARE
            };
            assert_eq!(passes(&answer), expected && status >= 500, "{status}");
        }
    }

    #[test]
    fn the_header_is_the_last_word_but_a_conflict_is_an_answer() {
        let told = |status, headers| {
            passes(&Answer {
                status,
                headers,
                ..BARE
            })
        };
        assert!(told(500, &[("x-should-retry", "true")]));
        assert!(!told(503, &[("x-should-retry", "false")]));
        assert!(told(503, &[("x-should-retry", "maybe")]));
        assert!(!told(409, &[("x-should-retry", "true")]));
        let both = &[("x-blaxel-source", "platform"), ("x-should-retry", "false")];
        let answer = Answer {
            headers: both,
            body: RETRYABLE,
            ..BARE
        };
        assert!(!passes(&answer));
    }

    #[test]
    fn the_gateway_is_believed() {
        let run = Answer {
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
                passes(&Answer {
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
    fn a_workload_is_not_taken_for_the_gateway() {
        let run = Answer {
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
                passes(&Answer {
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
