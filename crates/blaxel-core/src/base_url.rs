//! The base URL of an API.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use http::uri::{Authority, InvalidUriParts, Parts, PathAndQuery, Uri};

use crate::address::{Address, InvalidAddress, check, port_of};
use crate::error::Error;
use crate::parse_error::{ParseError, try_from_str};
use crate::source::Source;

/// An absolute URL that paths are resolved against: scheme, host, optional port and optional path.
///
/// It is parsed from text. A URL with user information, a query or a fragment is rejected, and so is
/// one whose port is not a number from 1 to 65535, or whose host is neither a name nor an IP address.
/// Plain `http` is rejected except on the loopback interface, because credentials are sent to these
/// addresses. Errors show the origin at most, because the rest of a text can contain a password.
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
    fn parse_url(text: &str) -> Result<Self, InvalidAddress> {
        let address = Address::read_secure(text)?;
        if address.uri().query().is_some() {
            return Err(address.invalid("it has a query"));
        }
        let path = address.uri().path().trim_end_matches('/').to_owned();
        // URLs that differ only in a trailing slash are equal.
        let target = match path.as_str() {
            "" => Ok(PathAndQuery::from_static("/")),
            path => path.parse(),
        };
        let target = target.map_err(|_| address.invalid("its path is not valid"))?;
        let mut parts = Uri::from(address.clone()).into_parts();
        parts.path_and_query = Some(target);
        let uri = Uri::from_parts(parts).map_err(|_| address.invalid("its path is not valid"))?;
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
        let (Some(own), Some(other)) = (self.uri.authority(), uri.authority()) else {
            return false;
        };
        // The usual case: the address was made by `join`, so it shares the text of this one. What was checked
        // of one holds for the other, also if only the text is equal.
        self.uri.scheme() == uri.scheme()
            && (std::ptr::eq(own.as_str(), other.as_str())
                || own == other
                || own.host().eq_ignore_ascii_case(other.host())
                    && port_of(&self.uri) == port_of(uri)
                    && check(uri).is_ok())
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
        self.join_all(&[path_and_query])
    }

    /// Returns the address of a path under this URL that consists of these texts.
    ///
    /// # Errors
    ///
    /// Those of [`join`](Self::join).
    pub(crate) fn join_all(&self, texts: &[&str]) -> Result<Uri, Error> {
        let bad = |problem: &dyn fmt::Display| Error::input("request path", &Source::Code, problem);
        let length = texts.iter().fold(self.path.len(), |sum, it| sum + it.len());
        // With exactly this capacity, the text becomes the path without another copy.
        let mut target = String::with_capacity(length);
        target.push_str(&self.path);
        target.extend(texts.iter().copied());
        let target = PathAndQuery::from_maybe_shared(Bytes::from(target))
            .map_err(|problem| bad(&problem))?;
        with_target(&self.uri, target).map_err(|problem| bad(&problem))
    }
}

/// Returns an address with another path and query.
pub(crate) fn with_target(base: &Uri, target: PathAndQuery) -> Result<Uri, InvalidUriParts> {
    let mut parts = Parts::default();
    parts.scheme = base.scheme().cloned();
    parts.authority = base.authority().cloned();
    parts.path_and_query = Some(target);
    Uri::from_parts(parts)
}

impl FromStr for BaseUrl {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse_url(text).map_err(|problem| {
            let expected = "expected an address such as https://api.blaxel.ai/v0";
            ParseError::new("base URL", format_args!("{problem}; {expected}"))
        })
    }
}

try_from_str!(BaseUrl);

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
            ("https://api.blaxel.ai/v0?key=pa55", "query"),
            ("https://api.blaxel.ai/v0#x", "fragment"),
            ("http://127.0.0.1:99999/v0", "port"),
            ("https://me:1234/pa55@api.blaxel.ai", "`@`"),
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
            ("https://api.blaxel.ai:65979/", false),
            ("https://api.blaxel.ai:port/", false),
            ("https://me@api.blaxel.ai/", false),
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
