//! The host names of the platform, all of which one emulator answers.

use blaxel_core::__private::is_loopback as is_loopback_address;
use http::header::HOST;
use http::uri::{Authority, Parts, PathAndQuery};
use http::{HeaderValue, Request, Uri};

/// The domains of the platform itself.
const DOMAINS: [&str; 2] = ["blaxel.ai", "blaxel.dev"];

/// The domains below which each workload has a host name.
pub(crate) const EDGES: [&str; 2] = ["bl.run", "runv2.blaxel.dev"];

/// The names of the workloads' collections in the host names of workloads.
const COLLECTIONS: [(&str, &str); 5] = [
    ("agt-", "agents"),
    ("job-", "jobs"),
    ("mcp-", "functions"),
    ("mdl-", "models"),
    ("sbx-", "sandboxes"),
];

/// A host name of the platform.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PlatformHost<'a> {
    /// `api.`, or one whose paths name the workload: nothing precedes the path.
    Whole,
    /// `run.`: the paths are those below `/run`.
    Run,
    /// The collection of a workload, and its name with that of the workspace: `{name}-{workspace}`.
    Workload(&'static str, &'a str),
    /// The label of a preview: `{prefix}-{workspace}`.
    Preview(&'a str),
    /// A name below the domain of the workloads that none of them has.
    Unknown,
}

impl<'a> PlatformHost<'a> {
    /// Parses a host name in lower case, without a port. Returns `None` for one that the platform does
    /// not have.
    pub(crate) fn parse(host: &'a str) -> Option<Self> {
        if let Some(label) = EDGES.iter().find_map(|edge| below(host, edge)) {
            return Some(Self::of_edge(label));
        }
        let own = DOMAINS.iter().chain(&["localhost"]);
        match own.into_iter().find_map(|domain| below(host, domain))? {
            "api" => Some(Self::Whole),
            "run" => Some(Self::Run),
            _ => None,
        }
    }

    /// Parses what precedes the domain of the workloads, such as `sbx-dev-demo.us-pdx-1`.
    fn of_edge(labels: &'a str) -> Self {
        let (label, region) = labels.split_once('.').unwrap_or((labels, ""));
        if region == "preview" || region.ends_with(".preview") {
            return Self::Preview(label);
        }
        // The name of an edge, for connections that calls of several workloads share.
        if label == "any" {
            return Self::Whole;
        }
        let workload = COLLECTIONS.iter().find_map(|(prefix, collection)| {
            let name = label.strip_prefix(prefix)?;
            Some(Self::Workload(collection, name))
        });
        workload.unwrap_or(Self::Unknown)
    }
}

/// Returns what precedes a domain in a host name.
fn below<'a>(host: &'a str, domain: &str) -> Option<&'a str> {
    host.strip_suffix(domain)?.strip_suffix('.')
}

/// Returns `true` for a host name or an address of this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    is_loopback_address(host) || below(host, "localhost").is_some()
}

/// Returns `true` for an authority that an emulator on this port of this machine answers: its own, and
/// those of the platform.
pub(crate) fn is_own(authority: &Authority, port: u16) -> bool {
    let host = authority.host().to_ascii_lowercase();
    match is_loopback(&host) {
        true => authority.port_u16() == Some(port),
        false => PlatformHost::parse(&host).is_some(),
    }
}

/// Returns an authority without its port.
pub(crate) fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// Moves the authority of a request's URI to the header `Host`, so that one place tells it in each
/// version of HTTP. Returns the authority that was in the URI.
pub(crate) fn take_authority<B>(request: &mut Request<B>) -> Option<Authority> {
    let authority = request.uri().authority()?.clone();
    let path = request.uri().path_and_query().cloned();
    let mut parts = Parts::default();
    parts.path_and_query = path.or_else(|| Some(PathAndQuery::from_static("/")));
    if let (Ok(uri), Ok(host)) = (
        Uri::from_parts(parts),
        HeaderValue::from_str(authority.as_str()),
    ) {
        *request.uri_mut() = uri;
        request.headers_mut().insert(HOST, host);
    }
    Some(authority)
}

#[cfg(test)]
mod tests {
    use super::PlatformHost::{Preview, Run, Unknown, Whole, Workload};
    use super::*;

    #[test]
    fn host_names_of_the_platform_are_told_apart() {
        for (host, expected) in [
            ("api.blaxel.ai", Some(Whole)),
            ("api.blaxel.dev", Some(Whole)),
            ("api.localhost", Some(Whole)),
            ("run.blaxel.ai", Some(Run)),
            ("run.localhost", Some(Run)),
            ("any.us-pdx-1.bl.run", Some(Whole)),
            ("any.us-pdx-1.runv2.blaxel.dev", Some(Whole)),
            (
                "sbx-my-dev-demo.us-pdx-1.bl.run",
                Some(Workload("sandboxes", "my-dev-demo")),
            ),
            ("agt-bot-demo.bl.run", Some(Workload("agents", "bot-demo"))),
            ("shop-demo.preview.bl.run", Some(Preview("shop-demo"))),
            (
                "shop-demo.us-pdx-1.preview.bl.run",
                Some(Preview("shop-demo")),
            ),
            ("nobody.us-pdx-1.bl.run", Some(Unknown)),
            ("app.blaxel.ai", None),
            ("blaxel.ai", None),
            ("api.blaxel.ai.example.com", None),
            ("notbl.run", None),
            ("localhost", None),
        ] {
            assert_eq!(PlatformHost::parse(host), expected, "{host}");
        }
    }

    #[test]
    fn an_authority_is_own_with_its_port_or_by_its_name() {
        for (authority, expected) in [
            ("127.0.0.1:4242", true),
            ("127.0.0.1:4243", false),
            ("127.0.0.1", false),
            ("localhost:4242", true),
            ("shop-demo.localhost:4242", true),
            ("[::1]:4242", true),
            ("API.blaxel.ai:443", true),
            ("run.blaxel.ai", true),
            ("example.com:443", false),
            ("128.0.0.1:4242", false),
        ] {
            let parsed = authority.parse().unwrap();
            assert_eq!(is_own(&parsed, 4242), expected, "{authority}");
        }
    }
}
