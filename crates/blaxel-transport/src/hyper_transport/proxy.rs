//! Which connections go by way of a proxy.

use std::fmt;

use blaxel_core::{Error, Secret, Source};
use http::Uri;
use http::uri::Scheme;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::place::is_loopback;

/// What stands for itself in the name and password of an address.
const USER_INFO: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Whether connections are made directly or by way of an HTTP proxy.
///
/// A proxy is asked for a tunnel (`CONNECT`) and TLS goes through it from end to end, so it sees the
/// names of hosts and nothing else: no path, no header, no credential of the API. Its own credentials
/// go to it alone.
///
/// This machine itself (`localhost` and the loopback addresses) is always reached directly, and so
/// is every `http` address, unless [`including_loopback`](Self::including_loopback) says otherwise.
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

#[derive(Clone, Default)]
enum Choice {
    #[default]
    Environment,
    Direct,
    /// The address may hold credentials; the one to be shown does not.
    Fixed {
        address: Secret,
        shown: Uri,
    },
}

impl Proxy {
    /// The proxy that the environment names, if it names one. This is the default.
    ///
    /// `HTTPS_PROXY` is asked for `https` addresses and `HTTP_PROXY` for `http` ones, then
    /// `ALL_PROXY` for both; each in capitals first and then in small letters. An empty value counts
    /// as none. `NO_PROXY` lists what is reached directly, in the form of
    /// [`except`](Self::except). A value that is no address of an HTTP proxy fails the connections
    /// that would need it: to go past a proxy is not for us to decide.
    ///
    /// In a CGI program (`REQUEST_METHOD` is set) `HTTP_PROXY` is not asked, since there a client's
    /// `Proxy` header ends up in it.
    ///
    /// The variables are read when the transport is built.
    pub fn from_env() -> Self {
        Self::default()
    }

    /// No proxy, whatever the environment says.
    pub fn none() -> Self {
        Self {
            choice: Choice::Direct,
            ..Self::default()
        }
    }

    /// This proxy: an `http` address, an `https` one if the proxy itself speaks TLS, or a host and
    /// port. The environment is not asked, not even for `NO_PROXY`. The address may hold a name and
    /// password, percent-encoded; [`credentials`](Self::credentials) is easier.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the text is no address of an HTTP proxy.
    pub fn via(address: &str) -> Result<Self, Error> {
        let shown = read_address(address.trim())
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

    /// Names us to the proxy, by `Proxy-Authorization: Basic`. It says nothing to a proxy from the
    /// environment, whose address holds its own credentials.
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

    /// Reaches these hosts directly, besides those of `NO_PROXY` if the environment is asked: names,
    /// which stand for their subdomains too, addresses and networks such as `10.0.0.0/8`, separated
    /// by commas; `*` stands for all.
    pub fn except(mut self, hosts: &str) -> Self {
        if !self.exceptions.is_empty() {
            self.exceptions.push(',');
        }
        self.exceptions.push_str(hosts);
        self
    }

    /// Reaches this machine itself and `http` addresses by way of the proxy too, by a tunnel like
    /// the others. It is meant for a proxy that records.
    pub fn including_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// The rules, with what the environment says now.
    pub(super) fn rules(&self) -> Rules {
        self.rules_in(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into()))
    }

    /// The rules in an environment.
    fn rules_in(&self, variable: impl Fn(&str) -> Option<String>) -> Rules {
        let mut rules = Rules {
            http: Route::Direct,
            https: Route::Direct,
            loopback: self.loopback,
        };
        match &self.choice {
            Choice::Direct => {}
            Choice::Fixed { address, .. } => {
                let route = || Route::by(address.expose(), &self.exceptions, &Source::Code);
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
                        Route::by(&address, &except, &source)
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

/// The address of a proxy without a name and password, or what is wrong with it. The text itself
/// is not told: it may hold a password.
fn read_address(text: &str) -> Result<Uri, &'static str> {
    let unusable = "it is no address such as http://proxy.example:3128";
    let uri: Uri = text.parse().map_err(|_| unusable)?;
    let scheme = match uri.scheme() {
        None => Scheme::HTTP,
        Some(scheme) if *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS => scheme.clone(),
        Some(scheme) if scheme.as_str().starts_with("socks") => {
            return Err("SOCKS proxies are not supported; name an HTTP proxy");
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

/// The ways to addresses of either scheme.
#[derive(Debug)]
pub(super) struct Rules {
    http: Route,
    https: Route,
    loopback: bool,
}

#[derive(Debug)]
enum Route {
    Direct,
    Through(Box<Matcher>),
    /// There should be a proxy, but what it is cannot be read.
    Broken(String),
}

impl Route {
    fn by(address: &str, except: &str, source: &Source) -> Self {
        match read_address(address) {
            Ok(_) => {
                let matcher = Matcher::builder().all(address).no(except).build();
                Self::Through(Box::new(matcher))
            }
            Err(problem) => Self::Broken(format!("invalid proxy ({source}): {problem}")),
        }
    }
}

impl Rules {
    /// The proxy on the way to an address, if there is one.
    pub(super) fn proxy_for(&self, target: &Uri) -> Result<Option<Intercept>, String> {
        let plain = target.scheme() == Some(&Scheme::HTTP);
        if !self.loopback && (plain || is_loopback(target.host().unwrap_or_default())) {
            return Ok(None);
        }
        match if plain { &self.http } else { &self.https } {
            Route::Direct => Ok(None),
            Route::Through(matcher) => Ok(matcher.intercept(target)),
            Route::Broken(problem) => Err(problem.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(rules: &Rules, target: &str) -> Result<Option<String>, String> {
        let found = rules.proxy_for(&target.parse().unwrap())?;
        Ok(found.map(|proxy| {
            let user = proxy.basic_auth().map(|value| value.to_str().unwrap());
            format!("{} {}", proxy.uri(), user.unwrap_or("-"))
        }))
    }

    fn in_environment(pairs: &[(&str, &str)]) -> Rules {
        Proxy::from_env().rules_in(|name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_names_proxies_as_for_other_clients() {
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
            let found = way(&in_environment(&pairs), api);
            assert_eq!(found, Ok(expected.map(str::to_owned)), "{pairs:?}");
        }
    }

    #[test]
    fn this_machine_is_reached_directly_unless_one_insists() {
        let proxy = Proxy::via("http://p:1").unwrap();
        let local = ["http://localhost:9", "https://127.0.0.1", "https://[::1]:1"];
        for target in local.into_iter().chain(["http://elsewhere.example"]) {
            assert_eq!(way(&proxy.rules(), target), Ok(None), "{target}");
            let insisting = proxy.clone().including_loopback().rules();
            assert!(way(&insisting, target).unwrap().is_some(), "{target}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_read_is_not_gone_past() {
        for (value, part) in [
            ("socks5://canary:canary@p:1", "SOCKS"),
            ("ftp://canary@p", "scheme"),
            ("http://canary:c anary@p", "no address"),
            ("http://:3128", "no address"),
        ] {
            let problem = way(&in_environment(&[("ALL_PROXY", value)]), "https://a.b").unwrap_err();
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
    fn cgi_programs_are_not_led_astray_by_a_header() {
        let mut pairs = vec![("HTTP_PROXY", "http://evil"), ("ALL_PROXY", "http://good")];
        let way_to_http = |pairs: &[(&str, &str)]| {
            let mut rules = in_environment(pairs);
            rules.loopback = true;
            way(&rules, "http://x.example").unwrap().unwrap()
        };
        assert_eq!(way_to_http(&pairs), "http://evil/ -");
        pairs.push(("REQUEST_METHOD", "GET"));
        assert_eq!(way_to_http(&pairs), "http://good/ -");
    }

    #[test]
    fn credentials_travel_escaped_and_are_never_shown() {
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
        let way_there = way(&rules, "https://c.example").unwrap().unwrap();
        // "m e:canary2:@/"
        assert_eq!(way_there, "https://p.example:1/ Basic bSBlOmNhbmFyeTI6QC8=");
        assert_eq!(way(&rules, "https://x.b.example"), Ok(None));
        assert_eq!(way(&rules, "https://a.example"), Ok(None));
    }
}
