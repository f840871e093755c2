//! The OpenAPI document of the operations that the emulator serves.

use std::collections::BTreeMap;

use blaxel_core::ApiVersion;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::facts::{Facts, Operation, UNUSED, placeholders};
use super::links::links;
use super::shape::Shape;
use super::write::Writer;

/// The schema of an error, unless an operation has its own.
const ERROR: &str = "Error";
/// The base path of the operations.
const BASE: &str = "/v0";
/// The header that every response has.
const REQUEST_ID: &str = "x-request-id";

/// A served operation.
pub(crate) struct Served {
    pub(crate) operation: &'static str,
    /// Set if it requires a known version.
    pub(crate) is_versioned: bool,
    /// Set if it requires a credential.
    pub(crate) is_protected: bool,
}

/// Returns the document of the operations that are both served and described, for these API
/// versions, with all schemas.
pub(crate) fn document(served: &[Served], versions: &[ApiVersion]) -> Value {
    let facts = Facts::get();
    let mut writer = Writer::new(facts);
    let served: Vec<_> = served
        .iter()
        .filter_map(|served| Some((served, facts.operation(served.operation)?)))
        .collect();
    let operations: Vec<_> = served
        .iter()
        .map(|(served, operation)| (served.operation, *operation))
        .collect();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut refusals = BTreeMap::new();
    for (served, operation) in served {
        let mut described = describe(served, operation, &mut writer);
        let links = links(facts, operation, &operations);
        if let Some((status, _)) = operation.responses.first().filter(|_| !links.is_empty()) {
            described["responses"][status.to_string()]["links"] = links.into();
        }
        let methods = paths.entry(operation.path).or_default();
        methods.insert(operation.method.to_lowercase(), described);
        let kind = error_schema(operation);
        refusals.insert(kind, error_response(kind, &mut writer));
    }
    for name in UNUSED {
        writer.shape(&Shape::Named(name));
    }
    let versions: Vec<_> = versions.iter().map(ToString::to_string).collect();
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

fn describe(served: &Served, operation: &Operation, writer: &mut Writer<'_>) -> Value {
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
    if served.is_versioned {
        parameters.push(json!({"$ref": "#/components/parameters/BlaxelVersion"}));
    }
    let mut described = json!({
        "operationId": served.operation,
        "parameters": parameters,
        "responses": responses(operation, served.is_protected, writer),
        "security": if served.is_protected { json!([{"bearer": []}]) } else { json!([]) },
    });
    if let Some(body) = &operation.body {
        described["requestBody"] =
            json!({"required": true, "content": content(writer.shape(body))});
    }
    described
}

fn responses(
    operation: &Operation,
    is_protected: bool,
    writer: &mut Writer<'_>,
) -> BTreeMap<u16, Value> {
    let mut responses = BTreeMap::new();
    for (status, shape) in &operation.responses {
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
        401 | 403 => is_protected,
        404 => placeholders(operation.path).next().is_some(),
        413 => operation.body.is_some(),
        _ => false,
    };
    let usual = [400, 401, 403, 404, 413]
        .into_iter()
        .filter(|status| may_fail(*status));
    let error = json!({"$ref": format!("#/components/responses/{}", error_schema(operation))});
    for status in usual.chain(operation.errors.iter().copied()) {
        responses.insert(status, error.clone());
    }
    responses
}

/// Returns the name of an operation's error schema.
fn error_schema(operation: &Operation) -> &'static str {
    operation.error.unwrap_or(ERROR)
}

/// Returns an error response with this schema or the default one: the server may fail before the
/// operation begins.
fn error_response(schema: &'static str, writer: &mut Writer<'_>) -> Value {
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

/// Returns the reason phrase of a status.
fn reason(status: u16) -> &'static str {
    let status = StatusCode::from_u16(status).ok();
    status
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Done")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Collects every reference in a document.
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

    fn everything() -> Vec<Served> {
        let operations = Facts::get().operations();
        let served = operations.map(|(operation, _)| Served {
            operation,
            is_versioned: true,
            is_protected: true,
        });
        served.collect()
    }

    #[test]
    fn every_reference_resolves_and_every_component_is_used() {
        let document = document(&everything(), &[ApiVersion::V2026_04_28]);
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
                UNUSED.contains(&schema.as_str())
                    || wanted.contains(format!("#/components/schemas/{schema}").as_str()),
                "{schema}"
            );
        }
    }

    #[test]
    fn every_described_operation_can_be_written() {
        let facts = Facts::get();
        let mut writer = Writer::new(facts);
        for (name, operation) in facts.operations() {
            let responses = responses(operation, true, &mut writer);
            assert!(
                responses.keys().any(|status| (200..300).contains(status)),
                "{name}"
            );
            assert!(responses.contains_key(&401), "{name}");
            assert_eq!(
                responses.contains_key(&404),
                operation.path.contains('{')
                    || name == "CreateSnapshot"
                    || name == "DeleteSecretByQuery"
                    || name == "getWorkspaceFeatures"
                    || name == "InviteWorkspaceUser",
                "{name}"
            );
        }
        assert!(writer.schemas().len() > 100);
    }
}
