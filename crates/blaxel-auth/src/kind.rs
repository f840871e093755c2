//! The kinds of credentials.

use std::fmt;

/// The kind of [`Credentials`](crate::Credentials). Its `Display` is the name used in error messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialKind {
    /// A key of a user or a service account. It has access to all workspaces of the user, or to the one
    /// workspace of the service account.
    ApiKey,
    /// An OAuth 2.0 access token, sent as it is until it expires.
    AccessToken,
    /// The id and secret of a service account, exchanged for access tokens as needed.
    ClientCredentials,
    /// The refresh token of a user's sign-in, exchanged for access tokens as needed.
    RefreshToken,
    /// A function of the program, called for access tokens as needed.
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
