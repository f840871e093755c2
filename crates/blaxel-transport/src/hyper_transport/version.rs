//! The setting for the HTTP version.

/// The HTTP versions that a transport uses, except for [upgrades](blaxel_core::upgrade()), which exist in
/// HTTP/1.1 alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpVersion {
    /// HTTP/2 if the server chooses it in the TLS handshake, otherwise HTTP/1.1. `http` addresses
    /// use HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1 only: for networks in which HTTP/2 does not work, and for a few large transfers,
    /// each of which then has its own connection.
    Http1,
    /// HTTP/2 only. An `https` server must choose it in the handshake; an `http` server must accept
    /// it without negotiation.
    Http2,
}
