//! The ports of a guest.

use std::fmt;

use tokio::io::{AsyncRead, AsyncWrite};

/// A port that a process of the guest listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The process that was started, whichever of its children listens, or `None` for a port that no
    /// process of the guest owns.
    pub pid: Option<u32>,
    /// The name of the process; empty if it is not known.
    pub process_name: String,
    /// The protocol, such as `tcp` or `tcp6`.
    pub protocol: String,
    /// The address, such as `0.0.0.0`.
    pub address: String,
    /// The port's number.
    pub port: u16,
}

/// A connection to a port of the guest. Dropping it closes it.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

impl fmt::Debug for dyn Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}
