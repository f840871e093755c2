//! Egress gateways and IP addresses of all virtual private clouds.

use axum::Json;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use http::Method;

use super::access_level::AccessLevel;
use super::call::Call;
use super::pages::Sort;
use super::route::{HandlerResult, Route};
use crate::state::{EGRESS_GATEWAYS, EGRESS_IPS, Kind, SANDBOXES, member};

pub(crate) fn routes() -> Vec<Route> {
    let route = |operation, path, handler: fn(&Call) -> HandlerResult| {
        Route::new(
            operation,
            Method::GET,
            [path],
            AccessLevel::Workspace,
            handler,
        )
    };
    vec![
        route("ListAllEgressGateways", "/v0/egressgateways", |call| {
            everywhere(call, &EGRESS_GATEWAYS)
        }),
        route("GetEgressGatewayUsage", "/v0/egressgateways/usage", usage),
        route("ListAllEgressIPs", "/v0/egressips", |call| {
            everywhere(call, &EGRESS_IPS)
        }),
    ]
}

/// Lists all resources of a kind under any parent, newest first.
fn everywhere(call: &Call, kind: &'static Kind) -> HandlerResult {
    let store = call.engine.store.open();
    let mut found: Vec<_> = store.everywhere(kind).collect();
    found.sort_by(|(_, a), (_, b)| Sort::CreatedDesc.order(a, b));
    let shown = found
        .into_iter()
        .map(|(collection, record)| store.shown(&collection, record));
    Ok(Json(shown.collect::<Vec<_>>()).into_response())
}

/// Lists the sandboxes that use each egress gateway. Unused gateways are left out.
fn usage(call: &Call) -> HandlerResult {
    let store = call.engine.store.open();
    let mut usage = json!({});
    for sandbox in store.not_terminated(&SANDBOXES) {
        let gateway = member::text(&sandbox.document, "spec/network/egress/gateway");
        let Some(gateway) = gateway.filter(|gateway| !gateway.is_empty()) else {
            continue;
        };
        let name = Value::from(sandbox.name.as_str());
        match &mut usage[gateway] {
            Value::Array(names) => names.push(name),
            other => *other = json!([name]),
        }
    }
    Ok(Json(usage).into_response())
}
