//! Resolving: a path leads through modules, and re-exports lead it to others.

use std::collections::BTreeSet;

use crate::collect::{Mention, MentionKind};
use crate::source::Tree;

/// The modules that a path leads through, re-exports included.
#[derive(Default)]
pub(crate) struct Used {
    pub(crate) modules: BTreeSet<usize>,
    seen: BTreeSet<(usize, Vec<String>)>,
}

impl Used {
    pub(crate) fn resolve(&mut self, tree: &Tree, from: usize, mention: &Mention) {
        match (mention.kind, mention.segments.as_slice()) {
            // A macro is known by its name after its definition, without any import.
            (MentionKind::Macro, [name]) => {
                self.enter(tree, from, &mention.segments);
                if self.modules.len() == 1 {
                    self.modules.extend(tree.macros.get(name));
                }
            }
            // A single name is a local variable rather than a module.
            (MentionKind::Path, [name]) if tree.modules[from].children.contains_key(name) => {}
            _ => self.follow(tree, from, &mention.segments),
        }
    }

    /// Follows a path as it is written in a module.
    fn follow(&mut self, tree: &Tree, from: usize, path: &[String]) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        match (first.as_str(), tree.modules[from].parent) {
            ("crate", _) => self.enter(tree, 0, rest),
            ("self", _) => self.enter(tree, from, rest),
            ("super", Some(parent)) if rest.first().is_some_and(|next| next == "super") => {
                self.follow(tree, parent, rest);
            }
            ("super", Some(parent)) => self.enter(tree, parent, rest),
            _ => self.enter(tree, from, path),
        }
    }

    /// Looks a path up in a module: among its children, then among what it brings in.
    fn enter(&mut self, tree: &Tree, here: usize, path: &[String]) {
        self.modules.insert(here);
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        if !self.seen.insert((here, path.to_vec())) {
            return;
        }
        let module = &tree.modules[here];
        let child = module.children.get(first);
        if let Some(&child) = child {
            self.enter(tree, child, rest);
        }
        if child.is_some() && !rest.is_empty() {
            return;
        }
        let mut is_found = child.is_some() || module.items.contains(first);
        for (_, stands_for) in module.names.iter().filter(|(name, _)| name == first) {
            is_found = true;
            // `use anyhow::anyhow` leads out of the crate: a module of that name was found above.
            if stands_for.first() != Some(first) {
                self.follow(tree, here, &[stands_for, rest].concat());
            }
        }
        if !is_found {
            for glob in &module.globs {
                self.follow(tree, here, &[glob, path].concat());
            }
        }
    }
}
