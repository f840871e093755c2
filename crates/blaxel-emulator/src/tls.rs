//! TLS, with a certificate authority of the emulator's own.
//!
//! Clients have to trust the authority. It can only issue certificates for names of this machine and of
//! the platform, so that whoever trusts it trusts it for nothing else.

#[cfg(feature = "tls")]
mod authority;
#[cfg(feature = "tls")]
mod certificates;
#[cfg(feature = "tls")]
mod directory;
#[cfg(not(feature = "tls"))]
mod none;
#[cfg(feature = "tls")]
mod server;

#[cfg(feature = "tls")]
pub(crate) use self::directory::Place;
#[cfg(not(feature = "tls"))]
pub(crate) use self::none::{Place, Tls};
#[cfg(feature = "tls")]
pub(crate) use self::server::Tls;

/// The means by which clients trust an emulator. Empty for one without TLS.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    /// The certificate of the authority, in PEM.
    pub(crate) authority: Option<String>,
    /// The environment variables that name files with it.
    pub(crate) variables: Vec<(&'static str, String)>,
}
