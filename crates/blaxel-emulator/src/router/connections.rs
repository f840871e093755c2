//! The models of integration connections.

use axum::Json;
use axum::response::IntoResponse;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::access_level::AccessLevel;
use super::call::Call;
use super::records::not_found;
use super::route::{HandlerResult, Route};
use crate::catalog::Integration;
use crate::errors::ErrorResponse;
use crate::state::{Collection, INTEGRATION_CONNECTIONS, member};

pub(crate) fn routes() -> Vec<Route> {
    let one = "/v0/integrations/connections/{connectionName}";
    let route = |operation, path: &str, handler: fn(&Call) -> HandlerResult| {
        let path = format!("{one}/{path}");
        Route::new(
            operation,
            Method::GET,
            [&*path],
            AccessLevel::Workspace,
            handler,
        )
    };
    vec![
        route("ListIntegrationConnectionModels", "models", list),
        route("GetIntegrationConnectionModel", "models/{modelId}", get),
        route(
            "GetIntegrationConnectionModelEndpointConfigurations",
            "endpointConfigurations",
            endpoints,
        ),
    ]
}

/// Returns the integration of a connection. One that is not in the catalog has no models.
fn integration(call: &Call) -> Result<Option<&'static Integration>, ErrorResponse> {
    let store = call.engine.store.open();
    let name = call.path(INTEGRATION_CONNECTIONS.parameter);
    let connection = store.get(&Collection::top(&INTEGRATION_CONNECTIONS), name);
    let connection = connection.ok_or_else(|| not_found(&INTEGRATION_CONNECTIONS))?;
    let integration = member::text(&connection.document, "spec/integration");
    Ok(integration.and_then(Integration::named))
}

fn list(call: &Call) -> HandlerResult {
    let models = integration(call)?.into_iter().flat_map(Integration::models);
    Ok(Json(models.collect::<Value>()).into_response())
}

fn get(call: &Call) -> HandlerResult {
    let mut models = integration(call)?.into_iter().flat_map(Integration::models);
    let wanted = call.path("modelId");
    let model = models.find(|model| model.get("id") == Some(&wanted.into()));
    let missing = || ErrorResponse::control(StatusCode::NOT_FOUND, "Model not found");
    Ok(Json(model.ok_or_else(missing)?).into_response())
}

fn endpoints(call: &Call) -> HandlerResult {
    let endpoints = integration(call)?.map(Integration::endpoints);
    let Some(Value::Object(endpoints)) = endpoints else {
        return Ok(Json(json!([])).into_response());
    };
    let endpoints = endpoints.into_iter().map(|(path, mut endpoint)| {
        endpoint["path"] = path.into();
        endpoint
    });
    Ok(Json(endpoints.collect::<Value>()).into_response())
}
