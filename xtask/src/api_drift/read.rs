//! The parser of OpenAPI 3.0 documents. It notes what it does not understand.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value};

use super::model::{Document, Finding, Member, Members, Operation, Shape};

/// The keys of a path item that are operations.
const METHODS: &str = "get put post delete options head patch trace";
/// The keys of a path item and of a schema that say nothing about what is compared.
const PASSED_OVER: &str = "default deprecated description example exclusiveMaximum exclusiveMinimum \
    externalDocs format maxItems maxLength maximum minItems minLength minimum parameters pattern readOnly \
    summary title uniqueItems writeOnly";
/// The keys of a schema that are compared.
const COMPARED: &str = "$ref additionalProperties allOf anyOf enum items nullable oneOf properties \
    required type";
/// References that lead to each other, and parts within parts, are followed this far.
const DEPTH: usize = 32;

const ANYTHING: Shape = Shape::Plain("anything");

/// Reads a document in YAML or in JSON.
pub(super) fn document(text: &str) -> Result<Document> {
    let root = value(text)?;
    let version = scalar(&root["openapi"]).unwrap_or_default();
    let problem = "it is no OpenAPI document of version 3.0";
    ensure!(version.starts_with("3.0"), problem);
    let server = root["servers"][0]["url"].as_str().unwrap_or_default();
    let server = server.split_once("://").map_or(server, |(_, rest)| rest);
    let base = server.split_once('/').map_or("", |(_, path)| path);
    let mut document = Document {
        base: base.to_owned(),
        ..Document::default()
    };
    let mut reader = Reader {
        root: &root,
        document: &mut document,
    };
    for (name, schema) in members(&root["components"]["schemas"]) {
        let shape = reader.shape(name, schema);
        reader.document.schemas.insert(name.clone(), shape);
    }
    let schemas = &reader.document.schemas;
    let endless = schemas.keys().filter(|name| is_endless(schemas, name));
    for name in endless.cloned().collect::<Vec<_>>() {
        let shape = reader.unknown(&name, "a schema that is nothing but itself");
        reader.document.schemas.insert(name, shape);
    }
    for (path, item) in members(&root["paths"]) {
        for (key, node) in members(item) {
            if is_in(METHODS, key) {
                reader.operation(path, key, item, node);
            } else if !is_passed_over(key) {
                reader.unknown(path, format!("the key `{key}`"));
            }
        }
    }
    Ok(document)
}

/// Reads a text as JSON if it is that, else as YAML: not all JSON is YAML.
fn value(text: &str) -> Result<Value> {
    serde_json::from_str(text).or_else(|_| {
        let documents = Yaml::load_from_str(text)?;
        json(documents.first().context("the file is empty")?)
    })
}

fn json(node: &Yaml<'_>) -> Result<Value> {
    Ok(match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => (*value).into(),
        Yaml::Value(Scalar::Integer(value)) => (*value).into(),
        Yaml::Value(Scalar::FloatingPoint(value)) => value.into_inner().into(),
        Yaml::Value(Scalar::String(text)) => text.as_ref().into(),
        Yaml::Sequence(items) => items.iter().map(json).collect::<Result<Vec<_>>>()?.into(),
        Yaml::Mapping(mapping) => {
            let members = mapping.iter().map(|(name, node)| {
                let name = scalar(&json(name)?).context("a key is no scalar")?;
                Ok((name, json(node)?))
            });
            members.collect::<Result<Map<_, _>>>()?.into()
        }
        other => bail!("it has a node that JSON has not: {other:?}"),
    })
}

/// Returns a scalar as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

fn members(node: &Value) -> impl Iterator<Item = (&String, &Value)> {
    node.as_object().into_iter().flatten()
}

fn items<'a>(node: &'a Value, key: &str) -> &'a [Value] {
    node[key].as_array().map_or(&[], Vec::as_slice)
}

fn is_in(keys: &str, key: &str) -> bool {
    keys.split_whitespace().any(|known| known == key)
}

/// Returns `true` if a key says nothing about what is compared.
fn is_passed_over(key: &str) -> bool {
    key.starts_with("x-") || is_in(PASSED_OVER, key)
}

/// Returns `true` if a schema leads back to itself with no array or object in between.
fn is_endless(schemas: &BTreeMap<String, Shape>, name: &str) -> bool {
    let (mut next, mut seen) = (vec![&schemas[name]], BTreeSet::new());
    while let Some(shape) = next.pop() {
        match shape {
            Shape::Reference(other) if other == name => return true,
            Shape::Reference(other) if seen.insert(other) => next.extend(schemas.get(other)),
            Shape::Either(choices) => next.extend(choices),
            _ => {}
        }
    }
    false
}

struct Reader<'a> {
    root: &'a Value,
    document: &'a mut Document,
}

impl<'a> Reader<'a> {
    fn unknown(&mut self, at: &str, detail: impl Into<String>) -> Shape {
        let key = format!("document {at} unknown");
        let detail = detail.into();
        self.document.unknown.insert(Finding { key, detail });
        Shape::Unknown
    }

    /// Follows references to the end.
    fn followed(&mut self, at: &str, mut node: &'a Value) -> &'a Value {
        for _ in 0..DEPTH {
            let Some(reference) = node.get("$ref") else {
                return node;
            };
            let pointer = reference.as_str().and_then(|text| text.strip_prefix('#'));
            let Some(found) = pointer.and_then(|pointer| self.root.pointer(pointer)) else {
                break;
            };
            node = found;
        }
        let reference = &node["$ref"];
        self.unknown(at, format!("the reference {reference} leads nowhere"));
        &Value::Null
    }

    fn operation(&mut self, path: &str, method: &str, item: &'a Value, node: &'a Value) {
        let method = method.to_uppercase();
        let name = scalar(&node["operationId"]).unwrap_or_else(|| format!("{method} {path}"));
        let mut query = Members::new();
        let shared = items(item, "parameters").iter();
        for parameter in shared.chain(items(node, "parameters")) {
            let parameter = self.followed(&name, parameter);
            let text = |key| parameter[key].as_str();
            match (text("in"), text("name"), parameter.get("schema")) {
                (Some("query"), Some(key), Some(schema)) => {
                    let shape = self.shape(&format!("{name}.{key}"), schema);
                    let required = parameter["required"] == true;
                    query.insert(key.to_owned(), Member { required, shape });
                }
                (Some("path" | "header" | "cookie"), _, _) => {}
                _ => _ = self.unknown(&name, format!("the parameter {parameter}")),
            }
        }
        let request = node.get("requestBody").map(|body| ("request", body));
        // Failures are read in one way, whatever the operation.
        let responses = members(&node["responses"]).map(|(status, body)| (status.as_str(), body));
        let successes = responses.filter(|(status, _)| status.starts_with('2'));
        let bodies = request.into_iter().chain(successes).map(|(key, body)| {
            let at = format!("{name}.{key}");
            let body = self.followed(&at, body);
            (key.to_owned(), self.body(&at, body))
        });
        let (bodies, path) = (bodies.collect(), path.to_owned());
        let operation = Operation {
            method,
            path,
            query,
            bodies,
        };
        if let Some(other) = self.document.operations.insert(name.clone(), operation) {
            self.unknown(&name, format!("{} has the same name", other.path));
        }
    }

    fn body(&mut self, at: &str, body: &'a Value) -> Shape {
        let content: Vec<_> = members(&body["content"]).collect();
        match content.as_slice() {
            [] => Shape::Plain("nothing"),
            [(kind, content)] if *kind == "application/json" => content
                .get("schema")
                .map_or(ANYTHING, |schema| self.shape(at, schema)),
            _ => self.unknown(at, "content of another type than application/json"),
        }
    }

    fn shape(&mut self, at: &str, node: &'a Value) -> Shape {
        let has = |keys: &str| keys.split(' ').any(|key| node.get(key).is_some());
        for (key, _) in members(node) {
            if !is_in(COMPARED, key) && !is_passed_over(key) {
                self.unknown(at, format!("the key `{key}`"));
            }
        }
        if let Some(reference) = node.get("$ref") {
            if self.followed(at, node).is_null() {
                return Shape::Unknown;
            }
            let name = reference.as_str().unwrap_or_default();
            let Some(name) = name.strip_prefix("#/components/schemas/") else {
                return self.unknown(at, format!("the reference {reference}"));
            };
            self.document.referred.insert(name.to_owned());
            return Shape::Reference(name.to_owned());
        }
        match items(node, "allOf") {
            [] => {}
            [only] if !has("properties required additionalProperties") => {
                return self.shape(at, only);
            }
            _ => return self.object(at, node),
        }
        let choices = items(node, "anyOf").iter().chain(items(node, "oneOf"));
        let mut choices: Vec<Shape> = choices.map(|choice| self.shape(at, choice)).collect();
        if !choices.is_empty() && has("properties items enum") {
            return self.unknown(at, "choices beside something else");
        }
        if choices.len() > 1 {
            return Shape::Either(choices);
        }
        if let Some(only) = choices.pop() {
            return only;
        }
        if has("enum") {
            return Shape::Values(items(node, "enum").iter().filter_map(scalar).collect());
        }
        let implied = match () {
            () if has("properties additionalProperties") => "object",
            () if has("items") => "array",
            () if node.is_object() => "anything",
            () => "",
        };
        match node.get("type").map_or(Some(implied), Value::as_str) {
            Some("object") => self.object(at, node),
            Some("array") => {
                let item = node.get("items");
                let item = item.map_or(ANYTHING, |schema| self.shape(&format!("{at}[]"), schema));
                Shape::Array(item.into())
            }
            Some("anything") => ANYTHING,
            Some("string") => Shape::Plain("string"),
            Some("integer") => Shape::Plain("integer"),
            Some("number") => Shape::Plain("number"),
            Some("boolean") => Shape::Plain("boolean"),
            _ => self.unknown(at, format!("the schema {node}")),
        }
    }

    fn object(&mut self, at: &str, node: &'a Value) -> Shape {
        let (mut found, mut required) = (Members::new(), BTreeSet::new());
        self.gather(at, node, &mut found, &mut required, DEPTH);
        for (name, member) in &mut found {
            member.required &= required.contains(name);
        }
        let additional = &node["additionalProperties"];
        let shape = match additional.is_object() {
            true => self.shape(&format!("{at}.*"), additional),
            false => ANYTHING,
        };
        if found.is_empty() {
            return Shape::Map(shape.into());
        }
        if additional.is_object() {
            let required = false;
            found.insert("*".to_owned(), Member { required, shape });
        }
        Shape::Object(found)
    }

    /// Adds the members of an object and of its parts, and the names of those that are required.
    fn gather(
        &mut self,
        at: &str,
        node: &'a Value,
        found: &mut Members,
        required: &mut BTreeSet<String>,
        depth: usize,
    ) {
        for part in items(node, "allOf") {
            if part.get("$ref").is_some()
                && let Shape::Reference(name) = self.shape(at, part)
            {
                self.document.parts.insert(name);
            }
            let part = self.followed(at, part);
            let is_object = members(part).any(|(key, _)| is_in("allOf properties required", key));
            if depth == 0 || !is_object {
                self.unknown(at, "a part that is no object, or parts without an end");
                return;
            }
            self.gather(at, part, found, required, depth - 1);
        }
        for (name, schema) in members(&node["properties"]) {
            let shape = self.shape(&format!("{at}.{name}"), schema);
            // To a reader `null` is as good as nothing.
            let required = schema["nullable"] != true;
            found.insert(name.clone(), Member { required, shape });
        }
        required.extend(items(node, "required").iter().filter_map(scalar));
    }
}
