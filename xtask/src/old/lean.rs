//! `cargo xtask lean`: whether our crates cost their users no more to compile than `lean.toml` allows.

mod budget;
mod compare;
mod entry;
mod time;
mod tree;

use std::fs;
use std::path::Path;

use budget::Budget;
use entry::Entry;
use tree::Tree;

use crate::old::ci::say;
use crate::old::workspace::Workspace;

/// Where the budgets are.
const FILE: &str = "lean.toml";

/// What one entry costs.
#[derive(Debug)]
struct Figures {
    entry: Entry,
    tree: Tree,
    /// The processor time of a cold check as a multiple of the control's, if it was taken.
    time: Option<f64>,
}

/// Runs the command with its arguments. `Ok` tells whether all is within the budgets.
pub(crate) fn command(root: &Path, arguments: &[String]) -> Result<bool, String> {
    let mut update = false;
    let mut counts_only = false;
    let mut scope = Scope::default();
    for argument in arguments {
        match argument.as_str() {
            "--update" => update = true,
            "--crates" => counts_only = true,
            option if option.starts_with('-') => {
                return Err(format!(
                    "`lean` has no option `{option}`; the options are `--update` and `--crates`"
                ));
            }
            package => scope.0.push(package.to_owned()),
        }
    }
    let workspace = Workspace::read(root)?;
    scope.check(&workspace)?;
    let path = root.join(FILE);
    let text = fs::read_to_string(&path).map_err(|error| format!("{FILE}: {error}"))?;
    let mut budget = Budget::parse(&text).map_err(|error| format!("{FILE}: {error}"))?;
    let mut figures = count(root, &workspace, &scope)?;
    if !counts_only {
        time::measure(root, &mut figures, &budget)?;
    }
    if !update {
        let complaints = compare::complaints(&figures, &budget, &scope, !counts_only);
        print!("{}", compare::report(&figures, &budget, &complaints));
        return Ok(complaints.is_empty());
    }
    let changes = budget.update(&figures, &scope);
    fs::write(&path, budget.to_string()).map_err(|error| format!("{FILE}: {error}"))?;
    for change in &changes {
        say(change);
    }
    if changes.is_empty() {
        say(&format!("{FILE} is as it was"));
    }
    Ok(true)
}

/// The check of the counts alone, as `cargo xtask ci` runs it.
pub(crate) fn check_counts(root: &Path) -> Result<bool, String> {
    command(root, &["--crates".to_owned()])
}

/// Lists what each entry compiles.
fn count(root: &Path, workspace: &Workspace, scope: &Scope) -> Result<Vec<Figures>, String> {
    let packages = workspace.packages.iter();
    let entries = packages
        .filter(|package| scope.holds(&package.name))
        .flat_map(entry::of);
    entries
        .map(|entry| {
            let tree = Tree::of(root, &entry)?;
            Ok(Figures {
                entry,
                tree,
                time: None,
            })
        })
        .collect()
}

/// The packages that are looked at: those named, or all.
#[derive(Debug, Default)]
struct Scope(Vec<String>);

impl Scope {
    fn holds(&self, package: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|name| name == package)
    }

    fn check(&self, workspace: &Workspace) -> Result<(), String> {
        let mut names = self.0.iter();
        match names.find(|name| workspace.package(name).is_none()) {
            None => Ok(()),
            Some(unknown) => Err(format!("no package `{unknown}` is published from here")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_option_is_answered_with_the_known_ones() {
        let message = command(&crate::old::root(), &["--fast".to_owned()]).unwrap_err();
        for word in ["`--fast`", "`--update`", "`--crates`"] {
            assert!(message.contains(word), "{message}");
        }
        let message = command(&crate::old::root(), &["xtask".to_owned()]).unwrap_err();
        assert!(message.contains("`xtask`"), "{message}");
    }

    #[test]
    fn every_entry_of_this_workspace_has_a_budget() {
        let root = crate::old::root();
        let budget = Budget::parse(&fs::read_to_string(root.join(FILE)).unwrap()).unwrap();
        let workspace = Workspace::read(&root).unwrap();
        for entry in workspace.packages.iter().flat_map(entry::of) {
            let limit = budget.limit(&entry).unwrap();
            assert!(limit.crates > 0 && limit.time > Some(0.0), "{entry}");
        }
    }
}
