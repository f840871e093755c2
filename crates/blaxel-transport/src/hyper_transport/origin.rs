//! The origin of a request, and what is known of it.

use std::fmt;

use blaxel_core::__private::check_address;
use http::header::HeaderValue;
use http::uri::{Authority, InvalidUriParts, Parts, PathAndQuery, Scheme, Uri};

/// The two kinds of hosts, whose connections stay idle for different times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostKind {
    /// The control plane and every other host.
    Control,
    /// A host that an idle connection keeps awake.
    Workload,
}

/// The place that a request is sent to.
pub(super) struct Target {
    pub(super) origin: Origin,
    pub(super) kind: HostKind,
    /// The position of the origin among those that were known when the transport was built.
    pub(super) position: Option<usize>,
}

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

    /// Returns the address of its root.
    pub(super) fn to_uri(&self) -> Result<Uri, InvalidUriParts> {
        let mut parts = self.parts();
        parts.path_and_query = Some(PathAndQuery::from_static("/"));
        Uri::from_parts(parts)
    }

    /// Returns the parts of an address without a path.
    pub(super) fn parts(&self) -> Parts {
        let mut parts = Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts
    }

    /// Returns the value of the `Host` header: the host, and the port unless it is that of the scheme.
    pub(super) fn host_header(&self) -> HeaderValue {
        let default = if self.scheme == Scheme::HTTPS {
            443
        } else {
            80
        };
        let host = self.host();
        let value = match self.authority.port_u16() {
            Some(port) if port != default => HeaderValue::try_from(format!("{host}:{port}")),
            _ => HeaderValue::from_str(host),
        };
        // An authority has no character that a header may not have.
        value.unwrap_or(HeaderValue::from_static(""))
    }

    /// Returns the host, without a port.
    pub(super) fn host(&self) -> &str {
        self.authority.host()
    }
}

/// An origin whose address was checked when the transport was built.
#[derive(Clone, Debug)]
pub(super) struct KnownOrigin {
    pub(super) origin: Origin,
    pub(super) kind: HostKind,
}

impl KnownOrigin {
    /// Creates a known origin of the kind that `kind` finds for its host, or `None` if the address of the URI
    /// is not valid.
    pub(super) fn new(uri: &Uri, kind: impl FnOnce(&str) -> HostKind) -> Option<Self> {
        check_address(uri).ok()?;
        let origin = Origin::new(uri.scheme()?, uri.authority()?);
        Some(Self {
            kind: kind(origin.host()),
            origin,
        })
    }

    /// Returns `true` if a URI has this origin and was made from it, so that both share the text of the
    /// authority. What was checked of one then holds for the other, and nothing has to be compared.
    pub(super) fn is_shared_by(&self, scheme: &Scheme, authority: &Authority) -> bool {
        std::ptr::eq(self.origin.authority.as_str(), authority.as_str())
            && self.origin.scheme == *scheme
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
    fn a_known_origin_is_recognized_by_its_text_alone() {
        let base: Uri = "https://api.blaxel.ai/v0".parse().unwrap();
        let known = KnownOrigin::new(&base, |_| HostKind::Control).unwrap();
        let is_known =
            |uri: &Uri| known.is_shared_by(uri.scheme().unwrap(), uri.authority().unwrap());
        let mut parts = base.clone().into_parts();
        parts.path_and_query = Some("/v0/agents".parse().unwrap());
        assert!(is_known(&Uri::from_parts(parts).unwrap()));
        let mut plain = base.clone().into_parts();
        plain.scheme = Some(Scheme::HTTP);
        assert!(!is_known(&Uri::from_parts(plain).unwrap()));
        // Equal addresses with a text of their own are checked like any other.
        assert!(!is_known(&"https://api.blaxel.ai/v0".parse().unwrap()));
        assert!(!is_known(&"https://evil.example/v0".parse().unwrap()));
        let invalid = "https://api.blaxel.ai:99999/".parse().unwrap();
        assert!(KnownOrigin::new(&invalid, |_| HostKind::Control).is_none());
    }

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
