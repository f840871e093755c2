//! The answer of a token endpoint.

use std::time::Duration;

use blaxel_core::{Error, Secret};
use oauth2::basic::{BasicErrorResponse, BasicTokenResponse, BasicTokenType};
use oauth2::{RequestTokenError, TokenResponse};

use crate::token::NewToken;

/// Reads the access token of an answer.
pub(super) fn read(answer: &BasicTokenResponse) -> Result<NewToken, Error> {
    if *answer.token_type() != BasicTokenType::Bearer {
        return Err(Error::decode("the answer holds no bearer token"));
    }
    Ok(NewToken {
        secret: answer.access_token().secret().as_str().into(),
        expires_in: answer
            .expires_in()
            .filter(|lifetime| *lifetime > Duration::ZERO),
    })
}

/// The refresh token of an answer; an empty one is none.
pub(super) fn read_refresh(answer: &BasicTokenResponse) -> Option<Secret> {
    let token = answer.refresh_token()?.secret().trim_ascii();
    (!token.is_empty()).then(|| token.into())
}

/// Our error for one of the library's. What it found wrong with an answer is told without the
/// values in it, one of which may be the token.
pub(super) fn own(error: RequestTokenError<Error, BasicErrorResponse>) -> Error {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::Parse(problem, _) if problem.inner().is_data() => {
            let place = problem.path().to_string();
            let finding = match place.as_str() {
                "." => "a member is missing or has the wrong type".to_owned(),
                member => format!("its member `{member}` has the wrong type"),
            };
            Error::decode(format!("the answer is no token response: {finding}"))
        }
        RequestTokenError::Parse(..) => Error::decode("the answer is not JSON"),
        RequestTokenError::ServerResponse(answer) => Error::decode(answer.to_string()),
        RequestTokenError::Other(problem) => Error::decode(problem),
    }
}
