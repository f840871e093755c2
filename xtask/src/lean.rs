//! `cargo xtask lean`: the number of crates that users compile with ours, compared with `lean.toml`.
//!
//! The times that compiling takes are measured by `cargo xtask bench compile`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use toml_edit::{DocumentMut, Item, Table, Value};
use xshell::Shell;

use crate::public_api::difference;
use crate::shell::cargo;
use crate::workspace::Workspace;

const FILE: &str = "lean.toml";

/// The platform of all numbers. Others differ from it by a handful of crates.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// The choice of no features.
const BARE: &str = "bare";

/// The names of the crates compiled, one a line and one for each version, by package and choice of its
/// features: none, or one of them, which may be `default`.
type Trees = BTreeMap<(String, String), String>;

/// Compares these packages, or all, with their budgets, or sets these.
pub(crate) fn run(sh: &Shell, packages: &[String], update: bool) -> Result<()> {
    let mut trees = Trees::new();
    for package in Workspace::read(sh)?.select(packages)? {
        let mut choices = vec![BARE];
        choices.extend(package.features.keys().map(String::as_str));
        for choice in choices {
            let tree = tree(sh, &package.name, choice)?;
            trees.insert((package.name.to_string(), choice.to_owned()), tree);
        }
    }
    let mut document = sh.read_file(FILE)?.parse().context(FILE)?;
    let differences = set(&mut document, &trees, packages).context(FILE)?;
    for (_, difference) in &differences {
        println!("{difference}");
    }
    if update {
        return Ok(sh.write_file(FILE, document.to_string())?);
    }
    ensure!(
        !differences.iter().any(|(is_complaint, _)| *is_complaint),
        "{FILE} does not allow what users compile: see above; if it is worth that, run `cargo \
         xtask lean --update`, and say why in the commit"
    );
    Ok(())
}

/// Returns the crates that users of a package compile.
///
/// Cargo resolves the features of this package alone, without those that its tests need, as it does
/// for a package outside of the workspace.
fn tree(sh: &Shell, package: &str, choice: &str) -> Result<String> {
    let feature = if choice == BARE { "" } else { choice };
    let tree = cargo(sh, "tree --locked --edges normal,build --prefix none")
        .args(["--package", package, "--target", PLATFORM])
        .args(["--no-default-features", "--features", feature]);
    Ok(names(&tree.quiet().read()?))
}

/// Reads the names from lines such as `serde_derive v1.0.0 (proc-macro) (*)`.
fn names<'a>(tree: &'a str) -> String {
    let krate = |line: &'a str| {
        let mut words = line.split(' ');
        Some((words.next()?, words.next()?))
    };
    let crates: BTreeSet<(&str, &str)> = tree.lines().filter_map(krate).collect();
    let names: Vec<&str> = crates.into_iter().map(|(name, _)| name).collect();
    names.join("\n")
}

/// Sets the budgets of these packages, or all, to these trees, and leaves all else in the file as people
/// wrote it. Returns the differences, and whether each is a complaint.
fn set(file: &mut DocumentMut, trees: &Trees, packages: &[String]) -> Result<Vec<(bool, String)>> {
    let mut differences = Vec::new();
    for ((package, choice), tree) in trees {
        let name = format!("[{package}.{choice}]");
        let (list, bare) = match choice.as_str() {
            BARE => ("packages", None),
            _ => ("adds", trees.get(&(package.clone(), BARE.to_owned()))),
        };
        let names = difference(bare.map_or("", String::as_str), tree).added;
        let count = i64::try_from(tree.lines().count())?;
        let table = child(file.as_table_mut(), package);
        let table = table.and_then(|choices| child(choices, choice));
        let table = table.with_context(|| format!("{name} is no table"))?;
        let allowed = table.get("crates").and_then(Item::as_integer);
        let known = table.get(list).and_then(Item::as_array);
        let known = known.into_iter().flatten().filter_map(Value::as_str);
        let known = known.collect::<Vec<_>>().join("\n");
        let change = difference(&known, &names.join("\n"));
        if allowed == Some(count) && change.is_empty() {
            continue;
        }
        let new = change.added.iter().map(|name| format!(", new {name}"));
        let new = new.collect::<String>();
        differences.push(match allowed {
            None => (true, format!("{name}: {count} crates, and no budget")),
            // New crates are no complaint if others have gone, but they are named.
            Some(allowed) => {
                let text = format!("{name}: {count} crates, {allowed} allowed{new}");
                (count > allowed, text)
            }
        });
        put(table, "crates", count.into());
        if !change.is_empty() || allowed.is_none() {
            put(table, list, wrapped(&names).parse()?);
        }
    }
    for (package, choices) in file.iter_mut() {
        let is_selected = packages.is_empty() || packages.iter().any(|name| *name == *package);
        if let Some(choices) = choices.as_table_mut().filter(|_| is_selected) {
            choices.retain(|choice, _| {
                let exists = trees.contains_key(&(package.to_string(), choice.to_owned()));
                if !exists {
                    let text = format!("[{package}.{choice}]: no such package or feature");
                    differences.push((true, text));
                }
                exists
            });
        }
    }
    Ok(differences)
}

/// Returns a table in a table, and inserts it if it is missing.
fn child<'a>(parent: &'a mut Table, key: &str) -> Option<&'a mut Table> {
    let mut new = Table::new();
    // Without a header, unless it holds values.
    new.set_implicit(true);
    let item = parent.entry(key).or_insert(Item::Table(new));
    item.as_table_mut()
}

/// Puts a value in the place of an old one, whose comments stay.
fn put(table: &mut Table, key: &str, mut value: Value) {
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *value.decor_mut() = old.decor().clone();
    }
    table[key] = Item::Value(value);
}

/// Returns names as an array of full lines.
fn wrapped(names: &[String]) -> String {
    const WIDTH: usize = 100;
    let mut text = "[".to_owned();
    let mut width = WIDTH;
    for name in names {
        let word = format!(" \"{name}\",");
        if width + word.len() > WIDTH {
            text.push_str("\n   ");
            width = 3;
        }
        width += word.len();
        text.push_str(&word);
    }
    text + if names.is_empty() { "]" } else { "\n]" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# Why.

[kite.bare]
crates = 2 # Few.
packages = ["air", "kite"]

[kite.wind]
crates = 3
adds = ["rain"] # Wet.
"#;

    /// Returns the differences and the updated file, for crates beside the bare ones.
    fn update(choice: &str, crates: &str) -> (Vec<(bool, String)>, String) {
        let tree = |choice: &str, crates: &str| {
            let lines = format!("air {crates}kite ").replace(' ', " v1\n");
            (("kite".to_owned(), choice.to_owned()), names(&lines))
        };
        let trees = [tree(BARE, ""), tree(choice, crates)].into();
        let mut document = TEXT.parse().unwrap();
        let differences = set(&mut document, &trees, &[]).unwrap();
        assert_eq!(set(&mut document, &trees, &[]).unwrap(), []);
        (differences, document.to_string())
    }

    #[test]
    fn a_crate_counts_once_in_each_version() {
        let tree = "kite v0.1.0 (/kites)\nair v1.2.0\nwing v2.0.0 (proc-macro)\n\n\
                    air v1.2.0 (*)\nair v2.0.1\n";
        assert_eq!(names(tree), "air\nair\nkite\nwing");
    }

    #[test]
    fn more_crates_than_allowed_are_a_complaint_and_new_ones_are_named() {
        for (crates, is_complaint, text) in [
            ("", false, "2 crates, 3 allowed"),
            ("snow ", false, "3 crates, 3 allowed, new snow"),
            ("hail rain ", true, "4 crates, 3 allowed, new hail"),
        ] {
            let text = format!("[kite.wind]: {text}");
            assert_eq!(update("wind", crates).0, [(is_complaint, text)]);
        }
    }

    #[test]
    fn an_update_changes_only_what_differs() {
        assert_eq!(update("wind", "rain "), (Vec::new(), TEXT.to_owned()));
        let (old, new) = ("3\nadds = [", "4\nadds = [\n    \"hail\", ");
        let expected = TEXT.replace(old, new).replace("\"rain\"", "\"rain\",\n");
        assert_eq!(update("wind", "hail rain ").1, expected);
    }

    #[test]
    fn a_missing_and_a_superfluous_budget_are_complaints() {
        let complaints = [
            "[kite.sun]: 2 crates, and no budget",
            "[kite.wind]: no such package or feature",
        ];
        let (found, text) = update("sun", "");
        assert_eq!(found, complaints.map(|text| (true, text.to_owned())));
        let (kept, _) = TEXT.split_once("[kite.wind]").unwrap();
        assert_eq!(text, format!("{kept}[kite.sun]\ncrates = 2\nadds = []\n"));
    }
}
