//! An `OpenAPI` 3.0 document as operations and shapes.

mod node;
mod references;
mod schema;

use std::collections::{BTreeMap, BTreeSet};

use self::node::Node;
use self::references::{References, Use};
use super::model::{Members, Operation, Shape};

/// The fields of a path item that are operations.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// What a document says.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) operations: Vec<Operation>,
    /// The named schemas.
    pub(super) schemas: BTreeMap<String, Shape>,
    /// The objects without a name that operations answer with, alone or in an array, by operation.
    pub(super) answers: BTreeMap<String, Members>,
    /// The objects without a name that operations are sent, by operation.
    pub(super) requests: BTreeMap<String, Members>,
    references: References,
}

impl Document {
    /// Reads a document in YAML or in JSON.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let root = node::tree(text)?;
        let root = Node::root(&root);
        let version = root.member("openapi").and_then(node::Node::text);
        if !version.is_some_and(|version| version == "3.0" || version.starts_with("3.0.")) {
            return Err("it is not an OpenAPI document of version 3.0".to_owned());
        }
        let mut document = Self::default();
        for (name, schema) in root.at(&["components", "schemas"]).members() {
            document.references.note(schema, Use::Plain);
            document.schemas.insert(name, schema::shape(schema));
        }
        for (path, item) in root.at(&["paths"]).members() {
            for method in METHODS {
                if let Some(operation) = item.member(method) {
                    document.add(&path, method, item, operation)?;
                }
            }
        }
        Ok(document)
    }

    fn add(
        &mut self,
        path: &str,
        method: &str,
        item: Node<'_>,
        node: Node<'_>,
    ) -> Result<(), String> {
        let method = method.to_uppercase();
        let name = node.member("operationId").and_then(node::Node::text);
        let name = name.unwrap_or_else(|| format!("{method} {path}"));
        let mut query = BTreeSet::new();
        for parameters in [item.at(&["parameters"]), node.at(&["parameters"])] {
            for parameter in parameters.items() {
                let parameter = parameter.followed()?;
                self.references.note(parameter, Use::Plain);
                let part = |key| parameter.member(key).and_then(node::Node::text);
                if part("in").as_deref() == Some("query") {
                    query.extend(part("name"));
                }
            }
        }
        if let Some(request) = node.member("requestBody") {
            let request = request.followed()?;
            self.references.note(request, Use::Plain);
            if let Some(members) = unnamed(request) {
                self.requests.insert(name.clone(), members);
            }
        }
        for (status, response) in node.at(&["responses"]).members() {
            let response = response.followed()?;
            if status.starts_with('2') {
                self.references.note(response, Use::Plain);
                if let Some(members) = unnamed(response) {
                    self.answers.insert(name.clone(), members);
                }
            } else {
                self.references.note(response, Use::Failure);
            }
        }
        self.operations.push(Operation {
            name,
            method,
            path: path.to_owned(),
            query,
        });
        Ok(())
    }

    /// What a shape is when names are followed, except those of objects and of lists of values.
    /// `Err` says why that is not to be had.
    pub(super) fn resolve<'a>(&'a self, shape: &'a Shape) -> Result<&'a Shape, String> {
        let mut shape = shape;
        // A name may stand for another; that many in a row are a circle.
        for _ in 0..32 {
            let Shape::Named(name) = shape else {
                return Ok(shape);
            };
            match self.schemas.get(name) {
                None => return Err(format!("the document has no schema {name}")),
                Some(Shape::Object(_) | Shape::Values(_)) => return Ok(shape),
                Some(next) => shape = next,
            }
        }
        Err(format!("the document defines {shape} by itself"))
    }

    /// Whether there ought to be a type for this schema: it is an object of named members, and more
    /// than a page of others, a part of others or the description of a failure.
    pub(super) fn needs_type(&self, name: &str) -> bool {
        match self.schemas.get(name) {
            Some(Shape::Object(members)) => !is_page(members) && self.references.is_plain(name),
            _ => false,
        }
    }

    /// Whether something that a type may stand for is called so: a schema, a member of one
    /// (`Trigger.type`), or the operation of an object without a name (`CreateImage`,
    /// `CreateImage.request`).
    pub(super) fn has_name(&self, name: &str) -> bool {
        let is_member = |(owner, member): (&str, &str)| match self.schemas.get(owner) {
            Some(Shape::Object(members)) => members.contains_key(member),
            _ => member == "request" && self.requests.contains_key(owner),
        };
        self.schemas.contains_key(name)
            || self.answers.contains_key(name)
            || self.requests.contains_key(name)
            || name.split_once('.').is_some_and(is_member)
    }
}

/// Whether these are the members of a page: a list as `data`, and `meta`, which has a schema.
fn is_page(members: &Members) -> bool {
    let mut shapes = members
        .iter()
        .map(|(name, member)| (name.as_str(), &member.shape));
    matches!(shapes.next(), Some(("data", Shape::Array(_))))
        && matches!(shapes.next(), Some(("meta", Shape::Named(_))))
        && shapes.next().is_none()
}

/// The members of the object that a request or a response carries, alone or in an array, if it has
/// no name.
fn unnamed(body: Node<'_>) -> Option<Members> {
    let contents = body.at(&["content"]).members();
    let json = contents.into_iter().find(|(kind, _)| kind.contains("json"));
    let (_, content) = json?;
    let mut shape = schema::shape(content.member("schema")?);
    while let Shape::Array(element) = shape {
        shape = *element;
    }
    match shape {
        Shape::Object(members) if !is_page(&members) => Some(members),
        _ => None,
    }
}

#[cfg(test)]
impl Document {
    /// A document of these schemas and paths.
    pub(super) fn of(schemas: &str, paths: &str) -> Self {
        let indented = |text: &str, by: usize| -> String {
            let indent = " ".repeat(by);
            text.lines()
                .map(|line| format!("{indent}{line}\n"))
                .collect()
        };
        let (schemas, paths) = (indented(schemas, 4), indented(paths, 2));
        let text = format!("openapi: 3.0.3\ncomponents:\n  schemas:\n{schemas}paths:\n{paths}");
        Self::parse(&text).unwrap()
    }
}

#[cfg(test)]
mod tests;
