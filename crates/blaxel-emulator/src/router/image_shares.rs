//! Images that are shared: within the account at once, with another account after it has agreed.

use std::time::Duration;

use axum::Json;
use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use http::StatusCode;
use serde_json::{Value, json};

use super::call::Call;
use super::gate::Gate;
use super::images::{self, answer, find};
use super::records::not_found;
use super::route::{Outcome, Route};
use super::{body, workspaces};
use crate::clock::timestamp;
use crate::errors::Refusal;
use crate::state::image::{self, OFFERED};
use crate::state::{
    Author, Document, IMAGE_SHARES, IMAGES, PENDING_SHARES, Record, Shelf, Shelves, member, rule,
};

/// How long a share waits to be accepted.
const PATIENCE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Who offers images to this emulator, and from where.
const PARTNER: (&str, &str, &str) = ("partner@example.org", "partner", "acc-000000000000");

pub(crate) fn routes() -> Vec<Route> {
    let all = "/v0/images/{resourceType}/{imageName}/share";
    let one = "/v0/images/{resourceType}/{imageName}/share/{targetWorkspace}";
    let route = |operation, method, path, handler: fn(&Call) -> Outcome| {
        Route::new(operation, method, [path], Gate::Workspace, handler)
    };
    vec![
        route("ListImageShares", MethodFilter::GET, all, list),
        route("ShareImage", MethodFilter::POST, all, share),
        route("UnshareImage", MethodFilter::DELETE, one, unshare),
        route(
            "ListPendingImageShares",
            MethodFilter::GET,
            "/v0/pending-image-shares",
            list_pending,
        ),
        route(
            "AcceptImageShare",
            MethodFilter::POST,
            "/v0/pending-image-shares/{pendingShareId}/accept",
            accept,
        ),
        route(
            "DeclineImageShare",
            MethodFilter::POST,
            "/v0/pending-image-shares/{pendingShareId}/decline",
            decline,
        ),
    ]
}

fn shares_of(image: &Record) -> Shelf {
    Shelf::under(&IMAGE_SHARES, vec![image.name.clone()])
}

fn pending() -> Shelf {
    Shelf::top(&PENDING_SHARES)
}

/// Every share that waits, to and from everywhere.
fn all_pending(shelves: &Shelves) -> impl Iterator<Item = &Record> {
    shelves.everywhere(&PENDING_SHARES).map(|(_, share)| share)
}

/// What is shared of an image, to which workspace, and waits to be accepted there.
fn waiting<'a>(
    shelves: &'a Shelves,
    image: &Record,
) -> impl Iterator<Item = (&'a Record, &'a str)> {
    let key = image.name.clone();
    all_pending(shelves).filter_map(move |share| {
        let text = |name: &str| member::text(&share.document, name).unwrap_or_default();
        let is_own = text("sourceWorkspace") == shelves.setting().workspace;
        let is_of_image = image::key(text("imageName"), text("resourceType")) == key;
        (is_own && is_of_image && !is_over(share, shelves.now()))
            .then(|| (share, text("targetWorkspace")))
    })
}

fn is_over(share: &Record, now: Duration) -> bool {
    let end = member::text(&share.document, "expiresAt").and_then(rule::moment);
    end.is_some_and(|end| end <= now)
}

fn list(call: &Call) -> Outcome {
    let shelves = call.engine.store.open();
    let image = find(call, &shelves)?;
    let mut told: Vec<Value> = Vec::new();
    for share in shelves.all(&shares_of(image)) {
        told.push(json!({
            "workspace": share.name,
            "workspaceDisplayName": workspaces::display_name(&shelves, &share.name),
            "accountId": shelves.setting().account,
            "status": "active",
        }));
    }
    for (share, workspace) in waiting(&shelves, image) {
        told.push(json!({
            "workspace": workspace,
            "workspaceDisplayName": workspace,
            "accountId": share.document.get("targetAccountId"),
            "status": "pending",
            "pendingShareId": share.name,
        }));
    }
    Ok(Json(told).into_response())
}

fn share(call: &Call) -> Outcome {
    let body = body::object(call)?;
    let text = |name: &str| member::text(&body, name).filter(|text| !text.is_empty());
    let (target, account) = (text("targetWorkspace"), text("targetAccountId"));
    let target = target.ok_or_else(|| Refusal::bad_request("targetWorkspace is missing."))?;
    let mut shelves = call.engine.store.open();
    let image = find(call, &shelves)?.clone();
    let own_account = shelves.setting().account.clone();
    let foreign = account.filter(|account| *account != own_account);
    let is_shared = shelves.get(&shares_of(&image), target).is_some()
        || waiting(&shelves, &image).any(|(_, workspace)| workspace == target);
    if is_shared {
        let message = format!("The image is shared with {target:?} already.");
        return Err(Refusal::explained(
            StatusCode::CONFLICT,
            "Image already shared",
            message,
        ));
    }
    if let Some(account) = foreign {
        let share = propose(call, &mut shelves, &image, target, account);
        return Ok((StatusCode::ACCEPTED, Json(share)).into_response());
    }
    if target == shelves.setting().workspace {
        return Err(Refusal::bad_request(
            "An image cannot be shared with its own workspace.",
        ));
    }
    if !workspaces::is_known(&shelves, target) {
        let message = "The account has no such workspace; name the account that has it.";
        return Err(Refusal::bad_request(message));
    }
    shelves.put(&shares_of(&image), target, Document::new(), &call.author());
    Ok(answer(&shelves, &image))
}

/// Offers an image to another account.
fn propose(
    call: &Call,
    shelves: &mut Shelves,
    image: &Record,
    target: &str,
    account: &str,
) -> Document {
    let (name, of_type) = image::parts(image);
    let setting = shelves.setting();
    let share = json!({
        "imageName": name,
        "resourceType": of_type,
        "sourceWorkspace": setting.workspace,
        "sourceAccountId": setting.account,
        "targetWorkspace": target,
        "targetAccountId": account,
        "sharedBy": call.identity.name(),
        "expiresAt": timestamp(shelves.now().saturating_add(PATIENCE)),
    });
    let id = wait(shelves, share, &call.author());
    shelves.show(&pending(), &id).unwrap_or_default()
}

/// Keeps a share until it is accepted or too old, and gives its id.
fn wait(shelves: &mut Shelves, share: Value, author: &Author<'_>) -> String {
    let id = shelves.fresh_name(&pending(), "share");
    let Value::Object(share) = share else {
        return id;
    };
    shelves.put(&pending(), &id, share, author);
    id
}

/// Lets another account offer an image to this one.
pub(crate) fn offer(shelves: &mut Shelves, of_type: &str, name: &str) {
    let (person, workspace, account) = PARTNER;
    let setting = shelves.setting();
    let now = shelves.now();
    let share = json!({
        "imageName": name,
        "resourceType": of_type,
        "sourceWorkspace": workspace,
        "sourceAccountId": account,
        "targetWorkspace": setting.workspace,
        "targetAccountId": setting.account,
        "sharedBy": person,
        "expiresAt": timestamp(now.saturating_add(PATIENCE)),
        OFFERED: [image::tag("latest", now, 1 << 20)],
    });
    let author = Author {
        name: person,
        ago: Duration::ZERO,
        uploads: false,
    };
    wait(shelves, share, &author);
}

fn unshare(call: &Call) -> Outcome {
    let mut shelves = call.engine.store.open();
    let image = find(call, &shelves)?.clone();
    let target = call.path(IMAGE_SHARES.parameter);
    let mut offers = waiting(&shelves, &image);
    let offer = offers.find(|(_, workspace)| *workspace == target);
    let offer = offer.map(|(share, _)| share.name.clone());
    drop(offers);
    let removed = match offer {
        Some(id) => shelves.remove(&pending(), &id),
        None => shelves.remove(&shares_of(&image), target),
    };
    removed.ok_or_else(|| not_found(&IMAGE_SHARES))?;
    Ok(answer(&shelves, &image))
}

fn list_pending(call: &Call) -> Outcome {
    let own = match call.query.get("direction") {
        None | Some("" | "incoming") => "targetWorkspace",
        Some("outgoing") => "sourceWorkspace",
        Some(_) => {
            return Err(Refusal::bad_request(
                "direction must be incoming or outgoing.",
            ));
        }
    };
    let mut shelves = call.engine.store.open();
    let now = shelves.now();
    let over = all_pending(&shelves).filter(|share| is_over(share, now));
    let over: Vec<String> = over.map(|share| share.name.clone()).collect();
    for id in over {
        shelves.remove(&pending(), &id);
    }
    let workspace = shelves.setting().workspace.as_str();
    let shares = all_pending(&shelves);
    let shares = shares.filter(|share| member::text(&share.document, own) == Some(workspace));
    Ok(Json(
        shares
            .map(|share| rendered(&shelves, share))
            .collect::<Value>(),
    )
    .into_response())
}

/// A share with what a person wants to know of it.
fn rendered(shelves: &Shelves, share: &Record) -> Document {
    let mut document = shelves.shown(&pending(), share);
    let text = |name: &str| member::text(&share.document, name).unwrap_or_default();
    let present = shelves.get(&images::shelf(), &key_of(share)).is_some();
    let is_incoming = text("targetWorkspace") == shelves.setting().workspace;
    for (name, value) in [
        ("hasConflict", Value::Bool(present && is_incoming)),
        ("sharedByEmail", text("sharedBy").into()),
        (
            "sourceWorkspaceDisplayName",
            workspaces::display_name(shelves, text("sourceWorkspace")).into(),
        ),
        (
            "targetWorkspaceDisplayName",
            workspaces::display_name(shelves, text("targetWorkspace")).into(),
        ),
    ] {
        document.insert(name.to_owned(), value);
    }
    document
}

fn key_of(share: &Record) -> String {
    let text = |name: &str| member::text(&share.document, name).unwrap_or_default();
    image::key(text("imageName"), text("resourceType"))
}

/// The share that a path means, which only its target can answer.
fn incoming(call: &Call, shelves: &Shelves) -> Result<Record, Refusal> {
    let share = shelves.get(&pending(), call.path(PENDING_SHARES.parameter));
    let share = share.ok_or_else(|| not_found(&PENDING_SHARES))?;
    let target = member::text(&share.document, "targetWorkspace");
    if target != Some(shelves.setting().workspace.as_str()) {
        return Err(Refusal::control(StatusCode::FORBIDDEN, "Forbidden"));
    }
    Ok(share.clone())
}

fn accept(call: &Call) -> Outcome {
    let mut shelves = call.engine.store.open();
    let share = incoming(call, &shelves)?;
    if is_over(&share, shelves.now()) {
        return Err(Refusal::control(
            StatusCode::GONE,
            "Pending image share expired",
        ));
    }
    let key = key_of(&share);
    let is_taken = shelves.get(&images::shelf(), &key).is_some();
    if is_taken && call.query.get("force") != Some("true") {
        let message = "There is an image of this name already.";
        return Err(Refusal::explained(
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
    shelves.put(&images::shelf(), &key, document, &call.author());
    shelves.remove(&pending(), &share.name);
    let image = shelves
        .get(&images::shelf(), &key)
        .ok_or_else(|| not_found(&IMAGES))?;
    Ok(answer(&shelves, image))
}

fn decline(call: &Call) -> Outcome {
    let mut shelves = call.engine.store.open();
    let share = incoming(call, &shelves)?;
    shelves.remove(&pending(), &share.name);
    Ok(StatusCode::NO_CONTENT.into_response())
}
