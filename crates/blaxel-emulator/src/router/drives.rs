//! Access tokens for drives, and the public key that verifies them.

use axum::Json;
use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_compact::KeyPair;
use serde_json::json;

use super::access_level::AccessLevel;
use super::call::Call;
use super::records::not_found;
use super::route::{HandlerResult, Route};
use crate::state::{Collection, DRIVES};

/// The lifetime of a token, in seconds.
const LIFETIME: u64 = 60 * 60;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "GetDriveJWKS",
            MethodFilter::GET,
            ["/v0/drives/jwks.json"],
            AccessLevel::Public,
            keys,
        ),
        Route::new(
            "CreateDriveAccessToken",
            MethodFilter::POST,
            ["/v0/drives/{driveName}/access-token"],
            AccessLevel::Workspace,
            token,
        ),
    ]
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
