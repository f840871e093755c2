//! The response of a token endpoint.

use std::time::Duration;

use blaxel_core::{Error, Secret};
use oauth2::basic::{BasicErrorResponse, BasicTokenResponse, BasicTokenType};
use oauth2::{RequestTokenError, TokenResponse};

use crate::token::NewToken;

/// Returns the access token of a response.
pub(super) fn read(response: &BasicTokenResponse) -> Result<NewToken, Error> {
    if *response.token_type() != BasicTokenType::Bearer {
        return Err(Error::decode("the response has no bearer token"));
    }
    Ok(NewToken {
        secret: response.access_token().secret().as_str().into(),
        expires_in: response
            .expires_in()
            .filter(|lifetime| *lifetime > Duration::ZERO),
    })
}

/// Returns the refresh token of a response. An empty one counts as none.
pub(super) fn read_refresh(response: &BasicTokenResponse) -> Option<Secret> {
    let token = response.refresh_token()?.secret().trim_ascii();
    (!token.is_empty()).then(|| token.into())
}

/// Converts an error of the `oauth2` crate. The problem with a malformed response is described without its
/// values, one of which may be the token.
pub(super) fn from_oauth2(error: RequestTokenError<Error, BasicErrorResponse>) -> Error {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::Parse(problem, _) if problem.inner().is_data() => {
            let path = problem.path().to_string();
            let finding = match path.as_str() {
                "." => "a member is missing or has the wrong type".to_owned(),
                member => format!("its member `{member}` has the wrong type"),
            };
            Error::decode(format!("the response is not a token response: {finding}"))
        }
        RequestTokenError::Parse(..) => Error::decode("the response is not JSON"),
        RequestTokenError::ServerResponse(response) => Error::decode(response.to_string()),
        RequestTokenError::Other(problem) => Error::decode(problem),
    }
}
