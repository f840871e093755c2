//! TLS of an emulator that is compiled without it.

use std::io;

use super::Trust;

/// The TLS of a server: there is none.
#[derive(Clone, Debug)]
pub(crate) enum Tls {}

impl Tls {
    pub(crate) async fn accept<I>(&self, _: I) -> io::Result<(I, bool)> {
        match *self {}
    }
}

/// The place of a certificate authority: there is none.
#[derive(Clone, Debug)]
pub(crate) enum Place {}

impl Place {
    pub(crate) fn open(&self) -> io::Result<(Tls, Trust)> {
        match *self {}
    }
}
