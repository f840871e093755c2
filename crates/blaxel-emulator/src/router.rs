//! The router: a table of the operations, and the steps from a request to its handler.
//!
//! Each file declares the [`Route`]s of one topic. [`Api::call`] adds a request to the journal,
//! `perform` applies faults, and the handler gets a [`Call`](call::Call) that met the route's
//! [`AccessLevel`].

mod access;
mod access_level;
mod anthropic;
mod archives;
mod arrival;
mod billing;
mod body;
mod call;
mod catalog;
mod chat;
mod cohere;
mod completion;
mod connections;
mod copies;
mod crons;
mod data_plane;
mod domains;
mod drives;
mod embeddings;
mod executions;
mod features;
mod forks;
mod forward;
mod gateway;
mod gemini;
mod host_names;
mod image_shares;
mod images;
mod inference;
mod leaks;
mod listing;
mod mcp;
mod model;
mod network;
mod oauth;
mod observability;
mod openapi;
mod pages;
mod policies;
mod preview_calls;
mod previews;
mod records;
mod resources;
mod route;
mod sandbox_archives;
mod sandbox_checks;
mod sandboxes;
mod schedules;
mod secrets;
mod service_accounts;
mod snapshots;
mod stream;
mod table;
mod task_urls;
mod trigger;
mod uploads;
mod users;
mod volume_templates;
mod workload;
mod workspace_schedules;
mod workspaces;

use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use self::access::Identity;
pub(crate) use self::access::{CREDENTIALS, OWN_AUTHORIZATION, OWNER, VERSION, WORKSPACE};
use self::access_level::AccessLevel;
use self::arrival::{Arrival, RequestId};
use self::call::Call;
pub(crate) use self::forward::remove_hop_by_hop;
pub(crate) use self::image_shares::offer as offer_image;
use self::leaks::Leaks;
pub(crate) use self::route::Route;
use self::table::{Found, NoRoute, Table};
pub(crate) use self::task_urls::variables as task_variables;
pub(crate) use self::uploads::{is_presigned, redacted_path};
use crate::engine::Engine;
use crate::errors::{ErrorResponse, Gateway};
use crate::fault::{UnknownOperation, WAKE_SANDBOX, meet, stands_for};
use crate::journal::{Entry, EntryId, Recording};

/// The operations that are not covered by a [`Kind`](crate::state::Kind).
static CUSTOM: [fn() -> Vec<Route>; 31] = [
    features::routes,
    archives::routes,
    billing::routes,
    catalog::routes,
    connections::routes,
    data_plane::routes,
    domains::routes,
    drives::routes,
    executions::routes,
    forks::routes,
    image_shares::routes,
    images::routes,
    inference::routes,
    mcp::routes,
    network::routes,
    oauth::routes,
    observability::routes,
    policies::routes,
    preview_calls::routes,
    previews::routes,
    sandbox_archives::routes,
    sandboxes::routes,
    schedules::routes,
    secrets::routes,
    service_accounts::routes,
    snapshots::routes,
    task_urls::routes,
    users::routes,
    volume_templates::routes,
    workspace_schedules::routes,
    workspaces::routes,
];

/// Returns the routes of all operations.
pub(crate) fn routes() -> Vec<Route> {
    let usual = crate::state::KINDS
        .iter()
        .flat_map(|kind| resources::routes(kind));
    usual
        .chain(CUSTOM.iter().flat_map(|routes| routes()))
        .chain([openapi::route(routes)])
        .collect()
}

/// Returns the names of the operations that the emulator serves.
pub(crate) fn operations() -> impl Iterator<Item = &'static str> + use<> {
    let own = routes().into_iter().map(|route| route.operation);
    own.chain(blaxel_guest::operations())
}

/// Checks that requests of an operation can meet a fault. A name that ends in `*` stands for all
/// operations that begin so.
pub(crate) fn check_operation(name: &str) -> Result<(), UnknownOperation> {
    let known: Vec<_> = operations().chain([WAKE_SANDBOX]).collect();
    if known.iter().any(|known| stands_for(name, known)) {
        return Ok(());
    }
    Err(UnknownOperation {
        name: name.to_owned(),
        known,
    })
}

/// The routes of all operations. They are built once, because every emulator has the same.
static ROUTES: LazyLock<Table> = LazyLock::new(|| Table::new(routes()));

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The API of an emulator, which the server and the local service share.
#[derive(Clone)]
pub(crate) struct Api(Arc<Engine>);

impl Api {
    pub(crate) fn new(engine: &Arc<Engine>) -> Self {
        Self(Arc::clone(engine))
    }

    /// Adds a request to the journal, determines its identity, performs its operation, and sets the
    /// id of the response.
    pub(crate) async fn call(&self, mut request: Request) -> Response {
        let engine = &self.0;
        // The host decides on the path, so it is looked at before the routes are.
        host_names::resolve(engine, &mut request);
        let identity = Identity::of(engine, request.headers());
        let request_id = RequestId::new(engine.next_number());
        let (mut entry, leaks) = entry(engine, &request, &identity);
        entry.request_id = request_id.to_string();
        let id_header = HeaderValue::try_from(&entry.request_id);
        let limit = engine.config.journal_contents;
        let recording = Recording::begin(&engine.journal, &engine.clock, entry, limit, || {
            leaks.known()
        });
        request = recording.request(request);
        let is_head = request.method() == Method::HEAD;
        let mut response = match ROUTES.find(request.method(), request.uri().path()) {
            Ok(Found { route, parameters }) => {
                request.extensions_mut().insert(Arrival {
                    identity,
                    request_id,
                    parameters,
                });
                // Boxed, since it is large, and moved from here to the connection.
                Box::pin(perform(engine, recording.id(), route, request)).await
            }
            Err(missing) => no_route(engine, &request, missing),
        };
        complete(&mut response, is_head);
        // That of the emulator's clock, which is not always that of this machine.
        if let Some(date) = engine.dates.at(engine.clock.since_epoch()) {
            response.headers_mut().entry(header::DATE).or_insert(date);
        }
        if let Ok(id) = id_header {
            response.headers_mut().entry(REQUEST_ID).or_insert(id);
        }
        recording.response(response)
    }
}

/// Returns the journal entry of a request as it arrives, and the secrets that are known of it.
fn entry<'a>(engine: &'a Engine, request: &'a Request, identity: &Identity) -> (Entry, Leaks<'a>) {
    let version = request.headers().get(access::VERSION);
    let (caller, credential_id) = identity.holder();
    let leaks = Leaks::of(engine, request.headers());
    let path = redacted_path(request.uri().path());
    let address = leaks.in_address(path, request.uri().query());
    let mut entry = Entry::arrived(engine.clock.now(), SystemTime::now());
    entry.method = request.method().to_string();
    entry.path = address.path;
    entry.query = address.query;
    entry.secret_in_url = address.leaked;
    entry.version = version.map(|version| String::from_utf8_lossy(version.as_bytes()).into_owned());
    entry.credential = identity.kind();
    entry.caller = caller.map(str::to_owned);
    entry.credential_id = credential_id.map(str::to_owned);
    (entry, leaks)
}

/// Performs an operation, or the fault that was injected into it.
async fn perform(
    engine: &Arc<Engine>,
    place: EntryId,
    route: &Arc<Route>,
    request: Request,
) -> Response {
    let operation = match route.operation {
        data_plane::OPERATION => data_plane::operation(&request),
        operation => operation,
    };
    engine.journal.asked(place, operation);
    let fault = engine.next_fault(operation, Some(place));
    meet(fault, &engine.clock, request, |request| async {
        let (response, is_processed) = handle(engine, route, request).await;
        if is_processed {
            engine.journal.processed(place, operation);
        }
        response
    })
    .await
}

/// Performs an operation. The flag is set if it took place, and was not refused.
async fn handle(engine: &Arc<Engine>, route: &Arc<Route>, request: Request) -> (Response, bool) {
    let mut is_called = false;
    // The boxed futures are large, and all others would be as large as they are.
    let outcome = if route.operation == data_plane::OPERATION {
        Box::pin(data_plane::handle(engine, route, request)).await
    } else if route.operation == preview_calls::OPERATION {
        Box::pin(preview_calls::handle(engine, route, request)).await
    } else if route.access == AccessLevel::Workload {
        let outcome = Box::pin(gateway::handle(engine, route, request)).await;
        // A workload whose own response is an error was called.
        is_called = outcome.is_ok();
        outcome
    } else {
        match Call::receive(engine, route.operation, route.access, request).await {
            Ok(call) => route.handle(call).await,
            Err(error) => Err(error),
        }
    };
    let is_processed = match &outcome {
        Ok(response) => is_called || response.status().as_u16() < 400,
        Err(_) => false,
    };
    let response = match (outcome, route.map_error) {
        (Err(error), Some(form)) => form(engine, error).into_response(),
        (outcome, _) => outcome.into_response(),
    };
    (response, is_processed)
}

/// Responds to a request without an operation.
fn no_route(engine: &Engine, request: &Request, missing: NoRoute) -> Response {
    match missing {
        NoRoute::Method(allowed) => {
            let error =
                ErrorResponse::control(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
            ([(header::ALLOW, allowed)], error).into_response()
        }
        NoRoute::Path if request.uri().path().starts_with("/run/") => {
            let message = "No workload has this address.";
            ErrorResponse::gateway(Gateway::RouteNotFound, message, &engine.clock.now())
                .into_response()
        }
        NoRoute::Path => ErrorResponse::control(StatusCode::NOT_FOUND, "Not Found").into_response(),
    }
}

/// Sets the length of a response, and leaves only its head to a request for that.
fn complete(response: &mut Response, is_head: bool) {
    if let Some(length) = response.body().size_hint().exact() {
        let headers = response.headers_mut();
        headers
            .entry(header::CONTENT_LENGTH)
            .or_insert(length.into());
    }
    if is_head {
        *response.body_mut() = Body::empty();
    }
}
