//! The answers of the control.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::json;

/// A refusal, with its reason.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    problem: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, problem: impl Into<String>) -> Self {
        Self {
            status,
            problem: problem.into(),
        }
    }

    /// Returns the status and the reason.
    pub(super) fn into_parts(self) -> (StatusCode, String) {
        (self.status, self.problem)
    }

    /// Creates the refusal of a request that says something impossible.
    pub(super) fn bad(problem: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, problem.to_string())
    }
}

impl From<JsonRejection> for Refused {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"error": self.problem}))).into_response()
    }
}

/// The JSON body of a request, refused in the format of the control.
pub(super) struct Given<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Given<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let Json(body) = Json::from_request(request, state).await?;
        Ok(Self(body))
    }
}
