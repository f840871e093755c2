//! The platform's public catalog.

use axum::Json;
use axum::response::IntoResponse;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value, json};

use super::access_level::AccessLevel;
use super::call::Call;
use super::route::{HandlerResult, Route};
use crate::catalog::{
    CHANGES, CONTINENTS, COUNTRIES, Integration, MCPS, Mcp, REGIONS, Region, SANDBOXES, Sandbox,
    TEMPLATES, Template,
};
use crate::errors::ErrorResponse;

pub(crate) fn routes() -> Vec<Route> {
    let route = |operation, path, access, handler: fn(&Call) -> HandlerResult| {
        Route::new(operation, Method::GET, [path], access, handler)
    };
    let own = AccessLevel::Workspace;
    vec![
        route("GetConfiguration", "/v0/configuration", own, configuration),
        route("ListLocations", "/v0/locations", own, |_| {
            list_response(REGIONS.iter().map(Region::location))
        }),
        route("ListPublicIps", "/v0/publicIps", own, public_ips),
        route("ListMCPHubDefinitions", "/v0/mcp/hub", own, |_| {
            list_response(MCPS.iter().map(Mcp::definition))
        }),
        route("ListSandboxHubDefinitions", "/v0/sandbox/hub", own, |_| {
            list_response(SANDBOXES.iter().map(Sandbox::definition))
        }),
        route("ListTemplates", "/v0/templates", own, |_| {
            list_response(TEMPLATES.iter().map(Template::definition))
        }),
        route("GetTemplate", "/v0/templates/{templateName}", own, template),
        route(
            "GetIntegration",
            "/v0/integrations/{integrationName}",
            own,
            integration,
        ),
        route(
            "GetChangelog",
            "/v0/changelog",
            AccessLevel::Public,
            changelog,
        ),
    ]
}

fn list_response(definitions: impl Iterator<Item = Value>) -> HandlerResult {
    Ok(Json(definitions.collect::<Value>()).into_response())
}

fn configuration(_: &Call) -> HandlerResult {
    let named = |regions: &[(&str, &str)]| -> Value {
        let place = |(name, display_name): &(&str, &str)| json!({"name": name, "displayName": display_name});
        regions.iter().map(place).collect()
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

/// Lists addresses by region. An unknown region has none.
fn public_ips(call: &Call) -> HandlerResult {
    let wanted = call.query.get("region").filter(|name| !name.is_empty());
    let regions = REGIONS
        .iter()
        .filter(|region| wanted.is_none_or(|name| name == region.name));
    let addresses: Map<String, Value> = regions
        .map(|region| (region.name.to_owned(), region.addresses()))
        .collect();
    Ok(Json(addresses).into_response())
}

fn template(call: &Call) -> HandlerResult {
    let name = call.path("templateName");
    let template = TEMPLATES.iter().find(|template| template.name == name);
    item_response(template.map(Template::definition), "Template")
}

fn integration(call: &Call) -> HandlerResult {
    let integration = Integration::named(call.path("integrationName"));
    item_response(integration.map(Integration::definition), "Integration")
}

fn changelog(_: &Call) -> HandlerResult {
    let entry = |(date, title, content): &(&str, &str, &str)| json!({"date": date, "title": title, "content": content});
    let entries: Value = CHANGES.iter().map(entry).collect();
    let mut response = Json(json!({"entries": entries})).into_response();
    let kept = HeaderValue::from_static("public, max-age=300");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    Ok(response)
}

fn item_response(definition: Option<Value>, noun: &str) -> HandlerResult {
    let missing = || ErrorResponse::control(StatusCode::NOT_FOUND, &format!("{noun} not found"));
    Ok(Json(definition.ok_or_else(missing)?).into_response())
}
