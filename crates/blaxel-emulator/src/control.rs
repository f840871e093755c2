//! The control of an emulator over HTTP, so that tests in any language do what a Rust test can.
//!
//! Its paths are below [`PREFIX`], which the platform does not have. Control requests are not in the
//! journal, meet no fault, and need no credential: they are accepted from this machine only. The
//! page for people is a part of it.

mod answer;
mod assertions;
mod clock;
mod data;
mod deviations;
mod duration;
mod event_stream;
mod events;
mod faults;
mod incidents;
mod journal;
mod machines;
mod page;
mod reply;
mod resources;
mod sandboxes;
mod scripts;
mod status;
mod work;

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use blaxel_core::__private::is_loopback as is_loopback_address;
use http::uri::Authority;
use http::{HeaderName, Method, StatusCode, Uri};
use tower_service::Service as _;

use self::answer::Refused;
use crate::connections::{Connection, Tracked};
use crate::engine::Engine;
use crate::router::{Api, redacted_path};

/// The path below which an emulator is controlled.
pub(crate) const PREFIX: &str = "/_emulator";

/// The headers in which a browser tells from what kind of page a request comes, and what it is for.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The control of all emulators. A handler finds its emulator in the extensions of the request.
static CONTROL: LazyLock<Router> = LazyLock::new(|| {
    let topics = Router::new()
        .merge(status::routes())
        .merge(assertions::routes())
        .merge(clock::routes())
        .merge(data::routes())
        .merge(faults::routes())
        .merge(incidents::routes())
        .merge(journal::routes())
        .merge(events::routes())
        .merge(resources::routes())
        .merge(sandboxes::routes())
        .merge(deviations::routes())
        .merge(page::routes())
        .merge(machines::routes())
        .merge(scripts::routes())
        .merge(work::routes());
    Router::new()
        .nest(PREFIX, topics)
        .route(&format!("{PREFIX}/"), get(status::show))
        .fallback(no_path)
});

/// All that an emulator answers: the API of the platform, and the control of the emulator.
#[derive(Clone)]
pub(crate) struct Front {
    engine: Arc<Engine>,
    api: Api,
    /// The connection that the requests come on.
    connection: Option<Arc<Connection>>,
}

impl Front {
    pub(crate) fn new(engine: &Arc<Engine>) -> Self {
        Self {
            engine: Arc::clone(engine),
            api: Api::new(engine),
            connection: None,
        }
    }

    /// Returns the same for the requests of a new connection, which counts as open until its stream is
    /// dropped.
    pub(crate) fn connected<S>(&self, stream: S) -> (Self, Tracked<S>) {
        let (connection, stream) = self.engine.connections.track(stream);
        let front = Self {
            connection: Some(connection),
            ..self.clone()
        };
        (front, stream)
    }

    pub(crate) async fn call(&self, mut request: Request) -> Response {
        // At the host of a preview, `/` belongs to its program.
        if page::is_wanted(&request) && is_local(&self.engine, &request) {
            page::redirect(&mut request);
        }
        let below = request.uri().path().strip_prefix(PREFIX);
        if below.is_none_or(|below| !below.is_empty() && !below.starts_with('/')) {
            if let Some(connection) = &self.connection {
                connection.called(request.method(), redacted_path(request.uri().path()));
            }
            return self.api.call(request).await;
        }
        request
            .extensions_mut()
            .insert(Caller(self.connection.clone()));
        control(&self.engine, request).await
    }
}

async fn control(engine: &Arc<Engine>, mut request: Request) -> Response {
    if !is_local(engine, &request) {
        let problem = "the emulator is controlled by programs and pages of this machine only";
        return Refused::new(StatusCode::FORBIDDEN, problem).into_response();
    }
    request.extensions_mut().insert(Arc::clone(engine));
    let answered: Result<Response, Infallible> = CONTROL.clone().call(request).await;
    let Ok(response) = answered;
    response
}

/// Returns `true` unless a browser sent the request for a page of another origin: no page of the web
/// may control an emulator, also by a name that it lets stand for this machine. Neither may a page that a preview
/// shows by its path: its origin is `null` (see `router/preview_calls.rs`).
fn is_local(engine: &Engine, request: &Request) -> bool {
    let own = authority(&engine.origin);
    let is_own = |given: &str| given == own || is_loopback(given);
    let headers = request.headers();
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    // Which of the two has the name depends on the version of HTTP.
    let named = request.uri().authority().map(Authority::as_str);
    named.is_none_or(is_own)
        && text(HOST).is_none_or(is_own)
        && match text(ORIGIN) {
            Some(origin) => is_own(authority(origin)),
            // A browser that sends no origin tells this instead. A link may lead here from anywhere.
            None => match text(FETCH_SITE) {
                None | Some("same-origin" | "none") => true,
                Some(_) => request.method() == Method::GET && text(FETCH_DEST) == Some("document"),
            },
        }
}

fn authority(origin: &str) -> &str {
    origin.split_once("://").map_or("", |(_, rest)| rest)
}

fn is_loopback(authority: &str) -> bool {
    let Ok(uri) = authority.parse::<Uri>() else {
        return false;
    };
    uri.host().is_some_and(is_loopback_address)
}

async fn no_path(uri: Uri) -> Refused {
    let problem = format!("the emulator has no control at {}", uri.path());
    Refused::new(StatusCode::NOT_FOUND, problem)
}

/// The connection of a control request, if it came on one.
#[derive(Clone)]
struct Caller(Option<Arc<Connection>>);

/// The emulator of a request.
type Of = Extension<Arc<Engine>>;
