//! What our sources declare, as operations and shapes. They are parsed, not compiled: types are
//! told by their names and by the conventions of the crate.

mod attributes;
mod declared;
mod operations;
mod shapes;
mod sources;

use std::collections::BTreeMap;
use std::path::Path;

use self::declared::Declarations;
use self::sources::Source;
use super::model::{Operation, Shape};

/// What the sources declare.
#[derive(Debug, Default)]
pub(super) struct Ours {
    pub(super) operations: Vec<Operation>,
    /// The types by module and name, such as `agents::AgentSpec`.
    pub(super) types: BTreeMap<String, Type>,
    /// What was found but cannot be understood: where, and why.
    pub(super) unreadable: Vec<(String, String)>,
}

/// A type that has a name of its own: an object, or a list of values.
#[derive(Debug)]
pub(super) struct Type {
    /// Its name, if that may be the name of a schema.
    pub(super) name: Option<String>,
    /// The schemas, members or operations that it stands for whatever its name is.
    pub(super) aliases: Vec<String>,
    /// Whether the crate that is compared declares it, and not one below.
    pub(super) home: bool,
    pub(super) shape: Shape,
}

impl Ours {
    /// Reads the sources of the management facade, and of the core below it.
    pub(super) fn read(root: &Path) -> Result<Self, String> {
        Ok(Self::of(&sources::read(root)?))
    }

    fn of(sources: &[Source]) -> Self {
        let declarations = Declarations::collect(sources);
        let mut ours = Self {
            types: shapes::types(&declarations),
            unreadable: declarations.unreadable.clone(),
            ..Self::default()
        };
        for source in sources.iter().filter(|source| source.home) {
            operations::collect(source, &declarations, &mut ours);
        }
        ours
    }

    /// What a shape is when names are followed to the end.
    pub(super) fn resolve<'a>(&'a self, shape: &'a Shape) -> &'a Shape {
        resolve(&self.types, shape)
    }

    /// Whether a type stands for the schema of that name.
    pub(super) fn stands_for(&self, name: &str, schema: &str) -> bool {
        chain(&self.types, name).any(|known| {
            let is_name = known.name.as_deref() == Some(schema);
            known.has_alias(schema) || (is_name && self.aliased(schema).next().is_none())
        })
    }

    /// The types that have an alias.
    pub(super) fn aliased<'a>(&'a self, alias: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self
            .types
            .iter()
            .filter(|(_, known)| known.has_alias(alias));
        found.map(|(name, _)| name.as_str())
    }
}

/// The type of that name, and those that it is another name for.
fn chain<'a>(types: &'a BTreeMap<String, Type>, name: &'a str) -> impl Iterator<Item = &'a Type> {
    let next = |known: &&'a Type| match &known.shape {
        Shape::Named(name) => types.get(name),
        _ => None,
    };
    // An alias stands for what it is an alias of; that many in a row are a circle.
    std::iter::successors(types.get(name), next).take(32)
}

fn resolve<'a>(types: &'a BTreeMap<String, Type>, shape: &'a Shape) -> &'a Shape {
    match shape {
        Shape::Named(name) => chain(types, name).last().map_or(shape, |end| &end.shape),
        _ => shape,
    }
}

impl Type {
    fn has_alias(&self, name: &str) -> bool {
        self.aliases.iter().any(|alias| alias == name)
    }
}

#[cfg(test)]
impl Ours {
    /// Files of the management facade by their names, and one of the core.
    pub(super) fn in_snippets(management: &[(&str, &str)], core: &str) -> Self {
        let mut sources = Vec::new();
        for (file, text) in management {
            let file = format!("crates/blaxel-management/src/{file}");
            sources.push(sources::parse(&file, text, true).unwrap());
        }
        let file = "crates/blaxel-core/src/page.rs";
        sources.push(sources::parse(file, core, false).unwrap());
        Self::of(&sources)
    }
}

#[cfg(test)]
mod tests;
