//! The one reader of addresses that come from people or servers.
//!
//! [`Uri`] accepts addresses that no connection can be made to as they are written. It keeps the port of
//! `http://host:99999` in its text and reports that there is none, so that a request goes to the default
//! port of the scheme. Everything that the SDK may connect to is read here, or checked by [`check`] if it is
//! a `Uri` already, so that the host and the port that were read are those that are connected to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::uri::{Authority, PathAndQuery, Scheme, Uri};

const NO_SCHEME: &str = "it has no scheme or no host";
const NO_HOST: &str = "it has no host";
const USER_INFO: &str = "it names a user; credentials are given separately";
const BAD_HOST: &str = "its host is neither a name nor an IP address";
const PLAIN: &str = "plain http is allowed for loopback addresses only";
const BAD_PORT: &str = "its port is not a number from 1 to 65535";

/// Maximum length of a host name, and of one of its labels (RFC 1035).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// An absolute `https` or `http` URL: scheme, host, optional port, path and query.
///
/// The host is a name, an IPv4 address in dotted decimal form, or an IPv6 address in brackets. User
/// information, a fragment, any other port than 1 to 65535, and characters that a URL must escape are
/// rejected. Its `Debug` output shows the origin only, because path and query can contain a token.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address(Uri);

/// The reason why a text is not an [`Address`].
///
/// It shows the origin if that was read without doubt, and no other part of the text, which can contain a
/// password or a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAddress {
    origin: Option<String>,
    problem: &'static str,
}

impl Address {
    /// Reads an address. Spaces around it are ignored.
    ///
    /// # Errors
    ///
    /// Returns the problem if the text is not an address.
    pub fn read(text: &str) -> Result<Self, InvalidAddress> {
        let text = text.trim();
        let hidden = |problem| InvalidAddress {
            origin: None,
            problem,
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| InvalidAddress {
            origin: harmless_host(text),
            problem: NO_SCHEME,
        })?;
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err(hidden(USER_INFO));
        }
        let scheme = if scheme.eq_ignore_ascii_case("https") {
            Scheme::HTTPS
        } else if scheme.eq_ignore_ascii_case("http") {
            Scheme::HTTP
        } else {
            return Err(hidden("its scheme is neither https nor http"));
        };
        let (host, port) = split_port(authority).map_err(hidden)?;
        // In a text with an `@`, the supposed host may be the name of a user.
        let shown = |port: &str| {
            let origin = || format!("{scheme}://{host}{port}").to_ascii_lowercase();
            (!text.contains('@')).then(origin)
        };
        let port = port.map(port_number).transpose();
        let port = port.map_err(|problem| InvalidAddress {
            origin: shown(""),
            problem,
        })?;
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let invalid = |problem| InvalidAddress {
            origin: shown(&port),
            problem,
        };
        check_target(host, target).map_err(invalid)?;
        let slash = if target.starts_with('/') { "" } else { "/" };
        let target = PathAndQuery::try_from(format!("{slash}{target}"));
        let unusable = "its path has a character that must be escaped";
        let target = target.map_err(|_| invalid(unusable))?;
        let authority = Authority::try_from(format!("{host}{port}").to_ascii_lowercase());
        let authority = authority.map_err(|_| invalid(BAD_HOST))?;
        let uri = Uri::builder()
            .scheme(scheme.clone())
            .authority(authority)
            .path_and_query(target)
            .build();
        uri.map(Self).map_err(|_| invalid("it is too long"))
    }

    /// Reads an address to which a credential or a user may be sent: `https`, or `http` on the loopback
    /// interface.
    ///
    /// # Errors
    ///
    /// Returns the problem if the text is not such an address.
    pub fn read_secure(text: &str) -> Result<Self, InvalidAddress> {
        let address = Self::read(text)?;
        match check_encrypted(address.uri()) {
            Ok(()) => Ok(address),
            Err(problem) => Err(address.invalid(problem)),
        }
    }

    /// Returns the address as a [`Uri`].
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.0
    }

    /// Returns the scheme.
    fn scheme(&self) -> &Scheme {
        // `read` has set it.
        self.0.scheme().unwrap_or(&Scheme::HTTPS)
    }

    /// Returns the host, in brackets if it is an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host().unwrap_or_default()
    }

    /// Returns the explicit port, or the default port of the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        port_of(&self.0)
    }

    /// Returns scheme, host and explicit port: `https://api.blaxel.ai`.
    #[must_use]
    pub fn origin(&self) -> String {
        let authority = self.0.authority().map_or("", Authority::as_str);
        format!("{}://{authority}", self.scheme())
    }

    /// Creates the error of an address that was read but cannot be used.
    #[must_use]
    pub fn invalid(&self, problem: &'static str) -> InvalidAddress {
        InvalidAddress {
            origin: Some(self.origin()),
            problem,
        }
    }
}

impl InvalidAddress {
    /// Returns the problem without the origin.
    #[must_use]
    pub fn problem(&self) -> &'static str {
        self.problem
    }
}

impl From<Address> for Uri {
    fn from(address: Address) -> Self {
        address.0
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.origin())
    }
}

impl fmt::Display for InvalidAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "`{origin}`: ")?;
        }
        f.write_str(self.problem)
    }
}

impl std::error::Error for InvalidAddress {}

/// Checks the host and the port of an absolute [`Uri`] by the rules of [`Address`], or returns the problem.
///
/// # Errors
///
/// Returns the problem, which shows no part of the address.
pub fn check(uri: &Uri) -> Result<(), &'static str> {
    let authority = uri.authority().ok_or(NO_SCHEME)?.as_str();
    if authority.contains('@') {
        return Err(USER_INFO);
    }
    let (_, port) = split_port(authority)?;
    port.map_or(Ok(()), |port| port_number(port).map(drop))
}

/// Checks that a permission in a request to an absolute [`Uri`] cannot be read on its way: the scheme is
/// `https`, or the host is on the loopback interface.
///
/// # Errors
///
/// Returns the problem, which shows no part of the address.
pub fn check_encrypted(uri: &Uri) -> Result<(), &'static str> {
    let encrypted = uri.scheme() == Some(&Scheme::HTTPS);
    if encrypted || is_loopback(uri.host().unwrap_or_default()) {
        Ok(())
    } else {
        Err(PLAIN)
    }
}

/// Returns the explicit port of an address, or the default port of its scheme.
#[must_use]
pub fn port_of(uri: &Uri) -> u16 {
    let standard = if uri.scheme() == Some(&Scheme::HTTPS) {
        443
    } else {
        80
    };
    uri.port_u16().unwrap_or(standard)
}

/// Returns `true` if a host, as written in a URI, is on the loopback interface.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || ip_address(host).is_some_and(|ip| ip.is_loopback())
}

/// Returns the IP address that a host stands for, or `None` if it is a name.
#[must_use]
pub fn ip_address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[') {
        Some(host) => {
            let inner = host.strip_suffix(']')?;
            inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
        }
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

/// Returns the host of a text without a scheme, unless it can be a key or a password: it must be a name
/// without digits, and no user may be before it.
fn harmless_host(text: &str) -> Option<String> {
    let host = text.split([':', '/', '?', '#']).next()?;
    let plain = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'.' | b'-');
    let shown = is_name(host) && host.bytes().all(plain) && !text.contains('@');
    shown.then(|| host.to_owned())
}

/// Splits an authority without user information into a valid host and the text of its port.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), &'static str> {
    let bracket = authority.starts_with('[').then(|| authority.find(']'));
    let end = match bracket.flatten() {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(end);
    let port = match rest {
        "" => None,
        rest => Some(rest.strip_prefix(':').ok_or(BAD_HOST)?),
    };
    if host.is_empty() {
        return Err(NO_HOST);
    }
    if ip_address(host).is_some() || is_name(host) {
        Ok((host, port))
    } else {
        Err(BAD_HOST)
    }
}

/// Reads a port. A leading zero is refused: some readers take it for an octal number.
fn port_number(text: &str) -> Result<u16, &'static str> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let port = digits.then(|| text.parse().ok()).flatten();
    port.ok_or(BAD_PORT)
}

/// Returns `true` for a host name. Underscores occur in the names of internal servers.
///
/// The resolver takes `127.1`, `2130706433` and `0x7f.1` for IPv4 addresses, so a name must not end in a
/// number. A final dot would make one host look like two, and rules about the host miss it.
fn is_name(host: &str) -> bool {
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.get(..2).is_some_and(|x| x.eq_ignore_ascii_case("0x"))
        && last[2..].bytes().all(|byte| byte.is_ascii_hexdigit());
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit());
    host.len() <= MAX_NAME && host.split('.').all(is_label) && !numeric && !hexadecimal
}

/// Checks the path and query of an address.
fn check_target(host: &str, target: &str) -> Result<(), &'static str> {
    if target.contains('#') {
        return Err("it has a fragment");
    }
    if target.contains('\\') {
        return Err("it has a backslash");
    }
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it has a space or another character that must be escaped");
    }
    // In `https://user:1234/rest@host`, a password has a slash and the user is taken for the host. Paths of
    // public servers do contain an `@`, as in `models/claude@001`.
    let path = match target.split_once('?') {
        // Without a path, the password may have had the question mark.
        Some(("", query)) => query,
        Some((path, _)) => path,
        None => target,
    };
    if path.contains('@') && !host.contains('.') && !is_loopback(host) {
        return Err("its path has an `@`, which must be escaped as `%40`");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
