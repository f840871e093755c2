//! Conversion of shapes into schemas of an OpenAPI document.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::facts::Facts;
use super::shape::{Member, Shape};

/// Converts shapes, and collects the schemas that they refer to.
pub(super) struct Writer<'f> {
    facts: &'f Facts,
    named: BTreeSet<&'static str>,
}

impl<'f> Writer<'f> {
    pub(super) fn new(facts: &'f Facts) -> Self {
        Self {
            facts,
            named: BTreeSet::new(),
        }
    }

    /// Returns every schema referred to so far, including the indirect ones.
    pub(super) fn schemas(mut self) -> Map<String, Value> {
        let mut schemas = Map::new();
        let mut written = BTreeSet::new();
        while let Some(name) = self.named.difference(&written).next().copied() {
            written.insert(name);
            if let Some(schema) = self.facts.schema(name) {
                let mut shape = self.shape(&schema.shape);
                if schema.read_only {
                    shape["readOnly"] = true.into();
                }
                schemas.insert(name.to_owned(), shape);
            }
        }
        schemas
    }

    /// Returns the schema of a member of an object, or of a parameter.
    pub(super) fn member(&mut self, member: &Member) -> Value {
        let mut shape = self.shape(&member.shape);
        let mut more = Map::new();
        if self.facts.is_read_only(member) {
            more.insert("readOnly".to_owned(), true.into());
        }
        if member.clearable {
            more.insert("nullable".to_owned(), true.into());
        }
        if let Some(default) = &member.default {
            more.insert("default".to_owned(), default.clone());
        }
        if more.is_empty() {
            return shape;
        }
        // Other keywords beside a reference are ignored.
        if matches!(member.shape, Shape::Named(_)) {
            shape = json!({"allOf": [shape]});
        }
        if let Value::Object(shape) = &mut shape {
            shape.append(&mut more);
        }
        shape
    }

    pub(super) fn shape(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Any => json!({}),
            Shape::Boolean => json!({"type": "boolean"}),
            Shape::Number => json!({"type": "number"}),
            Shape::Integer { least, most } => {
                let mut integer = json!({"type": "integer", "format": "int64"});
                for (bound, value) in [("minimum", least), ("maximum", most)] {
                    if let Some(value) = value {
                        integer[bound] = (*value).into();
                    }
                }
                integer
            }
            Shape::Text { most: None } => json!({"type": "string"}),
            Shape::Text { most: Some(most) } => json!({"type": "string", "maxLength": most}),
            Shape::Pattern(pattern) => {
                json!({"type": "string", "pattern": format!("^{pattern}$")})
            }
            Shape::Choice(words) => json!({"type": "string", "enum": words}),
            Shape::List(item) => json!({"type": "array", "items": self.shape(item)}),
            Shape::Map(item) => {
                json!({"type": "object", "additionalProperties": self.shape(item)})
            }
            Shape::Object(members) => self.object(members),
            Shape::Named(name) => {
                self.named.insert(name);
                json!({"$ref": format!("#/components/schemas/{name}")})
            }
            Shape::Either(shapes) => match shapes.as_slice() {
                [shape] => self.shape(shape),
                shapes => {
                    let shapes: Vec<_> = shapes.iter().map(|shape| self.shape(shape)).collect();
                    json!({"anyOf": shapes})
                }
            },
        }
    }

    fn object(&mut self, members: &[Member]) -> Value {
        let properties: Map<_, _> = members
            .iter()
            .map(|member| (member.name.to_owned(), self.member(member)))
            .collect();
        let mut object = json!({"type": "object", "properties": properties});
        let required: Vec<_> = members
            .iter()
            .filter(|member| member.required)
            .map(|member| member.name)
            .collect();
        // An empty list is not valid here.
        if !required.is_empty() {
            object["required"] = required.into();
        }
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_with_a_reference_keeps_its_other_keywords() {
        let facts = Facts::get();
        let mut writer = Writer::new(facts);
        let member = |read_only, default| Member {
            name: "sort",
            shape: Shape::Named("Sort"),
            required: false,
            read_only,
            clearable: false,
            default,
        };
        let reference = json!({"$ref": "#/components/schemas/Sort"});
        assert_eq!(writer.member(&member(false, None)), reference);
        assert_eq!(
            writer.member(&member(true, Some("name:asc".into()))),
            json!({"allOf": [reference], "readOnly": true, "default": "name:asc"})
        );
    }

    #[test]
    fn a_schema_brings_the_schemas_that_it_refers_to() {
        let mut writer = Writer::new(Facts::get());
        writer.shape(&Shape::Named("Volume"));
        let schemas = writer.schemas();
        let names: Vec<_> = schemas.keys().map(String::as_str).collect();
        let wanted = [
            "CoreEvent",
            "CoreEvents",
            "Metadata",
            "MetadataLabels",
            "Volume",
            "VolumeSpec",
            "VolumeState",
        ];
        assert_eq!(names, wanted);
        assert_eq!(schemas["VolumeState"]["readOnly"], true);
        assert_eq!(schemas["Volume"]["required"], json!(["metadata", "spec"]));
        assert_eq!(schemas["Volume"]["properties"]["status"]["readOnly"], true);
        assert_eq!(schemas["Volume"]["properties"]["state"]["readOnly"], true);
    }
}
