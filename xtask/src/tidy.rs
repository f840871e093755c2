//! `cargo xtask tidy`: the rules of the repository that no compiler knows.

mod language;

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use cargo_metadata::Target;
use clap::{CommandFactory, ValueEnum};
use xshell::Shell;

use crate::flags::{Flags, Stage};
use crate::git::{files, git};
use crate::workspace::Workspace;

/// The maximum number of lines of a source file, without its tests.
const MAX_LINES: usize = 600;

/// The first parts of paths on a developer's machine, without slashes, since the rule holds here too.
const MACHINE_DIRECTORIES: [&str; 4] = ["home", "work", "root", "Users"];

/// The files that a package must have: the licences require that their texts are distributed.
const PACKAGE_FILES: [&str; 3] = ["README.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// The lines that the manifest of a published package must have. Without `include`, it has every file.
const MANIFEST_LINES: [&str; 4] = [
    "\ndescription",
    "\nlicense",
    "\ninclude",
    "\n[lints]\nworkspace = true\n",
];

/// The commands that the README must name, for a reader to try first.
const README_COMMANDS: [&str; 2] = ["cargo run --example quickstart", "cargo test --workspace"];

/// The commits that have not been merged yet, if there is a remote; otherwise the last one.
const NEW_COMMITS: [&str; 2] = ["origin/main..HEAD", "-1 HEAD"];

/// The workflow that runs the stages of `cargo xtask ci`.
const WORKFLOW: &str = ".github/workflows/ci.yml";

/// The directory of the guide, and the file that runs its programs as tests.
const GUIDE: &str = "docs/guide/";
const GUIDE_TESTS: &str = "tests/src/guide.rs";

/// Facts that the rules for files refer to.
struct Facts {
    /// The names of the stages of `cargo xtask ci`.
    stages: BTreeSet<String>,
    /// The names of the commands of `cargo xtask`.
    commands: BTreeSet<String>,
    /// The text of the file that runs the guide.
    guide_tests: String,
}

/// Checks all rules.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    let facts = Facts {
        stages: Stage::value_variants().iter().map(Stage::name).collect(),
        commands: commands(),
        guide_tests: sh.read_file(GUIDE_TESTS)?,
    };
    let workspace = Workspace::read(sh)?;
    let mut found = Vec::new();
    for package in &workspace.packages {
        let is_missing = |file: &&str| !package.manifest_path.with_file_name(file).is_file();
        let missing = PACKAGE_FILES.into_iter().filter(is_missing);
        found.extend(missing.map(|file| format!("{} has no {file}", package.name)));
        if package.targets.iter().any(Target::is_custom_build) {
            found.push(format!(
                "{} has a build script, for all users to run",
                package.name
            ));
        }
    }
    let log = |range: &&str| {
        let log = git(sh, "log --no-merges --format=%s").args(range.split(' '));
        log.ignore_stderr().read().ok()
    };
    // In an unpacked archive there is no commit.
    let subjects = NEW_COMMITS.iter().find_map(log).unwrap_or_default();
    let names = workspace.names();
    found.extend(
        subjects
            .lines()
            .filter_map(|subject| language::subject(subject, &names)),
    );
    for path in files(sh)? {
        // A file that is not UTF-8 is no text.
        let text = String::from_utf8(sh.read_binary_file(&path)?).unwrap_or_default();
        let problems = of_file(&path, &text, &facts).into_iter();
        found.extend(problems.map(|(line, problem)| format!("{path}:{line}: {problem}")));
    }
    found.iter().for_each(|problem| println!("{problem}"));
    ensure!(found.is_empty(), "files break the rules: see above");
    Ok(())
}

fn commands() -> BTreeSet<String> {
    let mut flags = Flags::command();
    // Adds `help`.
    flags.build();
    let names = flags.get_subcommands().map(clap::Command::get_name);
    names.map(str::to_owned).collect()
}

/// Returns the problems of a file, with the numbers of their lines.
fn of_file(path: &str, text: &str, facts: &Facts) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let is = |start: &str, end: &str| path.starts_with(start) && path.ends_with(end);
    if is("crates/", "/Cargo.toml") && path.split('/').count() == 3 {
        let missing = MANIFEST_LINES.iter().filter(|line| !text.contains(*line));
        found.extend(missing.map(|line| (1, format!("has no {:?}", line.trim()))));
    }
    let is_test = |part| matches!(part, "tests" | "tests.rs");
    let lines = lines_without_tests(text);
    if is("", ".rs") && !path.split('/').any(is_test) && lines > MAX_LINES {
        found.push((lines, format!("more than {MAX_LINES} lines without tests")));
    }
    if is(GUIDE, ".md") && !facts.guide_tests.contains(&format!("../../{path}\")")) {
        found.push((1, format!("{GUIDE_TESTS} does not run its programs")));
    }
    if path == "README.md" {
        let missing = README_COMMANDS.iter().filter(|it| !text.contains(*it));
        found.extend(missing.map(|command| (1, format!("does not name `{command}`"))));
    }
    if path == WORKFLOW {
        let lines = text.lines().map(str::trim);
        let stages = lines.filter_map(|line| line.strip_prefix("stages: "));
        let stages = stages.flat_map(str::split_whitespace).map(str::to_owned);
        let run: BTreeSet<String> = stages.collect();
        for stage in run.symmetric_difference(&facts.stages) {
            found.push((1, format!("`{stage}` is only here, or only in xtask")));
        }
    }
    let mut before = "";
    for (number, line) in (1..).zip(text.lines()) {
        if is("", ".rs") {
            found.extend(language::doc_start(before, line).map(|problem| (number, problem)));
            before = line;
        }
        if is("crates/", "/README.md") && line.contains("[`") && !line.contains("`](") {
            found.push((number, "only rustdoc follows a link to an item".to_owned()));
        }
        if is("crates/", "/public-api.txt") {
            found.extend(language::public_name(line).map(|problem| (number, problem)));
        }
        for directory in MACHINE_DIRECTORIES {
            let directory = format!("/{directory}/");
            let mut places = line.match_indices(&directory);
            if places.any(|(at, _)| starts_path(&line[..at])) {
                found.push((number, format!("a path of one machine, under {directory}")));
            }
        }
        for call in line.split("cargo xtask ").skip(1) {
            let end = call.find(|c: char| !c.is_ascii_lowercase() && c != '-');
            let name = &call[..end.unwrap_or(call.len())];
            let is_checked = is("", ".md") || is("", ".yml");
            if is_checked && !name.is_empty() && !facts.commands.contains(name) {
                found.push((number, format!("`cargo xtask` has no command `{name}`")));
            }
        }
        let step = line.trim_start().trim_start_matches("- ");
        let action = step.strip_prefix("uses: ").filter(|_| is(".github/", ""));
        if let Some(action) = action.filter(|action| !is_pinned(action)) {
            found.push((number, format!("`{action}` is not pinned to a commit")));
        }
    }
    found
}

/// Returns `true` if an action is ours or named by a commit. What a tag names can be replaced.
fn is_pinned(action: &str) -> bool {
    let commit = action.split(['@', ' ']).nth(1).unwrap_or_default();
    let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit || action.starts_with("./")
}

/// Returns `true` if a slash after this text starts an absolute path, and does not continue a path.
fn starts_path(before: &str) -> bool {
    let part_of_a_path = |c: char| c.is_alphanumeric() || "/._-~$}*%".contains(c);
    before.ends_with("://") || !before.ends_with(part_of_a_path)
}

/// Returns the number of lines outside of modules for tests.
fn lines_without_tests(text: &str) -> usize {
    let mut count = 0;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let opens = |next: &&str| next.starts_with("mod ") && next.ends_with('{');
        if line == "#[cfg(test)]" && lines.peek().is_some_and(opens) {
            // As rustfmt writes it, the module ends at the first brace that is not indented.
            lines.by_ref().find(|line| *line == "}");
        } else {
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> Vec<(usize, String)> {
        let facts = Facts {
            stages: ["fmt", "test"].map(str::to_owned).into(),
            commands: commands(),
            guide_tests: "include_str!(\"../../docs/guide/fly.md\")".to_owned(),
        };
        of_file(path, text, &facts)
    }

    #[test]
    fn each_rule_finds_what_breaks_it_and_no_more() {
        let manifest = MANIFEST_LINES.concat();
        let own_lints = manifest.replace("[lints]", "[lints.rust]");
        let long = "fn a() {}\n".repeat(MAX_LINES + 1);
        let tested = format!("#[cfg(test)]\nmod tests {{\n{long}}}\nfn b() {{}}\n");
        let hash = "0a".repeat(20);
        let pinned = format!("- uses: kite/fly@{hash} # v1\nuses: ./.github/actions/fly\n");
        for (path, text, problem) in [
            ("crates/kite/Cargo.toml", &manifest[..], ""),
            ("crates/kite/Cargo.toml", &manifest[12..], "description"),
            ("crates/kite/Cargo.toml", &own_lints, "[lints]"),
            ("crates/kite/fuzz/Cargo.toml", "", ""),
            ("crates/kite/src/lib.rs", &long, "more than 600 lines"),
            ("crates/kite/src/lib.rs", &tested, ""),
            ("crates/kite/src/tests.rs", &long, ""),
            ("tests/tests/kite.rs", &long, ""),
            ("crates/kite/src/lib.rs", "/// What it is.\n", "`What`"),
            ("crates/kite/public-api.txt", "kite::Leaf\n", "`Leaf`"),
            ("README.md", "cargo test --workspace", "quickstart"),
            ("crates/kite/README.md", "[`kite`](kite) [a](b)", ""),
            ("crates/kite/README.md", "flies a [`Kite`]", "only rustdoc"),
            ("docs/guide/fly.md", "", ""),
            ("docs/guide/land.md", "", "does not run"),
            (WORKFLOW, "  stages: fmt test\n", ""),
            (WORKFLOW, "  stages: fmt\n", "`test`"),
            (WORKFLOW, "stages: fmt\nstages: test bake\n", "`bake`"),
            (".github/a.yml", &pinned, ""),
            (".github/a.yml", "- uses: kite/fly@v1\n", "`kite/fly@v1`"),
            ("a.md", "`cargo xtask ci`, `cargo xtask <command>`", ""),
            ("a.md", "cargo xtask bake --hot", "`bake`"),
            ("a.rs", "cargo xtask bake", ""),
        ] {
            let found = problems(path, text);
            let count = usize::from(!problem.is_empty());
            let is_found = found.iter().all(|(_, text)| text.contains(problem));
            assert!(found.len() == count && is_found, "{path}: {found:?}");
        }
    }

    #[test]
    fn only_absolute_paths_of_a_machine_are_found() {
        for (count, line) in [
            (1, "see @home@ada@kite for it"),
            (1, "(\"@work@kite\")"),
            (1, "file:@@@root@kite"),
            (2, "@Users@ada and @home@ada"),
            (0, "https:@@kite.example@home@garden"),
            (0, "src@work@queue.rs and ~@work@kite"),
            (0, "@homework@ and @workspaces@"),
        ] {
            // With `@` for the slash, since the rule holds for these lines too.
            let line = line.replace('@', "/");
            assert_eq!(problems("a.txt", &line).len(), count, "{line}");
        }
    }
}
