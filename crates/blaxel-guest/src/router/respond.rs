//! Responses in the formats of the server.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{StatusCode, header};
use serde::Serialize;

/// The headers for pages of other sites.
const CROSS_ORIGIN: [(&str, &str); 3] = [
    ("access-control-allow-origin", "*"),
    (
        "access-control-allow-methods",
        "GET, POST, PUT, DELETE, HEAD, OPTIONS",
    ),
    (
        "access-control-allow-headers",
        "Content-Type, Authorization",
    ),
];

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// The result of a handler.
pub(super) type HandlerResult = Result<Response, Refusal>;

/// A request that is refused: a status and a message.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl ToString) -> Self {
        Self {
            status,
            message: message.to_string(),
        }
    }

    pub(super) fn bad_request(message: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn not_found(message: impl ToString) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(super) fn unprocessable(message: impl ToString) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    pub(super) fn internal(message: impl ToString) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// Returns the message.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct ErrorBody {
            error: String,
        }
        json(
            self.status,
            &ErrorBody {
                error: self.message,
            },
        )
    }
}

/// Returns a JSON response.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Types whose serialization cannot fail, except for maps with other keys than text.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// Returns a JSON response with the status 200.
pub(super) fn ok(body: &impl Serialize) -> HandlerResult {
    Ok(json(StatusCode::OK, body))
}

/// Returns the response to a change: a message, and the path that it is about or an empty one.
pub(super) fn success(path: &str, message: &str) -> HandlerResult {
    #[derive(Serialize)]
    struct Success<'a> {
        path: &'a str,
        message: &'a str,
    }
    ok(&Success { path, message })
}

/// Returns a response of plain text.
pub(super) fn text(status: StatusCode, content_type: &'static str, body: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Returns the sentence about a member of a body that must be there, by the names that the server's
/// language gives to the type and the member.
pub(super) fn missing(kind: &str, member: &str) -> String {
    format!(
        "Key: '{kind}.{member}' Error:Field validation for '{member}' failed on the 'required' tag"
    )
}

/// Adds the headers that every response to another site has.
pub(super) fn add_cross_origin_headers(response: &mut Response) {
    add(response, &CROSS_ORIGIN);
}

/// Adds the headers that every response has.
pub(super) fn add_common_headers(response: &mut Response) {
    const HEADERS: [(&str, &str); 4] = [
        ("cache-control", "no-cache, no-store, must-revalidate"),
        ("pragma", "no-cache"),
        ("expires", "0"),
        ("x-content-type-options", "nosniff"),
    ];
    add(response, &CROSS_ORIGIN);
    add(response, &HEADERS);
}

fn add(response: &mut Response, headers: &[(&'static str, &'static str)]) {
    for (name, value) in headers {
        let name = header::HeaderName::from_static(name);
        // A handler may have set its own, such as a stream.
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}
