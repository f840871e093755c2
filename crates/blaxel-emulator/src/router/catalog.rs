//! What the platform offers to everybody.

use axum::Json;
use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::gate::Gate;
use super::route::{Outcome, Route};
use crate::catalog::{
    CHANGES, CONTINENTS, COUNTRIES, Integration, MCPS, Mcp, REGIONS, Region, SANDBOXES, Sandbox,
    TEMPLATES, Template,
};
use crate::errors::Refusal;

pub(crate) fn routes() -> Vec<Route> {
    let route = |operation, path, gate, handler: fn(&Call) -> Outcome| {
        Route::new(operation, MethodFilter::GET, [path], gate, handler)
    };
    let own = Gate::Workspace;
    vec![
        route("GetConfiguration", "/v0/configuration", own, configuration),
        route("ListLocations", "/v0/locations", own, |_| {
            told(REGIONS.iter().map(Region::location))
        }),
        route("ListPublicIps", "/v0/publicIps", own, public_ips),
        route("ListMCPHubDefinitions", "/v0/mcp/hub", own, |_| {
            told(MCPS.iter().map(Mcp::definition))
        }),
        route("ListSandboxHubDefinitions", "/v0/sandbox/hub", own, |_| {
            told(SANDBOXES.iter().map(Sandbox::definition))
        }),
        route("ListTemplates", "/v0/templates", own, |_| {
            told(TEMPLATES.iter().map(Template::definition))
        }),
        route("GetTemplate", "/v0/templates/{templateName}", own, template),
        route(
            "GetIntegration",
            "/v0/integrations/{integrationName}",
            own,
            integration,
        ),
        route("GetChangelog", "/v0/changelog", Gate::Public, changelog),
    ]
}

fn told(definitions: impl Iterator<Item = Value>) -> Outcome {
    Ok(Json(definitions.collect::<Value>()).into_response())
}

fn configuration(_: &Call) -> Outcome {
    let named = |places: &[(&str, &str)]| -> Value {
        let place = |(name, display_name): &(&str, &str)| json!({"name": name, "displayName": display_name});
        places.iter().map(place).collect()
    };
    let regions: Value = REGIONS.iter().map(Region::configuration).collect();
    Ok(Json(json!({
        "continents": named(&CONTINENTS),
        "countries": named(&COUNTRIES),
        "regions": regions,
        "privateLocations": [],
        "detectedRegion": REGIONS[0].name,
    }))
    .into_response())
}

/// By region; of a region that does not exist nothing is known.
fn public_ips(call: &Call) -> Outcome {
    let wanted = call.query.get("region").filter(|name| !name.is_empty());
    let regions = REGIONS
        .iter()
        .filter(|region| wanted.is_none_or(|name| name == region.name));
    let addresses: Map<String, Value> = regions
        .map(|region| (region.name.to_owned(), region.addresses()))
        .collect();
    Ok(Json(addresses).into_response())
}

fn template(call: &Call) -> Outcome {
    let name = call.path("templateName");
    let template = TEMPLATES.iter().find(|template| template.name == name);
    found(template.map(Template::definition), "Template")
}

fn integration(call: &Call) -> Outcome {
    let integration = Integration::named(call.path("integrationName"));
    found(integration.map(Integration::definition), "Integration")
}

fn changelog(_: &Call) -> Outcome {
    let entry = |(date, title, content): &(&str, &str, &str)| json!({"date": date, "title": title, "content": content});
    let entries: Value = CHANGES.iter().map(entry).collect();
    let mut response = Json(json!({"entries": entries})).into_response();
    let kept = HeaderValue::from_static("public, max-age=300");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    Ok(response)
}

fn found(definition: Option<Value>, noun: &str) -> Outcome {
    let missing = || Refusal::control(StatusCode::NOT_FOUND, &format!("{noun} not found"));
    Ok(Json(definition.ok_or_else(missing)?).into_response())
}
