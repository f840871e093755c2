//! The models that an integration connection leads to.

use axum::Json;
use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use http::StatusCode;
use serde_json::{Value, json};

use super::call::Call;
use super::gate::Gate;
use super::records::not_found;
use super::route::{Outcome, Route};
use crate::catalog::Integration;
use crate::errors::Refusal;
use crate::state::{INTEGRATION_CONNECTIONS, Shelf, member};

pub(crate) fn routes() -> Vec<Route> {
    let one = "/v0/integrations/connections/{connectionName}";
    let route = |operation, path: &str, handler: fn(&Call) -> Outcome| {
        let path = format!("{one}/{path}");
        Route::new(
            operation,
            MethodFilter::GET,
            [&*path],
            Gate::Workspace,
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

/// What a connection connects to. One that the catalogue does not know has no models.
fn integration(call: &Call) -> Result<Option<&'static Integration>, Refusal> {
    let shelves = call.engine.store.open();
    let name = call.path(INTEGRATION_CONNECTIONS.parameter);
    let connection = shelves.get(&Shelf::top(&INTEGRATION_CONNECTIONS), name);
    let connection = connection.ok_or_else(|| not_found(&INTEGRATION_CONNECTIONS))?;
    let integration = member::text(&connection.document, "spec/integration");
    Ok(integration.and_then(Integration::named))
}

fn list(call: &Call) -> Outcome {
    let models = integration(call)?.into_iter().flat_map(Integration::models);
    Ok(Json(models.collect::<Value>()).into_response())
}

fn get(call: &Call) -> Outcome {
    let mut models = integration(call)?.into_iter().flat_map(Integration::models);
    let wanted = call.path("modelId");
    let model = models.find(|model| model.get("id") == Some(&wanted.into()));
    let missing = || Refusal::control(StatusCode::NOT_FOUND, "Model not found");
    Ok(Json(model.ok_or_else(missing)?).into_response())
}

fn endpoints(call: &Call) -> Outcome {
    let endpoints = integration(call)?.map(Integration::endpoints);
    let Some(Value::Object(endpoints)) = endpoints else {
        return Ok(Json(json!([])).into_response());
    };
    let told = endpoints.into_iter().map(|(path, mut endpoint)| {
        endpoint["path"] = path.into();
        endpoint
    });
    Ok(Json(told.collect::<Value>()).into_response())
}
