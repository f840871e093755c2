//! Images and their tags: listing, building and deleting. Sharing is in `router/image_shares.rs`.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use blaxel_core::ApiVersion;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::access_level::AccessLevel;
use super::call::Call;
use super::pages::{Item, Page, PageRequest, Sort};
use super::records::{json_of, not_found};
use super::route::{HandlerResult, Route};
use super::{body, uploads};
use crate::errors::ErrorResponse;
use crate::state::image::{self, TYPES};
use crate::state::{
    Author, Collection, Document, FailingWork, IMAGE_SHARES, IMAGES, OpenStore, Record, Shown,
    member,
};
use crate::uploads::Purpose;

/// The tags that a client cannot choose.
const RESERVED_TAGS: [&str; 3] = ["latest", "pending", "failed"];

/// The default and the maximum number of images and tags per page.
const LIMIT: (usize, usize) = (50, 200);
/// The type that means any type with an image of the name.
const ANY_TYPE: &str = "_";
/// The size of an image that was not uploaded, in bytes.
const SIZE: u64 = 64 << 20;

pub(crate) fn routes() -> Vec<Route> {
    let all = "/v0/images";
    let one = "/v0/images/{resourceType}/{imageName}";
    let tags_of = "/v0/images/{resourceType}/{imageName}/tags";
    let tag = "/v0/images/{resourceType}/{imageName}/tags/{tagName}";
    let route = |operation, method, path, handler: fn(&Call) -> HandlerResult| {
        Route::new(operation, method, [path], AccessLevel::Workspace, handler)
    };
    vec![
        route("ListImages", Method::GET, all, list),
        route("CreateImage", Method::POST, all, create),
        route("CleanupImages", Method::DELETE, all, clean_up),
        route("GetImage", Method::GET, one, get),
        route("DeleteImage", Method::DELETE, one, delete),
        route("ListImageTags", Method::GET, tags_of, list_tags),
        route("DeleteImageTag", Method::DELETE, tag, |call| {
            delete_tag(call, call.path(IMAGES.parameter), call.path("tagName"))
        }),
    ]
}

pub(crate) fn collection() -> Collection {
    Collection::top(&IMAGES)
}

/// Returns the image named in the path.
pub(crate) fn find<'a>(call: &Call, store: &'a OpenStore) -> Result<&'a Record, ErrorResponse> {
    named(call, store, call.path(IMAGES.parameter))
}

fn named<'a>(call: &Call, store: &'a OpenStore, name: &str) -> Result<&'a Record, ErrorResponse> {
    let found = match call.path("resourceType") {
        ANY_TYPE => {
            let mut types = TYPES.iter();
            types.find_map(|(of_type, _, _)| store.get(&collection(), &image::key(name, of_type)))
        }
        of_type => store.get(&collection(), &image::key(name, of_type)),
    };
    found.ok_or_else(|| not_found(&IMAGES))
}

/// Returns an image as lists and `GET` show it: in short form since the third version.
fn brief<'a>(call: &Call, store: &OpenStore, image: &'a Record) -> Shown<'a> {
    let mut shown = store.shown(&collection(), image);
    if call.version >= ApiVersion::V2026_09_22
        && let Some(spec) = shown
            .to_mut()
            .get_mut("spec")
            .and_then(Value::as_object_mut)
    {
        let tags = spec.remove("tags");
        let count = tags.as_ref().and_then(Value::as_array).map_or(0, Vec::len);
        spec.insert("tagCount".to_owned(), count.into());
    }
    shown
}

/// Returns all images with their tags in the first two versions, and pages in short form since
/// then.
fn list(call: &Call) -> HandlerResult {
    let store = call.engine.store.open();
    let mut images: Vec<&Record> = store.all(&collection()).collect();
    if call.version < ApiVersion::V2026_09_22 {
        images.sort_by(|a, b| Sort::CreatedDesc.order(a, b));
        let images = images.into_iter().map(|image| brief(call, &store, image));
        return Ok(Json(images.collect::<Vec<_>>()).into_response());
    }
    let (usual, most) = LIMIT;
    let limit = call.query.limit(usual, most)?;
    let sort = Sort::read(&call.query, Sort::CreatedDesc)?;
    let prefix = call.query.get("q").unwrap_or_default();
    let total = images.len();
    images.retain(|image| image::parts(image).0.starts_with(prefix));
    let request = PageRequest {
        limit,
        sort,
        from_end: false,
        fingerprint: json!(["images", format!("{sort:?}"), prefix]).to_string(),
    };
    let page = Page::cut(call, request, images)?;
    Ok(page.response(total, |image| brief(call, &store, image)))
}

fn get(call: &Call) -> HandlerResult {
    let store = call.engine.store.open();
    let image = find(call, &store)?;
    Ok(json_of(brief(call, &store, image)))
}

/// Registers an existing image, or waits for the source of one that is to be built.
fn create(call: &Call) -> HandlerResult {
    let body = body::object(call)?;
    let text = |name: &str| member::text(&body, name).unwrap_or_default();
    let (name, of_type, reference) = (text("name"), text("resourceType"), text("image"));
    if reference.is_empty() && call.query.get("skip-build") == Some("true") {
        let message = "image is missing, although nothing is to be built.";
        return Err(ErrorResponse::bad_request(message));
    }
    let own_tag = Some(text("tag")).filter(|tag| !tag.is_empty());
    if own_tag.is_some_and(|tag| reference.is_empty() || RESERVED_TAGS.contains(&tag)) {
        let message = "tag is for imported images only, and must not be latest, pending or failed.";
        return Err(ErrorResponse::bad_request(message));
    }
    let key = image::key(name, of_type);
    let mut store = call.engine.store.open();
    let now = store.now();
    if let (Some(tag), Some(image)) = (own_tag, store.get(&collection(), &key))
        && image::tags(image, now)
            .iter()
            .any(|other| tag_name(other) == tag)
    {
        let message = format!("The image has a tag {tag:?} already, and tags cannot be moved.");
        let error = "Image tag already exists";
        return Err(ErrorResponse::explained(
            StatusCode::CONFLICT,
            error,
            message,
        ));
    }
    if store.get(&collection(), &key).is_none() {
        store.put(&collection(), &key, Document::new(), &call.author());
    }
    let image = store
        .modify(&collection(), &key)
        .ok_or_else(|| not_found(&IMAGES))?;
    let mut response = json!({"name": name, "resourceType": of_type});
    if !reference.is_empty() {
        image::build(&mut image.timeline, now, Duration::ZERO);
        let tag = own_tag.unwrap_or(image::split(reference).1);
        image::add_tag(image, image::tag(tag, now, SIZE));
        response["message"] = "The image is registered.".into();
        response["image"] = reference.into();
        return Ok(Json(response).into_response());
    }
    image::await_upload(&mut image.timeline, now);
    response["message"] = "The image is built when its source was uploaded.".into();
    let serial = image.serial;
    let purpose = Purpose::Image { key, serial };
    Ok(uploads::add_upload_url(
        call,
        purpose,
        Vec::new(),
        Json(response).into_response(),
    ))
}

/// Builds an image from an upload, if the image still has this serial number. Returns the new tag, unless the build fails.
pub(crate) fn receive(
    store: &mut OpenStore,
    key: &str,
    serial: u64,
    size: usize,
) -> Option<String> {
    let (now, lasts) = (store.now(), store.setting().build_time);
    let name = store.fresh_secret();
    let fails = store.take_failure(FailingWork::Build(IMAGES.path), key);
    let image = store.modify(&collection(), key);
    let image = image.filter(|image| image.serial == serial)?;
    if fails {
        image::fail_build(&mut image.timeline, now, lasts);
        return None;
    }
    image::build(&mut image.timeline, now, lasts);
    let size = u64::try_from(size).unwrap_or(u64::MAX);
    let name = name.get(..12).unwrap_or(&name);
    image::add_tag(image, image::tag(name, now.saturating_add(lasts), size));
    Some(name.to_owned())
}

/// Builds the image of a workload that is deployed from an upload, and makes the workload name it.
pub(crate) fn add_deployed(store: &mut OpenStore, workloads: &Collection, name: &str, size: usize) {
    let of_kind = TYPES
        .iter()
        .find(|(_, of_kind, _)| of_kind.path == workloads.kind().path);
    let Some((of_type, _, path)) = of_kind else {
        return;
    };
    let key = image::key(name, of_type);
    if store.get(&collection(), &key).is_none() {
        let author = Author {
            name: "builder",
            ago: Duration::ZERO,
            uploads: false,
        };
        store.put(&collection(), &key, Document::new(), &author);
    }
    let serial = store.get(&collection(), &key).map(|image| image.serial);
    let tag = receive(store, &key, serial.unwrap_or_default(), size);
    if let (Some(tag), Some(workload)) = (tag, store.modify(workloads, name)) {
        let reference = format!("{of_type}/{name}:{tag}");
        member::set(&mut workload.document, path, reference.into());
    }
}

/// Returns the reason why an image cannot be deleted.
fn deletion_blocker(store: &OpenStore, image: &Record) -> Option<String> {
    if let Some((user, _)) = image::users(store.rows(), image).next() {
        return Some(format!("The image is used by {:?}.", user.name));
    }
    let shares = Collection::under(&IMAGE_SHARES, vec![image.name.clone()]);
    let share = store.all(&shares).next()?;
    Some(format!("The image is shared with {:?}.", share.name))
}

fn delete(call: &Call) -> HandlerResult {
    // The form in which the command line deletes a tag.
    if let Some((name, tag)) = call.path(IMAGES.parameter).split_once(':') {
        return delete_tag(call, name, tag);
    }
    let mut store = call.engine.store.open();
    let image = find(call, &store)?;
    if let Some(reason) = deletion_blocker(&store, image) {
        return Err(in_use(&reason));
    }
    let shown = store.shown(&collection(), image).into_document();
    let key = image.name.clone();
    store.remove(&collection(), &key);
    Ok(json_of(shown))
}

fn in_use(reason: &str) -> ErrorResponse {
    ErrorResponse::explained(StatusCode::BAD_REQUEST, "Image is in use", reason)
}

/// Deletes every image that can be deleted.
fn clean_up(call: &Call) -> HandlerResult {
    let mut store = call.engine.store.open();
    let unused: Vec<String> = store
        .all(&collection())
        .filter(|image| deletion_blocker(&store, image).is_none())
        .map(|image| image.name.clone())
        .collect();
    for key in &unused {
        store.remove(&collection(), key);
    }
    let message = "Unused images were deleted.";
    Ok(Json(json!({"deleted": unused.len(), "message": message})).into_response())
}

/// A tag with its index.
struct Tag {
    place: u64,
    name: String,
    value: Value,
}

impl Item for Tag {
    fn serial(&self) -> u64 {
        self.place
    }

    fn name(&self) -> &str {
        &self.name
    }
}

fn list_tags(call: &Call) -> HandlerResult {
    if call.version < ApiVersion::V2026_09_22 {
        return Err(ErrorResponse::control(StatusCode::NOT_FOUND, "Not Found"));
    }
    let (usual, most) = LIMIT;
    let limit = call.query.limit(usual, most)?;
    let sort = Sort::read(&call.query, Sort::NameAsc)?;
    if sort.is_by_creation() {
        return Err(ErrorResponse::bad_request(
            "sort must be name:asc or name:desc.",
        ));
    }
    let given = |name: &str| call.query.get(name).filter(|text| !text.is_empty());
    let (prefix, name) = (given("q").unwrap_or_default(), given("name"));
    let store = call.engine.store.open();
    let image = find(call, &store)?;
    let source = member::text(&image.document, "metadata/sourceWorkspace");
    if given("sourceWorkspace").is_some_and(|wanted| Some(wanted) != source) {
        return Err(not_found(&IMAGES));
    }
    let tags = image::tags(image, store.now());
    let total = tags.len();
    let tags = (0..).zip(tags).map(|(place, value)| Tag {
        place,
        name: tag_name(&value).to_owned(),
        value,
    });
    let is_wanted =
        |tag: &Tag| tag.name.starts_with(prefix) && name.is_none_or(|name| name == tag.name);
    let tags = tags.filter(is_wanted).collect();
    let request = PageRequest {
        limit,
        sort,
        from_end: false,
        fingerprint: json!(["tags", image.name, format!("{sort:?}"), prefix, name]).to_string(),
    };
    let page = Page::cut(call, request, tags)?;
    Ok(page.response(total, |tag| tag.value.clone()))
}

fn tag_name(tag: &Value) -> &str {
    tag.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn delete_tag(call: &Call, name: &str, tag: &str) -> HandlerResult {
    let mut store = call.engine.store.open();
    let image = named(call, &store, name)?;
    let mut tags = image::tags(image, store.now());
    let count = tags.len();
    tags.retain(|other| tag_name(other) != tag);
    if tags.len() == count {
        return Err(ErrorResponse::control(
            StatusCode::NOT_FOUND,
            "Image tag not found",
        ));
    }
    let mut users = image::users(store.rows(), image);
    if let Some((user, _)) = users.find(|(_, used)| *used == Some(tag)) {
        return Err(in_use(&format!("The tag is used by {:?}.", user.name)));
    }
    drop(users);
    let key = image.name.clone();
    if let Some(image) = store.modify(&collection(), &key) {
        member::set(&mut image.document, "spec/tags", tags.into());
    }
    let image = named(call, &store, name)?;
    Ok(response(&store, image))
}

/// Returns the response with an image.
pub(crate) fn response(store: &OpenStore, image: &Record) -> Response {
    json_of(store.shown(&collection(), image))
}
