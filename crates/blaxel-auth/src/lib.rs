#![doc = include_str!("../README.md")]
//!
//! ## Main types
//!
//! - [`Credentials`]: an API key, client credentials, the tokens of a user's sign-in, an access token, or a
//!   function that returns access tokens; with the source it came from, and optionally a workspace.
//!   [`CredentialKind`] is its kind.
//! - [`Variables`]: a snapshot of the environment variables, which is read once and never changed.
//! - [`Authenticator`]: provides the header value for each request, and fetches and renews tokens.
//! - [`HeaderProvider`]: provides the headers for third-party clients, such as one for OpenAI's API or for MCP.
//! - `Tokens`, `TokenStore` (feature `oauth`): the tokens of a sign-in, and a store that keeps them beyond the
//!   lifetime of the process.
//! - `DeviceLogin`, `BrowserLogin`, `AuthorizationServer` (feature `oauth`): sign a user in.
//!   `DeviceLogin::from_env(..)?.sign_in(..)` signs in to the platform.
//! - `ConfigFile` (feature `config-file`), `ConfigWriter` (feature `config-write`): read and write the sign-ins
//!   of the `bl` command.
//! - [`Environment`]: the deployments of the platform, and their addresses.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    warn(clippy::arithmetic_side_effects, clippy::future_not_send)
)]

mod authenticator;
mod bearer;
#[cfg(all(feature = "config-file", feature = "oauth"))]
mod blocking;
#[cfg(feature = "oauth")]
mod cache;
#[cfg(test)]
mod canary;
#[cfg(feature = "config-file")]
mod config_file;
mod credentials;
mod env_file;
mod environment;
#[cfg(feature = "oauth")]
mod function;
mod headers;
#[cfg(any(feature = "oauth", feature = "config-file"))]
mod jwt;
mod kind;
#[cfg(feature = "oauth")]
mod login;
#[cfg(feature = "oauth")]
mod oauth;
#[cfg(feature = "project-file")]
mod project_file;
mod resolve;
mod small_file;
#[cfg(feature = "oauth")]
mod token;
mod variables;
#[cfg(feature = "config-file")]
mod yaml;

/// Re-export of [`blaxel_core`], in the version that this crate uses.
///
/// It keeps its full name because a module called `core` would shadow the language's own `core` in every
/// file that imports this crate by `*`.
pub use blaxel_core;

pub use self::authenticator::Authenticator;
#[cfg(feature = "config-file")]
pub use self::config_file::ConfigFile;
#[cfg(feature = "config-write")]
pub use self::config_file::ConfigWriter;
pub use self::credentials::Credentials;
pub use self::environment::Environment;
#[cfg(feature = "oauth")]
pub use self::function::AccessToken;
pub use self::headers::HeaderProvider;
pub use self::kind::CredentialKind;
#[cfg(feature = "oauth")]
pub use self::oauth::{
    AuthorizationServer, BrowserLogin, DeviceLogin, Dialect, PendingLogin, PendingRedirect,
    TokenStore, Tokens,
};
pub use self::variables::Variables;
