//! Resources: those of the workspace, and those that exist without a request for them.

use std::time::Duration;

use axum::extract::Path;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::Of;
use super::answer::Refused;
use crate::clock::timestamp;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::state::{
    Collection, Document, IMAGES, Kind, Record, SCHEDULE_EXECUTIONS, all_kinds, member, top_kind,
};

pub(super) fn routes() -> Router {
    Router::new()
        .route("/resources", get(list))
        .route(
            "/resources/{collection}/{name}",
            get(show).put(put).delete(remove),
        )
        .route("/resources/{collection}/{name}/fail", post(fail_next))
}

/// The resources of one kind.
#[derive(Serialize)]
pub(super) struct Listed {
    /// The path of the collection, with `.` in place of `/`.
    pub(super) collection: String,
    /// The noun for one of them.
    pub(super) noun: &'static str,
    /// `true` if they are nested in others.
    pub(super) is_nested: bool,
    /// The number of all of them.
    pub(super) count: usize,
    pub(super) resources: Vec<Brief>,
}

/// A resource in short.
#[derive(Serialize)]
pub(super) struct Brief {
    pub(super) name: String,
    /// A name for people, if it has another one.
    pub(super) title: Option<String>,
    /// The names of the resources that it is nested in, outermost first.
    pub(super) parents: Vec<String>,
    /// Its status, if it has one.
    pub(super) status: Option<String>,
    pub(super) created_at: String,
}

/// Returns the kinds of which there may be resources. Executions of schedules are none.
fn kinds() -> impl Iterator<Item = &'static Kind> {
    all_kinds().filter(|kind| kind.path != SCHEDULE_EXECUTIONS.path)
}

/// Returns the number of resources.
pub(super) fn count(engine: &Engine) -> usize {
    let store = engine.store.open();
    kinds().map(|kind| store.everywhere(kind).count()).sum()
}

/// Returns all resources by their collections, without the collections that have none.
pub(super) fn all(engine: &Engine) -> Vec<Listed> {
    first(engine, usize::MAX)
}

/// Returns the first resources of each collection, at most `limit` of each.
pub(super) fn first(engine: &Engine, limit: usize) -> Vec<Listed> {
    let store = engine.store.open();
    let now = store.now();
    let brief = |collection: &Collection, record: &Record| Brief {
        name: record.name.clone(),
        title: title(record),
        parents: collection.parents().to_vec(),
        status: Some(record.status(now).to_owned()).filter(|status| !status.is_empty()),
        created_at: timestamp(record.created).as_str().to_owned(),
    };
    let listed = kinds().map(|kind| Listed {
        collection: kind.path.replace('/', "."),
        noun: kind.noun,
        is_nested: kind.parent.is_some(),
        count: store.everywhere(kind).count(),
        resources: store
            .everywhere(kind)
            .take(limit)
            .map(|(collection, record)| brief(&collection, record))
            .collect(),
    });
    listed.filter(|kind| kind.count > 0).collect()
}

/// Returns the name of a resource for people, if it is not its name.
fn title(record: &Record) -> Option<String> {
    let members = ["metadata/displayName", "displayName", "email", "name"];
    let mut texts = members
        .iter()
        .filter_map(|path| member::text(&record.document, path));
    let title = texts.find(|text| !text.is_empty())?;
    (title != record.name).then(|| title.to_owned())
}

/// Returns a resource of a top-level collection as the API shows it, with masked secrets.
pub(super) fn document(
    engine: &Engine,
    collection: &str,
    name: &str,
) -> Result<(&'static Kind, Document), Refused> {
    let kind = match collection {
        "images" => &IMAGES,
        _ => kind_of(collection)?,
    };
    let store = engine.store.open();
    let shown = store.show(&Collection::top(kind), name);
    let missing = || {
        let problem = format!("the collection {collection:?} has no resource {name:?}");
        Refused::new(StatusCode::NOT_FOUND, problem)
    };
    Ok((kind, shown.ok_or_else(missing)?.into_document()))
}

/// Returns the kind of a collection, whose path has `.` in place of `/`.
pub(super) fn kind_of(collection: &str) -> Result<&'static Kind, Refused> {
    let kind = top_kind(&collection.replace('.', "/"));
    kind.map_err(|unknown| Refused::new(StatusCode::NOT_FOUND, unknown.to_string()))
}

async fn list(Extension(engine): Of) -> Json<Value> {
    Json(json!({"workspace": engine.config.workspace, "collections": all(&engine)}))
}

async fn show(
    Extension(engine): Of,
    Path((collection, name)): Path<(String, String)>,
) -> Result<Json<Document>, Refused> {
    let (_, document) = document(&engine, &collection, &name)?;
    Ok(Json(document))
}

/// Adds a resource with plausible contents.
pub(super) fn add(engine: &Engine, collection: &str, name: &str) -> Result<(), Refused> {
    engine.add_sample(kind_of(collection)?, name, Duration::ZERO);
    Ok(())
}

/// Deletes a resource as the API does.
pub(super) fn delete(engine: &Engine, collection: &str, name: &str) -> Result<(), Refused> {
    let (kind, _) = document(engine, collection, name)?;
    engine.store.open().delete(&Collection::top(kind), name);
    Ok(())
}

/// Makes work fail when it is next done.
pub(super) fn fail(engine: &Engine, failure: &Failure) -> Result<(), Refused> {
    let planned = failure.plan(&mut engine.store.open());
    planned.map_err(|unknown| Refused::new(StatusCode::NOT_FOUND, unknown.to_string()))
}

/// Makes the next deployment of a resource fail.
pub(super) fn fail_deployment(
    engine: &Engine,
    collection: &str,
    name: &str,
) -> Result<(), Refused> {
    fail(engine, &Failure::deployment(collection, name))
}

async fn put(
    Extension(engine): Of,
    Path((collection, name)): Path<(String, String)>,
) -> Result<StatusCode, Refused> {
    add(&engine, &collection, &name)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(
    Extension(engine): Of,
    Path((collection, name)): Path<(String, String)>,
) -> Result<StatusCode, Refused> {
    delete(&engine, &collection, &name)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn fail_next(
    Extension(engine): Of,
    Path((collection, name)): Path<(String, String)>,
) -> Result<StatusCode, Refused> {
    fail_deployment(&engine, &collection, &name)?;
    Ok(StatusCode::NO_CONTENT)
}
