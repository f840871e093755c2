//! [`Call`], a request that has met its route.

use std::fmt::Display;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::response::Response;
use http::StatusCode;
use http::header::HeaderName;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::pattern::Params;
use super::respond::{HandlerResult, Refusal};
use super::url::UrlPath;
use crate::files::Files;
use crate::guest::Guest;
use crate::state::State;

/// The largest body that the server reads as a whole: 64 MiB.
pub(super) const BODY_LIMIT: usize = 64 << 20;

/// A request and the server's state.
pub(super) struct Call {
    pub(super) state: Arc<State>,
    pub(super) head: Parts,
    pub(super) body: Body,
    pub(super) path: UrlPath,
    pub(super) params: Params,
}

impl Call {
    /// Returns a parameter of the path; empty if the pattern has none of that name.
    pub(super) fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    /// Returns the first value of a parameter of the query; empty if it is missing.
    pub(super) fn query(&self, name: &str) -> String {
        let query = self.head.uri.query().unwrap_or_default();
        let pairs = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let decoded = pairs.map(|(name, value)| (decode(name), decode(value)));
        let mut named = decoded.filter(|(found, _)| found == name);
        named.next().map(|(_, value)| value).unwrap_or_default()
    }

    /// Returns a header as text; empty if it is missing or not text.
    pub(super) fn header(&self, name: HeaderName) -> &str {
        let value = self.head.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Takes the body as a whole.
    pub(super) async fn take_body(&mut self) -> Result<Bytes, Refusal> {
        let body = std::mem::take(&mut self.body);
        to_bytes(body, BODY_LIMIT)
            .await
            .map_err(|error| Refusal::bad_request(format!("invalid request body: {error}")))
    }

    /// Takes the body as a JSON object; `null` counts as an empty one. Neither the content type
    /// matters nor what follows the object.
    pub(super) async fn take_json<T: Default + DeserializeOwned>(&mut self) -> Result<T, Refusal> {
        let body = self.take_body().await?;
        let refuse = |problem: &dyn Display| {
            Err(Refusal::bad_request(format!(
                "invalid request body: {problem}"
            )))
        };
        let is_object = body.trim_ascii_start().starts_with(b"{");
        let mut objects = serde_json::Deserializer::from_slice(&body).into_iter::<T>();
        let mut values = serde_json::Deserializer::from_slice(&body).into_iter::<Value>();
        match is_object {
            true => match objects.next() {
                Some(Ok(object)) => Ok(object),
                Some(Err(error)) => refuse(&error),
                None => refuse(&"EOF"),
            },
            false => match values.next() {
                Some(Ok(Value::Null)) => Ok(T::default()),
                Some(Ok(_)) => refuse(&"it is not an object"),
                Some(Err(error)) => refuse(&error),
                None => refuse(&"EOF"),
            },
        }
    }

    /// Runs work on the files of the guest, on a thread for blocking work if the guest needs one.
    pub(super) async fn with_files<T: Send + 'static>(
        state: &State,
        work: impl FnOnce(&dyn Files) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        Self::on_files(&state.guest, work).await
    }

    /// Does the same for a guest whose server may have ended.
    pub(super) async fn on_files<T: Send + 'static>(
        guest: &Arc<dyn Guest>,
        work: impl FnOnce(&dyn Files) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let files = guest.files();
        if !guest.is_blocking() {
            return work(&*files);
        }
        let done = tokio::task::spawn_blocking(move || work(&*files)).await;
        done.unwrap_or_else(|error| Err(Refusal::internal(error)))
    }
}

/// Decodes a name or value of a query.
fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced)
        .decode_utf8_lossy()
        .into_owned()
}

/// Returns the response of a handler's result.
pub(super) fn into_response(result: HandlerResult) -> Response {
    result.unwrap_or_else(Refusal::into_response)
}

/// The response of a route that exists without information, such as `HEAD` of most paths.
pub(super) fn empty() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::OK;
    response
}
