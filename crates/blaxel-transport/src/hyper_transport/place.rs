//! Where a request goes.

use std::fmt;
use std::net::IpAddr;

use http::uri::{Authority, Scheme};

/// The scheme, host and port of a request. Making one copies no text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    scheme: Scheme,
    authority: Authority,
}

impl Place {
    pub(super) fn new(scheme: &Scheme, authority: &Authority) -> Self {
        Self {
            scheme: scheme.clone(),
            authority: authority.clone(),
        }
    }

    pub(super) fn host(&self) -> &str {
        self.authority.host()
    }
}

impl fmt::Display for Place {
    /// A name and password in the address are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority.host())?;
        match self.authority.port_u16() {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// Whether a host, as it stands in an address, is this machine's own.
pub(super) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_shows_no_user() {
        for (uri, shown) in [
            ("https://api.blaxel.ai/v0?x=1", "https://api.blaxel.ai"),
            ("http://me:canary@[::1]:80/", "http://[::1]:80"),
        ] {
            let uri: http::Uri = uri.parse().unwrap();
            let place = Place::new(uri.scheme().unwrap(), uri.authority().unwrap());
            assert_eq!(place.to_string(), shown);
        }
    }
}
