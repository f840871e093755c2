//! A place in a document, with the document around it, so that references can be followed.

use std::borrow::Cow;

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::Value;

/// Reads a text in YAML or in JSON.
pub(super) fn tree(text: &str) -> Result<Yaml<'_>, String> {
    // Nearly all JSON is YAML, but a character that JSON escapes as a pair of surrogates is not.
    if let Ok(json) = serde_json::from_str(text) {
        return Ok(yaml(json));
    }
    let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    let first = documents.into_iter().next();
    first.ok_or_else(|| "the file is empty".to_owned())
}

fn yaml(json: Value) -> Yaml<'static> {
    let text = |text: String| Yaml::Value(Scalar::String(Cow::Owned(text)));
    match json {
        Value::Null => Yaml::Value(Scalar::Null),
        Value::Bool(value) => Yaml::Value(Scalar::Boolean(value)),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Yaml::Value(Scalar::Integer(integer)),
            None => text(number.to_string()),
        },
        Value::String(value) => text(value),
        Value::Array(items) => Yaml::Sequence(items.into_iter().map(yaml).collect()),
        Value::Object(members) => {
            let members = members.into_iter();
            Yaml::Mapping(
                members
                    .map(|(name, value)| (text(name), yaml(value)))
                    .collect(),
            )
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a> {
    root: &'a Yaml<'a>,
    here: Option<&'a Yaml<'a>>,
}

impl<'a> Node<'a> {
    pub(super) fn root(root: &'a Yaml<'a>) -> Self {
        Self {
            root,
            here: Some(root),
        }
    }

    fn there(self, here: &'a Yaml<'a>) -> Self {
        Self {
            here: Some(here),
            ..self
        }
    }

    pub(super) fn member(self, name: &str) -> Option<Self> {
        let found = self.here?.as_mapping_get(name)?;
        Some(self.there(found))
    }

    /// What stands under these names, one within the other; nothing, if one is not there.
    pub(super) fn at(self, names: &[&str]) -> Self {
        let mut node = self;
        for name in names {
            node.here = node.here.and_then(|here| here.as_mapping_get(name));
        }
        node
    }

    /// The members of an object in the order of the document.
    pub(super) fn members(self) -> Vec<(String, Self)> {
        let members = self.here.and_then(Yaml::as_mapping).into_iter().flatten();
        members
            .filter_map(|(name, node)| Some((text(name)?, self.there(node))))
            .collect()
    }

    /// The elements of a list.
    pub(super) fn items(self) -> Vec<Self> {
        let items = self.here.and_then(Yaml::as_sequence).into_iter().flatten();
        items.map(|node| self.there(node)).collect()
    }

    /// A scalar as text.
    pub(super) fn text(self) -> Option<String> {
        text(self.here?)
    }

    pub(super) fn is_true(self, name: &str) -> bool {
        self.at(&[name]).here.and_then(Yaml::as_bool) == Some(true)
    }

    /// What this node refers to.
    pub(super) fn reference(self) -> Option<String> {
        self.member("$ref")?.text()
    }

    /// The node itself, or the one it refers to.
    pub(super) fn followed(self) -> Result<Self, String> {
        let mut node = self;
        // A reference may lead to another; that many in a row are a circle.
        for _ in 0..32 {
            let Some(reference) = node.reference() else {
                return Ok(node);
            };
            let names: Vec<&str> = reference
                .strip_prefix("#/")
                .map(|path| path.split('/').collect())
                .unwrap_or_default();
            node = Self::root(self.root).at(&names);
            if names.is_empty() || node.here.is_none() {
                return Err(format!("`{reference}` is not in the document"));
            }
        }
        Err("a reference leads back to itself".to_owned())
    }
}

fn text(node: &Yaml<'_>) -> Option<String> {
    match node {
        Yaml::Value(Scalar::String(text)) => Some(text.clone().into_owned()),
        Yaml::Value(Scalar::Boolean(value)) => Some(value.to_string()),
        Yaml::Value(Scalar::Integer(value)) => Some(value.to_string()),
        // `{:?}` keeps the zero of `3.0`.
        Yaml::Value(Scalar::FloatingPoint(value)) => Some(format!("{:?}", value.into_inner())),
        _ => None,
    }
}
