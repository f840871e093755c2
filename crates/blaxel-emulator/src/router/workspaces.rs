//! Workspaces. One of them is this emulator's; the others of the account are only known.

use axum::Json;
use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use http::StatusCode;
use serde_json::{Value, json};

use super::body;
use super::call::Call;
use super::gate::Gate;
use super::records::{self, not_found, taken};
use super::route::{Outcome, Route};
use crate::errors::Refusal;
use crate::state::{
    AGENTS, CUSTOM_DOMAINS, DRIVES, Document, FUNCTIONS, IMAGES, INTEGRATION_CONNECTIONS, JOBS,
    Kind, MODELS, POLICIES, PREVIEWS, SANDBOXES, SERVICE_ACCOUNTS, Shelf, Shelves,
    VOLUME_TEMPLATES, VOLUMES, WORKSPACES,
};

/// Names that nobody may have.
const RESERVED: [&str; 8] = [
    "account", "admin", "api", "app", "default", "docs", "status", "www",
];

/// What is counted, and how it is called there.
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
    let route = |operation, method, path, handler: fn(&Call) -> Outcome| {
        Route::new(operation, method, [path], Gate::Workspace, handler)
    };
    vec![
        route("CreateWorkspace", MethodFilter::POST, all, create),
        route("GetWorkspace", MethodFilter::GET, one, get),
        route("DeleteWorkspace", MethodFilter::DELETE, one, give_up),
        route(
            "LeaveWorkspace",
            MethodFilter::DELETE,
            "/v0/workspaces/{workspaceName}/leave",
            give_up,
        ),
        route(
            "CheckWorkspaceAvailability",
            MethodFilter::POST,
            "/v0/workspaces/availability",
            availability,
        ),
    ]
}

/// Whether the account has a workspace of this name.
pub(crate) fn is_known(shelves: &Shelves, name: &str) -> bool {
    shelves.get(&Shelf::top(&WORKSPACES), name).is_some()
}

/// How a workspace is called for persons to read.
pub(crate) fn display_name(shelves: &Shelves, name: &str) -> String {
    let record = shelves.get(&Shelf::top(&WORKSPACES), name);
    let text = record.and_then(|record| record.document.get("displayName")?.as_str());
    text.unwrap_or(name).to_owned()
}

fn create(call: &Call) -> Outcome {
    let document = body::document(call, &WORKSPACES)?;
    let name = body::given_name(&document, &WORKSPACES)?;
    let mut shelves = call.engine.store.open();
    match Hindrance::of(&shelves, &name) {
        Some(Hindrance::Taken) => return Err(taken(&WORKSPACES, &name)),
        Some(hindrance) => return Err(Refusal::bad_request(hindrance.words().1)),
        None => {}
    }
    let shelf = Shelf::top(&WORKSPACES);
    shelves.put(&shelf, &name, document, &call.author());
    records::answer(&shelves, &shelf, &name)
}

fn get(call: &Call) -> Outcome {
    let shelves = call.engine.store.open();
    let name = call.path(WORKSPACES.parameter);
    let document = shelves.show(&Shelf::top(&WORKSPACES), name);
    let mut document = document.ok_or_else(|| not_found(&WORKSPACES))?;
    if call.query.get("countResources") == Some("true") {
        // Nothing is known of what the other workspaces hold.
        let is_own = name == call.engine.config.workspace;
        let mut counts = Document::new();
        for (counted, kind) in COUNTED {
            let count = if is_own {
                shelves.living(kind).count()
            } else {
                0
            };
            counts.insert(counted.to_owned(), count.into());
        }
        document.insert("resourceCounts".to_owned(), counts.into());
    }
    Ok(records::json_of(document))
}

/// Deletes a workspace or leaves it, which comes to the same for who is alone in it.
fn give_up(call: &Call) -> Outcome {
    let name = call.path(WORKSPACES.parameter);
    if name == call.engine.config.workspace {
        return Err(Refusal::explained(
            StatusCode::FORBIDDEN,
            "Forbidden",
            "The emulator's own workspace cannot be given up.",
        ));
    }
    let mut shelves = call.engine.store.open();
    let shelf = Shelf::top(&WORKSPACES);
    let document = shelves
        .show(&shelf, name)
        .ok_or_else(|| not_found(&WORKSPACES))?;
    shelves.remove(&shelf, name);
    Ok(records::json_of(document))
}

/// Why a name cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hindrance {
    Taken,
    Reserved,
    Blaxel,
    Version,
}

impl Hindrance {
    fn of(shelves: &Shelves, name: &str) -> Option<Self> {
        let mut rest = name.strip_prefix('v').unwrap_or_default().chars();
        Some(if is_known(shelves, name) {
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

    /// For a program, and for a person.
    fn words(self) -> (&'static str, &'static str) {
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

fn availability(call: &Call) -> Outcome {
    let body = body::object(call)?;
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    let hindrance = Hindrance::of(&call.engine.store.open(), name);
    let mut answer = json!(hindrance.is_none());
    if call.query.get("withReason") == Some("true") {
        answer = json!({"available": hindrance.is_none()});
        if let Some((reason, message)) = hindrance.map(Hindrance::words) {
            answer["reason"] = reason.into();
            answer["message"] = message.into();
        }
    }
    Ok(Json(answer).into_response())
}
