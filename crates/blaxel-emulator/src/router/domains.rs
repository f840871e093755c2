//! Custom domains: those of applications, verification, and sharing.

use http::{Method, StatusCode};
use serde_json::Value;

use super::access_level::AccessLevel;
use super::call::Call;
use super::records::{self, not_found, taken};
use super::route::{HandlerResult, Route};
use super::{body, workspaces};
use crate::clock::timestamp;
use crate::errors::ErrorResponse;
use crate::state::{
    APPLICATIONS, CUSTOM_DOMAINS, Collection, DOMAIN_SHARES, Document, FailingWork, OpenStore,
    member,
};

/// The share target that means every workspace of the account.
const ACCOUNT: &str = "account";

pub(crate) fn routes() -> Vec<Route> {
    let one = "/v0/customdomains/{domainName}";
    let route = |operation, method, path: &str, handler: fn(&Call) -> HandlerResult| {
        Route::new(operation, method, [path], AccessLevel::Workspace, handler)
    };
    vec![
        route(
            "CreateApplicationCustomDomain",
            Method::POST,
            "/v0/applications/{applicationName}/customdomains",
            create_for_application,
        ),
        route(
            "VerifyCustomDomain",
            Method::POST,
            &format!("{one}/verify"),
            verify,
        ),
        route(
            "ShareCustomDomain",
            Method::POST,
            &format!("{one}/share"),
            share,
        ),
        route(
            "UnshareCustomDomain",
            Method::DELETE,
            &format!("{one}/share/{{targetWorkspace}}"),
            unshare,
        ),
    ]
}

fn create_for_application(call: &Call) -> HandlerResult {
    let mut document = body::document(call, &CUSTOM_DOMAINS)?;
    let name = body::required_name(&document, &CUSTOM_DOMAINS)?;
    let mut store = call.engine.store.open();
    let application = call.path(APPLICATIONS.parameter);
    if store
        .get(&Collection::top(&APPLICATIONS), application)
        .is_none()
    {
        return Err(not_found(&APPLICATIONS));
    }
    member::set(&mut document, "spec/domainType", "applications".into());
    let collection = Collection::top(&CUSTOM_DOMAINS);
    if !store.create(&collection, &name, document, &call.author()) {
        return Err(taken(&CUSTOM_DOMAINS, &name));
    }
    records::response(&store, &collection, &name)
}

/// Verifies a domain. There is no DNS here, so the proof counts as found, unless a test made the
/// verification fail.
fn verify(call: &Call) -> HandlerResult {
    let mut store = call.engine.store.open();
    let collection = Collection::top(&CUSTOM_DOMAINS);
    let name = call.path(CUSTOM_DOMAINS.parameter);
    let fails = store.take_failure(FailingWork::Main(CUSTOM_DOMAINS.path), name);
    let now = timestamp(store.now());
    let domain = store
        .modify(&collection, name)
        .ok_or_else(|| not_found(&CUSTOM_DOMAINS))?;
    let status = if fails { "failed" } else { "verified" };
    member::set(&mut domain.document, "spec/status", status.into());
    member::set(
        &mut domain.document,
        "spec/lastVerifiedAt",
        now.as_str().into(),
    );
    if fails {
        let error = "The TXT record was not found (requested by the test).";
        member::set(&mut domain.document, "spec/verificationError", error.into());
    } else {
        member::remove(&mut domain.document, "spec/verificationError");
    }
    records::response(&store, &collection, name)
}

/// Returns the collection of a domain's shares. Fails with 404 if there is no such domain.
fn shares(call: &Call, store: &OpenStore) -> Result<Collection, ErrorResponse> {
    records::collection(call, &DOMAIN_SHARES, store)
}

fn share(call: &Call) -> HandlerResult {
    let body = body::object(call)?;
    let target = body
        .get("targetWorkspace")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut store = call.engine.store.open();
    let shares = shares(call, &store)?;
    let (collection, name) = (
        Collection::top(&CUSTOM_DOMAINS),
        call.path(CUSTOM_DOMAINS.parameter),
    );
    let domain = store
        .get(&collection, name)
        .ok_or_else(|| not_found(&CUSTOM_DOMAINS))?;
    if member::text(&domain.document, "spec/status") != Some("verified") {
        return Err(ErrorResponse::bad_request("The domain is not verified."));
    }
    let is_own = target == store.setting().workspace;
    if target != ACCOUNT && (is_own || !workspaces::is_known(&store, target)) {
        let message = "targetWorkspace must be account or another workspace of the account.";
        return Err(ErrorResponse::bad_request(message));
    }
    let mut share = Document::new();
    let shown = if target == ACCOUNT {
        String::new()
    } else {
        workspaces::display_name(&store, target)
    };
    share.insert("status".to_owned(), "active".into());
    share.insert("workspaceDisplayName".to_owned(), shown.into());
    if !store.create(&shares, target, share, &call.author()) {
        let message = format!("The domain is shared with {target:?} already.");
        let error = "Custom domain already shared";
        return Err(ErrorResponse::explained(
            StatusCode::CONFLICT,
            error,
            message,
        ));
    }
    records::response(&store, &collection, name)
}

fn unshare(call: &Call) -> HandlerResult {
    let mut store = call.engine.store.open();
    let shares = shares(call, &store)?;
    let removed = store.remove(&shares, call.path(DOMAIN_SHARES.parameter));
    removed.ok_or_else(|| not_found(&DOMAIN_SHARES))?;
    let collection = Collection::top(&CUSTOM_DOMAINS);
    records::response(&store, &collection, call.path(CUSTOM_DOMAINS.parameter))
}
