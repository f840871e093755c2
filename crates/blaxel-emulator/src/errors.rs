//! The error responses of the emulator. Each format is written once.

use axum::Json;
use axum::response::{IntoResponse, Response};
use blaxel_core::{ApiVersion, Timestamp};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

/// An error response: its status, its body, and the gateway's code if the gateway sends it.
#[derive(Debug)]
pub(crate) struct ErrorResponse {
    status: StatusCode,
    gateway_code: Option<String>,
    body: Value,
}

/// The errors of the gateway in front of the workloads.
#[derive(Clone, Copy)]
pub(crate) enum Gateway {
    RouteNotFound,
    WorkloadNotFound,
    WorkloadUnavailable,
    /// The code is that of a workload that is asleep, but only its owner can wake it.
    WorkloadArchived,
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
            Self::WorkloadUnavailable | Self::WorkloadArchived => {
                (StatusCode::NOT_FOUND, "WORKLOAD_UNAVAILABLE")
            }
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

impl Gateway {
    /// Returns the advice of an error for which there is a better one than that of all errors.
    fn action(self) -> Option<&'static str> {
        Some(match self {
            Self::WorkloadNotFound => "Deploy the workload, or correct its name.",
            Self::WorkloadArchived => "Unarchive the sandbox before you call it.",
            Self::WorkspaceNotFound => "Correct the name of the workspace.",
            Self::AuthenticationRequired => "Send a credential.",
            Self::AuthenticationFailed => "Send a valid credential.",
            _ => return None,
        })
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

    /// Creates a response with any status and body.
    pub(crate) fn with_body(status: StatusCode, body: Value) -> Self {
        Self::new(status, body)
    }

    /// Converts the error into the format of sandbox creation, whose code is a word. An error that
    /// already has that format, or that is about the version, is unchanged.
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

    /// Creates an error of the control plane in its short format: a status and a phrase.
    pub(crate) fn control(status: StatusCode, error: &str) -> Self {
        Self::new(status, json!({"code": status.as_u16(), "error": error}))
    }

    /// Creates an error of the control plane in its long format: an error name or phrase, and a
    /// message.
    pub(crate) fn explained(status: StatusCode, error: &str, message: impl Into<String>) -> Self {
        let body = json!({"code": status.as_u16(), "error": error, "message": message.into()});
        Self::new(status, body)
    }

    /// Creates the error for a malformed request.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::explained(StatusCode::BAD_REQUEST, "Bad Request", message)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::control(StatusCode::UNAUTHORIZED, "Unauthorized")
    }

    /// Creates the error for a cursor that cannot be used, with the reason.
    pub(crate) fn invalid_cursor(message: &str) -> Self {
        Self::explained(StatusCode::BAD_REQUEST, "invalid_cursor", message)
    }

    /// Creates the error for a version that does not exist. This format has no `code`.
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

    /// Creates an error of the token endpoint.
    pub(crate) fn oauth(error: &str, description: &str) -> Self {
        let body = json!({"error": error, "error_description": description});
        Self::new(StatusCode::BAD_REQUEST, body)
    }

    /// Creates an error of a model, as OpenAI-compatible servers return it. It does not come from
    /// the platform, so it has none of the platform's headers; neither have those of other
    /// dialects.
    pub(crate) fn model(status: StatusCode, message: impl Into<String>) -> Self {
        let error = json!({
            "message": message.into(),
            "type": "invalid_request_error",
            "param": null,
            "code": null,
        });
        Self::new(status, json!({"error": error}))
    }

    /// Creates a bad-request error as Anthropic's API returns it.
    pub(crate) fn anthropic(message: &str) -> Self {
        let error = json!({"type": "invalid_request_error", "message": message});
        Self::new(
            StatusCode::BAD_REQUEST,
            json!({"type": "error", "error": error}),
        )
    }

    /// Creates a bad-request error as Cohere's API returns it.
    pub(crate) fn cohere(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, json!({"message": message}))
    }

    /// Creates a bad-request error as Gemini's API returns it.
    pub(crate) fn gemini(message: &str) -> Self {
        let error = json!({"code": 400, "message": message, "status": "INVALID_ARGUMENT"});
        Self::new(StatusCode::BAD_REQUEST, json!({"error": error}))
    }

    /// Creates an error of the gateway.
    pub(crate) fn gateway(what: Gateway, message: &str, now: &Timestamp) -> Self {
        let (status, code) = what.code();
        let retryable = matches!(what, Gateway::WorkloadUnavailable);
        let mut response = Self::envelope(status, code, message, retryable, now.as_str());
        if let Some(action) = what.action() {
            response.body["error"]["action"] = action.into();
        }
        response
    }

    /// Creates an error of the gateway with any code.
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
