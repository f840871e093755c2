//! The dialects of token endpoints.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use oauth2::url::form_urlencoded;
use oauth2::{HttpRequest, HttpResponse};
use serde_json::Value;

/// The dialect of OAuth 2.0 that a token endpoint uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// The dialect of the platform's own API, under `https://api.blaxel.ai/v0`.
    ///
    /// Requests are JSON, and the `Basic` header has the client's id and secret without form encoding. A
    /// response of 202 means that the user has not confirmed a sign-in yet.
    #[default]
    Blaxel,
    /// The dialect of RFC 6749: requests are forms, and the id and the secret are form-encoded in the header.
    Standard,
}

impl Dialect {
    /// Converts a standard request to this dialect.
    pub(super) fn request(self, mut request: HttpRequest) -> HttpRequest {
        if self == Self::Blaxel {
            let json = form_as_json(request.body());
            *request.body_mut() = json.to_string().into_bytes();
            let headers = request.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            if let Some(plain) = headers.get(AUTHORIZATION).and_then(plain_basic) {
                headers.insert(AUTHORIZATION, plain);
            }
        }
        if let Some(secret) = request.headers_mut().get_mut(AUTHORIZATION) {
            secret.set_sensitive(true);
        }
        request
    }

    /// Converts a response in this dialect to the standard form.
    pub(super) fn response(self, mut response: HttpResponse) -> HttpResponse {
        if self == Self::Blaxel && response.status() == StatusCode::ACCEPTED {
            *response.status_mut() = StatusCode::BAD_REQUEST;
            *response.body_mut() = br#"{"error":"authorization_pending"}"#.to_vec();
        }
        response
    }
}

fn form_as_json(form: &[u8]) -> Value {
    let text = |(name, value): (_, std::borrow::Cow<'_, str>)| {
        (
            std::borrow::Cow::<'_, str>::into_owned(name),
            Value::String(value.into_owned()),
        )
    };
    Value::Object(form_urlencoded::parse(form).map(text).collect())
}

/// Decodes the two form-encoded parts of a `Basic` header, and returns the header with the plain parts.
fn plain_basic(header: &HeaderValue) -> Option<HeaderValue> {
    let pair = BASE64_STANDARD
        .decode(header.to_str().ok()?.strip_prefix("Basic ")?)
        .ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    // With the colon replaced by an equals sign, the pair is a form with one field.
    let mut form = pair;
    *form.get_mut(colon)? = b'=';
    let (id, secret) = form_urlencoded::parse(&form).next()?;
    let plain = BASE64_STANDARD.encode(format!("{id}:{secret}"));
    HeaderValue::try_from(format!("Basic {plain}")).ok()
}
