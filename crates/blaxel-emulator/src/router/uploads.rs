//! Where archives are uploaded to: addresses with their own right, which want no credential.

use axum::response::{IntoResponse, Response};
use axum::routing::MethodFilter;
use http::{HeaderName, HeaderValue, StatusCode};

use super::{Call, Gate, Outcome, Route, access, images, volume_templates};
use crate::errors::Refusal;
use crate::uploads::Purpose;

/// What all addresses to upload to begin with.
const ADDRESSES: &str = "/uploads/";
/// The name of the path parameter with the secret part of the address.
const TOKEN: &str = "token";
/// The header with the address.
const UPLOAD_URL: HeaderName = HeaderName::from_static("x-blaxel-upload-url");

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(
        "PutArchive",
        MethodFilter::PUT,
        ["/uploads/{token}"],
        Gate::Upload,
        put,
    )]
}

/// Whether a path is an address to upload to.
pub(crate) fn is_upload(path: &str) -> bool {
    path.starts_with(ADDRESSES)
}

/// A path as it may be written down: the secret part of an address is left out.
pub(crate) fn without_token(path: &str) -> &str {
    if is_upload(path) { ADDRESSES } else { path }
}

/// Whether a request asks for an address to upload to.
pub(crate) fn wanted(call: &Call) -> bool {
    call.query.get("upload") == Some("true")
}

/// Opens an address and tells it in the answer's header.
pub(crate) fn offer(call: &Call, purpose: Purpose, mut response: Response) -> Response {
    let engine = &call.engine;
    let now = engine.clock.since_epoch();
    let token = engine.uploads.open(purpose, engine.next_number(), now);
    if let Ok(url) = HeaderValue::try_from(format!("{}/uploads/{token}", engine.origin)) {
        response.headers_mut().insert(UPLOAD_URL, url);
    }
    response
}

/// Takes an archive. A credential has no business here, whoever holds the address: that a client
/// sends one along is found out.
fn put(call: &Call) -> Outcome {
    let refuse = |message| Refusal::explained(StatusCode::FORBIDDEN, "Forbidden", message);
    if access::CREDENTIALS
        .iter()
        .any(|name| call.headers.contains_key(*name))
    {
        return Err(refuse("An upload must not carry a credential."));
    }
    let now = call.engine.clock.since_epoch();
    let purpose = call.engine.uploads.close(call.path(TOKEN), now);
    let mut shelves = call.engine.store.open();
    match purpose.ok_or_else(|| refuse("The address is unknown, used, or too old."))? {
        Purpose::Deploy {
            shelf,
            name,
            serial,
        } => {
            shelves.build(&shelf, &name, serial);
            images::deployed(&mut shelves, shelf.kind(), &name, call.body.len());
        }
        Purpose::Image { key, serial } => {
            images::receive(&mut shelves, &key, serial, call.body.len());
        }
        Purpose::TemplateVersion { template, version } => {
            volume_templates::receive(&mut shelves, &template, &version, call.body.len());
        }
    }
    Ok(StatusCode::OK.into_response())
}
