//! The token endpoint: OAuth 2.0 in the platform's dialect, which speaks JSON.

use axum::Json;
use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::access::scheme;
use super::{Call, Gate, Outcome, Route};
use crate::errors::Refusal;

/// How long an access token is good, in seconds.
const LIFETIME: u64 = 2 * 60 * 60;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(
        "CreateToken",
        MethodFilter::POST,
        ["/v0/oauth/token"],
        Gate::Open,
        token,
    )]
}

fn token(call: &Call) -> Outcome {
    let content_type = call.header("content-type").unwrap_or_default();
    let is_json = content_type
        .split(';')
        .next()
        .is_some_and(|kind| kind.trim() == "application/json");
    let body = call.json().filter(|body| is_json && body.is_object());
    let Some(body) = body else {
        return Err(Refusal::oauth(
            "invalid_request",
            "The body must be a JSON object.",
        ));
    };
    let member = |name: &str| body.get(name).and_then(Value::as_str);
    let subject = match member("grant_type") {
        Some("client_credentials") => client(call, member("client_id"), member("client_secret"))?,
        Some("refresh_token") => refreshed(call, member("refresh_token"))?,
        Some(_) => {
            let known = "grant_type must be client_credentials or refresh_token.";
            return Err(Refusal::oauth("unsupported_grant_type", known));
        }
        None => return Err(Refusal::oauth("invalid_request", "grant_type is missing.")),
    };
    Ok(Json(issue(call, &subject)).into_response())
}

/// The client that the request proves to come from, by its header or else by its body.
fn client(call: &Call, id: Option<&str>, secret: Option<&str>) -> Result<String, Refusal> {
    let (id, secret) = match call
        .header("authorization")
        .and_then(|text| scheme(text, "basic"))
    {
        Some(basic) => basic_pair(basic)
            .ok_or_else(|| Refusal::oauth("invalid_request", "Authorization is malformed."))?,
        None => {
            let absent = |name| Refusal::oauth("invalid_client", &format!("{name} is missing."));
            let id = id.ok_or_else(|| absent("client_id"))?;
            let secret = secret.ok_or_else(|| absent("client_secret"))?;
            (id.to_owned(), secret.to_owned())
        }
    };
    let config = &call.engine.config;
    if id != config.client_id {
        return Err(Refusal::oauth("invalid_client", "client_id is not known."));
    }
    if secret != config.client_secret {
        return Err(Refusal::oauth("invalid_client", "client_secret is wrong."));
    }
    Ok(id)
}

fn basic_pair(encoded: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// The client that a refresh token was given to. Refresh tokens serve any number of times.
fn refreshed(call: &Call, token: Option<&str>) -> Result<String, Refusal> {
    let token =
        token.ok_or_else(|| Refusal::oauth("invalid_request", "refresh_token is missing."))?;
    let claims = call.engine.refresh_tokens.claims(token);
    let subject = claims
        .as_ref()
        .and_then(|claims| claims.get("sub")?.as_str());
    subject
        .map(str::to_owned)
        .ok_or_else(|| Refusal::oauth("invalid_grant", "refresh_token is not good."))
}

/// A fresh pair of tokens. There are clients that refuse any member beyond these four.
fn issue(call: &Call, subject: &str) -> Value {
    let engine = &call.engine;
    let issued = engine.clock.seconds();
    // A number of its own makes each token another one, even where the clock stands still.
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
