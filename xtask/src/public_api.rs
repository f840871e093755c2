//! `cargo xtask public-api`: the public items of the crates, as snapshots in the repository.
//!
//! A snapshot has a line for each public item of a crate with all its features, and one for each trait
//! that a type implements. So a reviewer sees every change of what users can see.

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::rustdoc::cargo_doc;
use crate::tools::PUBLIC_API;
use crate::workspace::Workspace;

/// The name of a snapshot, in its crate's directory.
pub(crate) const FILE: &str = "public-api.txt";

/// The end of the JSON that the pinned `cargo-public-api` reads, and a compiler that writes it.
const FORMAT: (&str, &str) = ("\"format_version\":57}", "1.95.0");

/// Traits that tell users nothing: the compiler's own, and two that follow from the members of a type
/// down to the standard library. `Send`, `Sync` and `Unpin` stay.
const OMITTED: [&str; 5] = [
    "core::marker::Freeze",
    "core::marker::StructuralPartialEq",
    "core::marker::UnsafeUnpin",
    "core::panic::unwind_safe::RefUnwindSafe",
    "core::panic::unwind_safe::UnwindSafe",
];

/// Compares the public items of each crate with its snapshot, or writes the snapshots.
pub(crate) fn run(sh: &Shell, bless: bool) -> Result<()> {
    let workspace = Workspace::read(sh)?;
    let program = PUBLIC_API.installed(sh, &workspace)?;
    let directory = workspace.target.join("xtask/public-api");
    let flags = ["-Zunstable-options", "--output-format=json"];
    cargo_doc(sh, &workspace, &workspace.names(), &directory, &flags)?
        .arg("--all-features")
        .run()?;
    let mut is_stale = false;
    for package in &workspace.packages {
        let name = package.name.as_str();
        let json = directory.join(format!("doc/{}.json", name.replace('-', "_")));
        check_format(&sh.read_file(&json)?).with_context(|| format!("cannot list {name}"))?;
        let list = cmd!(
            sh,
            "{program} public-api --omit blanket-impls --color never"
        );
        let listing = condense(&list.arg("--rustdoc-json").arg(json).quiet().read()?);
        let snapshot = package.manifest_path.with_file_name(FILE);
        if bless {
            sh.write_file(snapshot, listing)?;
            continue;
        }
        let found = difference(&sh.read_file(snapshot).unwrap_or_default(), &listing);
        if !found.is_empty() {
            is_stale = true;
            println!("\n{name}:");
            found.removed.iter().for_each(|line| println!("  - {line}"));
            found.added.iter().for_each(|line| println!("  + {line}"));
        }
    }
    ensure!(
        !is_stale,
        "the public API differs from its snapshots: see above; if that is meant, run `cargo xtask \
         public-api --bless`, look at the difference in git and commit it with the change"
    );
    Ok(())
}

fn check_format(json: &str) -> Result<()> {
    let (end, compiler) = FORMAT;
    ensure!(
        json.ends_with(end),
        "the format of rustdoc's JSON is not that of Rust {compiler}: use `rustup run {compiler} \
         cargo xtask public-api`, or pin a cargo-public-api for this one in xtask/src/tools.rs"
    );
    Ok(())
}

/// Removes the omitted traits, and the functions by which a type implements a trait.
fn condense(listing: &str) -> String {
    let mut text = String::new();
    // The type whose functions follow, if they implement a trait.
    let mut implementor = None;
    for line in listing.lines() {
        if line.starts_with("impl") {
            let (head, of) = line.split_once(" for ").unzip();
            implementor = of.and_then(|of| of.split(" where ").next());
            if head.is_some_and(|head| OMITTED.iter().any(|name| head.ends_with(name))) {
                continue;
            }
        } else if implementor.is_some_and(|of| is_function_of(of, line)) {
            continue;
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn is_function_of(of: &str, line: &str) -> bool {
    let path = line.split_once(" fn ").map(|(_, path)| path);
    let path = path.and_then(|path| path.strip_prefix(of));
    path.is_some_and(|rest| rest.starts_with("::"))
}

/// The lines by which two snapshots differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) removed: Vec<String>,
    pub(crate) added: Vec<String>,
}

impl Difference {
    /// Returns `true` if nothing was removed and nothing added.
    pub(crate) fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }
}

/// Compares two snapshots line by line. The order of the lines says nothing of the API.
pub(crate) fn difference(before: &str, after: &str) -> Difference {
    Difference {
        removed: without(before, after),
        added: without(after, before),
    }
}

/// Returns the lines of a text that another lacks, or has less often.
fn without(text: &str, other: &str) -> Vec<String> {
    let mut others: Vec<&str> = other.lines().collect();
    let mut is_missing = |line: &&str| match others.iter().position(|other| other == line) {
        Some(at) => {
            others.remove(at);
            false
        }
        None => !line.is_empty(),
    };
    let lines = text.lines().filter(|line| is_missing(line));
    lines.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trait_is_listed_without_its_functions_and_the_compiler_s_own_are_not() {
        let lines = [
            "pub struct kite::Kite",
            "impl kite::Kite",
            "pub const fn kite::Kite::fly(&self)",
            "impl core::clone::Clone for kite::Kite",
            "pub fn kite::Kite::clone(&self) -> kite::Kite",
            "impl core::iter::Iterator for kite::Kite",
            "pub type kite::Kite::Item = u8",
            "pub fn kite::Kite::next(&mut self) -> core::option::Option<u8>",
            "impl<S: FnMut() -> u8> core::fmt::Debug for kite::Tail<S> where S: Sized",
            "pub fn kite::Tail<S>::fmt(&self, &mut core::fmt::Formatter<'_>) -> core::fmt::Result",
            "impl !core::marker::Sync for kite::Kite",
            "impl core::marker::Freeze for kite::Kite",
            "impl<F> !core::panic::unwind_safe::UnwindSafe for kite::Kite<F>",
            "impl<F> core::marker::Unpin for kite::Kite<F> where F: core::marker::Unpin",
            "pub fn kite::land()",
        ];
        let kept: Vec<&str> = [0, 1, 2, 3, 5, 6, 8, 10, 13, 14].map(|at| lines[at]).into();
        let condensed = condense(&lines.join("\n"));
        assert_eq!(condensed.lines().collect::<Vec<_>>(), kept);
    }

    #[test]
    fn another_format_is_refused_with_the_compiler_to_use() {
        assert!(check_format(r#"{"index":{},"format_version":57}"#).is_ok());
        let refusal = check_format(r#"{"docs":"57}","format_version":58}"#).unwrap_err();
        assert!(refusal.to_string().contains("`rustup run 1.95.0 "));
    }

    #[test]
    fn the_order_of_lines_is_no_difference_and_their_number_is() {
        let found = difference(
            "mod a\nfn b()\nfn b()\nfn c()\n",
            "fn c(u8)\nfn b()\n\nmod a",
        );
        assert_eq!(found.removed, ["fn b()", "fn c()"]);
        assert_eq!(found.added, ["fn c(u8)"]);
        assert!(difference("a\nb\n", "b\n\na").is_empty());
    }
}
