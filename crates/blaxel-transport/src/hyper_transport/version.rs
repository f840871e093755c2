//! The versions of HTTP.

/// The versions of HTTP that are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpVersion {
    /// HTTP/2 with a server that chooses it in the TLS handshake, else HTTP/1.1. `http` addresses
    /// get HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1 alone: for networks in which HTTP/2 does not work, and for few large transfers,
    /// which then have a connection each.
    Http1,
    /// HTTP/2 alone. An `https` server must choose it in the handshake; an `http` one must know it
    /// beforehand.
    Http2,
}
