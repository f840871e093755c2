//! The token endpoint and device logins: OAuth 2.0 in the platform's variant, with JSON bodies.

use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use blaxel_core::__private::media_type;
use serde_json::{Value, json};

use http::Method;

use super::access::{PERSON, is_known, scheme};
use super::access_level::AccessLevel;
use super::call::Call;
use super::route::{HandlerResult, Route};
use crate::errors::ErrorResponse;
use crate::state;

/// The lifetime of an access token, in seconds.
const LIFETIME: u64 = 2 * 60 * 60;
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The client id for device logins.
const PUBLIC_CLIENT: &str = "blaxel";
/// The lifetime of a device code, in seconds.
const DEVICE_LIFETIME: u64 = 180;
/// The polling interval, in seconds.
const DEVICE_INTERVAL: u64 = 3;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "CreateToken",
            Method::POST,
            ["/v0/oauth/token"],
            AccessLevel::Open,
            token,
        ),
        Route::new(
            "StartDeviceLogin",
            Method::POST,
            ["/v0/login/device"],
            AccessLevel::Open,
            device_login,
        ),
    ]
}

/// Parses the body as a JSON object.
fn object(call: &Call) -> Result<Value, ErrorResponse> {
    let is_json = media_type(&call.headers) == "application/json";
    call.json()
        .filter(|body| is_json && body.is_object())
        .ok_or_else(|| ErrorResponse::oauth("invalid_request", "The body must be a JSON object."))
}

fn token(call: &Call) -> HandlerResult {
    let body = object(call)?;
    let member = |name: &str| body.get(name).and_then(Value::as_str);
    let subject = match member("grant_type") {
        Some("client_credentials") => client(call, member("client_id"), member("client_secret"))?,
        Some("refresh_token") => refreshed(call, member("refresh_token"))?,
        Some(DEVICE_GRANT) => {
            only_public_client(member("client_id"))?;
            match confirmed(call, member("device_code"))? {
                Some(subject) => subject,
                None => {
                    let pending = Json(json!({"error": "authorization_pending"}));
                    return Ok((StatusCode::ACCEPTED, pending).into_response());
                }
            }
        }
        Some(_) => {
            let known =
                "grant_type must be client_credentials, refresh_token or that of device logins.";
            return Err(ErrorResponse::oauth("unsupported_grant_type", known));
        }
        None => {
            return Err(ErrorResponse::oauth(
                "invalid_request",
                "grant_type is missing.",
            ));
        }
    };
    Ok(Json(issue(call, &subject)).into_response())
}

/// Authenticates the client of a request, by its header or else by its body.
fn client(call: &Call, id: Option<&str>, secret: Option<&str>) -> Result<String, ErrorResponse> {
    let (id, secret) = match call
        .header("authorization")
        .and_then(|text| scheme(text, "basic"))
    {
        Some(basic) => basic_pair(basic).ok_or_else(|| {
            ErrorResponse::oauth("invalid_request", "Authorization is malformed.")
        })?,
        None => {
            let absent =
                |name| ErrorResponse::oauth("invalid_client", &format!("{name} is missing."));
            let id = id.ok_or_else(|| absent("client_id"))?;
            let secret = secret.ok_or_else(|| absent("client_secret"))?;
            (id.to_owned(), secret.to_owned())
        }
    };
    let config = &call.engine.config;
    let right = if id == config.client_id {
        Some(config.client_secret.clone())
    } else {
        state::access::client_secret(call.engine.store.open().rows(), &id)
    };
    let Some(right) = right else {
        return Err(ErrorResponse::oauth(
            "invalid_client",
            "client_id is not known.",
        ));
    };
    if secret != right {
        return Err(ErrorResponse::oauth(
            "invalid_client",
            "client_secret is wrong.",
        ));
    }
    Ok(id)
}

fn basic_pair(encoded: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// Returns the client of a refresh token. Refresh tokens can be used any number of times.
fn refreshed(call: &Call, token: Option<&str>) -> Result<String, ErrorResponse> {
    let token = token
        .ok_or_else(|| ErrorResponse::oauth("invalid_request", "refresh_token is missing."))?;
    let claims = call.engine.refresh_tokens.claims(token);
    let subject = claims
        .as_ref()
        .and_then(|claims| claims.get("sub")?.as_str());
    subject
        .filter(|subject| is_known(&call.engine, subject))
        .map(str::to_owned)
        .ok_or_else(|| ErrorResponse::oauth("invalid_grant", "The refresh_token is not valid."))
}

fn only_public_client(id: Option<&str>) -> Result<(), ErrorResponse> {
    match id {
        Some(PUBLIC_CLIENT) => Ok(()),
        _ => Err(ErrorResponse::oauth(
            "invalid_client",
            "client_id must be blaxel.",
        )),
    }
}

/// Starts a device login. The code contains the time, so nothing is stored.
fn device_login(call: &Call) -> HandlerResult {
    let body = object(call)?;
    only_public_client(body.get("client_id").and_then(Value::as_str))?;
    let engine = &call.engine;
    let number = engine.next_number();
    let code = json!({"sub": PERSON, "jti": number, "iat": engine.seconds()});
    let user_code = user_code(&engine.device_codes.sign(&number.to_be_bytes()));
    let page = format!("{}/device", engine.origin);
    let response = json!({
        "device_code": engine.device_codes.token(&code),
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={user_code}"),
        "expires_in": DEVICE_LIFETIME,
        "interval": DEVICE_INTERVAL,
    });
    Ok(Json(response).into_response())
}

/// Returns eight consonants, which form no word.
fn user_code(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]);
    let mut code: String = bytes.iter().take(8).map(letter).collect();
    code.insert(4, '-');
    code
}

/// Returns the user that approved a device login, or `None` while it is pending. A code can be used
/// once.
fn confirmed(call: &Call, code: Option<&str>) -> Result<Option<String>, ErrorResponse> {
    let engine = &call.engine;
    let code =
        code.ok_or_else(|| ErrorResponse::oauth("invalid_request", "device_code is missing."))?;
    let claims = engine.device_codes.claims(code);
    let read = |claims: &Value| {
        let number = |name: &str| claims.get(name)?.as_u64();
        let subject = claims.get("sub")?.as_str()?.to_owned();
        Some((subject, number("jti")?, number("iat")?))
    };
    let (subject, number, started) = claims
        .as_ref()
        .and_then(read)
        .ok_or_else(|| ErrorResponse::oauth("invalid_grant", "The device_code is not valid."))?;
    let passed = engine.seconds().saturating_sub(started);
    if passed >= DEVICE_LIFETIME {
        return Err(ErrorResponse::oauth(
            "expired_token",
            "The login took too long.",
        ));
    }
    match engine.config.device_approval {
        None => Err(ErrorResponse::oauth(
            "access_denied",
            "The login was denied.",
        )),
        Some(moment) if passed < moment.as_secs() => Ok(None),
        Some(_) if !engine.use_device_code(number) => Err(ErrorResponse::oauth(
            "invalid_grant",
            "device_code was used.",
        )),
        Some(_) => Ok(Some(subject)),
    }
}

/// Issues a pair of tokens. Some clients reject members other than these four.
fn issue(call: &Call, subject: &str) -> Value {
    let engine = &call.engine;
    let issued = engine.seconds();
    // A unique number makes each token different, even while the clock stands still.
    let number = engine.next_number();
    let access = json!({
        "iss": engine.control_url(),
        "sub": subject,
        "jti": number,
        "iat": issued,
        "exp": issued + LIFETIME,
    });
    let refresh = json!({"sub": subject, "jti": number, "iat": issued});
    json!({
        "access_token": engine.access_tokens.token(&access),
        "refresh_token": engine.refresh_tokens.token(&refresh),
        "expires_in": LIFETIME,
        "token_type": "Bearer",
    })
}
