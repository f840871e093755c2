//! Reading: the files of a crate become a tree of modules.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::Item;
use syn::ext::IdentExt as _;
use syn::visit::Visit as _;

use crate::collect::{Collector, Mention, attributes, is_for_tests};

/// The modules of one crate. The first one is its root.
pub(crate) struct Tree {
    pub(crate) modules: Vec<Module>,
    /// The `macro_rules!` macros by name, with the module that defines each.
    pub(crate) macros: BTreeMap<String, usize>,
}

#[derive(Default)]
pub(crate) struct Module {
    /// The path from the crate's root, such as `state::kind`; empty for the root.
    pub(crate) path: String,
    pub(crate) file: PathBuf,
    pub(crate) parent: Option<usize>,
    pub(crate) children: BTreeMap<String, usize>,
    /// The names of the items that it defines itself.
    pub(crate) items: BTreeSet<String>,
    /// The names that its `use` items bring in, with the path that each stands for.
    pub(crate) names: Vec<(String, Vec<String>)>,
    /// The modules of which it brings in everything.
    pub(crate) globs: Vec<Vec<String>>,
    pub(crate) mentions: Vec<Mention>,
}

/// Gives the text of a file, if there is one.
pub(crate) type Files<'a> = &'a dyn Fn(&Path) -> Option<String>;

impl Tree {
    /// Reads the crate that has this root file, such as `src/lib.rs`.
    ///
    /// # Panics
    ///
    /// If a file is missing or is not Rust.
    pub(crate) fn read(root: &Path, files: Files<'_>) -> Self {
        let mut tree = Self {
            modules: vec![Module {
                file: root.to_owned(),
                ..Module::default()
            }],
            macros: BTreeMap::new(),
        };
        let directory = root.parent().unwrap_or(Path::new("")).to_owned();
        let syntax = parse(root, files);
        tree.fill(0, &directory, &syntax.items, files);
        tree
    }

    /// Returns `true` if a module is a file, not a block in one.
    pub(crate) fn has_file(&self, module: usize) -> bool {
        self.of_file(module) == module
    }

    /// Returns the module whose file holds a module.
    pub(crate) fn of_file(&self, module: usize) -> usize {
        match self.modules[module].parent {
            Some(parent) if self.modules[parent].file == self.modules[module].file => {
                self.of_file(parent)
            }
            _ => module,
        }
    }

    /// Takes in the items of a module, whose children have their files in this directory.
    fn fill(&mut self, module: usize, directory: &Path, items: &[Item], files: Files<'_>) {
        let mut collector = Collector::default();
        for item in items.iter().filter(|item| !is_for_tests(attributes(item))) {
            collector.visit_item(item);
            if let Item::Mod(child) = item {
                self.fill_child(module, directory, child, files);
            }
        }
        for (name, is_exported) in collector.macros {
            if is_exported {
                let mut path = vec!["crate".to_owned()];
                path.extend(split(&self.modules[module].path));
                path.push(name.clone());
                self.modules[0].names.push((name.clone(), path));
            }
            collector.items.insert(name.clone());
            self.macros.insert(name, module);
        }
        let module = &mut self.modules[module];
        module.items = collector.items;
        module.names.extend(collector.names);
        module.globs = collector.globs;
        module.mentions = collector.mentions;
    }

    fn fill_child(
        &mut self,
        parent: usize,
        directory: &Path,
        child: &syn::ItemMod,
        files: Files<'_>,
    ) {
        let name = child.ident.unraw().to_string();
        let within = directory.join(&name);
        let (file, items) = match &child.content {
            Some((_, items)) => (self.modules[parent].file.clone(), items.clone()),
            None => {
                let beside = directory.join(format!("{name}.rs"));
                let inside = within.join("mod.rs");
                let file = if files(&beside).is_some() {
                    beside
                } else {
                    inside
                };
                let syntax = parse(&file, files);
                if is_for_tests(&syntax.attrs) {
                    return;
                }
                (file, syntax.items)
            }
        };
        let mut path = self.modules[parent].path.clone();
        if !path.is_empty() {
            path.push_str("::");
        }
        path.push_str(&name);
        let index = self.modules.len();
        self.modules.push(Module {
            path,
            file,
            parent: Some(parent),
            ..Module::default()
        });
        self.modules[parent].children.insert(name, index);
        self.fill(index, &within, &items, files);
    }
}

fn parse(file: &Path, files: Files<'_>) -> syn::File {
    let text = files(file).unwrap_or_else(|| panic!("{} is missing", file.display()));
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The segments of a path such as `state::kind`; none of an empty one.
pub(crate) fn split(path: &str) -> impl Iterator<Item = String> {
    let segments = path.split("::").filter(|segment| !segment.is_empty());
    segments.map(str::to_owned)
}
