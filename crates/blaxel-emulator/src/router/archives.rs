//! The upload of archives. An upload URL is an authorization by itself and needs no credential.

use axum::response::IntoResponse;
use http::{Method, StatusCode};

use super::access_level::AccessLevel;
use super::call::Call;
use super::route::{HandlerResult, Route};
use super::{access, images, volume_templates};
use crate::errors::ErrorResponse;
use crate::uploads::{Purpose, Refusal};

/// The path parameter with the secret part of the URL.
const TOKEN: &str = "token";

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(
        "PutArchive",
        Method::PUT,
        ["/uploads/{token}"],
        AccessLevel::Upload,
        put,
    )]
}

/// Receives an archive. A request with a credential is refused, so that a client which sends one to
/// upload URLs is noticed.
fn put(call: &Call) -> HandlerResult {
    let refuse = |message| ErrorResponse::explained(StatusCode::FORBIDDEN, "Forbidden", message);
    if access::has_credential(&call.headers) {
        return Err(refuse("An upload must not carry a credential."));
    }
    let now = call.engine.clock.since_epoch();
    let uploads = &call.engine.uploads;
    let purpose = uploads.close(call.path(TOKEN), &call.headers, now);
    let mut store = call.engine.store.open();
    match purpose.map_err(|refusal| match refusal {
        Refusal::Unknown => refuse("The address is unknown, was used already, or has expired."),
        Refusal::WrongHeaders => {
            refuse("The headers are not those that the address is signed for.")
        }
    })? {
        Purpose::Deploy {
            collection,
            name,
            serial,
        } => {
            if !store.build(&collection, &name, serial) {
                return Ok(StatusCode::OK.into_response());
            }
            images::add_deployed(&mut store, &collection, &name, call.body.len());
        }
        Purpose::Image { key, serial } => {
            images::receive(&mut store, &key, serial, call.body.len());
        }
        Purpose::TemplateVersion { template, version } => {
            volume_templates::receive(&mut store, &template, &version, call.body.len());
        }
    }
    Ok(StatusCode::OK.into_response())
}
