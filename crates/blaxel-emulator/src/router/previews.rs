//! Creating previews, which may take over the address of another one.

use axum::routing::MethodFilter;

use super::access_level::AccessLevel;
use super::body;
use super::call::Call;
use super::preview_hosts;
use super::records::{self, taken};
use super::route::{HandlerResult, Route};
use crate::state::{Collection, Document, OpenStore, PREVIEWS, preview_host};

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(
        "CreateSandboxPreview",
        MethodFilter::POST,
        ["/v0/sandboxes/{sandboxName}/previews"],
        AccessLevel::Workspace,
        create,
    )]
}

fn create(call: &Call) -> HandlerResult {
    let document = body::document(call, &PREVIEWS)?;
    let given = body::name(&document, &PREVIEWS)?;
    let mut store = call.engine.store.open();
    let collection = records::collection(call, &PREVIEWS, &store)?;
    let name = given.unwrap_or_else(|| store.fresh_name(&collection, "preview"));
    if let Some((other, conflicting_preview)) = conflicting_preview(&store, &document, &name) {
        if call.query.get("force") != Some("true") {
            return Err(taken(&PREVIEWS, &conflicting_preview));
        }
        store.remove(&other, &conflicting_preview);
    }
    if !store.create(&collection, &name, document, &call.author()) {
        return Err(taken(&PREVIEWS, &name));
    }
    records::response(&store, &collection, &name)
}

/// Returns the preview that has the same host name already.
fn conflicting_preview(
    store: &OpenStore,
    document: &Document,
    name: &str,
) -> Option<(Collection, String)> {
    let wanted = preview_host(document, name, store.setting())?;
    let (collection, record) = preview_hosts::find(store, |host| host == wanted)?;
    Some((collection, record.name.clone()))
}
