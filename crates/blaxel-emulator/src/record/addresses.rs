//! [`Addresses`], those of the platform and those of the recorder that stand for them.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, ErrorKind};
use std::sync::Mutex;

use blaxel_core::__private::Address;
use http::Uri;
use http::uri::Authority;

use super::custom_hosts::CustomHosts;
use crate::hosts::{self, PlatformHost, without_port};
use crate::lock::lock;
use crate::params::pairs;

/// The path of the recorder for the control plane.
pub(super) const API: &str = "/v0";
/// The path for workloads.
pub(super) const RUN: &str = "/run";
/// The path for all other hosts of the platform. The name of the host follows it.
const HOSTS: &str = "/_hosts";
/// The path for addresses of uploads.
const UPLOADS: &str = "/uploads";

/// The parameter with the names of the headers that an upload must have.
const SIGNED_HEADERS: &str = "X-Amz-SignedHeaders";

/// The number of addresses of uploads that are kept.
const UPLOADS_KEPT: usize = 1024;

/// The address of a plane.
pub(super) struct Base {
    scheme: String,
    authority: String,
    /// Without a slash at its end.
    path: String,
}

impl Base {
    fn parse(url: &str) -> io::Result<Self> {
        let invalid = |problem: String| {
            let problem = format!("invalid address of the platform: {problem}");
            io::Error::new(ErrorKind::InvalidInput, problem)
        };
        let address = Address::read(url).map_err(|problem| invalid(problem.to_string()))?;
        let uri = address.uri();
        let scheme = uri.scheme_str().unwrap_or_default();
        if uri.query().is_some() {
            return Err(invalid(address.invalid("it has a query").to_string()));
        }
        match scheme {
            "http" => {}
            "https" if cfg!(feature = "tls") => {}
            "https" => {
                let problem = address.invalid("https:// needs the feature `tls`");
                return Err(invalid(problem.to_string()));
            }
            _ => {
                let problem = address.invalid("only http:// and https:// are supported");
                return Err(invalid(problem.to_string()));
            }
        }
        Ok(Self {
            scheme: scheme.to_owned(),
            authority: uri.authority().map_or("", Authority::as_str).to_owned(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// Returns what follows this address in another one.
    fn rest<'a>(&self, url: &'a str) -> Option<&'a str> {
        let rest = url.strip_prefix(&self.origin())?;
        below(rest, &self.path)
    }
}

/// Returns what follows a path, if another path is that or below it.
fn below<'a>(path: &'a str, start: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(start)?;
    (rest.is_empty() || rest.starts_with(['/', '?', '#'])).then_some(rest)
}

/// The server that a request is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Destination {
    /// The address, with the query.
    pub(super) url: String,
    /// The path at the recorder, for the record.
    pub(super) path: String,
    /// The path below that of the control plane, if the request is for it.
    pub(super) control: Option<String>,
    /// Set if the client called the platform by its own name.
    pub(super) is_named: bool,
}

/// The addresses of the platform, and those of the recorder that stand for them.
pub(super) struct Addresses {
    /// That of the recorder, without a path.
    origin: String,
    api: Base,
    run: Base,
    /// The server that stands in for the platform.
    stand_in: Option<Uri>,
    custom_hosts: CustomHosts,
    uploads: Mutex<Uploads>,
}

/// The addresses of uploads, which are presigned, by the random names that stand for them.
struct Uploads {
    kept: VecDeque<(String, String)>,
    /// Makes names that cannot be guessed.
    hasher: [RandomState; 2],
    made: u64,
}

impl Addresses {
    /// Creates the addresses of a recorder.
    ///
    /// # Errors
    ///
    /// If the addresses of the platform cannot be called.
    pub(super) fn new(origin: String, api: &str, run: &str) -> io::Result<Self> {
        let (api, run) = (Base::parse(api)?, Base::parse(run)?);
        let host = without_port(&api.authority).to_ascii_lowercase();
        let is_platform = !hosts::is_loopback(&host) && PlatformHost::parse(&host).is_some();
        let stand_in = match is_platform {
            true => None,
            false => api.origin().parse().ok(),
        };
        Ok(Self {
            origin,
            api,
            run,
            stand_in,
            custom_hosts: CustomHosts::default(),
            uploads: Mutex::new(Uploads {
                kept: VecDeque::new(),
                hasher: [RandomState::new(), RandomState::new()],
                made: 0,
            }),
        })
    }

    /// Returns `true` if the platform is reached over TLS.
    pub(super) fn is_secure(&self) -> bool {
        [&self.api, &self.run].iter().any(|it| it.scheme == "https")
    }

    /// Returns the server that stands in for the platform: one that is not called by a name of the platform. The hosts
    /// of the platform are then reached there, and so are those of previews on custom domains.
    pub(super) fn stand_in(&self) -> Option<&Uri> {
        self.stand_in.as_ref()
    }

    /// Returns the host names of previews on custom domains.
    pub(super) fn custom_hosts(&self) -> &CustomHosts {
        &self.custom_hosts
    }

    /// Returns the scheme of the platform's hosts.
    fn scheme(&self) -> &str {
        match self.stand_in {
            Some(_) => &self.api.scheme,
            None => "https",
        }
    }

    /// Returns `true` for an authority that the recorder passes requests on to.
    fn is_passed(&self, authority: &str) -> bool {
        if [&self.api, &self.run]
            .iter()
            .any(|it| it.authority == authority)
        {
            return true;
        }
        // No user: an address is read in one way only.
        let authority = match authority.parse::<Authority>() {
            Ok(parsed) if !authority.contains('@') => parsed,
            _ => return false,
        };
        let host = authority.host().to_ascii_lowercase();
        if !hosts::is_loopback(&host) {
            let is_usual = matches!(authority.port_u16(), None | Some(443));
            let is_known = PlatformHost::parse(&host).is_some() || self.custom_hosts.contain(&host);
            return is_usual && is_known;
        }
        let stand_in = self.stand_in.as_ref().and_then(Uri::authority);
        stand_in.is_some_and(|it| it.port_u16() == authority.port_u16())
    }

    /// Returns the server that a request is for, by its host and its path with the query. `None` if the recorder does
    /// not pass it on.
    pub(super) fn destination(&self, host: &str, target: &str) -> Option<Destination> {
        let name = without_port(host).to_ascii_lowercase();
        let is_local = hosts::is_loopback(&name);
        let (path, query) = match target.split_once('?') {
            Some((path, _)) => (path, &target[path.len()..]),
            None => (target, ""),
        };
        if !is_local && PlatformHost::parse(&name).is_some() {
            let is_api = name.starts_with("api.");
            let control = below(path, API).filter(|_| is_api).map(str::to_owned);
            let shown = match control {
                Some(_) => path.to_owned(),
                None => format!("{HOSTS}/{name}{path}"),
            };
            return Some(Destination {
                url: format!("{}://{host}{target}", self.scheme()),
                path: shown,
                control,
                is_named: true,
            });
        }
        // No page of the web calls the recorder by a name that it lets stand for this machine.
        if !is_local {
            return None;
        }
        let is_run = PlatformHost::parse(&name) == Some(PlatformHost::Run);
        let path = match is_run {
            true => format!("{RUN}{path}"),
            false => path.to_owned(),
        };
        let url = self.upstream(&path, query, self.scheme())?;
        Some(Destination {
            url,
            control: below(&path, API).map(str::to_owned),
            path,
            is_named: false,
        })
    }

    /// Returns the address that a path of the recorder stands for. `custom` is the scheme of custom domains.
    fn upstream(&self, path: &str, query: &str, custom: &str) -> Option<String> {
        let at = |base: &Base, rest: &str| format!("{}{}{rest}{query}", base.origin(), base.path);
        if let Some(rest) = below(path, API) {
            return Some(at(&self.api, rest));
        }
        if let Some(rest) = below(path, RUN) {
            return Some(at(&self.run, rest));
        }
        let rest = path.strip_prefix(HOSTS)?.strip_prefix('/')?;
        let (authority, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = without_port(authority).to_ascii_lowercase();
        let scheme = match self.custom_hosts.contain(&host) {
            true => custom,
            false => self.scheme(),
        };
        self.is_passed(authority)
            .then(|| format!("{scheme}://{authority}{rest}{query}"))
    }

    /// Returns the address of an upload that a path of the recorder stands for.
    pub(super) fn upload(&self, path: &str) -> Option<String> {
        let token = path.strip_prefix(UPLOADS)?.strip_prefix('/')?;
        let uploads = lock(&self.uploads);
        let found = uploads.kept.iter().find(|(name, _)| name == token);
        found.map(|(_, url)| url.clone())
    }

    /// Returns the address of the recorder for an upload, which tells the client as much as the presigned one does.
    pub(super) fn for_upload(&self, url: &str) -> String {
        let mut uploads = lock(&self.uploads);
        uploads.made += 1;
        let made = uploads.made;
        let [first, second] = uploads.hasher.each_ref().map(|it| it.hash_one(made));
        let token = format!("{first:016x}{second:016x}");
        if uploads.kept.len() == UPLOADS_KEPT {
            uploads.kept.pop_front();
        }
        uploads.kept.push_back((token.clone(), url.to_owned()));
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let signed = query.split('&').find(|pair| {
            let name = pairs(pair).into_iter().next();
            name.is_some_and(|(name, _)| name.eq_ignore_ascii_case(SIGNED_HEADERS))
        });
        let signed = signed.map_or_else(String::new, |pair| format!("?{pair}"));
        format!("{}{UPLOADS}/{token}{signed}", self.origin)
    }

    /// Returns the address of the recorder for one of the platform. `None` for all others, and for the names of the
    /// platform if the client uses them itself.
    pub(super) fn for_client(&self, url: &str, is_named: bool) -> Option<String> {
        let (scheme, rest) = url.split_once("://")?;
        if !matches!(scheme, "http" | "https") {
            return None;
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if !self.is_passed(authority) {
            return None;
        }
        let host = without_port(authority).to_ascii_lowercase();
        if is_named && !hosts::is_loopback(&host) {
            return None;
        }
        if let Some(rest) = self.api.rest(url) {
            return Some(format!("{}{API}{rest}", self.origin));
        }
        if let Some(rest) = self.run.rest(url) {
            return Some(format!("{}{RUN}{rest}", self.origin));
        }
        Some(format!("{}{HOSTS}/{authority}{path}", self.origin))
    }

    /// Returns the address of the platform for one of the recorder.
    pub(super) fn for_platform(&self, url: &str) -> Option<String> {
        let rest = url.strip_prefix(&self.origin)?;
        if !rest.starts_with('/') {
            return None;
        }
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        let upload = self.upload(path);
        upload.or_else(|| self.upstream(path, &rest[path.len()..], "https"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "http://127.0.0.1:9000";

    fn platform() -> Addresses {
        let (api, run) = ("https://api.blaxel.ai/v0", "https://run.blaxel.ai");
        Addresses::new(ORIGIN.to_owned(), api, run).unwrap()
    }

    fn emulator() -> Addresses {
        let (api, run) = ("http://127.0.0.1:4242/v0", "http://127.0.0.1:4242/run");
        Addresses::new(ORIGIN.to_owned(), api, run).unwrap()
    }

    #[test]
    fn an_address_of_the_platform_becomes_one_of_the_recorder_and_back() {
        for (addresses, url, path) in [
            (
                platform(),
                "https://api.blaxel.ai/v0/agents?a=1",
                "/v0/agents?a=1",
            ),
            (
                platform(),
                "https://run.blaxel.ai/acme/agents/bot",
                "/run/acme/agents/bot",
            ),
            (
                platform(),
                "https://sbx-dev-acme.us-pdx-1.bl.run/process",
                "/_hosts/sbx-dev-acme.us-pdx-1.bl.run/process",
            ),
            (
                platform(),
                "https://api.blaxel.ai/device",
                "/_hosts/api.blaxel.ai/device",
            ),
            (
                emulator(),
                "http://127.0.0.1:4242/run/demo/sandboxes/dev",
                "/run/demo/sandboxes/dev",
            ),
            (
                emulator(),
                "http://127.0.0.1:4242/preview/demo/dev/web",
                "/_hosts/127.0.0.1:4242/preview/demo/dev/web",
            ),
            (
                emulator(),
                "http://shop-demo.localhost:4242/",
                "/_hosts/shop-demo.localhost:4242/",
            ),
        ] {
            let rewritten = addresses.for_client(url, false).unwrap();
            assert_eq!(rewritten, format!("{ORIGIN}{path}"));
            assert_eq!(addresses.for_platform(&rewritten).as_deref(), Some(url));
        }
    }

    #[test]
    fn all_other_addresses_stay_as_they_are() {
        for url in [
            "https://example.com/v0/agents",
            "https://api.blaxel.ai.example.com/v0",
            "https://me@api.blaxel.ai/v0",
            "https://api.blaxel.ai:8443/v0",
            "http://127.0.0.1:4243/v0",
            "ftp://api.blaxel.ai/v0",
            "api.blaxel.ai/v0",
            "",
        ] {
            assert_eq!(platform().for_client(url, false), None, "{url}");
            assert_eq!(platform().for_platform(url), None, "{url}");
        }
        // A client that uses the names of the platform goes on with them.
        let named = platform().for_client("https://run.blaxel.ai/acme", true);
        assert_eq!(named, None);
        let local = emulator().for_client("http://127.0.0.1:4242/run/demo", true);
        assert_eq!(local.as_deref(), Some("http://127.0.0.1:9000/run/demo"));
    }

    #[test]
    fn a_request_goes_where_its_host_and_its_path_say() {
        let to = |addresses: &Addresses, host: &str, target: &str| {
            let found = addresses.destination(host, target)?;
            Some((found.url, found.path, found.control))
        };
        let some = |url: &str, path: &str, control: Option<&str>| {
            Some((url.to_owned(), path.to_owned(), control.map(str::to_owned)))
        };
        let platform = platform();
        for (host, target, expected) in [
            (
                "127.0.0.1:9000",
                "/v0/agents?limit=1",
                some(
                    "https://api.blaxel.ai/v0/agents?limit=1",
                    "/v0/agents",
                    Some("/agents"),
                ),
            ),
            (
                "api.blaxel.ai:443",
                "/v0/agents",
                some(
                    "https://api.blaxel.ai:443/v0/agents",
                    "/v0/agents",
                    Some("/agents"),
                ),
            ),
            (
                "run.localhost:9000",
                "/acme/agents/bot",
                some(
                    "https://run.blaxel.ai/acme/agents/bot",
                    "/run/acme/agents/bot",
                    None,
                ),
            ),
            (
                "shop-acme.preview.bl.run",
                "/?x=1",
                some(
                    "https://shop-acme.preview.bl.run/?x=1",
                    "/_hosts/shop-acme.preview.bl.run/",
                    None,
                ),
            ),
            ("example.com:9000", "/v0/agents", None),
            ("127.0.0.1:9000", "/_hosts/example.com/", None),
            ("127.0.0.1:9000", "/_hosts/127.0.0.1:22/", None),
            ("127.0.0.1:9000", "/_hosts", None),
            ("127.0.0.1:9000", "/v0x", None),
            ("127.0.0.1:9000", "/_emulator/data", None),
        ] {
            assert_eq!(to(&platform, host, target), expected, "{host} {target}");
        }
    }

    #[test]
    fn an_upload_goes_to_its_presigned_address_under_another_name() {
        let addresses = platform();
        let url = "https://s3.example.com/b/k?X-Amz-SignedHeaders=host%3Bx-amz-meta-a&X-Amz-Signature=canary";
        let shown = addresses.for_upload(url);
        assert!(
            !shown.contains("canary") && !shown.contains("example.com"),
            "{shown}"
        );
        assert!(
            shown.ends_with("?X-Amz-SignedHeaders=host%3Bx-amz-meta-a"),
            "{shown}"
        );
        let path = shown.strip_prefix(ORIGIN).unwrap();
        let path = path.split('?').next().unwrap();
        assert_eq!(addresses.upload(path).as_deref(), Some(url));
        assert_eq!(addresses.for_platform(&shown).as_deref(), Some(url));
        for number in 0..UPLOADS_KEPT {
            addresses.for_upload(&format!("https://s3.example.com/{number}"));
        }
        assert_eq!(addresses.upload(path), None);
        assert_eq!(lock(&addresses.uploads).kept.len(), UPLOADS_KEPT);
    }
}
