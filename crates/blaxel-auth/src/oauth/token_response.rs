//! The response of a token endpoint.

use std::time::Duration;

use blaxel_core::__private::trim_setting;
use blaxel_core::{Error, Secret};
use oauth2::basic::{BasicErrorResponse, BasicTokenResponse};
use oauth2::{RequestTokenError, TokenResponse};
use serde_json::{Map, Value};

use super::answer::seconds;
use crate::token::NewToken;

/// Converts a response to the form of RFC 6749, with the members that are needed. Strict is what carries the
/// meaning: the token and its type. The type may be missing, the lifetime may be any number or a text, and a
/// refresh token that is null or empty counts as none.
///
/// # Errors
///
/// Describes the problem, without the values.
pub(super) fn standardized(members: &Map<String, Value>) -> Result<Value, &'static str> {
    let text = |name| {
        let text = members.get(name).and_then(Value::as_str).map(trim_setting);
        text.filter(|text| !text.is_empty())
    };
    let token = match members.get("access_token") {
        None | Some(Value::Null | Value::String(_)) => text("access_token")
            .ok_or("the response is not a token response: it has no `access_token`")?,
        Some(_) => {
            return Err("the response is not a token response: its `access_token` is not a text");
        }
    };
    if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err("the response has no bearer token");
    }
    let mut standard = Map::new();
    standard.insert("access_token".to_owned(), token.into());
    standard.insert("token_type".to_owned(), "bearer".into());
    if let Some(lifetime) = seconds(members, "expires_in") {
        // The conversion saturates if the number is out of range.
        standard.insert("expires_in".to_owned(), (lifetime as u64).into());
    }
    if let Some(refresh) = text("refresh_token") {
        standard.insert("refresh_token".to_owned(), refresh.into());
    }
    Ok(Value::Object(standard))
}

/// Returns the access token of a response.
pub(super) fn read(response: &BasicTokenResponse) -> NewToken {
    NewToken {
        secret: response.access_token().secret().as_str().into(),
        expires_in: response
            .expires_in()
            .filter(|lifetime| *lifetime > Duration::ZERO),
    }
}

/// Returns the refresh token of a response.
pub(super) fn read_refresh(response: &BasicTokenResponse) -> Option<Secret> {
    Some(response.refresh_token()?.secret().as_str().into())
}

/// Converts an error of the `oauth2` crate, which receives [`standardized`] responses only.
pub(super) fn from_oauth2(error: RequestTokenError<Error, BasicErrorResponse>) -> Error {
    match error {
        RequestTokenError::Request(error) => error,
        _ => Error::decode("the response is not a token response"),
    }
}
