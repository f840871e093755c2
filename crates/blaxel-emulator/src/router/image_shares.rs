//! Image shares: immediate within the account, and after acceptance with another account.

use std::time::Duration;

use axum::Json;
use axum::response::IntoResponse;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::access_level::AccessLevel;
use super::call::Call;
use super::images::{self, find, response};
use super::records::not_found;
use super::route::{HandlerResult, Route};
use super::{body, workspaces};
use crate::clock::timestamp;
use crate::errors::ErrorResponse;
use crate::state::image::{self, OFFERED};
use crate::state::{
    Author, Collection, Document, IMAGE_SHARES, IMAGES, OpenStore, PENDING_SHARES, Record, Shown,
    member, rule,
};

/// The time after which a pending share expires.
const PENDING_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The user, workspace and account that offer images to this emulator.
const PARTNER: (&str, &str, &str) = ("partner@example.org", "partner", "acc-000000000000");

pub(crate) fn routes() -> Vec<Route> {
    let all = "/v0/images/{resourceType}/{imageName}/share";
    let one = "/v0/images/{resourceType}/{imageName}/share/{targetWorkspace}";
    let route = |operation, method, path, handler: fn(&Call) -> HandlerResult| {
        Route::new(operation, method, [path], AccessLevel::Workspace, handler)
    };
    vec![
        route("ListImageShares", Method::GET, all, list),
        route("ShareImage", Method::POST, all, share),
        route("UnshareImage", Method::DELETE, one, unshare),
        route(
            "ListPendingImageShares",
            Method::GET,
            "/v0/pending-image-shares",
            list_pending,
        ),
        route(
            "AcceptImageShare",
            Method::POST,
            "/v0/pending-image-shares/{pendingShareId}/accept",
            accept,
        ),
        route(
            "DeclineImageShare",
            Method::POST,
            "/v0/pending-image-shares/{pendingShareId}/decline",
            decline,
        ),
    ]
}

fn shares_of(image: &Record) -> Collection {
    Collection::under(&IMAGE_SHARES, vec![image.name.clone()])
}

fn pending() -> Collection {
    Collection::top(&PENDING_SHARES)
}

/// Returns every pending share, incoming and outgoing.
fn all_pending(store: &OpenStore) -> impl Iterator<Item = &Record> {
    store.everywhere(&PENDING_SHARES).map(|(_, share)| share)
}

/// Returns the pending outgoing shares of an image, with their target workspaces.
fn find_pending<'a>(
    store: &'a OpenStore,
    image: &Record,
) -> impl Iterator<Item = (&'a Record, &'a str)> {
    let key = image.name.clone();
    all_pending(store).filter_map(move |share| {
        let text = |name: &str| member::text(&share.document, name).unwrap_or_default();
        let is_own = text("sourceWorkspace") == store.setting().workspace;
        let is_of_image = image::key(text("imageName"), text("resourceType")) == key;
        (is_own && is_of_image && !is_over(share, store.now()))
            .then(|| (share, text("targetWorkspace")))
    })
}

fn is_over(share: &Record, now: Duration) -> bool {
    let end = member::text(&share.document, "expiresAt").and_then(rule::moment);
    end.is_some_and(|end| end <= now)
}

fn list(call: &Call) -> HandlerResult {
    let store = call.engine.store.open();
    let image = find(call, &store)?;
    let mut shares: Vec<Value> = Vec::new();
    for share in store.all(&shares_of(image)) {
        shares.push(json!({
            "workspace": share.name,
            "workspaceDisplayName": workspaces::display_name(&store, &share.name),
            "accountId": store.setting().account,
            "status": "active",
        }));
    }
    for (share, workspace) in find_pending(&store, image) {
        shares.push(json!({
            "workspace": workspace,
            "workspaceDisplayName": workspace,
            "accountId": share.document.get("targetAccountId"),
            "status": "pending",
            "pendingShareId": share.name,
        }));
    }
    Ok(Json(shares).into_response())
}

fn share(call: &Call) -> HandlerResult {
    let body = body::object(call)?;
    let text = |name: &str| member::text(&body, name).filter(|text| !text.is_empty());
    let (target, account) = (text("targetWorkspace"), text("targetAccountId"));
    let target = target.ok_or_else(|| ErrorResponse::bad_request("targetWorkspace is missing."))?;
    let mut store = call.engine.store.open();
    let image = find(call, &store)?.clone();
    let own_account = store.setting().account.clone();
    let foreign = account.filter(|account| *account != own_account);
    let is_shared = store.get(&shares_of(&image), target).is_some()
        || find_pending(&store, &image).any(|(_, workspace)| workspace == target);
    if is_shared {
        let message = format!("The image is shared with {target:?} already.");
        return Err(ErrorResponse::explained(
            StatusCode::CONFLICT,
            "Image already shared",
            message,
        ));
    }
    if let Some(account) = foreign {
        let share = propose(call, &mut store, &image, target, account);
        return Ok((StatusCode::ACCEPTED, Json(share)).into_response());
    }
    if target == store.setting().workspace {
        return Err(ErrorResponse::bad_request(
            "An image cannot be shared with its own workspace.",
        ));
    }
    if !workspaces::is_known(&store, target) {
        let message = "The account has no such workspace; name the account that has it.";
        return Err(ErrorResponse::bad_request(message));
    }
    store.put(&shares_of(&image), target, Document::new(), &call.author());
    Ok(response(&store, &image))
}

/// Offers an image to another account.
fn propose(
    call: &Call,
    store: &mut OpenStore,
    image: &Record,
    target: &str,
    account: &str,
) -> Document {
    let (name, of_type) = image::parts(image);
    let setting = store.setting();
    let share = json!({
        "imageName": name,
        "resourceType": of_type,
        "sourceWorkspace": setting.workspace,
        "sourceAccountId": setting.account,
        "targetWorkspace": target,
        "targetAccountId": account,
        "sharedBy": call.identity.name(),
        "expiresAt": timestamp(store.now().saturating_add(PENDING_LIFETIME)),
    });
    let id = add_pending(store, share, &call.author());
    let shown = store.show(&pending(), &id);
    shown.map(Shown::into_document).unwrap_or_default()
}

/// Stores a pending share and returns its id.
fn add_pending(store: &mut OpenStore, share: Value, author: &Author<'_>) -> String {
    let id = store.fresh_name(&pending(), "share");
    let Value::Object(share) = share else {
        return id;
    };
    store.put(&pending(), &id, share, author);
    id
}

/// Makes another account offer an image to this one.
pub(crate) fn offer(store: &mut OpenStore, of_type: &str, name: &str) {
    let (person, workspace, account) = PARTNER;
    let setting = store.setting();
    let now = store.now();
    let share = json!({
        "imageName": name,
        "resourceType": of_type,
        "sourceWorkspace": workspace,
        "sourceAccountId": account,
        "targetWorkspace": setting.workspace,
        "targetAccountId": setting.account,
        "sharedBy": person,
        "expiresAt": timestamp(now.saturating_add(PENDING_LIFETIME)),
        OFFERED: [image::tag("latest", now, 1 << 20)],
    });
    let author = Author {
        name: person,
        ago: Duration::ZERO,
        uploads: false,
    };
    add_pending(store, share, &author);
}

fn unshare(call: &Call) -> HandlerResult {
    let mut store = call.engine.store.open();
    let image = find(call, &store)?.clone();
    let target = call.path(IMAGE_SHARES.parameter);
    let mut offers = find_pending(&store, &image);
    let offer = offers.find(|(_, workspace)| *workspace == target);
    let offer = offer.map(|(share, _)| share.name.clone());
    drop(offers);
    let removed = match offer {
        Some(id) => store.remove(&pending(), &id),
        None => store.remove(&shares_of(&image), target),
    };
    removed.ok_or_else(|| not_found(&IMAGE_SHARES))?;
    Ok(response(&store, &image))
}

fn list_pending(call: &Call) -> HandlerResult {
    let own = match call.query.get("direction") {
        None | Some("" | "incoming") => "targetWorkspace",
        Some("outgoing") => "sourceWorkspace",
        Some(_) => {
            return Err(ErrorResponse::bad_request(
                "direction must be incoming or outgoing.",
            ));
        }
    };
    let mut store = call.engine.store.open();
    let now = store.now();
    let over = all_pending(&store).filter(|share| is_over(share, now));
    let over: Vec<String> = over.map(|share| share.name.clone()).collect();
    for id in over {
        store.remove(&pending(), &id);
    }
    let workspace = store.setting().workspace.as_str();
    let shares = all_pending(&store);
    let shares = shares.filter(|share| member::text(&share.document, own) == Some(workspace));
    let shown = shares.map(|share| rendered(&store, share));
    Ok(Json(shown.collect::<Vec<_>>()).into_response())
}

/// Returns a share with the names that a person needs to recognise it.
fn rendered<'a>(store: &OpenStore, share: &'a Record) -> Shown<'a> {
    let mut shown = store.shown(&pending(), share);
    let text = |name: &str| member::text(&share.document, name).unwrap_or_default();
    let present = store.get(&images::collection(), &key_of(share)).is_some();
    let is_incoming = text("targetWorkspace") == store.setting().workspace;
    for (name, value) in [
        ("hasConflict", Value::Bool(present && is_incoming)),
        ("sharedByEmail", text("sharedBy").into()),
        (
            "sourceWorkspaceDisplayName",
            workspaces::display_name(store, text("sourceWorkspace")).into(),
        ),
        (
            "targetWorkspaceDisplayName",
            workspaces::display_name(store, text("targetWorkspace")).into(),
        ),
    ] {
        shown.set(name, value);
    }
    shown
}

fn key_of(share: &Record) -> String {
    let text = |name: &str| member::text(&share.document, name).unwrap_or_default();
    image::key(text("imageName"), text("resourceType"))
}

/// Returns the share named in the path. Only its target can accept or decline it.
fn incoming(call: &Call, store: &OpenStore) -> Result<Record, ErrorResponse> {
    let share = store.get(&pending(), call.path(PENDING_SHARES.parameter));
    let share = share.ok_or_else(|| not_found(&PENDING_SHARES))?;
    let target = member::text(&share.document, "targetWorkspace");
    if target != Some(store.setting().workspace.as_str()) {
        return Err(ErrorResponse::control(StatusCode::FORBIDDEN, "Forbidden"));
    }
    Ok(share.clone())
}

fn accept(call: &Call) -> HandlerResult {
    let mut store = call.engine.store.open();
    let share = incoming(call, &store)?;
    if is_over(&share, store.now()) {
        return Err(ErrorResponse::control(
            StatusCode::GONE,
            "Pending image share expired",
        ));
    }
    let key = key_of(&share);
    let is_taken = store.get(&images::collection(), &key).is_some();
    if is_taken && call.query.get("force") != Some("true") {
        let message = "There is an image of this name already.";
        return Err(ErrorResponse::explained(
            StatusCode::CONFLICT,
            "Image already exists",
            message,
        ));
    }
    let member = |name: &str| share.document.get(name).cloned().unwrap_or_default();
    let mut document = Document::new();
    let metadata = json!({"sourceWorkspace": member("sourceWorkspace")});
    document.insert("metadata".to_owned(), metadata);
    document.insert("spec".to_owned(), json!({"tags": member(OFFERED)}));
    store.put(&images::collection(), &key, document, &call.author());
    store.remove(&pending(), &share.name);
    let image = store
        .get(&images::collection(), &key)
        .ok_or_else(|| not_found(&IMAGES))?;
    Ok(response(&store, image))
}

fn decline(call: &Call) -> HandlerResult {
    let mut store = call.engine.store.open();
    let share = incoming(call, &store)?;
    store.remove(&pending(), &share.name);
    Ok(StatusCode::NO_CONTENT.into_response())
}
