//! The proxy settings.

use std::fmt;

use blaxel_core::{Error, Secret, Source};
use http::Uri;
use http::uri::Scheme;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::origin::is_loopback;

/// The characters of a user name and password in a URL that are not escaped, besides alphanumeric
/// ones.
const USER_INFO: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The proxy setting of a transport: direct connections, or connections through an HTTP proxy.
///
/// The transport asks the proxy for a tunnel (`CONNECT`) with TLS from end to end. So the proxy
/// sees host names and nothing else: no path, no header, no credential of the API. The proxy's own
/// credentials are sent only to it.
///
/// The local machine (`localhost` and the loopback addresses) and all `http` addresses are reached
/// directly, unless [`including_loopback`](Self::including_loopback) is set.
///
/// ```
/// use blaxel_transport::{HyperTransport, Proxy};
///
/// let proxy = Proxy::via("http://proxy.example:3128")?
///     .credentials("me", "pass word")
///     .except("internal.example, 10.0.0.0/8");
/// let transport = HyperTransport::builder().proxy(proxy).build();
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Proxy {
    choice: Choice,
    exceptions: String,
    loopback: bool,
}

/// The choice of a proxy.
#[derive(Clone, Default)]
enum Choice {
    #[default]
    Environment,
    Direct,
    /// `address` may contain credentials; `shown` does not.
    Fixed {
        address: Secret,
        shown: Uri,
    },
}

impl Proxy {
    /// Uses the proxy of the environment, if there is one. This is the default.
    ///
    /// `HTTPS_PROXY` applies to `https` addresses and `HTTP_PROXY` to `http` ones, then `ALL_PROXY`
    /// to both; each name is looked up in upper case first, then in lower case. An empty value
    /// counts as unset. `NO_PROXY` lists the exceptions, in the format of [`except`](Self::except).
    /// If a value is not the address of an HTTP proxy, the connections that need it fail: the SDK
    /// does not bypass a proxy.
    ///
    /// In a CGI program (`REQUEST_METHOD` is set) `HTTP_PROXY` is ignored, because a client's
    /// `Proxy` header sets it there.
    ///
    /// The variables are read when the transport is built.
    pub fn from_env() -> Self {
        Self::default()
    }

    /// Uses no proxy, regardless of the environment.
    pub fn none() -> Self {
        Self {
            choice: Choice::Direct,
            ..Self::default()
        }
    }

    /// Uses the proxy at `address`: an `http` URL, an `https` URL if the proxy itself uses TLS, or
    /// a host and port.
    ///
    /// The environment is ignored, including `NO_PROXY`. The URL may contain a percent-encoded user
    /// name and password; [`credentials`](Self::credentials) sets them without encoding.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the text is not the address of an HTTP proxy.
    pub fn via(address: &str) -> Result<Self, Error> {
        let shown = parse_address(address.trim())
            .map_err(|problem| Error::input("proxy", &Source::Code, problem))?;
        let choice = Choice::Fixed {
            address: Secret::from(address.trim()),
            shown,
        };
        Ok(Self {
            choice,
            ..Self::default()
        })
    }

    /// Sets the user name and password for the proxy, sent as `Proxy-Authorization: Basic`. It has
    /// no effect on a proxy of the environment, whose URL contains its own credentials. By default
    /// those in the URL are sent, if it has any.
    pub fn credentials(mut self, user: &str, password: impl Into<Secret>) -> Self {
        if let Choice::Fixed { address, shown } = &mut self.choice {
            let password = password.into();
            *address = Secret::new(format!(
                "{}://{}:{}@{}",
                shown.scheme_str().unwrap_or("http"),
                utf8_percent_encode(user, USER_INFO),
                utf8_percent_encode(password.expose(), USER_INFO),
                shown.authority().map_or("", |authority| authority.as_str()),
            ));
        }
        self
    }

    /// Adds hosts to reach directly, besides those of `NO_PROXY` if the environment is used. They
    /// are separated by commas: names, which include their subdomains, addresses, and networks such
    /// as `10.0.0.0/8`; `*` stands for all. None by default.
    pub fn except(mut self, hosts: &str) -> Self {
        if !self.exceptions.is_empty() {
            self.exceptions.push(',');
        }
        self.exceptions.push_str(hosts);
        self
    }

    /// Uses the proxy for the local machine and `http` addresses too, with a tunnel as for all
    /// others. It is meant for a proxy that records traffic.
    pub fn including_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Returns the rules, with the current environment.
    pub(super) fn rules(&self) -> Rules {
        self.rules_in(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into()))
    }

    /// Returns the rules in an environment given as a function.
    fn rules_in(&self, variable: impl Fn(&str) -> Option<String>) -> Rules {
        let mut rules = Rules {
            http: Route::Direct,
            https: Route::Direct,
            loopback: self.loopback,
        };
        match &self.choice {
            Choice::Direct => {}
            Choice::Fixed { address, .. } => {
                let route = || Route::through(address.expose(), &self.exceptions, &Source::Code);
                (rules.http, rules.https) = (route(), route());
            }
            Choice::Environment => {
                let first = |names: &[&'static str]| {
                    names.iter().find_map(|name| {
                        let value = variable(name)?;
                        let value = value.trim();
                        (!value.is_empty()).then(|| (value.to_owned(), Source::variable(*name)))
                    })
                };
                let mut except = self.exceptions.clone();
                if let Some((hosts, _)) = first(&["NO_PROXY", "no_proxy"]) {
                    except = format!("{except},{hosts}");
                }
                let route = |names: &[&'static str]| {
                    let found = first(names).or_else(|| first(&["ALL_PROXY", "all_proxy"]));
                    found.map_or(Route::Direct, |(address, source)| {
                        Route::through(&address, &except, &source)
                    })
                };
                rules.https = route(&["HTTPS_PROXY", "https_proxy"]);
                rules.http = match variable("REQUEST_METHOD") {
                    Some(_) => route(&[]),
                    None => route(&["HTTP_PROXY", "http_proxy"]),
                };
            }
        }
        rules
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Proxy");
        match &self.choice {
            Choice::Environment => out.field("via", &"environment"),
            Choice::Direct => out.field("via", &"none"),
            Choice::Fixed { shown, .. } => out.field("via", shown),
        };
        out.field("except", &self.exceptions)
            .field("including_loopback", &self.loopback)
            .finish()
    }
}

/// Parses the address of a proxy and removes its user information, or returns the problem. The
/// problem does not quote the text, which may contain a password.
fn parse_address(text: &str) -> Result<Uri, &'static str> {
    let unusable = "it is not an address such as http://proxy.example:3128";
    let uri: Uri = text.parse().map_err(|_| unusable)?;
    let scheme = match uri.scheme() {
        None => Scheme::HTTP,
        Some(scheme) if *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS => scheme.clone(),
        Some(scheme) if scheme.as_str().starts_with("socks") => {
            return Err("SOCKS proxies are not supported; use an HTTP proxy");
        }
        Some(_) => return Err("its scheme is neither http nor https"),
    };
    let authority = uri.authority().ok_or(unusable)?.as_str();
    let bare = authority
        .rsplit_once('@')
        .map_or(authority, |(_, bare)| bare);
    if bare.is_empty() || bare.starts_with(':') {
        return Err(unusable);
    }
    Uri::builder()
        .scheme(scheme)
        .authority(bare)
        .path_and_query("/")
        .build()
        .map_err(|_| unusable)
}

/// The routes to `http` and `https` addresses.
#[derive(Debug)]
pub(super) struct Rules {
    http: Route,
    https: Route,
    loopback: bool,
}

/// A route to servers.
#[derive(Debug)]
enum Route {
    Direct,
    Through(Box<Matcher>),
    /// The configured proxy is invalid, with this problem.
    Invalid(String),
}

impl Route {
    /// Creates the route through the proxy at an address.
    fn through(address: &str, except: &str, source: &Source) -> Self {
        match parse_address(address) {
            Ok(_) => {
                let matcher = Matcher::builder().all(address).no(except).build();
                Self::Through(Box::new(matcher))
            }
            Err(problem) => Self::Invalid(format!("invalid proxy ({source}): {problem}")),
        }
    }
}

impl Rules {
    /// Returns the proxy for an address, if there is one, or the problem of an invalid proxy.
    pub(super) fn proxy_for(&self, target: &Uri) -> Result<Option<Intercept>, String> {
        let plain = target.scheme() == Some(&Scheme::HTTP);
        if !self.loopback && (plain || is_loopback(target.host().unwrap_or_default())) {
            return Ok(None);
        }
        match if plain { &self.http } else { &self.https } {
            Route::Direct => Ok(None),
            Route::Through(matcher) => Ok(matcher.intercept(target)),
            Route::Invalid(problem) => Err(problem.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the URL and credentials of the proxy for an address.
    fn proxy_to(rules: &Rules, target: &str) -> Result<Option<String>, String> {
        let found = rules.proxy_for(&target.parse().unwrap())?;
        Ok(found.map(|proxy| {
            let user = proxy.basic_auth().map(|value| value.to_str().unwrap());
            format!("{} {}", proxy.uri(), user.unwrap_or("-"))
        }))
    }

    /// Returns the rules in an environment of these variables.
    fn in_environment(pairs: &[(&str, &str)]) -> Rules {
        Proxy::from_env().rules_in(|name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn proxy_variables_have_their_usual_meaning() {
        let api = "https://api.blaxel.ai";
        for (pairs, expected) in [
            (vec![], None),
            (vec![("HTTPS_PROXY", "")], None),
            (vec![("HTTP_PROXY", "http://p:1")], None),
            (vec![("HTTPS_PROXY", "http://p:1")], Some("http://p:1/ -")),
            (vec![("https_proxy", " p:1 ")], Some("http://p:1/ -")),
            (vec![("ALL_PROXY", "https://p:1")], Some("https://p:1/ -")),
            (
                vec![("all_proxy", "http://q"), ("HTTPS_PROXY", "http://p:1")],
                Some("http://p:1/ -"),
            ),
            (
                vec![("https_proxy", "http://q"), ("HTTPS_PROXY", "http://p:1")],
                Some("http://p:1/ -"),
            ),
            (
                vec![("HTTPS_PROXY", "http://me:a%40b@p:1")],
                Some("http://p:1/ Basic bWU6YUBi"),
            ),
            (
                vec![("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", "blaxel.ai")],
                None,
            ),
            (vec![("HTTPS_PROXY", "http://p:1"), ("no_proxy", "*")], None),
            (
                vec![
                    ("HTTPS_PROXY", "http://p:1"),
                    ("NO_PROXY", "xel.ai, .bl.run"),
                ],
                Some("http://p:1/ -"),
            ),
        ] {
            let found = proxy_to(&in_environment(&pairs), api);
            assert_eq!(found, Ok(expected.map(str::to_owned)), "{pairs:?}");
        }
    }

    #[test]
    fn loopback_and_http_are_direct_unless_included() {
        let proxy = Proxy::via("http://p:1").unwrap();
        let local = ["http://localhost:9", "https://127.0.0.1", "https://[::1]:1"];
        for target in local.into_iter().chain(["http://elsewhere.example"]) {
            assert_eq!(proxy_to(&proxy.rules(), target), Ok(None), "{target}");
            let including = proxy.clone().including_loopback().rules();
            assert!(proxy_to(&including, target).unwrap().is_some(), "{target}");
        }
    }

    #[test]
    fn an_invalid_proxy_is_an_error_rather_than_bypassed() {
        for (value, part) in [
            ("socks5://canary:canary@p:1", "SOCKS"),
            ("ftp://canary@p", "scheme"),
            ("http://canary:c anary@p", "not an address"),
            ("http://:3128", "not an address"),
        ] {
            let problem =
                proxy_to(&in_environment(&[("ALL_PROXY", value)]), "https://a.b").unwrap_err();
            assert!(
                problem.contains("ALL_PROXY") && problem.contains(part),
                "{problem}"
            );
            assert!(!problem.contains("canary"), "{problem}");
            let error = Proxy::via(value).unwrap_err();
            assert!(
                error.is_input() && error.to_string().contains(part),
                "{error}"
            );
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
    }

    #[test]
    fn http_proxy_is_ignored_in_cgi_programs() {
        let mut pairs = vec![("HTTP_PROXY", "http://evil"), ("ALL_PROXY", "http://good")];
        let proxy_to_http = |pairs: &[(&str, &str)]| {
            let mut rules = in_environment(pairs);
            rules.loopback = true;
            proxy_to(&rules, "http://x.example").unwrap().unwrap()
        };
        assert_eq!(proxy_to_http(&pairs), "http://evil/ -");
        pairs.push(("REQUEST_METHOD", "GET"));
        assert_eq!(proxy_to_http(&pairs), "http://good/ -");
    }

    #[test]
    fn credentials_are_escaped_and_never_shown() {
        let proxy = Proxy::via("https://old:canary1@p.example:1/")
            .unwrap()
            .credentials("m e", "canary2:@/");
        let shown = format!("{proxy:?}");
        assert!(
            shown.contains("p.example:1") && !shown.contains("canary"),
            "{shown}"
        );
        let rules = proxy.except("a.example").except("b.example").rules();
        assert!(!format!("{rules:?}").contains("canary"), "{rules:?}");
        let found = proxy_to(&rules, "https://c.example").unwrap().unwrap();
        // "m e:canary2:@/"
        assert_eq!(found, "https://p.example:1/ Basic bSBlOmNhbmFyeTI6QC8=");
        assert_eq!(proxy_to(&rules, "https://x.b.example"), Ok(None));
        assert_eq!(proxy_to(&rules, "https://a.example"), Ok(None));
    }
}
