//! The OpenAPI document of what the emulator serves.

use std::collections::BTreeMap;

use blaxel_core::ApiVersion;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::facts::{Facts, Operation, UNUSED, placeholders};
use super::links::links;
use super::shape::Shape;
use super::write::Writer;

/// The schema of a failure, unless an operation has another one.
const ERROR: &str = "Error";
/// The base of the operations' paths.
const BASE: &str = "/v0";
/// The header that each answer has.
const REQUEST_ID: &str = "x-request-id";

/// An operation that is served.
pub(crate) struct Served {
    pub(crate) operation: &'static str,
    /// It asks for a known version.
    pub(crate) is_versioned: bool,
    /// It asks for a credential.
    pub(crate) is_protected: bool,
}

/// Returns the document of those operations that are served and known, in these versions of the API,
/// with all schemas.
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
        let kind = error(operation);
        refusals.insert(kind, refused(kind, &mut writer));
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
    let error = json!({"$ref": format!("#/components/responses/{}", error(operation))});
    for status in usual.chain(operation.errors.iter().copied()) {
        responses.insert(status, error.clone());
    }
    responses
}

/// The name of the schema that an operation's failures have.
fn error(operation: &Operation) -> &'static str {
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
    fn whatever_is_referred_to_is_there_and_the_other_way_round() {
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
    fn facts_of_all_operations_can_be_written() {
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
                    || name == "getWorkspaceFeatures"
                    || name == "InviteWorkspaceUser",
                "{name}"
            );
        }
        assert!(writer.schemas().len() > 100);
    }
}
