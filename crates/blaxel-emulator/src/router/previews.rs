//! Creating previews, which may take over the address of another one, and their tokens, which may have equal names.

use axum::Json;
use axum::response::IntoResponse as _;
use serde_json::json;

use http::Method;

use super::access_level::AccessLevel;
use super::body;
use super::call::Call;
use super::host_names;
use super::records::{self, not_found, taken};
use super::route::{HandlerResult, Route};
use crate::state::{
    Collection, Document, OpenStore, PREVIEW_TOKENS, PREVIEWS, Record, preview_host, token_key,
    token_name,
};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "CreateSandboxPreview",
            Method::POST,
            ["/v0/sandboxes/{sandboxName}/previews"],
            AccessLevel::Workspace,
            create,
        ),
        Route::new(
            "CreateSandboxPreviewToken",
            Method::POST,
            ["/v0/sandboxes/{sandboxName}/previews/{previewName}/tokens"],
            AccessLevel::Workspace,
            create_token,
        ),
        Route::new(
            "DeleteSandboxPreviewToken",
            Method::DELETE,
            ["/v0/sandboxes/{sandboxName}/previews/{previewName}/tokens/{tokenName}"],
            AccessLevel::Workspace,
            delete_token,
        ),
    ]
}

/// Creates a token. The platform's TypeScript SDK creates several at once under the same name.
fn create_token(call: &Call) -> HandlerResult {
    let document = body::document(call, &PREVIEW_TOKENS)?;
    let given = body::name(&document, &PREVIEW_TOKENS)?;
    let mut store = call.engine.store.open();
    let collection = records::collection(call, &PREVIEW_TOKENS, &store)?;
    let name = given.unwrap_or_else(|| store.fresh_name(&collection, "token"));
    let key = match store.get(&collection, &name) {
        None => name,
        Some(_) => store.fresh_name(&collection, &token_key(&name)),
    };
    store.put(&collection, &key, document, &call.author());
    records::write_response(call, &store, &collection, &key)
}

/// Deletes a token by its name, or by the token itself, as the platform's own clients do. Of tokens with equal names, the
/// newest one is deleted.
fn delete_token(call: &Call) -> HandlerResult {
    let mut store = call.engine.store.open();
    let collection = records::collection(call, &PREVIEW_TOKENS, &store)?;
    let given = call.path(PREVIEW_TOKENS.parameter);
    let is_meant = |token: &&Record| {
        token_name(&token.name) == given || store.rows().secret_of(token) == given
    };
    let meant = store.all(&collection).filter(is_meant);
    let token = meant.max_by_key(|token| token.serial);
    let token = token.map(|token| token.name.clone());
    let token = token.ok_or_else(|| not_found(&PREVIEW_TOKENS))?;
    store.delete(&collection, &token);
    Ok(Json(json!({"message": "Preview token deleted"})).into_response())
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
    let (collection, record) = host_names::find(store, |host| host == wanted)?;
    Some((collection, record.name.clone()))
}
