//! Feature flags and quotas of the workspace and its account.

use axum::Json;
use axum::response::IntoResponse;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::access_level::AccessLevel;
use super::billing;
use super::call::Call;
use super::route::{HandlerResult, Route};
use crate::catalog::QUOTAS;
use crate::errors::ErrorResponse;

pub(crate) fn routes() -> Vec<Route> {
    let route = |operation, path, access, handler: fn(&Call) -> HandlerResult| {
        Route::new(operation, Method::GET, [path], access, handler)
    };
    let own = AccessLevel::Workspace;
    vec![
        route("getWorkspaceFeatures", "/v0/features", own, features),
        route("testFeatureFlag", "/v0/features/{featureKey}", own, feature),
        route(
            "GetAccountQuotas",
            "/v0/quotas/account/{accountId}",
            AccessLevel::Account,
            quotas,
        ),
    ]
}

/// Lists the enabled features. Disabled ones are not shown.
fn features(call: &Call) -> HandlerResult {
    let all = call.engine.config.features.iter();
    let on = all.filter(|(_, enabled)| **enabled);
    let on: Map<String, Value> = on.map(|(key, _)| (key.clone(), true.into())).collect();
    Ok(Json(json!({"features": on})).into_response())
}

fn feature(call: &Call) -> HandlerResult {
    let account = call
        .query
        .get("account")
        .filter(|account| !account.is_empty());
    if account.is_some_and(|account| account != call.engine.history.account_id()) {
        return Err(ErrorResponse::control(StatusCode::FORBIDDEN, "Forbidden"));
    }
    let wanted = call.path("featureKey");
    let missing = || ErrorResponse::control(StatusCode::NOT_FOUND, "Feature flag not found");
    let enabled = call.engine.config.features.get(wanted);
    let enabled = enabled.ok_or_else(missing)?;
    Ok(Json(json!({
        "featureKey": wanted,
        "enabled": enabled,
        "variant": if *enabled { "on" } else { "off" },
        "payload": {},
        "evaluatedAt": call.now(),
    }))
    .into_response())
}

fn quotas(call: &Call) -> HandlerResult {
    billing::require_account(call)?;
    let quota = |(resource, most): &(&str, u64)| json!({"resourceType": resource, "value": most});
    Ok(Json(QUOTAS.iter().map(quota).collect::<Value>()).into_response())
}
