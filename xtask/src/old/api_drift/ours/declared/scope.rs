//! Where a name is written, which decides about what it means.

use std::collections::BTreeMap;

use syn::{Ident, Item, UseTree};

/// A module, with what it imports.
pub(in crate::old::api_drift::ours) struct Scope {
    pub(in crate::old::api_drift::ours) module: Vec<String>,
    /// Whether it belongs to the crate that is compared.
    pub(in crate::old::api_drift::ours) home: bool,
    imports: BTreeMap<String, Vec<String>>,
}

impl Scope {
    pub(super) fn new(module: Vec<String>, home: bool, items: &[Item]) -> Self {
        let mut imports = BTreeMap::new();
        for item in items {
            if let Item::Use(item) = item {
                import(&item.tree, Vec::new(), &mut imports);
            }
        }
        Self {
            module,
            home,
            imports,
        }
    }

    /// A module inside this one.
    pub(super) fn inner(&self, name: &Ident, items: &[Item]) -> Self {
        let module = self.module.iter().cloned().chain([name.to_string()]);
        Self::new(module.collect(), self.home, items)
    }

    /// A path with its first name as the import of that name has it.
    pub(super) fn full(&self, path: &syn::Path) -> Vec<String> {
        let mut names = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        let first = names.next().unwrap_or_default();
        let mut full = self
            .imports
            .get(&first)
            .cloned()
            .unwrap_or_else(|| vec![first]);
        full.extend(names);
        full
    }
}

fn import(tree: &UseTree, mut path: Vec<String>, imports: &mut BTreeMap<String, Vec<String>>) {
    match tree {
        UseTree::Path(step) => {
            path.push(step.ident.to_string());
            import(&step.tree, path, imports);
        }
        UseTree::Name(name) => {
            path.push(name.ident.to_string());
            imports.insert(name.ident.to_string(), path);
        }
        UseTree::Rename(name) => {
            path.push(name.ident.to_string());
            imports.insert(name.rename.to_string(), path);
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                import(tree, path.clone(), imports);
            }
        }
        UseTree::Glob(_) => {}
    }
}

/// Those that a full path can mean. Of several of one name it is the one in the module that the
/// path names, else the one beside, else the one of the crate that is compared. Re-exports are not
/// followed.
pub(super) fn narrow<'a, T>(
    candidates: &'a [T],
    path: &[String],
    from: &Scope,
    scope: impl Fn(&T) -> &Scope,
) -> Vec<&'a T> {
    let modules = path.split_last().map(|(_, modules)| modules);
    let modules = modules.unwrap_or_default();
    let said: Vec<&String> = modules
        .iter()
        .filter(|name| !matches!(name.as_str(), "crate" | "self" | "super"))
        .collect();
    let is_named = |scope: &Scope| {
        !said.is_empty()
            && scope
                .module
                .iter()
                .rev()
                .zip(said.iter().rev())
                .all(|(a, b)| a == *b)
            && scope.module.len() >= said.len()
    };
    let is_beside = |scope: &Scope| scope.module == from.module && scope.home == from.home;
    let is_home = |scope: &Scope| scope.home;
    let rules: [&dyn Fn(&Scope) -> bool; 3] = [&is_named, &is_beside, &is_home];
    for rule in rules {
        let fitting: Vec<&T> = candidates.iter().filter(|one| rule(scope(one))).collect();
        if fitting.len() == 1 {
            return fitting;
        }
    }
    candidates.iter().collect()
}
