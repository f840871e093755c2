//! The origin of a request.

use std::fmt;

use http::uri::{Authority, Scheme};

/// The scheme, host and port of a request. Creating one copies no text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    scheme: Scheme,
    authority: Authority,
}

impl Origin {
    /// Creates an origin from the parts of a URI.
    pub(super) fn new(scheme: &Scheme, authority: &Authority) -> Self {
        Self {
            scheme: scheme.clone(),
            authority: authority.clone(),
        }
    }

    /// Returns the host, without a port.
    pub(super) fn host(&self) -> &str {
        self.authority.host()
    }
}

impl fmt::Display for Origin {
    /// Omits user information, which can contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority.host())?;
        match self.authority.port_u16() {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_shows_no_user_information() {
        for (uri, shown) in [
            ("https://api.blaxel.ai/v0?x=1", "https://api.blaxel.ai"),
            ("http://me:canary@[::1]:80/", "http://[::1]:80"),
        ] {
            let uri: http::Uri = uri.parse().unwrap();
            let origin = Origin::new(uri.scheme().unwrap(), uri.authority().unwrap());
            assert_eq!(origin.to_string(), shown);
        }
    }
}
