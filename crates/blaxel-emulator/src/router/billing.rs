//! The costs of an account.

use axum::Json;
use axum::response::IntoResponse;
use http::{Method, StatusCode};
use serde_json::json;

use super::access_level::AccessLevel;
use super::call::Call;
use super::route::{HandlerResult, Route};
use crate::billing::{Dimension, MetricsQuery, Window, report};
use crate::errors::ErrorResponse;

/// The path parameter with the account's id.
const ACCOUNT: &str = "accountId";

pub(crate) fn routes() -> Vec<Route> {
    let metrics = format!("/v0/accounts/{{{ACCOUNT}}}/metrics");
    let route = |operation, path: &str, handler: fn(&Call) -> HandlerResult| {
        Route::new(
            operation,
            Method::GET,
            [path],
            AccessLevel::Account,
            handler,
        )
    };
    vec![
        route("ListAccounts", "/v0/accounts", accounts),
        route("GetAccountMetrics", &metrics, account_metrics),
        route(
            "ListAccountMetricsGroupBy",
            &format!("{metrics}/enums/group-by"),
            group_by,
        ),
        route(
            "ListAccountMetricsResourceTypes",
            &format!("{metrics}/enums/resource-types"),
            resource_types,
        ),
    ]
}

fn accounts(call: &Call) -> HandlerResult {
    let account = json!({
        "id": call.engine.history.account_id(),
        "name": "Emulated account",
        "currency": "usd",
        "status": "active",
    });
    Ok(Json(json!([account])).into_response())
}

fn account_metrics(call: &Call) -> HandlerResult {
    require_account(call)?;
    let query = MetricsQuery::read(&call.query)?;
    if query.concerns_workspaces() && !call.engine.config.account_admin {
        return Err(ErrorResponse::control(
            StatusCode::FORBIDDEN,
            "Access denied",
        ));
    }
    let engine = &call.engine;
    let cursor = call.query.get("cursor").filter(|cursor| !cursor.is_empty());
    let now = engine.seconds();
    Ok(Json(report(
        &engine.history,
        &query,
        &engine.cursors,
        cursor,
        now,
    )?)
    .into_response())
}

fn group_by(call: &Call) -> HandlerResult {
    require_account(call)?;
    Ok(Json(json!({"values": Dimension::ALL.map(Dimension::name)})).into_response())
}

fn resource_types(call: &Call) -> HandlerResult {
    require_account(call)?;
    let window = Window::read(&call.query)?;
    Ok(Json(json!({"values": call.engine.history.resource_types(&window)})).into_response())
}

/// Requires that the path names the account that exists.
pub(crate) fn require_account(call: &Call) -> Result<(), ErrorResponse> {
    if call.path(ACCOUNT) == call.engine.history.account_id() {
        return Ok(());
    }
    Err(ErrorResponse::control(
        StatusCode::NOT_FOUND,
        "Account not found",
    ))
}
