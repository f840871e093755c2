//! The HTTP API: which request is which operation.
//!
//! Each file of this module has the operations of one topic, as a table `ROUTES`. The rules of the
//! path are those of the server's own router: decoded before it is matched, `404` as plain text, and
//! a redirect where only a slash at the end is wrong.

mod archive;
mod call;
mod codegen;
mod content;
mod copy;
mod delete;
mod describe;
mod drives;
mod edge;
mod environment;
mod find;
mod form;
mod fuzzy;
mod glob;
mod grep;
mod interpreter;
mod mcp;
mod network;
mod path;
mod pattern;
mod permissions;
mod port;
mod process;
mod ranges;
mod read;
mod respond;
mod route;
mod scope;
mod search;
mod system;
mod terminal;
mod tree;
mod tunnel;
mod uploads;
mod url;
mod used;
mod watch;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use http::{Method, Request, StatusCode};

use self::call::Call;
use self::pattern::Params;
use self::route::Route;
use self::url::UrlPath;
use crate::state::State;
use crate::version::ServerVersion;

/// The operations of all topics.
const TABLES: &[&[Route]] = &[
    system::ROUTES,
    environment::ROUTES,
    read::ROUTES,
    write::ROUTES,
    delete::ROUTES,
    tree::ROUTES,
    copy::ROUTES,
    find::ROUTES,
    search::ROUTES,
    grep::ROUTES,
    uploads::ROUTES,
    watch::ROUTES,
    drives::ROUTES,
    codegen::ROUTES,
    tunnel::ROUTES,
    process::ROUTES,
    network::ROUTES,
    archive::ROUTES,
    terminal::ROUTES,
    mcp::ROUTES,
];

/// Creates the router of a server.
pub(crate) fn router(state: Arc<State>) -> Router {
    Router::new().fallback(move |request| async move {
        state.standby.start(&state.guest);
        archive::restore_once(&state);
        let awake = state.guest.clock().stay_awake();
        let response = answer(state, request).await;
        response.map(|body| used::until_its_end(body, awake))
    })
}

/// Returns the name of the operation that a request calls, such as `GetProcess`.
///
/// The path is that of the request line, without the query. Returns `None` if it is no path of the
/// API, and for `/port/{port}`, which any program of the sandbox may answer.
///
/// ```
/// use http::Method;
///
/// assert_eq!(blaxel_guest::operation(&Method::GET, "/health"), Some("GetHealth"));
/// assert_eq!(blaxel_guest::operation(&Method::GET, "/unknown"), None);
/// ```
#[must_use]
pub fn operation(method: &Method, path: &str) -> Option<&'static str> {
    let path = UrlPath::parse(path)?;
    if path.decoded == "/" {
        return Some("GetWelcome");
    }
    let (route, _) = find(method, &path.decoded, ServerVersion::Current)?;
    Some(route.operation)
}

/// Returns the names of all operations of the current version.
pub fn operations() -> impl Iterator<Item = &'static str> {
    let routes = TABLES.iter().flat_map(|table| table.iter());
    routes.map(|route| route.operation)
}

fn find(method: &Method, path: &str, version: ServerVersion) -> Option<(&'static Route, Params)> {
    let routes = TABLES.iter().flat_map(|table| table.iter());
    let known = routes.filter(|route| route.method == *method && route.since <= version);
    let matching = known.filter_map(|route| Some((route, route.params(path)?)));
    matching.max_by_key(|(route, _)| route.precision())
}

/// Returns `true` if `HEAD` is answered for a path just because `GET` is.
fn has_head(path: &str, version: ServerVersion) -> bool {
    path != mcp::PATH && find(&Method::GET, path, version).is_some()
}

async fn answer(state: Arc<State>, request: Request<Body>) -> Response {
    if let Some(reason) = &state.broken {
        let mut response = respond::Refusal::internal(reason).into_response();
        respond::add_common_headers(&mut response);
        return response;
    }
    let (mut request, excess) = match edge::limit(&state, request) {
        Ok(limited) => limited,
        Err(refusal) => return refusal,
    };
    if let Some((number, rest)) = port::target(request.uri().path()) {
        let rest = rest.to_owned();
        if let Some(contexts) = state
            .contexts
            .clone()
            .filter(|_| number == interpreter::PORT)
        {
            return interpreter::serve(state, contexts, request, &rest).await;
        }
        return port::forward(state, request, number, &rest).await;
    }
    let body = std::mem::take(request.body_mut());
    let (head, ()) = request.map(drop).into_parts();
    let Some(path) = UrlPath::parse(head.uri.path()) else {
        return respond::text(
            StatusCode::BAD_REQUEST,
            "text/plain; charset=utf-8",
            "400 Bad Request",
        );
    };
    let version = state.version();
    let now = state.guest.clock().now();
    let mut response = match find(&head.method, &path.decoded, version) {
        _ if head.method == Method::OPTIONS => {
            let mut response = status(StatusCode::NO_CONTENT);
            respond::add_cross_origin_headers(&mut response);
            return response;
        }
        _ if path.decoded == "/" && head.method != Method::HEAD => system::welcome(),
        Some((route, params)) => {
            (route.handler)(Call {
                state,
                head,
                body,
                path,
                params,
            })
            .await
        }
        None if head.method == Method::HEAD && has_head(&path.decoded, version) => call::empty(),
        None => match redirect(&head.method, &path.decoded, version) {
            Some(redirect) => return redirect,
            None => respond::text(StatusCode::NOT_FOUND, "text/plain", "404 page not found"),
        },
    };
    if excess.is_some_and(|excess| excess.is_found()) {
        return edge::refusal(&now);
    }
    respond::add_common_headers(&mut response);
    response
}

/// The paths for which the router of the server does not find the one with a slash.
const WITHOUT_REDIRECT: [&str; 2] = ["/filesystem", "/filesystem-multipart/initiate"];

/// Returns the redirect to a path that is there, if only a slash at the end is too much or missing.
/// It has no further headers.
fn redirect(method: &Method, path: &str, version: ServerVersion) -> Option<Response> {
    let other = match path.strip_suffix('/') {
        Some(without) => without.to_owned(),
        None => format!("{path}/"),
    };
    if WITHOUT_REDIRECT.contains(&path) {
        return None;
    }
    find(method, &other, version)?;
    let location = HeaderValue::from_str(&other).ok()?;
    let mut response = status(StatusCode::TEMPORARY_REDIRECT);
    if *method == Method::GET {
        *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
        *response.body_mut() =
            Body::from(format!("<a href=\"{other}\">Moved Permanently</a>.\n\n"));
    }
    if *method == Method::GET || *method == Method::HEAD {
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, html);
    }
    response.headers_mut().insert(LOCATION, location);
    Some(response)
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
