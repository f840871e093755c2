//! Volume templates. Their versions are uploaded, and a `PUT` creates a missing template.

use axum::Json;
use axum::response::IntoResponse;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::access_level::AccessLevel;
use super::call::Call;
use super::records::{self, not_found, taken};
use super::route::{HandlerResult, Route};
use super::{body, uploads};
use crate::clock::timestamp;
use crate::errors::ErrorResponse;
use crate::state::{Collection, Document, OpenStore, VOLUME_TEMPLATES, member};
use crate::uploads::Purpose;

/// The path parameter with the version's name.
const VERSION: &str = "versionName";

pub(crate) fn routes() -> Vec<Route> {
    let all = "/v0/volume_templates";
    let one = "/v0/volume_templates/{volumeTemplateName}";
    let version = "/v0/volume_templates/{volumeTemplateName}/versions/{versionName}";
    let route = |operation, method, path, handler: fn(&Call) -> HandlerResult| {
        Route::new(operation, method, [path], AccessLevel::Workspace, handler)
    };
    vec![
        route("CreateVolumeTemplate", Method::POST, all, create),
        route("UpdateVolumeTemplate", Method::PUT, one, update),
        route(
            "DeleteVolumeTemplateVersion",
            Method::DELETE,
            version,
            delete_version,
        ),
    ]
}

fn create(call: &Call) -> HandlerResult {
    let document = body::document(call, &VOLUME_TEMPLATES)?;
    let name = body::required_name(&document, &VOLUME_TEMPLATES)?;
    let mut store = call.engine.store.open();
    let collection = Collection::top(&VOLUME_TEMPLATES);
    if !store.create(&collection, &name, document, &call.author()) {
        return Err(taken(&VOLUME_TEMPLATES, &name));
    }
    finish(call, &mut store, &collection, &name)
}

fn update(call: &Call) -> HandlerResult {
    let document = body::document(call, &VOLUME_TEMPLATES)?;
    let name = call.path(VOLUME_TEMPLATES.parameter);
    body::check_name(&document, &VOLUME_TEMPLATES, name)?;
    let mut store = call.engine.store.open();
    let collection = Collection::top(&VOLUME_TEMPLATES);
    if store.get(&collection, name).is_none() {
        store.put(&collection, name, document, &call.author());
    } else if !store.replace(&collection, name, document, &call.author()) {
        return Err(not_found(&VOLUME_TEMPLATES));
    }
    finish(call, &mut store, &collection, name)
}

/// Adds a version for an upload, if one is requested, and returns the response.
fn finish(
    call: &Call,
    store: &mut OpenStore,
    collection: &Collection,
    name: &str,
) -> HandlerResult {
    if !uploads::is_requested(call) {
        return records::response(store, collection, name);
    }
    let wanted = call
        .query
        .get("version")
        .filter(|version| !version.is_empty());
    let version = match wanted {
        Some(version) => version.to_owned(),
        None => store.fresh_name(collection, "v"),
    };
    let id = store.fresh_name(collection, "id");
    let workspace = &call.engine.config.workspace;
    let entry = json!({
        "name": version,
        "templateName": name,
        "versionId": id,
        "status": "CREATED",
        "workspace": workspace,
    });
    if let Some(record) = store.modify(collection, name) {
        let mut versions = take_versions(&mut record.document);
        versions.retain(|other| other.get("name") != entry.get("name"));
        versions.push(entry);
        set_versions(&mut record.document, versions);
    }
    let purpose = Purpose::TemplateVersion {
        template: name.to_owned(),
        version,
    };
    let response = records::response(store, collection, name)?;
    Ok(uploads::add_upload_url(call, purpose, Vec::new(), response))
}

/// Stores an upload as a version, if the version still exists.
pub(crate) fn receive(store: &mut OpenStore, template: &str, version: &str, size: usize) {
    let now = timestamp(store.now());
    let Some(record) = store.modify(&Collection::top(&VOLUME_TEMPLATES), template) else {
        return;
    };
    let mut versions = take_versions(&mut record.document);
    let entry = versions
        .iter_mut()
        .find(|entry| entry.get("name") == Some(&version.into()));
    if let Some(entry) = entry {
        entry["status"] = "READY".into();
        entry["contentSize"] = size.into();
        let at = "state/lastVersionUploadedAt";
        member::set(&mut record.document, at, now.as_str().into());
    }
    set_versions(&mut record.document, versions);
}

fn delete_version(call: &Call) -> HandlerResult {
    let name = call.path(VOLUME_TEMPLATES.parameter);
    let version = call.path(VERSION);
    let collection = Collection::top(&VOLUME_TEMPLATES);
    let mut store = call.engine.store.open();
    let record = store.modify(&collection, name);
    let record = record.ok_or_else(|| not_found(&VOLUME_TEMPLATES))?;
    let mut versions = take_versions(&mut record.document);
    let count = versions.len();
    versions.retain(|entry| entry.get("name") != Some(&version.into()));
    let is_missing = versions.len() == count;
    set_versions(&mut record.document, versions);
    if is_missing {
        let error = "Volume template version not found";
        return Err(ErrorResponse::control(StatusCode::NOT_FOUND, error));
    }
    let template = store.show(&collection, name);
    let message = "Volume template version deleted";
    Ok(Json(json!({"message": message, "template": template})).into_response())
}

/// Removes and returns the versions of a template, oldest first.
fn take_versions(document: &mut Document) -> Vec<Value> {
    match document.remove("versions") {
        Some(Value::Array(versions)) => versions,
        _ => Vec::new(),
    }
}

/// Sets the versions, and summarises them in the state.
fn set_versions(document: &mut Document, versions: Vec<Value>) {
    let ready = |version: &&Value| version.get("status") == Some(&"READY".into());
    let latest = versions.iter().rfind(ready);
    let latest = latest.and_then(|version| version.get("name")).cloned();
    let status = if latest.is_some() { "ready" } else { "created" };
    member::set(document, "state/versionCount", versions.len().into());
    member::set(document, "state/status", status.into());
    match latest {
        Some(latest) => member::set(document, "state/latestVersion", latest),
        None => {
            member::remove(document, "state/latestVersion");
        }
    }
    document.insert("versions".to_owned(), versions.into());
}
