//! TLS of an emulator that is compiled without it.

use std::error::Error;
use std::io::{self, ErrorKind};

use super::Trust;

/// The TLS of a server: there is none.
#[derive(Clone, Debug)]
pub(crate) enum Tls {}

impl Tls {
    pub(crate) async fn accept<I>(&self, _: I) -> io::Result<(I, bool)> {
        match *self {}
    }
}

/// A connector with TLS: there is none.
pub(crate) type Secured<C> = C;

/// The certificate authorities that a client trusts: there are none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roots {}

impl Roots {
    pub(crate) fn add(&mut self, _: &str) -> io::Result<()> {
        let problem = "root certificates need the feature `tls`";
        Err(io::Error::new(ErrorKind::Unsupported, problem))
    }

    #[expect(clippy::unnecessary_wraps, reason = "with TLS, it can fail")]
    pub(crate) fn connectors<C: Clone>(&self, dial: C, _: bool) -> io::Result<[Secured<C>; 2]> {
        Ok([dial.clone(), dial])
    }

    pub(crate) fn refused(_: &(dyn Error + 'static)) -> bool {
        false
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
