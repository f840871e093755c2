//! The folders of drives, access tokens for drives, and the public key that verifies them.

use axum::Json;
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use blaxel_guest::FileKind;
use ed25519_compact::KeyPair;
use http::{Method, StatusCode};
use serde_json::json;

use super::access_level::AccessLevel;
use super::call::Call;
use super::records::not_found;
use super::route::{HandlerResult, Route};
use crate::errors::ErrorResponse;
use crate::state::{Collection, DRIVES};

/// The lifetime of a token, in seconds.
const LIFETIME: u64 = 60 * 60;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "GetDriveJWKS",
            Method::GET,
            ["/v0/drives/jwks.json"],
            AccessLevel::Public,
            keys,
        ),
        Route::new(
            "CreateDriveAccessToken",
            Method::POST,
            ["/v0/drives/{driveName}/access-token"],
            AccessLevel::Workspace,
            token,
        ),
        Route::new(
            "DeleteDriveFolder",
            Method::DELETE,
            ["/v0/drives/{driveName}/folders"],
            AccessLevel::Workspace,
            delete_folder,
        ),
    ]
}

/// Deletes a folder of a drive with everything in it.
fn delete_folder(call: &Call) -> HandlerResult {
    let path = folder(call.query.get("path").unwrap_or_default())?;
    let contents = {
        let store = call.engine.store.open();
        let drive = store.get(&Collection::top(&DRIVES), call.path(DRIVES.parameter));
        drive.ok_or_else(|| not_found(&DRIVES))?.files.clone()
    };
    if let Some(contents) = contents {
        let files = contents.files(call.engine.clock.clone());
        let files = files.map_err(|errno| not_deleted(&errno))?;
        // The documentation leaves open what happens to a file.
        if files
            .link_metadata(&path)
            .is_ok_and(|found| found.kind != FileKind::Directory)
        {
            return Err(ErrorResponse::bad_request("path is not a folder."));
        }
        files
            .remove_all(&path)
            .map_err(|error| not_deleted(&error))?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn not_deleted(error: &dyn std::error::Error) -> ErrorResponse {
    let error = format!("The folder could not be deleted: {error}");
    ErrorResponse::control(StatusCode::BAD_GATEWAY, &error)
}

/// Returns the absolute path of a folder of a drive, which is not the drive itself.
fn folder(path: &str) -> Result<String, ErrorResponse> {
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Err(ErrorResponse::bad_request(
            "path must be a folder below the root of the drive.",
        ));
    }
    if parts.iter().any(|part| [".", ".."].contains(part)) {
        return Err(ErrorResponse::bad_request(
            "path must not contain . or .. as a part.",
        ));
    }
    Ok(format!("/{}", parts.join("/")))
}

/// Returns the key id: the first bytes of the public key.
fn name(pair: &KeyPair) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(&pair.pk[..12])
}

fn keys(call: &Call) -> HandlerResult {
    let pair = call.engine.drive_keys();
    let key = json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
        "kid": name(pair),
        "x": BASE64_URL_SAFE_NO_PAD.encode(*pair.pk),
    });
    Ok(Json(json!({"keys": [key]})).into_response())
}

fn token(call: &Call) -> HandlerResult {
    let drive = call.path(DRIVES.parameter);
    if call
        .engine
        .store
        .open()
        .get(&Collection::top(&DRIVES), drive)
        .is_none()
    {
        return Err(not_found(&DRIVES));
    }
    let (engine, pair) = (&call.engine, call.engine.drive_keys());
    let issued = engine.seconds();
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": name(pair)});
    let claims = json!({
        "iss": engine.control_url(),
        "sub": call.identity.name(),
        "jti": engine.next_number(),
        "iat": issued,
        "exp": issued + LIFETIME,
        "workspace": engine.config.workspace,
        "drive": drive,
    });
    let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(pair.sk.sign(&signed, None));
    Ok(Json(json!({
        "access_token": format!("{signed}.{signature}"),
        "expires_in": LIFETIME,
        "token_type": "Bearer",
    }))
    .into_response())
}
