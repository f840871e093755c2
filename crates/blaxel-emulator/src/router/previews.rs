//! Creating previews, which may take over the address of another one.

use axum::routing::MethodFilter;

use super::access_level::AccessLevel;
use super::body;
use super::call::Call;
use super::records::{self, taken};
use super::route::{HandlerResult, Route};
use crate::state::{Collection, Document, OpenStore, PREVIEWS, member};

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
    if let Some((other, conflicting_preview)) = conflicting_preview(&store, &document) {
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

/// Returns the preview that has the same address already.
fn conflicting_preview(store: &OpenStore, document: &Document) -> Option<(Collection, String)> {
    const ADDRESS: [&str; 2] = ["spec/customDomain", "spec/prefixUrl"];
    let address = |document: &Document| {
        let parts = ADDRESS.map(|part| member::text(document, part).map(str::to_owned));
        parts.iter().all(Option::is_some).then_some(parts)
    };
    let wanted = address(document)?;
    let mut previews = store.everywhere(&PREVIEWS);
    let (collection, record) =
        previews.find(|(_, record)| address(&record.document).as_ref() == Some(&wanted))?;
    Some((collection.clone(), record.name.clone()))
}
