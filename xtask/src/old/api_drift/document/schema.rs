//! A schema object as a shape.

use std::collections::BTreeSet;

use super::node::Node;
use crate::old::api_drift::model::{Member, Members, Shape};

/// How deep parts of parts are put together.
const DEPTH: usize = 16;

pub(super) fn shape(node: Node<'_>) -> Shape {
    if let Some(reference) = node.reference() {
        return match referred(node) {
            Some(name) => Shape::Named(name),
            None => Shape::Unknown(format!("the document refers to `{reference}`")),
        };
    }
    if let Some(part) = only_part(node) {
        return shape(part);
    }
    let kind = node.member("type").and_then(super::node::Node::text);
    let kind = kind.unwrap_or_default();
    let values = node.at(&["enum"]).items();
    if !values.is_empty() && matches!(kind.as_str(), "string" | "") {
        // A null among the values says no more than `nullable` does.
        return Shape::Values(values.into_iter().filter_map(Node::text).collect());
    }
    let mut parts = Parts::default();
    if let Err(problem) = parts.gather(node, DEPTH) {
        return Shape::Unknown(problem);
    }
    if !parts.members.is_empty() {
        return Shape::Object(parts.into_members());
    }
    match kind.as_str() {
        "boolean" => Shape::Boolean,
        "integer" => Shape::Integer,
        "number" => Shape::Number,
        "string" => Shape::Text,
        "array" => Shape::Array(Box::new(inner(node, "items"))),
        "object" => Shape::Map(Box::new(inner(node, "additionalProperties"))),
        _ if node.member("items").is_some() => Shape::Array(Box::new(inner(node, "items"))),
        _ if node.member("additionalProperties").is_some() => {
            Shape::Map(Box::new(inner(node, "additionalProperties")))
        }
        // No type, or a choice among several.
        _ => Shape::Anything,
    }
}

/// The shape of what an array or a map holds: anything, if the document does not say.
fn inner(node: Node<'_>, key: &str) -> Shape {
    node.member(key).map_or(Shape::Anything, shape)
}

/// The name of the schema that a node refers to.
pub(super) fn referred(node: Node<'_>) -> Option<String> {
    let reference = node.reference()?;
    let name = reference.strip_prefix("#/components/schemas/")?;
    Some(name.to_owned())
}

/// The one part of a schema that has one and nothing beside it: a way to say more of a reference.
pub(super) fn only_part(node: Node<'_>) -> Option<Node<'_>> {
    match node.at(&["allOf"]).items().as_slice() {
        [part] if node.member("properties").is_none() => Some(*part),
        _ => None,
    }
}

/// The members of an object that is put together of parts.
#[derive(Default)]
struct Parts {
    members: Members,
    required: BTreeSet<String>,
}

impl Parts {
    fn gather(&mut self, node: Node<'_>, depth: usize) -> Result<(), String> {
        if depth == 0 {
            return Err("its parts go too deep".to_owned());
        }
        for part in node.at(&["allOf"]).items() {
            self.gather(part.followed()?, depth - 1)?;
        }
        for (name, property) in node.at(&["properties"]).members() {
            let member = Member {
                // A null is as good as nothing to a reader.
                required: !property.is_true("nullable"),
                shape: shape(property),
            };
            self.members.insert(name, member);
        }
        let required = node.at(&["required"]).items();
        self.required
            .extend(required.into_iter().filter_map(Node::text));
        Ok(())
    }

    fn into_members(self) -> Members {
        let mut members = self.members;
        for (name, member) in &mut members {
            member.required &= self.required.contains(name);
        }
        members
    }
}
