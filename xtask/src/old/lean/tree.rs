//! Which crates a user of ours compiles, by what `cargo tree` says of them.

use std::collections::BTreeSet;
use std::path::Path;

use super::entry::Entry;
use crate::old::ci::cargo_in;
use crate::old::outside::{Compiled, Features};
use crate::old::run::ask;

/// The platform that the budgets are for. It differs from others by a handful of crates, and counts
/// are those of this one wherever they are taken.
pub(super) const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// The crates that an entry compiles, itself among them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    /// In order, each once.
    pub(super) crates: Vec<Compiled>,
}

impl Tree {
    /// Asks cargo.
    ///
    /// It resolves features for the package named and no other, without those that its tests need,
    /// so that the workspace gives what a crate outside would get; `lean` without `--crates` holds
    /// this against what is compiled outside.
    pub(super) fn of(root: &Path, entry: &Entry) -> Result<Self, String> {
        let mut cargo = cargo_in(root);
        cargo.args(["tree", "--locked", "--package", &entry.package]);
        match &entry.features {
            Features::Default => {}
            Features::Bare => {
                cargo.arg("--no-default-features");
            }
            Features::Only(feature) => {
                cargo.args(["--no-default-features", "--features", feature]);
            }
        }
        cargo.args(["--edges", "normal,build", "--target", PLATFORM]);
        cargo.args(["--prefix", "none"]);
        Self::parse(&ask(&mut cargo, &format!("`cargo tree` of {entry}"))?)
    }

    fn parse(said: &str) -> Result<Self, String> {
        let lines = said.lines().filter(|line| !line.trim().is_empty());
        let crates = lines.map(|line| {
            Compiled::parse(line)
                .ok_or_else(|| format!("`cargo tree` says what cannot be understood: {line}"))
        });
        let crates = crates.collect::<Result<BTreeSet<_>, _>>()?;
        if crates.is_empty() {
            return Err("`cargo tree` lists nothing".to_owned());
        }
        Ok(Self {
            crates: crates.into_iter().collect(),
        })
    }

    /// The names of the crates, as often as there are versions.
    pub(super) fn names(&self) -> Vec<&str> {
        self.crates
            .iter()
            .map(|krate| krate.name.as_str())
            .collect()
    }

    /// Compares the crates with those that were compiled.
    pub(super) fn agrees_with(&self, compiled: &[Compiled]) -> Result<(), String> {
        let counted: BTreeSet<&Compiled> = self.crates.iter().collect();
        let compiled: BTreeSet<&Compiled> = compiled.iter().collect();
        let list = |one: &BTreeSet<&Compiled>, other: &BTreeSet<&Compiled>| {
            let only: Vec<String> = one.difference(other).map(ToString::to_string).collect();
            if only.is_empty() {
                "none".to_owned()
            } else {
                only.join(", ")
            }
        };
        if counted == compiled {
            return Ok(());
        }
        Err(format!(
            "`cargo tree` and `cargo check` disagree; only counted: {}; only compiled: {}",
            list(&counted, &compiled),
            list(&compiled, &counted)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "kite v0.1.0 (/kites/kite)\n\
                        air v1.2.0\n\
                        derive v2.0.0 (proc-macro)\n\
                        \n\
                        air v1.2.0 (*)\n\
                        derive v2.0.0 (proc-macro) (*)\n\
                        air v2.0.1\n";

    fn shown(crates: &[Compiled]) -> Vec<String> {
        crates.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_crate_counts_once_in_each_version_however_often_it_is_listed() {
        let tree = Tree::parse(SAID).unwrap();
        assert_eq!(
            shown(&tree.crates),
            ["air 1.2.0", "air 2.0.1", "derive 2.0.0", "kite 0.1.0"]
        );
        assert_eq!(tree.names(), ["air", "air", "derive", "kite"]);
    }

    #[test]
    fn what_is_not_a_tree_is_refused() {
        assert!(Tree::parse("").unwrap_err().contains("nothing"));
        let refusal = Tree::parse("kite\n").unwrap_err();
        assert!(refusal.contains("understood: kite"), "{refusal}");
    }

    #[test]
    fn a_disagreement_names_the_crates_of_both_sides() {
        let tree = Tree::parse("kite v1.0.0\nair v1.0.0\n").unwrap();
        let compiled = |names: [&str; 2]| names.map(|name| Compiled::parse(name).unwrap());
        assert_eq!(
            tree.agrees_with(&compiled(["kite v1.0.0", "air v1.0.0"])),
            Ok(())
        );
        let told = tree.agrees_with(&compiled(["kite v1.0.0", "rain v3.0.0"]));
        assert_eq!(
            told.unwrap_err(),
            "`cargo tree` and `cargo check` disagree; only counted: air 1.0.0; only compiled: rain \
             3.0.0"
        );
    }
}
