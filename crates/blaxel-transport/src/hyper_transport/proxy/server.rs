//! The address and the credentials of a proxy.

use std::fmt;

use blaxel_core::__private::Address;
use blaxel_core::Secret;
use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The characters of a user name and password in a URL that are not escaped, besides alphanumeric
/// ones.
const USER_INFO: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An HTTP proxy: its origin, and the credentials for it if there are any.
#[derive(Clone)]
pub(super) struct ProxyServer {
    address: Address,
    /// User name and password in percent form, separated by a colon.
    user_info: Option<Secret>,
}

impl ProxyServer {
    /// Reads the address of a proxy, or returns the problem, which shows no part of the text.
    ///
    /// The authority ends before the first `/`, `?` or `#`, and the user information in it at the last `@`, as
    /// browsers read a URL. So the password may contain an unescaped `@`, and none of the others.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.contains(char::REPLACEMENT_CHARACTER) {
            return Err("it is not valid UTF-8".to_owned());
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        if scheme.to_ascii_lowercase().starts_with("socks") {
            return Err("SOCKS proxies are not supported; use an HTTP proxy".to_owned());
        }
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if path.contains('@') {
            let problem = "its user name or password contains `/`, `?`, `#` or `\\`; escape it in percent \
                           form, such as `%23` for `#`, or set it with `Proxy::credentials`";
            return Err(problem.to_owned());
        }
        let (user_info, host) = match authority.rsplit_once('@') {
            Some((user_info, host)) => (read_user_info(user_info)?, host),
            None => (None, authority),
        };
        let address = Address::read(&format!("{scheme}://{host}{path}")).map_err(|invalid| {
            let problem = invalid.problem();
            format!("{problem}; expected an address such as http://proxy.example:3128")
        })?;
        if address.uri().query().is_some() {
            return Err("it has a query".to_owned());
        }
        Ok(Self { address, user_info })
    }

    /// Replaces the credentials.
    pub(super) fn set_credentials(&mut self, user: &str, password: Option<&str>) {
        self.user_info = Some(encode(user, password));
    }

    /// Returns the origin of the proxy and its credentials in the form for hyper.
    pub(super) fn intercept(&self) -> Option<Intercept> {
        let uri = self.address.uri();
        let authority = uri.authority()?;
        let scheme = uri.scheme_str()?;
        let text = match &self.user_info {
            Some(user_info) => format!("{scheme}://{}@{authority}", user_info.expose()),
            None => format!("{scheme}://{authority}"),
        };
        // The matcher is not asked which hosts are excepted, so it returns the same for all.
        let matcher = Matcher::builder().all(text).build();
        matcher.intercept(&Uri::from_static("https://host.invalid"))
    }
}

/// Reads the user name and password of an address, or returns the problem.
fn read_user_info(text: &str) -> Result<Option<Secret>, &'static str> {
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(
            "its user name or password contains a space or a control character; escape it in \
             percent form, such as `%20` for a space",
        );
    }
    let decoded = |text| {
        let decoded = percent_decode_str(text).decode_utf8();
        decoded.map_err(|_| "its user name or password is not UTF-8 after decoding")
    };
    match text.split_once(':') {
        _ if matches!(text, "" | ":") => Ok(None),
        Some((user, password)) => Ok(Some(encode(&decoded(user)?, Some(&decoded(password)?)))),
        None => Ok(Some(encode(&decoded(text)?, None))),
    }
}

/// Returns a user name and password in percent form, separated by a colon.
fn encode(user: &str, password: Option<&str>) -> Secret {
    let user = utf8_percent_encode(user, USER_INFO);
    Secret::new(match password {
        Some(password) => format!("{user}:{}", utf8_percent_encode(password, USER_INFO)),
        None => user.to_string(),
    })
}

impl fmt::Debug for ProxyServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address.origin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the `Proxy-Authorization` of a proxy.
    fn authorization(text: &str) -> Option<String> {
        let proxy = ProxyServer::read(text).unwrap();
        let shown = format!("{proxy:?}");
        assert!(!shown.contains('@') && !shown.contains("me"), "{shown}");
        let found = proxy.intercept().unwrap();
        assert_eq!(found.uri(), "http://127.0.0.1:3128/", "{text}");
        let value = found.basic_auth()?;
        Some(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn credentials_are_read_as_browsers_do() {
        for (user_info, encoded) in [
            ("me:hunter2", "bWU6aHVudGVyMg=="),
            // me:hun@ter2
            ("me:hun@ter2", "bWU6aHVuQHRlcjI="),
            ("me:hun%40ter2", "bWU6aHVuQHRlcjI="),
            // me:a:b
            ("me:a:b", "bWU6YTpi"),
            // me:#/?
            ("me:%23%2F%3f", "bWU6Iy8/"),
            // An incomplete escape stands for itself: me:100%
            ("me:100%", "bWU6MTAwJQ=="),
            ("me:100%25", "bWU6MTAwJQ=="),
            // A plus sign is no space: me:a+b
            ("me:a+b", "bWU6YSti"),
            ("me:p%C3%A4ss", "bWU6cMOkc3M="),
            ("me:päss", "bWU6cMOkc3M="),
            ("me:", "bWU6"),
            ("me", "bWU6"),
            // @:@ and me@corp:x
            ("@:@", "QDpA"),
            ("me@corp:x", "bWVAY29ycDp4"),
        ] {
            let text = format!("http://{user_info}@127.0.0.1:3128");
            assert_eq!(
                authorization(&text),
                Some(format!("Basic {encoded}")),
                "{text}"
            );
        }
        for text in [
            "127.0.0.1:3128",
            "HTTP://127.0.0.1:3128/",
            "http://@127.0.0.1:3128",
            "http://:@127.0.0.1:3128",
        ] {
            assert_eq!(authorization(text), None, "{text}");
        }
    }

    #[test]
    fn an_ambiguous_address_is_refused_without_being_shown() {
        for (text, part) in [
            ("http://user:canary#x@127.0.0.1:3128", "escape"),
            ("http://user:can/ary@127.0.0.1:3128", "escape"),
            ("http://user:can?ary@127.0.0.1:3128", "escape"),
            ("http://user:can\\ary@127.0.0.1:3128", "escape"),
            ("user:canary#@127.0.0.1:3128", "escape"),
            ("http://user:1234/canary@127.0.0.1", "escape"),
            ("http://user#canary@127.0.0.1", "escape"),
            ("http://user:can ary@127.0.0.1", "escape"),
            ("http://user:can\nary@127.0.0.1", "escape"),
            ("http://user:canary%ff@127.0.0.1", "UTF-8"),
            ("http://user:canary\u{fffd}@127.0.0.1", "UTF-8"),
            ("http://user:canary", "port"),
            ("http://user:canary@", "no host"),
            ("http://user:canary@:3128", "no host"),
            ("http://user:canary@127.0.0.1:0", "port"),
            ("http://user:canary@127.0.0.1:99999", "port"),
            ("http://user:canary@127.0.0.1:", "port"),
            ("http://user:canary@127.0.0.1:canary", "port"),
            ("http://user:canary@127.1", "host"),
            ("http://user:canary@[::1", "host"),
            ("http://user:canary@pro xy", "host"),
            ("http://canary?x", "query"),
            ("http://canary#x", "fragment"),
            ("user:a://canary@127.0.0.1", "scheme"),
            ("ftp://user:canary@127.0.0.1", "scheme"),
            ("socks5h://user:canary@127.0.0.1", "SOCKS"),
            ("SOCKS5://user:canary@127.0.0.1", "SOCKS"),
            ("//canary", "no host"),
            ("", "no host"),
        ] {
            let problem = ProxyServer::read(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
            for secret in ["canary", "ary", "user:", "1234"] {
                assert!(!problem.contains(secret), "{text}: {problem}");
            }
        }
    }
}
