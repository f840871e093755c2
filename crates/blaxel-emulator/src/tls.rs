//! TLS, with a certificate authority of the emulator's own; and that of the recorder's connections to the platform.
//!
//! Clients have to trust the authority. It can only issue certificates for names of this machine and of
//! the platform, so that whoever trusts it trusts it for nothing else.

#[cfg(feature = "tls")]
mod authority;
#[cfg(feature = "tls")]
mod certificates;
#[cfg(feature = "tls")]
mod client;
#[cfg(feature = "tls")]
mod directory;
#[cfg(not(feature = "tls"))]
mod none;
#[cfg(feature = "tls")]
mod server;

#[cfg(feature = "tls")]
pub(crate) use self::client::{Roots, Secured};
#[cfg(feature = "tls")]
pub(crate) use self::directory::Place;
#[cfg(not(feature = "tls"))]
pub(crate) use self::none::{Place, Roots, Secured, Tls};
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

impl Trust {
    /// Returns the environment variables of a client that reaches a server of this origin as a proxy.
    pub(crate) fn proxy_variables(&self, origin: &str) -> Vec<(&'static str, String)> {
        if self.authority.is_none() {
            return Vec::new();
        }
        let proxy = origin.replacen("https:", "http:", 1);
        let direct = "localhost,127.0.0.1,::1".to_owned();
        vec![
            ("HTTPS_PROXY", proxy.clone()),
            ("https_proxy", proxy),
            ("NO_PROXY", direct.clone()),
            ("no_proxy", direct),
            ("NODE_USE_ENV_PROXY", "1".to_owned()),
        ]
    }
}
