//! The kinds of credentials.

use std::fmt;

/// The kind of [`Credentials`](crate::Credentials). Displayed, it is the name used in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialKind {
    /// A key of a user or a service account. It reaches all workspaces of the user, or the one of
    /// the service account.
    ApiKey,
    /// An OAuth 2.0 access token, sent as it is until it expires.
    AccessToken,
    /// Id and secret of a service account, exchanged for access tokens as needed.
    ClientCredentials,
    /// The refresh token of a person's sign-in, exchanged for access tokens as needed.
    RefreshToken,
    /// A function of the program, asked for access tokens as needed.
    Function,
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ApiKey => "API key",
            Self::AccessToken => "access token",
            Self::ClientCredentials => "client credentials",
            Self::RefreshToken => "refresh token",
            Self::Function => "own function",
        })
    }
}
