//! `cargo xtask public-api`: what is public in the crates, as snapshots in the repository.
//!
//! A snapshot has a line for each public item of a crate with all its features, and one for each trait
//! that a type has. A change of what users can see is thus a change that a reviewer sees.

mod difference;
mod listing;

use std::fs;
use std::path::Path;
use std::process::Command;

pub(crate) use difference::{Difference, difference};

use crate::old::ci::say;
use crate::old::run::ask;
use crate::old::rustdoc::Build;
use crate::old::tools::PUBLIC_API;
use crate::old::workspace::{Package, Workspace};

/// The name of a snapshot, in its crate's directory.
pub(crate) const FILE: &str = "public-api.txt";

/// The format of rustdoc's JSON that the pinned `cargo-public-api` reads.
const FORMAT: u32 = 57;

/// A compiler that writes it.
const COMPILER: &str = "1.95.0";

/// Runs the command with its arguments. `Ok` tells whether the snapshots say what is public.
pub(crate) fn command(root: &Path, arguments: &[String]) -> Result<bool, String> {
    match arguments {
        [] => check(root),
        [option] if option == "--bless" => bless(root),
        [unknown, ..] => Err(format!(
            "`public-api` does not know `{unknown}`; its only option is `--bless`"
        )),
    }
}

/// Compares what is public with the snapshots, and prints what differs.
pub(crate) fn check(root: &Path) -> Result<bool, String> {
    let mut stale = false;
    each(root, |package, listing| {
        let file = package.directory.join(FILE);
        // What is not there has no line: everything is new.
        let before = fs::read_to_string(&file).unwrap_or_default();
        let found = difference(&before, listing);
        stale |= !found.is_empty();
        print!("{}", report(&package.name, &found));
        Ok(())
    })?;
    if stale {
        say(
            "\nIf this is meant, run `cargo xtask public-api --bless`, look at the difference in git and \
             commit it with the change.",
        );
    } else {
        say("public-api: the snapshots say what is public");
    }
    Ok(!stale)
}

fn bless(root: &Path) -> Result<bool, String> {
    each(root, |package, listing| {
        let file = package.directory.join(FILE);
        fs::write(&file, listing).map_err(|error| format!("{}: {error}", file.display()))
    })?;
    say(
        "public-api: the snapshots are written; look at the difference in git before you commit it",
    );
    Ok(true)
}

/// Does something with each package and what is public in it.
fn each(
    root: &Path,
    mut then: impl FnMut(&Package, &str) -> Result<(), String>,
) -> Result<(), String> {
    let workspace = Workspace::read(root)?;
    let program = PUBLIC_API.installed(root, &workspace.target)?;
    let directory = workspace.target.join("xtask").join("public-api");
    for package in &workspace.packages {
        let build = Build {
            package,
            features: vec!["--all-features".to_owned()],
            arguments: words("-Z unstable-options --output-format json"),
        };
        if !build.run(root, &workspace, &directory)? {
            return Err(format!(
                "rustdoc does not describe {}; see above",
                package.name
            ));
        }
        let json = format!("{}.json", package.name.replace('-', "_"));
        let json = directory.join("doc").join(json);
        let text =
            fs::read_to_string(&json).map_err(|error| format!("{}: {error}", json.display()))?;
        check_format(&text)?;
        then(package, &listing::condense(&list(&program, &json)?))?;
    }
    Ok(())
}

/// What is public by rustdoc's description. Blanket implementations are left out: every type has
/// them.
fn list(program: &Path, json: &Path) -> Result<String, String> {
    let mut listing = Command::new(program);
    listing
        .args(["public-api", "--omit", "blanket-impls", "--color", "never"])
        .arg("--rustdoc-json")
        .arg(json);
    ask(
        &mut listing,
        &format!("cargo-public-api of {}", json.display()),
    )
}

/// The format changes with the compiler; told here, it needs no guessing from what a parser says.
fn check_format(json: &str) -> Result<(), String> {
    let found = format_version(json);
    if found == Some(FORMAT) {
        return Ok(());
    }
    let found = found.map_or("none".to_owned(), |found| found.to_string());
    Err(format!(
        "rustdoc describes crates in format {found}, and cargo-public-api as pinned reads {FORMAT}, which \
         Rust {COMPILER} writes. Run it with that compiler (`rustup run {COMPILER} cargo xtask public-api`), \
         or pin a version of the tool in xtask/src/tools.rs that reads format {found}"
    ))
}

/// The format that rustdoc says it wrote. It stands at the very end, behind megabytes of the rest.
fn format_version(json: &str) -> Option<u32> {
    let (_, rest) = json.rsplit_once("\"format_version\":")?;
    let digits: String = rest
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

fn report(name: &str, found: &Difference) -> String {
    let mut text = String::new();
    if !found.is_empty() {
        text.push_str(&format!(
            "\n{name}: {} removed, {} added\n",
            found.removed.len(),
            found.added.len()
        ));
    }
    let removed = found.removed.iter().map(|line| format!("  - {line}\n"));
    let added = found.added.iter().map(|line| format!("  + {line}\n"));
    text.extend(removed.chain(added));
    text
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_format_is_refused_with_the_compiler_to_take() {
        assert_eq!(check_format(r#"{"index":{},"format_version":57}"#), Ok(()));
        let refusal = check_format(r#"{"index":{},"format_version":60}"#).unwrap_err();
        assert!(refusal.contains("format 60"), "{refusal}");
        assert!(refusal.contains("rustup run 1.95.0"), "{refusal}");
        assert!(check_format("{}").unwrap_err().contains("format none"));
    }

    #[test]
    fn the_format_is_that_of_the_description_and_not_of_a_text_in_it() {
        let json = r#"{"docs":"\"format_version\": 3","format_version": 58}"#;
        assert_eq!(format_version(json), Some(58));
    }

    #[test]
    fn the_report_names_what_went_before_what_came() {
        let found = difference("fn a()\n", "fn b()\n");
        assert_eq!(
            report("blaxel-kite", &found),
            "\nblaxel-kite: 1 removed, 1 added\n  - fn a()\n  + fn b()\n"
        );
        assert_eq!(report("blaxel-kite", &Difference::default()), "");
    }

    #[test]
    fn an_unknown_option_is_refused() {
        let refusal = command(&crate::old::root(), &["--update".to_owned()]).unwrap_err();
        assert!(refusal.contains("`--update`") && refusal.contains("`--bless`"));
    }
}
