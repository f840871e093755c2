//! Workspaces. One of them belongs to this emulator; of the others only the names are known.

use axum::Json;
use axum::response::IntoResponse;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::access_level::AccessLevel;
use super::body;
use super::call::Call;
use super::records::{self, not_found, taken};
use super::route::{HandlerResult, Route};
use crate::errors::ErrorResponse;
use crate::state::{
    AGENTS, CUSTOM_DOMAINS, Collection, DRIVES, Document, FUNCTIONS, IMAGES,
    INTEGRATION_CONNECTIONS, JOBS, Kind, MODELS, OpenStore, POLICIES, PREVIEWS, SANDBOXES,
    SERVICE_ACCOUNTS, VOLUME_TEMPLATES, VOLUMES, WORKSPACES,
};

/// Reserved names.
const RESERVED: [&str; 8] = [
    "account", "admin", "api", "app", "default", "docs", "status", "www",
];

/// The kinds that are counted, and the names of the counts.
static COUNTED: [(&str, &Kind); 14] = [
    ("agents", &AGENTS),
    ("customdomains", &CUSTOM_DOMAINS),
    ("drives", &DRIVES),
    ("functions", &FUNCTIONS),
    ("images", &IMAGES),
    ("integrationconnections", &INTEGRATION_CONNECTIONS),
    ("jobs", &JOBS),
    ("models", &MODELS),
    ("policies", &POLICIES),
    ("previews", &PREVIEWS),
    ("sandboxes", &SANDBOXES),
    ("serviceaccounts", &SERVICE_ACCOUNTS),
    ("volumes", &VOLUMES),
    ("volumetemplates", &VOLUME_TEMPLATES),
];

pub(crate) fn routes() -> Vec<Route> {
    let all = "/v0/workspaces";
    let one = "/v0/workspaces/{workspaceName}";
    let route = |operation, method, path, handler: fn(&Call) -> HandlerResult| {
        Route::new(operation, method, [path], AccessLevel::Workspace, handler)
    };
    vec![
        route("CreateWorkspace", Method::POST, all, create),
        route("GetWorkspace", Method::GET, one, get),
        route("DeleteWorkspace", Method::DELETE, one, delete_or_leave),
        route(
            "LeaveWorkspace",
            Method::DELETE,
            "/v0/workspaces/{workspaceName}/leave",
            delete_or_leave,
        ),
        route(
            "CheckWorkspaceAvailability",
            Method::POST,
            "/v0/workspaces/availability",
            availability,
        ),
    ]
}

/// Returns `true` if the account has a workspace of this name.
pub(crate) fn is_known(store: &OpenStore, name: &str) -> bool {
    store.get(&Collection::top(&WORKSPACES), name).is_some()
}

/// Returns the display name of a workspace.
pub(crate) fn display_name(store: &OpenStore, name: &str) -> String {
    let record = store.get(&Collection::top(&WORKSPACES), name);
    let text = record.and_then(|record| record.document.get("displayName")?.as_str());
    text.unwrap_or(name).to_owned()
}

fn create(call: &Call) -> HandlerResult {
    let document = body::document(call, &WORKSPACES)?;
    let name = body::required_name(&document, &WORKSPACES)?;
    let mut store = call.engine.store.open();
    match NameProblem::of(&store, &name) {
        Some(NameProblem::Taken) => return Err(taken(&WORKSPACES, &name)),
        Some(problem) => return Err(ErrorResponse::bad_request(problem.code_and_message().1)),
        None => {}
    }
    let collection = Collection::top(&WORKSPACES);
    store.put(&collection, &name, document, &call.author());
    records::response(&store, &collection, &name)
}

fn get(call: &Call) -> HandlerResult {
    let store = call.engine.store.open();
    let name = call.path(WORKSPACES.parameter);
    let shown = store.show(&Collection::top(&WORKSPACES), name);
    let mut shown = shown.ok_or_else(|| not_found(&WORKSPACES))?;
    if call.query.get("countResources") == Some("true") {
        // The contents of other workspaces are unknown.
        let is_own = name == call.engine.config.workspace;
        let mut counts = Document::new();
        for (counted, kind) in COUNTED {
            let count = if is_own {
                store.not_terminated(kind).count()
            } else {
                0
            };
            counts.insert(counted.to_owned(), count.into());
        }
        shown.set("resourceCounts", counts);
    }
    Ok(records::json_of(shown))
}

/// Deletes or leaves a workspace, which is the same for its only member.
fn delete_or_leave(call: &Call) -> HandlerResult {
    let name = call.path(WORKSPACES.parameter);
    if name == call.engine.config.workspace {
        return Err(ErrorResponse::explained(
            StatusCode::FORBIDDEN,
            "Forbidden",
            "The emulator's own workspace cannot be given up.",
        ));
    }
    let mut store = call.engine.store.open();
    let collection = Collection::top(&WORKSPACES);
    let document = store
        .show(&collection, name)
        .ok_or_else(|| not_found(&WORKSPACES))?
        .into_document();
    store.remove(&collection, name);
    Ok(records::json_of(document))
}

/// The reason why a name is not available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NameProblem {
    Taken,
    Reserved,
    Blaxel,
    Version,
}

impl NameProblem {
    fn of(store: &OpenStore, name: &str) -> Option<Self> {
        let mut rest = name.strip_prefix('v').unwrap_or_default().chars();
        Some(if is_known(store, name) {
            Self::Taken
        } else if RESERVED.contains(&name) {
            Self::Reserved
        } else if name.contains("blaxel") {
            Self::Blaxel
        } else if rest.next().is_some_and(|first| first.is_ascii_digit()) {
            Self::Version
        } else {
            return None;
        })
    }

    /// Returns the reason as a code and as a message.
    fn code_and_message(self) -> (&'static str, &'static str) {
        match self {
            Self::Taken => ("taken", "There is a workspace of this name already."),
            Self::Reserved => ("forbidden_reserved", "The name is reserved."),
            Self::Blaxel => ("forbidden_blaxel", "The name must not contain blaxel."),
            Self::Version => (
                "forbidden_v_prefix",
                "The name must not begin with v and a digit.",
            ),
        }
    }
}

fn availability(call: &Call) -> HandlerResult {
    let body = body::object(call)?;
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    let problem = NameProblem::of(&call.engine.store.open(), name);
    let mut response = json!(problem.is_none());
    if call.query.get("withReason") == Some("true") {
        response = json!({"available": problem.is_none()});
        if let Some((reason, message)) = problem.map(NameProblem::code_and_message) {
            response["reason"] = reason.into();
            response["message"] = message.into();
        }
    }
    Ok(Json(response).into_response())
}
