//! Previews by host name: a request to the host of a preview becomes one to its path.

use axum::extract::Request;
use http::uri::{Parts, PathAndQuery};
use http::{Uri, header};

use crate::engine::Engine;
use crate::state::{Collection, OpenStore, PREVIEWS, Record, preview_host};

/// A path segment that is no name, for hosts without a preview.
const NONE: &str = "~";

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

/// Replaces the path of a request to the host of a preview by the path of that preview. A host
/// below the domain of previews that has none gets a path without a preview.
pub(super) fn resolve(engine: &Engine, request: &mut Request) {
    let Some(host) = host(request) else { return };
    let store = engine.store.open();
    let setting = store.setting();
    let domain = without_port(&setting.preview_domain);
    let own = [domain, without_port(authority(&setting.origin))];
    if own.contains(&host.as_str()) {
        return;
    }
    let (sandbox, preview) = match find(&store, |other| without_port(other) == host) {
        Some((collection, record)) => {
            let sandbox = collection.parents().first().cloned();
            (sandbox.unwrap_or_default(), record.name.clone())
        }
        None if host.ends_with(&format!(".{domain}")) => (NONE.to_owned(), NONE.to_owned()),
        None => return,
    };
    let rest = request.uri().path_and_query();
    let rest = rest.map_or("/", PathAndQuery::as_str);
    let path = format!("/preview/{}/{sandbox}/{preview}{rest}", setting.workspace);
    let mut parts = Parts::default();
    parts.path_and_query = path.parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

/// Returns the host that a request names, in lower case and without its port.
fn host(request: &Request) -> Option<String> {
    let named = request.headers().get(header::HOST);
    let host = match request.uri().host() {
        Some(host) => host,
        None => without_port(named?.to_str().ok()?),
    };
    Some(host.to_ascii_lowercase())
}

fn authority(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, rest)| rest)
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}
