//! Custom domains: those of applications, their proof of ownership, and with whom they are shared.

use axum::routing::MethodFilter;
use http::StatusCode;
use serde_json::Value;

use super::call::Call;
use super::gate::Gate;
use super::records::{self, not_found, taken};
use super::route::{Outcome, Route};
use super::{body, workspaces};
use crate::clock::timestamp;
use crate::errors::Refusal;
use crate::state::{APPLICATIONS, CUSTOM_DOMAINS, DOMAIN_SHARES, Document, Shelf, Shelves, member};

/// The target that stands for every workspace of the account.
const ACCOUNT: &str = "account";

pub(crate) fn routes() -> Vec<Route> {
    let one = "/v0/customdomains/{domainName}";
    let route = |operation, method, path: &str, handler: fn(&Call) -> Outcome| {
        Route::new(operation, method, [path], Gate::Workspace, handler)
    };
    vec![
        route(
            "CreateApplicationCustomDomain",
            MethodFilter::POST,
            "/v0/applications/{applicationName}/customdomains",
            create_for_application,
        ),
        route(
            "VerifyCustomDomain",
            MethodFilter::POST,
            &format!("{one}/verify"),
            verify,
        ),
        route(
            "ShareCustomDomain",
            MethodFilter::POST,
            &format!("{one}/share"),
            share,
        ),
        route(
            "UnshareCustomDomain",
            MethodFilter::DELETE,
            &format!("{one}/share/{{targetWorkspace}}"),
            unshare,
        ),
    ]
}

fn create_for_application(call: &Call) -> Outcome {
    let mut document = body::document(call, &CUSTOM_DOMAINS)?;
    let name = body::given_name(&document, &CUSTOM_DOMAINS)?;
    let mut shelves = call.engine.store.open();
    let application = call.path(APPLICATIONS.parameter);
    if shelves
        .get(&Shelf::top(&APPLICATIONS), application)
        .is_none()
    {
        return Err(not_found(&APPLICATIONS));
    }
    member::set(&mut document, "spec/domainType", "applications".into());
    let shelf = Shelf::top(&CUSTOM_DOMAINS);
    if !shelves.create(&shelf, &name, document, &call.author()) {
        return Err(taken(&CUSTOM_DOMAINS, &name));
    }
    records::answer(&shelves, &shelf, &name)
}

/// Looks for the proof. Without a name server there is nothing to find, so it is taken for found,
/// unless it was asked not to be.
fn verify(call: &Call) -> Outcome {
    let mut shelves = call.engine.store.open();
    let shelf = Shelf::top(&CUSTOM_DOMAINS);
    let name = call.path(CUSTOM_DOMAINS.parameter);
    let fails = shelves.is_to_fail(&CUSTOM_DOMAINS, name);
    let now = timestamp(shelves.now());
    let domain = shelves
        .modify(&shelf, name)
        .ok_or_else(|| not_found(&CUSTOM_DOMAINS))?;
    let status = if fails { "failed" } else { "verified" };
    member::set(&mut domain.document, "spec/status", status.into());
    member::set(
        &mut domain.document,
        "spec/lastVerifiedAt",
        now.as_str().into(),
    );
    if fails {
        let error = "The TXT record was not found, as asked for.";
        member::set(&mut domain.document, "spec/verificationError", error.into());
    } else {
        member::remove(&mut domain.document, "spec/verificationError");
    }
    records::answer(&shelves, &shelf, name)
}

/// The shelf of a domain's shares. 404 if there is no such domain.
fn shares(call: &Call, shelves: &Shelves) -> Result<Shelf, Refusal> {
    records::shelf(call, &DOMAIN_SHARES, shelves)
}

fn share(call: &Call) -> Outcome {
    let body = body::object(call)?;
    let target = body
        .get("targetWorkspace")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut shelves = call.engine.store.open();
    let shares = shares(call, &shelves)?;
    let (shelf, name) = (
        Shelf::top(&CUSTOM_DOMAINS),
        call.path(CUSTOM_DOMAINS.parameter),
    );
    let domain = shelves
        .get(&shelf, name)
        .ok_or_else(|| not_found(&CUSTOM_DOMAINS))?;
    if member::text(&domain.document, "spec/status") != Some("verified") {
        return Err(Refusal::bad_request("The domain is not verified."));
    }
    let is_own = target == shelves.setting().workspace;
    if target != ACCOUNT && (is_own || !workspaces::is_known(&shelves, target)) {
        let message = "targetWorkspace must be account or another workspace of the account.";
        return Err(Refusal::bad_request(message));
    }
    let mut share = Document::new();
    let shown = if target == ACCOUNT {
        String::new()
    } else {
        workspaces::display_name(&shelves, target)
    };
    share.insert("status".to_owned(), "active".into());
    share.insert("workspaceDisplayName".to_owned(), shown.into());
    if !shelves.create(&shares, target, share, &call.author()) {
        let message = format!("The domain is shared with {target:?} already.");
        let error = "Custom domain already shared";
        return Err(Refusal::explained(StatusCode::CONFLICT, error, message));
    }
    records::answer(&shelves, &shelf, name)
}

fn unshare(call: &Call) -> Outcome {
    let mut shelves = call.engine.store.open();
    let shares = shares(call, &shelves)?;
    let removed = shelves.remove(&shares, call.path(DOMAIN_SHARES.parameter));
    removed.ok_or_else(|| not_found(&DOMAIN_SHARES))?;
    let shelf = Shelf::top(&CUSTOM_DOMAINS);
    records::answer(&shelves, &shelf, call.path(CUSTOM_DOMAINS.parameter))
}
