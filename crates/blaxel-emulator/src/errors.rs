//! Every error body the emulator gives, each shape written once.

use axum::Json;
use axum::response::{IntoResponse, Response};
use blaxel_core::{ApiVersion, Timestamp};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

/// A request that is refused: the status and body of the answer, and the gateway's code if the
/// gateway refuses it.
#[derive(Debug)]
pub(crate) struct ErrorResponse {
    status: StatusCode,
    gateway_code: Option<String>,
    body: Value,
}

/// What the gateway before the workloads may say.
#[derive(Clone, Copy)]
pub(crate) enum Gateway {
    RouteNotFound,
    WorkloadNotFound,
    WorkloadUnavailable,
    WorkspaceNotFound,
    AuthenticationRequired,
    AuthenticationFailed,
    Forbidden,
    BadRequest,
    RequestEntityTooLarge,
}

impl Gateway {
    fn code(self) -> (StatusCode, &'static str) {
        match self {
            Self::RouteNotFound => (StatusCode::NOT_FOUND, "ROUTE_NOT_FOUND"),
            Self::WorkloadNotFound => (StatusCode::NOT_FOUND, "WORKLOAD_NOT_FOUND"),
            Self::WorkloadUnavailable => (StatusCode::NOT_FOUND, "WORKLOAD_UNAVAILABLE"),
            Self::WorkspaceNotFound => (StatusCode::NOT_FOUND, "WORKSPACE_NOT_FOUND"),
            Self::AuthenticationRequired => (StatusCode::UNAUTHORIZED, "AUTHENTICATION_REQUIRED"),
            Self::AuthenticationFailed => (StatusCode::UNAUTHORIZED, "AUTHENTICATION_FAILED"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "FORBIDDEN"),
            Self::BadRequest => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
            Self::RequestEntityTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "REQUEST_ENTITY_TOO_LARGE")
            }
        }
    }
}

impl ErrorResponse {
    fn new(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            gateway_code: None,
            body,
        }
    }

    /// Any status and body.
    pub(crate) fn with_body(status: StatusCode, body: Value) -> Self {
        Self::new(status, body)
    }

    /// The form in which sandboxes are not created: the same error, with a code that is a word. One
    /// that has the form already, or is about the version, stays as it is.
    pub(crate) fn of_sandboxes(self, workspace: &str, now: &Timestamp) -> Self {
        let Some(error) = self.body.get("error").and_then(Value::as_str) else {
            return self;
        };
        if error == "invalid_api_version" {
            return self;
        }
        let message = self.body.get("message").and_then(Value::as_str);
        let code = match self.status {
            StatusCode::BAD_REQUEST => "BAD_REQUEST",
            StatusCode::UNAUTHORIZED => "UNAUTHORIZED",
            StatusCode::FORBIDDEN => "FORBIDDEN",
            StatusCode::PAYLOAD_TOO_LARGE => "REQUEST_ENTITY_TOO_LARGE",
            _ => "REQUEST_REFUSED",
        };
        let body = json!({
            "code": code,
            "message": message.unwrap_or(error),
            "status_code": self.status.as_u16(),
            "workspace": workspace,
            "timestamp": now.as_str(),
        });
        Self::new(self.status, body)
    }

    /// The control plane's plain form: a status and a phrase.
    pub(crate) fn control(status: StatusCode, error: &str) -> Self {
        Self::new(status, json!({"code": status.as_u16(), "error": error}))
    }

    /// The control plane's full form: a token or phrase, and what is wrong.
    pub(crate) fn explained(status: StatusCode, error: &str, message: impl Into<String>) -> Self {
        let body = json!({"code": status.as_u16(), "error": error, "message": message.into()});
        Self::new(status, body)
    }

    /// A request that cannot be understood.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::explained(StatusCode::BAD_REQUEST, "Bad Request", message)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::control(StatusCode::UNAUTHORIZED, "Unauthorized")
    }

    /// A cursor that cannot be followed, and why.
    pub(crate) fn invalid_cursor(message: &str) -> Self {
        Self::explained(StatusCode::BAD_REQUEST, "invalid_cursor", message)
    }

    /// A version that does not exist. This form has no `code`.
    pub(crate) fn invalid_version(given: &str, valid: &[ApiVersion]) -> Self {
        let valid: Vec<String> = valid.iter().map(ToString::to_string).collect();
        let message = format!(
            "Invalid API version {given:?}. Valid versions: {}. \
             See https://docs.blaxel.ai/api-reference/introduction",
            valid.join(", ")
        );
        let body = json!({"error": "invalid_api_version", "message": message});
        Self::new(StatusCode::BAD_REQUEST, body)
    }

    /// The token endpoint's form.
    pub(crate) fn oauth(error: &str, description: &str) -> Self {
        let body = json!({"error": error, "error_description": description});
        Self::new(StatusCode::BAD_REQUEST, body)
    }

    /// A model's own error, as OpenAI-compatible servers write it. It does not come from the
    /// platform, so it bears none of the platform's marks, and neither do those of other dialects.
    pub(crate) fn model(status: StatusCode, message: impl Into<String>) -> Self {
        let error = json!({
            "message": message.into(),
            "type": "invalid_request_error",
            "param": null,
            "code": null,
        });
        Self::new(status, json!({"error": error}))
    }

    /// A bad request as Anthropic's servers answer it.
    pub(crate) fn anthropic(message: &str) -> Self {
        let error = json!({"type": "invalid_request_error", "message": message});
        Self::new(
            StatusCode::BAD_REQUEST,
            json!({"type": "error", "error": error}),
        )
    }

    /// A bad request as Cohere's servers answer it.
    pub(crate) fn cohere(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, json!({"message": message}))
    }

    /// A bad request as Gemini's servers answer it.
    pub(crate) fn gemini(message: &str) -> Self {
        let error = json!({"code": 400, "message": message, "status": "INVALID_ARGUMENT"});
        Self::new(StatusCode::BAD_REQUEST, json!({"error": error}))
    }

    /// The gateway's form.
    pub(crate) fn gateway(what: Gateway, message: &str, now: &Timestamp) -> Self {
        let (status, code) = what.code();
        let retryable = matches!(what, Gateway::WorkloadUnavailable);
        Self::envelope(status, code, message, retryable, now.as_str())
    }

    /// The gateway's form, with any code.
    pub(crate) fn envelope(
        status: StatusCode,
        code: &str,
        message: &str,
        retryable: bool,
        now: &str,
    ) -> Self {
        let (action, do_not) = if retryable {
            ("Try again after a short wait.", "Do not give up at once.")
        } else {
            (
                "Correct the request before you send it again.",
                "Do not repeat it unchanged.",
            )
        };
        let body = json!({"error": {
            "code": code,
            "message": message,
            "origin": "platform",
            "retryable": retryable,
            "action": action,
            "do_not": do_not,
            "docs_url": "https://docs.blaxel.ai/troubleshooting/error-codes",
            "status": status.as_u16(),
            "timestamp": now,
        }});
        Self {
            status,
            gateway_code: Some(code.to_owned()),
            body,
        }
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(code) = self.gateway_code {
            let headers = response.headers_mut();
            headers.insert("x-blaxel-source", HeaderValue::from_static("platform"));
            if let Ok(code) = HeaderValue::try_from(code) {
                headers.insert("x-blaxel-error-code", code);
            }
        }
        response
    }
}
