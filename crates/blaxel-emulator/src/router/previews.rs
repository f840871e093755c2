//! Creating previews, of which one may push another aside.

use axum::routing::MethodFilter;

use super::body;
use super::call::Call;
use super::gate::Gate;
use super::records::{self, taken};
use super::route::{Outcome, Route};
use crate::state::{Document, PREVIEWS, Shelf, Shelves, member};

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(
        "CreateSandboxPreview",
        MethodFilter::POST,
        ["/v0/sandboxes/{sandboxName}/previews"],
        Gate::Workspace,
        create,
    )]
}

fn create(call: &Call) -> Outcome {
    let document = body::document(call, &PREVIEWS)?;
    let given = body::name(&document, &PREVIEWS)?;
    let mut shelves = call.engine.store.open();
    let shelf = records::shelf(call, &PREVIEWS, &shelves)?;
    let name = given.unwrap_or_else(|| shelves.fresh_name(&shelf, "preview"));
    if let Some((other, rival)) = rival(&shelves, &document) {
        if call.query.get("force") != Some("true") {
            return Err(taken(&PREVIEWS, &rival));
        }
        shelves.remove(&other, &rival);
    }
    if !shelves.create(&shelf, &name, document, &call.author()) {
        return Err(taken(&PREVIEWS, &name));
    }
    records::answer(&shelves, &shelf, &name)
}

/// The preview that has the address already that another one wants.
fn rival(shelves: &Shelves, document: &Document) -> Option<(Shelf, String)> {
    const ADDRESS: [&str; 2] = ["spec/customDomain", "spec/prefixUrl"];
    let address = |document: &Document| {
        let parts = ADDRESS.map(|part| member::text(document, part).map(str::to_owned));
        parts.iter().all(Option::is_some).then_some(parts)
    };
    let wanted = address(document)?;
    let mut previews = shelves.everywhere(&PREVIEWS);
    let (shelf, record) =
        previews.find(|(_, record)| address(&record.document).as_ref() == Some(&wanted))?;
    Some((shelf.clone(), record.name.clone()))
}
