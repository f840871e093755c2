//! The schemas of the API, from the emulator's OpenAPI document.

use std::collections::BTreeMap;

use blaxel_core::{Body, open, response};
use blaxel_emulator::Emulator;
use serde_json::{Value, json};

/// Members that are declared as objects of any kind, and are maps of strings.
const MAPS_OF_TEXTS: &[(&str, &str)] = &[
    ("DrivePermission", "labels"),
    ("JobExecutionSpec", "envOverride"),
];

/// Returns the OpenAPI document that the emulator serves.
pub async fn document() -> Value {
    let emulator = Emulator::offline();
    let address = emulator.url().replace("/v0", "/openapi.json");
    let request = http::Request::get(address).body(Body::empty()).unwrap();
    let response = open(&emulator.service(), request).await.unwrap();
    let text = response::collect(response.into_body(), 1 << 24)
        .await
        .unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// All schemas by their names, and unnamed schemas by their operations: of responses as
/// `CreateImage`, of requests as `CreateImage.request`.
pub struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    pub async fn read() -> Self {
        Self::of(&document().await)
    }

    fn of(document: &Value) -> Self {
        let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let mut schemas: BTreeMap<_, _> = members(&document["components"]["schemas"])
            .into_iter()
            .collect();
        for (schema, member) in MAPS_OF_TEXTS {
            let schema = schemas.get_mut(*schema).unwrap();
            let map = json!({"type": "object", "additionalProperties": {"type": "string"}});
            schema["properties"][member] = map;
        }
        let paths = members(&document["paths"]);
        for operation in paths
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
        {
            let name = operation["operationId"].as_str().unwrap();
            let mut add = |name: &str, body: &Value| {
                let schema = &body["content"]["application/json"]["schema"];
                let has_name = schema.get("$ref").is_some();
                if schema.is_object() && !has_name {
                    schemas.insert(name.to_owned(), schema.clone());
                }
            };
            add(&format!("{name}.request"), &operation["requestBody"]);
            for (_, response) in members(&operation["responses"]) {
                add(name, &response);
            }
        }
        Self(schemas)
    }

    pub fn named(&self, name: &str) -> &Value {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("there is no schema {name}"))
    }

    /// Follows a reference to the schema itself.
    pub fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap();
            return self.resolved(self.named(name));
        }
        match schema["allOf"].as_array().map(Vec::as_slice) {
            Some([only]) => self.resolved(only),
            _ => schema,
        }
    }

    /// Returns the variant of `anyOf` that matches the JSON type of a document.
    fn choice<'a>(&'a self, choices: &'a [Value], document: &Value) -> Option<&'a Value> {
        let mut choices = choices.iter().map(|choice| self.resolved(choice));
        choices.find(|choice| match choice["type"].as_str() {
            Some("object") => document.is_object(),
            Some("array") => document.is_array(),
            Some("string") => document.is_string(),
            Some("integer" | "number") => document.is_number(),
            Some("boolean") => document.is_boolean(),
            _ => true,
        })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Collects the known members of `read` that differ in `written`, the document that was written
    /// back.
    pub fn lost(
        &self,
        schema: &Value,
        read: &Value,
        written: &Value,
        at: &str,
        lost: &mut Vec<String>,
    ) {
        let schema = self.resolved(schema);
        if let Some(choices) = schema["anyOf"].as_array() {
            return match self.choice(choices, written) {
                // A list of an older version is a bare array. It is written as a page, whose items
                // may have fewer members.
                Some(page) if read.is_array() && written.is_object() => {
                    let items = &page["properties"]["data"];
                    self.lost(items, read, &written["data"], at, lost);
                }
                Some(choice) => self.lost(choice, read, written, at, lost),
                None => lost.push(format!("{at}: {written} is none of the choices")),
            };
        }
        match (read, written) {
            (Value::Object(read), Value::Object(written)) => {
                let every = schema.get("additionalProperties");
                for (name, value) in read {
                    let Some(schema) = every.or_else(|| schema["properties"].get(name)) else {
                        continue;
                    };
                    match written.get(name) {
                        // A null may be omitted, or written as the empty value of its type.
                        _ if value.is_null() => {}
                        None if value == "" => {}
                        written => {
                            let written = written.unwrap_or(&Value::Null);
                            self.lost(schema, value, written, &format!("{at}/{name}"), lost);
                        }
                    }
                }
            }
            (Value::Array(read), Value::Array(written)) if read.len() == written.len() => {
                for (index, (read, written)) in read.iter().zip(written).enumerate() {
                    let at = format!("{at}/{index}");
                    self.lost(&schema["items"], read, written, &at, lost);
                }
            }
            _ if read == written => {}
            // A number without a fraction is written as an integer.
            (Value::Number(read), Value::Number(written)) if read.as_f64() == written.as_f64() => {}
            // A duration is a string in the API, and a number of seconds in some responses.
            (Value::Number(seconds), Value::String(period)) if *period == format!("{seconds}s") => {
            }
            _ => lost.push(format!("{at}: {read} became {written}")),
        }
    }
}
