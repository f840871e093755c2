//! The proxy settings.

mod exceptions;
mod server;

use std::fmt;

use blaxel_core::__private::is_loopback;
use blaxel_core::{Error, Secret, Source};
use http::Uri;
use http::uri::Scheme;
use hyper_util::client::proxy::matcher::Intercept;

use self::exceptions::Exceptions;
use self::server::ProxyServer;

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
    Fixed(ProxyServer),
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
    /// The environment is ignored, including `NO_PROXY`. The URL may contain a user name and
    /// password, in which `/`, `?`, `#`, `%` and spaces are percent-encoded;
    /// [`credentials`](Self::credentials) sets them without encoding.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the text is not the address of an HTTP proxy. The error shows no part
    /// of it.
    pub fn via(address: &str) -> Result<Self, Error> {
        let server = ProxyServer::read(address)
            .map_err(|problem| Error::input("proxy", &Source::Code, problem))?;
        Ok(Self {
            choice: Choice::Fixed(server),
            ..Self::default()
        })
    }

    /// Sets the user name and password for the proxy, sent as `Proxy-Authorization: Basic`. It has
    /// no effect on a proxy of the environment, whose URL contains its own credentials. By default
    /// those in the URL are sent, if it has any.
    pub fn credentials(mut self, user: &str, password: impl Into<Secret>) -> Self {
        if let Choice::Fixed(server) = &mut self.choice {
            server.set_credentials(user, Some(password.into().expose()));
        }
        self
    }

    /// Adds hosts to reach directly, besides those of `NO_PROXY` if the environment is used. They
    /// are separated by commas or spaces, as in `corp.test, 10.0.0.0/8, *.example.com:8443`:
    ///
    /// | entry | hosts |
    /// | --- | --- |
    /// | `corp.test`, `.corp.test` | the host and all hosts below it |
    /// | `*.corp.test` | all hosts below it |
    /// | `10.0.0.1`, `2001:db8::1`, `[2001:db8::1]` | the address |
    /// | `10.0.0.0/8`, `2001:db8::/32` | all addresses of the network |
    /// | `*` | all |
    ///
    /// A host, a domain, an IPv4 address, or an IPv6 address in brackets may have a port
    /// (`corp.test:443`); then the entry applies to that port only. Any other entry is ignored, and
    /// a `tracing` warning names it when the transport is built. None by default.
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
            except: Exceptions::default(),
            loopback: self.loopback,
        };
        rules.except.add(&self.exceptions, &Source::Code);
        match &self.choice {
            Choice::Direct => return rules,
            Choice::Fixed(server) => {
                let route = || Route::through(Ok(server.clone()), &Source::Code);
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
                if let Some((hosts, source)) = first(&["NO_PROXY", "no_proxy"]) {
                    rules.except.add(&hosts, &source);
                }
                let route = |names: &[&'static str]| {
                    let found = first(names).or_else(|| first(&["ALL_PROXY", "all_proxy"]));
                    found.map_or(Route::Direct, |(address, source)| {
                        Route::through(ProxyServer::read(&address), &source)
                    })
                };
                rules.https = route(&["HTTPS_PROXY", "https_proxy"]);
                rules.http = match variable("REQUEST_METHOD") {
                    Some(_) => route(&[]),
                    None => route(&["HTTP_PROXY", "http_proxy"]),
                };
            }
        }
        if [&rules.http, &rules.https]
            .iter()
            .any(|route| matches!(route, Route::Through(_)))
        {
            rules.except.warn();
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
            Choice::Fixed(server) => out.field("via", server),
        };
        // An entry with an `@` is no host, but may be an address with a password.
        let exceptions = match self.exceptions.contains('@') {
            true => "…",
            false => &self.exceptions,
        };
        out.field("except", &exceptions)
            .field("including_loopback", &self.loopback)
            .finish()
    }
}

/// The routes to `http` and `https` addresses.
#[derive(Debug)]
pub(super) struct Rules {
    http: Route,
    https: Route,
    except: Exceptions,
    loopback: bool,
}

/// A route to servers.
#[derive(Debug)]
enum Route {
    Direct,
    Through(Box<Intercept>),
    /// The configured proxy is invalid, with this problem.
    Invalid(String),
}

impl Route {
    /// Creates the route through a proxy, or the one that fails with the problem of its address.
    fn through(server: Result<ProxyServer, String>, source: &Source) -> Self {
        let unusable = || "its address cannot be used".to_owned();
        match server.and_then(|server| server.intercept().ok_or_else(unusable)) {
            Ok(proxy) => Self::Through(Box::new(proxy)),
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
        if self.except.contain(target) {
            return Ok(None);
        }
        match if plain { &self.http } else { &self.https } {
            Route::Direct => Ok(None),
            Route::Through(proxy) => Ok(Some((**proxy).clone())),
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
            (
                vec![
                    ("HTTPS_PROXY", "http://me:a@b@p:1"),
                    ("NO_PROXY", "*.ai:80"),
                ],
                Some("http://p:1/ Basic bWU6YUBi"),
            ),
            (
                vec![("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", "x *.ai:443")],
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
            ("http://canary:c anary@p", "escape"),
            ("http://canary:canary#x@p:1", "escape"),
            ("http://canary:canary@p:99999", "port"),
            ("http://:3128", "no host"),
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
