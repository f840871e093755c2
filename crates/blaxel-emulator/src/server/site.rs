//! [`Site`], all that the connections of a server share.

use crate::tls::Tls;

/// All that the connections of a server share.
pub(super) struct Site<H> {
    pub(super) handler: H,
    /// The port of this machine that is served.
    pub(super) port: u16,
    /// `None` if the port has no TLS.
    pub(super) tls: Option<Tls>,
    /// Set if tunnels to other hosts pass.
    pub(super) passes_others: bool,
}
