//! Promise: inside a crate imports form no cycle, so its files can be read from the bottom up.
//!
//! A module is a file. Of the modules that one parent declares, none may reach itself by imports; what is
//! imported deep in one of them counts for it. A child may use its parent's own items, and a parent its
//! children. Re-exports are followed to the file that they are of, so no cycle hides behind a crate's root.
//! The order that `docs/architecture.md` gives the files in is one in which each comes after those that it
//! imports.

mod collect;
mod finder;
mod graph;
mod order;
mod resolve;
mod source;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use cargo_metadata::{Metadata, MetadataCommand, TargetKind};

use crate::graph::{Siblings, siblings};
use crate::order::reading_orders;
use crate::source::Tree;

/// The file that holds the reading order.
const ARCHITECTURE: &str = "docs/architecture.md";

#[test]
fn imports_form_no_cycle() {
    let mut found = String::new();
    for krate in crates() {
        for group in &krate.groups {
            for cycle in group.cycles() {
                found.push_str(&format!("{}: {cycle}", krate.name));
            }
        }
    }
    assert!(found.is_empty(), "imports form cycles:\n{found}");
}

#[test]
fn the_reading_order_is_the_order_of_imports() {
    let text = read(Path::new(ARCHITECTURE)).expect("the architecture is described");
    let given = reading_orders(&text);
    let mut wrong = String::new();
    let mut expected = Vec::new();
    for krate in crates() {
        for group in &krate.groups {
            let label = krate.label(group);
            let given = given.iter().find(|order| order.label == label);
            if given.is_none() && !group.parent.is_empty() {
                continue;
            }
            expected.push(label.clone());
            let given = given.map_or(&[][..], |order| order.modules.as_slice());
            let right = group.order(given);
            if right != given {
                let own = |module: &String| module.rsplit("::").next().map(str::to_owned);
                let names: Vec<_> = right.iter().filter_map(own).collect();
                let names = names.join("`, `");
                wrong.push_str(&format!("| `{label}` | `{names}` |\n"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{ARCHITECTURE} should have these rows in its reading order:\n{wrong}"
    );
    for order in &given {
        let label = &order.label;
        assert!(
            expected.contains(label),
            "{ARCHITECTURE}: nothing is {label}"
        );
    }
}

/// A library or program of the workspace.
struct Crate {
    name: String,
    groups: Vec<Siblings>,
}

impl Crate {
    /// Returns the label of a group of siblings, such as `blaxel-emulator::state`.
    fn label(&self, group: &Siblings) -> String {
        match group.parent.as_str() {
            "" => self.name.clone(),
            parent => format!("{}::{parent}", self.name),
        }
    }
}

/// The crates of the workspace that have more than one module.
fn crates() -> &'static [Crate] {
    static CRATES: OnceLock<Vec<Crate>> = OnceLock::new();
    CRATES.get_or_init(|| {
        let metadata = metadata();
        let mut crates = Vec::new();
        for package in metadata.workspace_packages() {
            for target in &package.targets {
                if !target.is_kind(TargetKind::Lib) && !target.is_kind(TargetKind::Bin) {
                    continue;
                }
                let root = target.src_path.strip_prefix(&metadata.workspace_root);
                let root = root.expect("the sources are in the workspace");
                let tree = Tree::read(root.as_std_path(), &read);
                let groups = siblings(&tree);
                if !groups.is_empty() {
                    let name = package.name.to_string();
                    crates.push(Crate { name, groups });
                }
            }
        }
        assert!(
            crates.len() > 5,
            "the crates of the workspace are not found"
        );
        crates
    })
}

fn metadata() -> &'static Metadata {
    static METADATA: OnceLock<Metadata> = OnceLock::new();
    METADATA.get_or_init(|| {
        let mut command = MetadataCommand::new();
        command.current_dir(env!("CARGO_MANIFEST_DIR")).no_deps();
        command
            .exec()
            .expect("cargo metadata describes the workspace")
    })
}

/// Reads a file by its path from the root of the workspace.
fn read(file: &Path) -> Option<String> {
    let root = PathBuf::from(metadata().workspace_root.as_std_path());
    std::fs::read_to_string(root.join(file)).ok()
}
