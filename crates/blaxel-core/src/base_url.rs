//! The base URL of an API.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};

use crate::error::Error;
use crate::parse_error::{ParseError, try_from_str};
use crate::source::Source;

/// An absolute URL that paths are resolved against: scheme, host, optional port and optional path.
///
/// It is parsed from text. A URL with user information, a query or a fragment is rejected. So is
/// plain `http`, except on the loopback interface, because credentials are sent to these addresses.
/// Errors never show a text that can contain a password.
///
/// ```
/// use blaxel_core::BaseUrl;
///
/// let base: BaseUrl = "https://api.blaxel.ai/v0/".parse()?;
/// assert_eq!(base.to_string(), "https://api.blaxel.ai/v0");
/// assert!("http://api.blaxel.ai/v0".parse::<BaseUrl>().is_err());
/// # Ok::<(), blaxel_core::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    uri: Uri,
    /// The path without a trailing slash; empty for the root.
    path: String,
}

impl BaseUrl {
    /// Parses a base URL, or returns the problem.
    fn parse_url(text: &str) -> Result<Self, String> {
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
        // URLs that differ only in a trailing slash are equal.
        let mut parts = uri.into_parts();
        parts.path_and_query = match path.as_str() {
            "" => Some(PathAndQuery::from_static("/")),
            path => Some(path.parse().map_err(|problem| format!("{problem}"))?),
        };
        let uri = Uri::from_parts(parts).map_err(|problem| format!("{problem}"))?;
        Ok(Self { uri, path })
    }

    /// Returns the path without a trailing slash; empty for the root.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the URL as a [`Uri`].
    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns the host, without a port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    /// Returns `true` if `uri` has the same scheme, host and port.
    ///
    /// ```
    /// use blaxel_core::BaseUrl;
    ///
    /// let base: BaseUrl = "https://api.blaxel.ai/v0".parse()?;
    /// assert!(base.is_origin_of(&"https://api.blaxel.ai:443/other".parse().unwrap()));
    /// assert!(!base.is_origin_of(&"http://api.blaxel.ai/v0".parse().unwrap()));
    /// # Ok::<(), blaxel_core::ParseError>(())
    /// ```
    #[must_use]
    pub fn is_origin_of(&self, uri: &Uri) -> bool {
        let (Some(own), Some(host)) = (self.uri.host(), uri.host()) else {
            return false;
        };
        self.uri.scheme() == uri.scheme()
            && own.eq_ignore_ascii_case(host)
            && port(&self.uri) == port(uri)
    }

    /// Returns the address of a path under this URL. The path starts with a slash and is already
    /// escaped.
    ///
    /// ```
    /// use blaxel_core::{BaseUrl, Error};
    ///
    /// let base: BaseUrl = "https://api.blaxel.ai/v0".parse()?;
    /// assert_eq!(base.join("/agents?limit=5")?, "https://api.blaxel.ai/v0/agents?limit=5");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the path is malformed or too long.
    pub fn join(&self, path_and_query: &str) -> Result<Uri, Error> {
        let bad = |problem: &dyn fmt::Display| Error::input("request path", &Source::Code, problem);
        // With exactly this capacity, the text becomes the path without another copy.
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

impl FromStr for BaseUrl {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse_url(text).map_err(|problem| {
            // An address with an `@` can contain a password, so it is not shown.
            let shown = if text.contains('@') {
                "the address"
            } else {
                text
            };
            let expected = "expected an address such as https://api.blaxel.ai/v0";
            ParseError::new("base URL", format_args!("`{shown}`: {problem}; {expected}"))
        })
    }
}

try_from_str!(BaseUrl);

/// Returns the port of an address, or the default port of its scheme.
fn port(uri: &Uri) -> u16 {
    let standard = if uri.scheme() == Some(&Scheme::HTTPS) {
        443
    } else {
        80
    };
    uri.port_u16().unwrap_or(standard)
}

/// Returns `true` if a host, as written in a URI, is on the loopback interface.
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
    use proptest::prelude::*;

    #[test]
    fn addresses_that_could_leak_a_credential_are_rejected() {
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
            let error = text.parse::<BaseUrl>().unwrap_err();
            let error = error.with_source(Source::variable("BL_API_URL"));
            for shown in [error.to_string(), Error::from(error.clone()).to_string()] {
                assert!(
                    shown.contains("BL_API_URL") && shown.contains(part),
                    "{text}: {shown}"
                );
            }
            let silent = format!("{error} {error:?} {:?}", Error::from(error.clone()));
            assert!(!silent.contains("pa55"), "{silent}");
        }
    }

    #[test]
    fn plain_http_is_allowed_on_loopback() {
        for text in [
            "http://127.0.0.1:9",
            "http://localhost/v0",
            "http://[::1]:80/",
        ] {
            assert!(text.parse::<BaseUrl>().is_ok(), "{text}");
        }
    }

    #[test]
    fn origins_compare_by_scheme_host_and_port() {
        let base = BaseUrl::try_from("https://API.blaxel.ai/v0").unwrap();
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

    proptest! {
        #[test]
        fn displayed_urls_parse_back(host in "[a-z]{1,8}(\\.[a-z]{2,5}){0,2}", port in prop::option::of(1u16..), path in "(/[a-z0-9]{1,5}){0,3}/?") {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let base: BaseUrl = format!("https://{host}{port}{path}").parse().unwrap();
            prop_assert_eq!(base.to_string().parse(), Ok(base));
        }

        #[test]
        fn parsing_never_panics_or_shows_a_password(before in ".{0,10}", after in ".{0,10}") {
            let text = format!("{before}://u:pa55w0rd@{after}");
            if let Err(error) = text.parse::<BaseUrl>() {
                let shown = format!("{error} {error:?}");
                prop_assert!(!shown.contains("pa55w0rd"), "{}", shown);
            }
        }
    }
}
