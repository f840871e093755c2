//! The OAuth 2.0 grants, over any HTTP service.

mod answer;
mod client;
mod client_credentials;
mod code;
mod device;
mod dialect;
mod discovery;
mod exchange;
mod identity;
mod refresh;
mod server;
mod token_response;
mod tokens;

pub(crate) use self::client_credentials::ClientGrant;
pub use self::code::{BrowserLogin, PendingRedirect};
pub use self::device::{DeviceLogin, PendingLogin};
pub use self::dialect::Dialect;
pub(crate) use self::identity::Identity;
pub(crate) use self::refresh::{RefreshGrant, SignIn};
pub use self::server::AuthorizationServer;
pub use self::tokens::{TokenStore, Tokens};

#[cfg(test)]
mod interop_tests;
#[cfg(test)]
mod tests;
