//! An extractor of axum for callbacks. Copy this file into your own server.

use axum::body::Bytes;
use axum::extract::{FromRef, FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use blaxel::inference::{Callback, CallbackError, CallbackVerifier};

/// A callback of the platform. Extracting it fails if the request is from somebody else.
///
/// The signature is over the bytes of the body, so no layer may change them, and no other extractor may take the body.
/// axum limits a body to 2 MiB by default.
pub(crate) struct Verified(pub(crate) Callback);

/// The response to a request that is not a callback.
pub(crate) enum Rejection {
    /// The body could not be read: it is too large, or the connection failed.
    Body(Response),
    /// The verification failed.
    Callback(CallbackError),
}

impl<S> FromRequest<S> for Verified
where
    S: Send + Sync,
    CallbackVerifier: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let headers = request.headers().clone();
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|problem| Rejection::Body(problem.into_response()))?;
        let verifier = CallbackVerifier::from_ref(state);
        let callback = verifier.verify(&headers, &body);
        callback.map(Self).map_err(Rejection::Callback)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self {
            Self::Body(response) => response,
            // Signed, but not in the format of a callback.
            Self::Callback(CallbackError::NotACallback(_)) => {
                StatusCode::BAD_REQUEST.into_response()
            }
            // An attacker learns nothing from the response. The reason is for your own log.
            Self::Callback(reason) => {
                eprintln!("a request is rejected: {reason}");
                StatusCode::UNAUTHORIZED.into_response()
            }
        }
    }
}
