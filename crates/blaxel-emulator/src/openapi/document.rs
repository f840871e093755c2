//! The OpenAPI document of what the emulator serves.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use bytes::Bytes;
use http::{StatusCode, header};
use serde_json::{Map, Value, json};

use super::facts::{Facts, Operation};
use super::links::links;
use super::shape::Shape;
use super::write::Writer;
use crate::router::{Gate, Route, VERSIONS};

/// Where the document is found, on the origin.
const PATH: &str = "/openapi.json";
/// The schema of a failure, unless an operation has another one.
const ERROR: &str = "Error";
/// The base of the operations' paths.
const BASE: &str = "/v0";
/// The header that each answer has.
const REQUEST_ID: &str = "x-request-id";

/// Made once: it is the same for every emulator.
static DOCUMENT: LazyLock<Bytes> =
    LazyLock::new(|| document(&crate::router::routes()).to_string().into());

pub(crate) fn routes() -> Vec<Route> {
    let route = Route::new(
        "GetOpenApiDocument",
        MethodFilter::GET,
        [PATH],
        Gate::Open,
        |_| {
            let headers = [(header::CONTENT_TYPE, "application/json")];
            Ok((headers, DOCUMENT.clone()).into_response())
        },
    );
    vec![route]
}

/// The document of those operations that are among the routes.
fn document(routes: &[Route]) -> Value {
    let facts = Facts::get();
    let mut writer = Writer::new(facts);
    let served: Vec<_> = routes
        .iter()
        .filter_map(|route| Some((route, facts.operation(route.operation)?)))
        .collect();
    let operations: Vec<_> = served
        .iter()
        .map(|(route, operation)| (route.operation, *operation))
        .collect();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut refusals = BTreeMap::new();
    for (route, operation) in served {
        let mut described = describe(route, operation, &mut writer);
        let links = links(facts, operation, &operations);
        if let Some((status, _)) = operation.answers.first().filter(|_| !links.is_empty()) {
            described["responses"][status.to_string()]["links"] = links.into();
        }
        let methods = paths.entry(operation.path).or_default();
        methods.insert(operation.method.to_lowercase(), described);
        let kind = refusal(operation);
        refusals.insert(kind, refused(kind, &mut writer));
    }
    let versions: Vec<_> = VERSIONS.iter().map(ToString::to_string).collect();
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Blaxel emulator", "version": env!("CARGO_PKG_VERSION")},
        "servers": [{"url": BASE}],
        "paths": paths,
        "components": {
            "headers": {"RequestId": {"required": true, "schema": {"type": "string"}}},
            "parameters": {"BlaxelVersion": {
                "name": "Blaxel-Version",
                "in": "header",
                "schema": {"type": "string", "enum": versions},
            }},
            "responses": refusals,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": writer.schemas(),
        },
    })
}

fn describe(route: &Route, operation: &Operation, writer: &mut Writer<'_>) -> Value {
    let mut parameters: Vec<_> = placeholders(operation.path)
        .map(|name| {
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
        })
        .collect();
    parameters.extend(operation.query.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "in": "query",
            "required": parameter.required,
            "schema": writer.member(parameter),
        })
    }));
    let is_open = matches!(route.gate, Gate::Open | Gate::Public);
    if route.gate != Gate::Open {
        parameters.push(json!({"$ref": "#/components/parameters/BlaxelVersion"}));
    }
    let mut described = json!({
        "operationId": route.operation,
        "parameters": parameters,
        "responses": responses(operation, is_open, writer),
        "security": if is_open { json!([]) } else { json!([{"bearer": []}]) },
    });
    if let Some(body) = &operation.body {
        described["requestBody"] =
            json!({"required": true, "content": content(writer.shape(body))});
    }
    described
}

fn responses(
    operation: &Operation,
    is_open: bool,
    writer: &mut Writer<'_>,
) -> BTreeMap<u16, Value> {
    let mut responses = BTreeMap::new();
    for (status, shape) in &operation.answers {
        let mut headers = request_id();
        if let Some(name) = operation.header {
            headers[name] = json!({"schema": {"type": "string"}});
        }
        let mut response = json!({"description": reason(*status), "headers": headers});
        if let Some(shape) = shape {
            response["content"] = content(writer.shape(shape));
        }
        responses.insert(*status, response);
    }
    let may_fail = |status: u16| match status {
        400 => true,
        401 | 403 => !is_open,
        404 => placeholders(operation.path).next().is_some(),
        413 => operation.body.is_some(),
        _ => false,
    };
    let usual = [400, 401, 403, 404, 413]
        .into_iter()
        .filter(|status| may_fail(*status));
    let refusal = json!({"$ref": format!("#/components/responses/{}", refusal(operation))});
    for status in usual.chain(operation.errors.iter().copied()) {
        responses.insert(status, refusal.clone());
    }
    responses
}

/// The name of the schema that an operation's failures have.
fn refusal(operation: &Operation) -> &'static str {
    operation.error.unwrap_or(ERROR)
}

/// A failure of this schema, or of the usual one: the server may fail before the operation begins.
fn refused(schema: &'static str, writer: &mut Writer<'_>) -> Value {
    let schemas = if schema == ERROR {
        vec![ERROR]
    } else {
        vec![ERROR, schema]
    };
    let shapes = schemas.into_iter().map(Shape::Named).collect();
    json!({
        "description": "Refused",
        "headers": request_id(),
        "content": content(writer.shape(&Shape::Either(shapes))),
    })
}

fn request_id() -> Value {
    json!({REQUEST_ID: {"$ref": "#/components/headers/RequestId"}})
}

fn content(schema: Value) -> Value {
    json!({"application/json": {"schema": schema}})
}

/// The names in braces in a path.
pub(super) fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// The phrase of a status.
fn reason(status: u16) -> &'static str {
    let status = StatusCode::from_u16(status).ok();
    status
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Done")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use http::Method;

    use super::*;

    /// Every place where a document refers to another place in it.
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    /// A path with its parameters' names left out.
    fn outline(path: &str) -> String {
        let parts = path.split('/');
        let parts = parts.map(|part| if part.starts_with('{') { "{}" } else { part });
        parts.collect::<Vec<_>>().join("/")
    }

    /// Signing in is no part of the Management API.
    const OTHERS: [&str; 2] = ["CreateToken", "StartDeviceLogin"];

    #[test]
    fn the_document_tells_each_route_of_the_control_plane_and_nothing_else() {
        let routes = crate::router::routes();
        let mut served = BTreeSet::new();
        for route in &routes {
            for path in route
                .paths
                .iter()
                .filter_map(|path| path.strip_prefix(BASE))
            {
                if !OTHERS.contains(&route.operation) {
                    served.insert((route.operation.to_owned(), outline(path)));
                }
            }
        }
        let document = document(&routes);
        let mut told = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, described) in methods.as_object().unwrap() {
                let name = described["operationId"].as_str().unwrap();
                told.insert((name.to_owned(), outline(path)));
                let route = routes.iter().find(|route| route.operation == name).unwrap();
                let method: Method = method.to_uppercase().parse().unwrap();
                assert_eq!(route.method, Some(method.try_into().unwrap()), "{name}");
            }
        }
        assert!(served.len() > 10);
        assert_eq!(told, served);
    }

    #[test]
    fn every_operation_that_is_known_is_served() {
        let routes = crate::router::routes();
        let served: BTreeSet<_> = routes.iter().map(|route| route.operation).collect();
        let missing = Facts::get().operations().map(|(name, _)| name);
        let missing: Vec<_> = missing.filter(|name| !served.contains(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn whatever_is_referred_to_is_there_and_the_other_way_round() {
        let document = document(&crate::router::routes());
        let mut wanted = BTreeSet::new();
        references(&document, &mut wanted);
        for reference in &wanted {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        for schema in document["components"]["schemas"]
            .as_object()
            .unwrap()
            .keys()
        {
            assert!(
                wanted.contains(format!("#/components/schemas/{schema}").as_str()),
                "{schema}"
            );
        }
    }

    #[test]
    fn facts_of_all_operations_can_be_written() {
        let facts = Facts::get();
        let mut writer = Writer::new(facts);
        for (name, operation) in facts.operations() {
            let answers = responses(operation, false, &mut writer);
            assert!(
                answers.keys().any(|status| (200..300).contains(status)),
                "{name}"
            );
            assert!(answers.contains_key(&401), "{name}");
            assert_eq!(
                answers.contains_key(&404),
                operation.path.contains('{')
                    || name == "getWorkspaceFeatures"
                    || name == "InviteWorkspaceUser",
                "{name}"
            );
        }
        assert!(writer.schemas().len() > 100);
    }
}
