//! Host names: a request to the host of a workload or a preview becomes one to its path.

use std::borrow::Cow;

use axum::extract::Request;
use http::uri::{Parts, PathAndQuery};
use http::{Uri, header};

use crate::engine::Engine;
use crate::hosts::{PlatformHost, without_port};
use crate::state::{Collection, OpenStore, PREVIEWS, Record, preview_host};

/// A path segment that is no name, for hosts without a preview.
const NONE: &str = "~";

/// Marks a request whose host decided on its path.
#[derive(Clone, Copy)]
pub(super) struct ByHost;

/// Returns the preview whose host name, with its port if it has one, meets a condition.
pub(super) fn find(
    store: &OpenStore,
    is_wanted: impl Fn(&str) -> bool,
) -> Option<(Collection, &Record)> {
    store.everywhere(&PREVIEWS).find(|(_, record)| {
        let host = preview_host(&record.document, &record.name, store.setting());
        host.is_some_and(|host| is_wanted(&host))
    })
}

/// Replaces the path of a request to the host of a workload or a preview by the path that the emulator
/// has for it. A host below the domain of previews that has none gets a path without a preview.
pub(super) fn resolve(engine: &Engine, request: &mut Request) {
    if is_at_origin(engine, request) {
        return;
    }
    let Some(prefix) = host(request).and_then(|host| prefix(engine, &host)) else {
        return;
    };
    let rest = request.uri().path_and_query();
    let rest = rest.map_or("/", PathAndQuery::as_str);
    let path = format!("{prefix}{rest}");
    let mut parts = Parts::default();
    parts.path_and_query = path.parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
        request.extensions_mut().insert(ByHost);
    }
}

/// Returns what precedes the paths of a host in those of the emulator, if anything.
fn prefix(engine: &Engine, host: &str) -> Option<String> {
    let setting = engine.store.setting();
    let workspace = &setting.workspace;
    let domain = without_port(&setting.preview_domain);
    let own = [domain, without_port(authority(&setting.origin))];
    if own.contains(&host) {
        return None;
    }
    let label = match PlatformHost::parse(host) {
        Some(PlatformHost::Whole) => return None,
        Some(PlatformHost::Run) => return Some("/run".to_owned()),
        Some(PlatformHost::Workload(collection, name)) => {
            let name = name.strip_suffix(workspace.as_str());
            let name = name.and_then(|name| name.strip_suffix('-')).unwrap_or(NONE);
            return Some(format!("/run/{workspace}/{collection}/{name}"));
        }
        Some(PlatformHost::Unknown) => return Some(format!("/run/{NONE}")),
        Some(PlatformHost::Preview(label)) => Some(format!("{label}.{domain}")),
        None => None,
    };
    let host = label.as_deref().unwrap_or(host);
    let store = engine.store.open();
    let (sandbox, preview) = match find(&store, |other| without_port(other) == host) {
        Some((collection, record)) => {
            let sandbox = collection.parents().first().cloned();
            (sandbox.unwrap_or_default(), record.name.clone())
        }
        None if host.ends_with(&format!(".{domain}")) => (NONE.to_owned(), NONE.to_owned()),
        None => return None,
    };
    Some(format!("/preview/{workspace}/{sandbox}/{preview}"))
}

/// Returns the host that a request names, in lower case and without its port.
fn host(request: &Request) -> Option<Cow<'_, str>> {
    let named = request.headers().get(header::HOST);
    let host = match request.uri().host() {
        Some(host) => host,
        None => without_port(named?.to_str().ok()?),
    };
    let is_lower = !host.bytes().any(|byte| byte.is_ascii_uppercase());
    Some(match is_lower {
        true => host.into(),
        false => host.to_ascii_lowercase().into(),
    })
}

/// Returns `true` if a request names the emulator's own origin, as most do.
fn is_at_origin(engine: &Engine, request: &Request) -> bool {
    let named = request.headers().get(header::HOST);
    let named = named.filter(|_| request.uri().authority().is_none());
    let scheme = named.and_then(|named| engine.origin.as_bytes().strip_suffix(named.as_bytes()));
    scheme.is_some_and(|scheme| scheme.ends_with(b"://"))
}

fn authority(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, rest)| rest)
}
