//! An address that paths are resolved against.

use std::fmt;
use std::net::IpAddr;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};

use crate::error::Error;
use crate::source::Source;

/// An absolute address that paths are put under: scheme, host and perhaps a path, nothing else.
///
/// Plain `http` is accepted for the loopback interface only, since credentials travel to these
/// addresses.
///
/// ```
/// use blaxel_core::{BaseUrl, Source};
///
/// let base = BaseUrl::parse("https://api.blaxel.ai/v0/", &Source::Code)?;
/// assert_eq!(base.to_string(), "https://api.blaxel.ai/v0");
/// assert!(BaseUrl::parse("http://api.blaxel.ai/v0", &Source::Code).is_err());
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    uri: Uri,
    /// Without a slash at the end; empty for the root.
    path: String,
}

impl BaseUrl {
    /// Reads an address; `source` is named in the error.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the text is not an absolute `https` address, or `http` on loopback, or
    /// if it holds a user, a query or a fragment.
    pub fn parse(text: &str, source: &Source) -> Result<Self, Error> {
        Self::read(text).map_err(|problem| {
            // An address can hold a password; only text without one is shown.
            let shown = if text.contains('@') {
                "the address"
            } else {
                text
            };
            let expected = "expected an address such as https://api.blaxel.ai/v0";
            Error::input(
                "base URL",
                source,
                format_args!("`{shown}`: {problem}; {expected}"),
            )
        })
    }

    fn read(text: &str) -> Result<Self, String> {
        if text.contains('#') {
            return Err("it has a fragment".to_owned());
        }
        let uri: Uri = text
            .trim()
            .parse()
            .map_err(|problem| format!("{problem}"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err("it has no scheme or no host".to_owned());
        };
        if authority.as_str().contains('@') {
            return Err("it names a user; credentials are given separately".to_owned());
        }
        if authority.host().is_empty() {
            return Err("it has no host".to_owned());
        }
        if uri.query().is_some() {
            return Err("it has a query".to_owned());
        }
        if *scheme != Scheme::HTTPS && *scheme != Scheme::HTTP {
            return Err(format!("the scheme {scheme} is neither https nor http"));
        }
        if *scheme == Scheme::HTTP && !is_loopback(authority.host()) {
            return Err("plain http is allowed for loopback addresses only".to_owned());
        }
        let path = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { uri, path })
    }

    /// The path under which everything lies, without a slash at its end; empty for the root.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The host, without a port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    /// Whether an address has this one's scheme, host and port.
    #[must_use]
    pub fn is_origin_of(&self, uri: &Uri) -> bool {
        let (Some(own), Some(host)) = (self.uri.host(), uri.host()) else {
            return false;
        };
        self.uri.scheme() == uri.scheme()
            && own.eq_ignore_ascii_case(host)
            && port(&self.uri) == port(uri)
    }

    /// The address of a path under this one. The path begins with a slash and is escaped already.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the path is no path or too long.
    pub fn join(&self, path_and_query: &str) -> Result<Uri, Error> {
        let bad = |problem: &dyn fmt::Display| Error::input("request path", &Source::Code, problem);
        // With room for just this, the text becomes the path without being copied again.
        let mut target = String::with_capacity(self.path.len() + path_and_query.len());
        target.push_str(&self.path);
        target.push_str(path_and_query);
        let target = PathAndQuery::from_maybe_shared(Bytes::from(target))
            .map_err(|problem| bad(&problem))?;
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = Some(target);
        Uri::from_parts(parts).map_err(|problem| bad(&problem))
    }
}

/// The port of an address, named or not.
fn port(uri: &Uri) -> u16 {
    let standard = if uri.scheme() == Some(&Scheme::HTTPS) {
        443
    } else {
        80
    };
    uri.port_u16().unwrap_or(standard)
}

/// Whether a host, as it stands in a URI, is this machine's own.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        let authority = self.uri.authority().map_or("", Authority::as_str);
        write!(f, "{scheme}://{authority}{}", self.path)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_could_leak_or_mislead_are_refused() {
        for (text, part) in [
            ("", "expected an address"),
            ("api.blaxel.ai/v0", "expected an address"),
            ("/v0", "no scheme"),
            ("http://api.blaxel.ai/v0", "loopback"),
            ("http://127.0.0.1.evil.example/", "loopback"),
            ("ftp://api.blaxel.ai", "neither https"),
            ("https://user:pa55@api.blaxel.ai", "names a user"),
            ("https://api.blaxel.ai/v0?x=1", "query"),
            ("https://api.blaxel.ai/v0#x", "fragment"),
            ("https://", "expected an address"),
        ] {
            let source = Source::variable("BL_API_URL");
            let error = BaseUrl::parse(text, &source).unwrap_err().to_string();
            assert!(
                error.contains("BL_API_URL") && error.contains(part),
                "{text}: {error}"
            );
            assert!(!error.contains("pa55"), "{error}");
        }
    }

    #[test]
    fn loopback_may_be_plain() {
        for text in [
            "http://127.0.0.1:9",
            "http://localhost/v0",
            "http://[::1]:80/",
        ] {
            assert!(BaseUrl::parse(text, &Source::Code).is_ok(), "{text}");
        }
    }

    #[test]
    fn origins_compare_by_scheme_host_and_port() {
        let base = BaseUrl::parse("https://API.blaxel.ai/v0", &Source::Code).unwrap();
        for (uri, same) in [
            ("https://api.blaxel.ai/other", true),
            ("https://api.blaxel.ai:443/", true),
            ("https://api.blaxel.ai:444/", false),
            ("http://api.blaxel.ai/", false),
            ("https://api.blaxel.ai.evil.example/", false),
            ("/v0", false),
        ] {
            assert_eq!(base.is_origin_of(&uri.parse().unwrap()), same, "{uri}");
        }
    }
}
