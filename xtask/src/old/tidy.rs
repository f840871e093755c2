//! `cargo xtask tidy`: the rules of the repository that no compiler knows.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use toml_edit::{DocumentMut, Item};

use crate::old::files;
use crate::old::workspace::Workspace;

/// The most lines a source file may have, its tests not counted.
const MOST_LINES: usize = 600;

/// The first parts of paths on the machine of someone who develops. The slashes are added when they
/// are looked for, so that this file keeps the rule itself.
const MACHINE_DIRECTORIES: [&str; 4] = ["home", "work", "root", "Users"];

/// What a package must hold besides its sources: the licences ask that their texts go along.
const PAPERS: [&str; 3] = ["README.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// What a reader must find in the README first.
const README_COMMANDS: [&str; 2] = ["cargo run --example quickstart", "cargo test --workspace"];

/// The workflow of the code host that runs the stages of `cargo xtask ci`.
const WORKFLOW: &str = ".github/workflows/ci.yml";

/// Where the pages of the guide lie, and the file that has their programs run as tests.
const GUIDE: &str = "docs/guide/";
const GUIDE_TESTS: &str = "tests/src/guide.rs";

/// Checks everything and prints what is wrong. Returns whether all is well.
pub(crate) fn command(root: &Path) -> bool {
    let complaints = match check(root) {
        Ok(complaints) => complaints,
        Err(error) => vec![format!("the workspace cannot be read: {error}")],
    };
    for complaint in &complaints {
        println!("{complaint}");
    }
    match complaints.len() {
        0 => println!("tidy: all is well"),
        1 => println!("tidy: 1 complaint"),
        many => println!("tidy: {many} complaints"),
    }
    complaints.is_empty()
}

fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut complaints = readme(&fs::read_to_string(root.join("README.md")).unwrap_or_default());
    for package in Workspace::read(root)?.packages {
        let shown = package.below(root)?;
        let directory = package.directory;
        let papers = PAPERS.map(|paper| (paper, directory.join(paper).is_file()));
        let manifest = directory.join("Cargo.toml");
        let manifest = fs::read_to_string(&manifest)
            .map_err(|error| format!("{}: {error}", manifest.display()))?;
        complaints.extend(of_crate(&shown, &papers, &manifest));
    }
    let files = files(root).map_err(|error| format!("{}: {error}", root.display()))?;
    let run = fs::read_to_string(root.join(GUIDE_TESTS)).unwrap_or_default();
    for path in files {
        complaints.extend(build_script(&path));
        complaints.extend(page(&path, &run));
        // What is not UTF-8 is not text, and what is gone was deleted but is still in git's index.
        if let Ok(text) = fs::read_to_string(root.join(&path)) {
            complaints.extend(machine_paths(&path, &text));
            complaints.extend(length(&path, &text));
            complaints.extend(commands(&path, &text));
            complaints.extend(unpinned(&path, &text));
            if path == WORKFLOW {
                complaints.extend(stages(&text, &crate::old::ci::stage_names()));
            }
        }
    }
    Ok(complaints)
}

fn readme(text: &str) -> Vec<String> {
    let missing = README_COMMANDS
        .iter()
        .filter(|command| !text.contains(*command));
    missing
        .map(|command| format!("README.md: does not name `{command}`"))
        .collect()
}

fn of_crate(directory: &str, papers: &[(&str, bool)], manifest: &str) -> Vec<String> {
    let manifest = match manifest.parse::<DocumentMut>() {
        Ok(manifest) => manifest,
        Err(error) => return vec![format!("{directory}/Cargo.toml: {error}")],
    };
    let item = |section: &str, key: &str| manifest.get(section)?.get(key);
    let said = |key| {
        let text = item("package", key).and_then(Item::as_str);
        text.is_some_and(|text| !text.is_empty())
    };
    let is_true = |item: Option<&Item>| item.and_then(Item::as_bool) == Some(true);
    let inherited = |key| is_true(item("package", key).and_then(|item| item.get("workspace")));
    let missing = papers.iter().filter(|(_, is_there)| !is_there);
    let mut complaints: Vec<String> = missing
        .map(|(paper, _)| format!("{directory}: has no {paper}"))
        .collect();
    if !said("description") {
        complaints.push(format!("{directory}/Cargo.toml: has no description"));
    }
    if !said("license") && !inherited("license") {
        complaints.push(format!("{directory}/Cargo.toml: has no license"));
    }
    if item("package", "include").is_none() {
        complaints.push(format!(
            "{directory}/Cargo.toml: has no `include`, so that all there is would be published"
        ));
    }
    if !is_true(item("lints", "workspace")) {
        complaints.push(format!(
            "{directory}/Cargo.toml: has no `[lints] workspace = true`"
        ));
    }
    complaints
}

fn build_script(path: &str) -> Option<String> {
    (path.starts_with("crates/") && path.ends_with("/build.rs"))
        .then(|| format!("{path}: a build script, which every user would have to run"))
}

fn machine_paths(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for directory in MACHINE_DIRECTORIES {
            let needle = format!("/{directory}/");
            if line
                .match_indices(&needle)
                .any(|(at, _)| is_absolute(&line[..at]))
            {
                complaints.push(format!(
                    "{path}:{number}: a path of one machine, under {needle}"
                ));
            }
        }
    }
    complaints
}

/// Whether a path that follows this text is absolute, and not the rest of a longer one.
fn is_absolute(before: &str) -> bool {
    let part_of_a_path = |c: char| c.is_alphanumeric() || "/._-~$}*%".contains(c);
    before.ends_with("://") || !before.ends_with(part_of_a_path)
}

fn length(path: &str, text: &str) -> Option<String> {
    let is_source = path.ends_with(".rs");
    let is_test = path
        .split('/')
        .any(|part| matches!(part, "tests" | "tests.rs"));
    let lines = lines_without_tests(text);
    (is_source && !is_test && lines > MOST_LINES).then(|| {
        format!("{path}: {lines} lines without its tests; a file has at most {MOST_LINES}")
    })
}

/// A page of the guide whose programs no test runs.
fn page(path: &str, run: &str) -> Option<String> {
    let is_page = path.starts_with(GUIDE) && path.ends_with(".md");
    (is_page && !run.contains(&format!("../../{path}\")")))
        .then(|| format!("{path}: its programs are not run by {GUIDE_TESTS}"))
}

/// What is said of `cargo xtask` and is not so.
fn commands(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if ![".md", ".yml"].iter().any(|end| path.ends_with(end)) {
        return complaints;
    }
    for (number, line) in (1..).zip(text.lines()) {
        for (at, call) in line.match_indices("cargo xtask ") {
            let rest = &line[at + call.len()..];
            let letter = |c: char| c.is_ascii_lowercase() || c == '-';
            let end = rest.find(|c| !letter(c)).unwrap_or(rest.len());
            let command = &rest[..end];
            if !command.is_empty() && !crate::old::COMMANDS.contains(&command) {
                complaints.push(format!(
                    "{path}:{number}: `cargo xtask` has no command `{command}`"
                ));
            }
        }
    }
    complaints
}

/// The actions of others in workflows that are not pinned to a commit: what a tag names can be replaced.
fn unpinned(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if !path.starts_with(".github/") {
        return complaints;
    }
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_start().trim_start_matches("- ");
        let action = line.strip_prefix("uses: ").unwrap_or_default();
        let action = action.split(' ').next().unwrap_or_default();
        let is_own = action.is_empty() || action.starts_with("./");
        let commit = action.split_once('@').map_or("", |(_, commit)| commit);
        let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_own && !is_commit {
            complaints.push(format!(
                "{path}:{number}: `{action}` is not pinned to a commit"
            ));
        }
    }
    complaints
}

/// The stages that the workflow does not run, or that it runs and are none.
fn stages(workflow: &str, known: &[&str]) -> Vec<String> {
    let lines = workflow.lines().map(str::trim);
    let run: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix("stages: "))
        .flat_map(str::split_whitespace)
        .collect();
    let missing = known.iter().filter(|stage| !run.contains(stage));
    let missing = missing.map(|stage| format!("{WORKFLOW}: does not run the stage `{stage}`"));
    let unknown = run.iter().filter(|stage| !known.contains(stage));
    let unknown = unknown.map(|stage| format!("{WORKFLOW}: runs `{stage}`, which is no stage"));
    missing.chain(unknown).collect()
}

/// The number of lines outside of modules for tests.
fn lines_without_tests(text: &str) -> usize {
    let mut count = 0;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let opens = |next: &&str| next.starts_with("mod ") && next.ends_with('{');
        if line == "#[cfg(test)]" && lines.peek().is_some_and(opens) {
            // Formatted as it is, the module ends at the first brace that is not indented.
            lines.by_ref().find(|line| *line == "}");
        } else {
            count += 1;
        }
    }
    count
}

/// The files that belong to the repository, by their paths from its root.
pub(crate) fn files(root: &Path) -> io::Result<Vec<String>> {
    let mut files = match git_files(root) {
        Some(files) => files,
        // An unpacked archive, or no git on this machine: everything but what is built.
        None => unpacked(root)?,
    };
    files.sort();
    Ok(files)
}

/// All files but those of git and what is built.
fn unpacked(root: &Path) -> io::Result<Vec<String>> {
    files::below(root, &|directory| !matches!(directory, ".git" | "target"))
}

/// What git tracks or, if added, would track.
fn git_files(root: &Path) -> Option<Vec<String>> {
    let mut git = Command::new("git");
    git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ])
    .current_dir(root);
    let output = git.output().ok().filter(|output| output.status.success())?;
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(names.split_terminator('\0').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "\
[package]
name = \"blaxel-kite\"
description = \"Flies\"
license.workspace = true
include.workspace = true

[lints]
workspace = true
";

    fn count_of_paths(line: &str) -> usize {
        // Written with `@` for the slash, since these lines are under the rule they test.
        machine_paths("a.md", &line.replace('@', "/")).len()
    }

    #[test]
    fn a_crate_needs_its_papers() {
        assert!(of_crate("crates/kite", &[("README.md", true)], MANIFEST).is_empty());
        let complaints = of_crate(
            "crates/kite",
            &[("README.md", false)],
            "[package]\nname = \"kite\"\n",
        );
        assert_eq!(
            complaints,
            [
                "crates/kite: has no README.md",
                "crates/kite/Cargo.toml: has no description",
                "crates/kite/Cargo.toml: has no license",
                "crates/kite/Cargo.toml: has no `include`, so that all there is would be published",
                "crates/kite/Cargo.toml: has no `[lints] workspace = true`",
            ]
        );
    }

    #[test]
    fn lints_of_its_own_are_not_the_lints_of_the_workspace() {
        let manifest = MANIFEST.replace("[lints]\nworkspace = true", "[lints.rust]\nx = \"deny\"");
        assert_eq!(of_crate("crates/kite", &[], &manifest).len(), 1);
    }

    #[test]
    fn the_readme_says_how_to_begin() {
        assert_eq!(readme("# Kite\n\n`cargo test --workspace`").len(), 1);
        assert!(readme("cargo run --example quickstart; cargo test --workspace").is_empty());
    }

    #[test]
    fn an_absolute_path_of_a_machine_is_found() {
        assert_eq!(count_of_paths("see @home@ada@kite for it"), 1);
        assert_eq!(count_of_paths("(\"@work@kite\")"), 1);
        assert_eq!(count_of_paths("file:@@@root@kite"), 1);
        assert_eq!(count_of_paths("@Users@ada and @home@ada"), 2);
    }

    #[test]
    fn a_path_that_goes_through_such_a_name_is_none() {
        assert_eq!(count_of_paths("https:@@kite.example@home@garden"), 0);
        assert_eq!(count_of_paths("src@work@queue.rs and ~@work@kite"), 0);
        assert_eq!(count_of_paths("@homework@ and @workspaces@"), 0);
    }

    #[test]
    fn the_complaint_names_file_and_line() {
        let text = "one\ntwo @home@x\n".replace('@', "/");
        let complaints = machine_paths("docs/a.md", &text);
        assert!(complaints[0].starts_with("docs/a.md:2: "), "{complaints:?}");
    }

    #[test]
    fn a_long_file_is_too_long_unless_it_is_a_test() {
        let text = "fn a() {}\n".repeat(MOST_LINES + 1);
        assert!(length("crates/kite/src/lib.rs", &text).is_some());
        assert!(length("crates/kite/src/tests.rs", &text).is_none());
        assert!(length("tests/tests/kite.rs", &text).is_none());
        assert!(length("CHANGELOG.md", &text).is_none());
        assert!(length("crates/kite/src/lib.rs", &text["fn a() {}\n".len()..]).is_none());
    }

    #[test]
    fn tests_inside_a_file_do_not_make_it_long() {
        let text = "//! Kite.\n\n#[cfg(test)]\nmod tests {\n    fn a() {}\n}\n\nfn b() {}\n";
        assert_eq!(lines_without_tests(text), 4);
        assert_eq!(
            lines_without_tests("#[cfg(test)]\nmod tests;\nfn b() {}\n"),
            3
        );
    }

    #[test]
    fn every_page_of_the_guide_is_run() {
        let run = "#[doc = include_str!(\"../../docs/guide/fly.md\")]\nmod fly {}\n";
        assert_eq!(page("docs/guide/fly.md", run), None);
        assert_eq!(page("docs/other.md", run), None);
        assert_eq!(
            page("docs/guide/land.md", run).unwrap(),
            "docs/guide/land.md: its programs are not run by tests/src/guide.rs"
        );
    }

    #[test]
    fn a_command_that_is_spoken_of_must_exist() {
        let text =
            "Run `cargo xtask ci`, then\n`cargo xtask bake --hot` or `cargo xtask <command>`.\n";
        let complaints = commands("docs/kite.md", text);
        assert_eq!(
            complaints,
            ["docs/kite.md:2: `cargo xtask` has no command `bake`"]
        );
        assert!(commands("kite.rs", text).is_empty());
    }

    #[test]
    fn an_action_of_others_is_pinned_to_a_commit() {
        let pinned = format!("      - uses: kite/fly@{} # v1\n", "0a".repeat(20));
        let path = ".github/workflows/kite.yml";
        assert!(unpinned(path, &pinned).is_empty());
        assert!(unpinned(path, "      - uses: ./.github/actions/fly\n").is_empty());
        let complaints = unpinned(path, &format!("{pinned}        uses: kite/fly@v1\n"));
        assert_eq!(
            complaints,
            [".github/workflows/kite.yml:2: `kite/fly@v1` is not pinned to a commit"]
        );
        assert!(unpinned("docs/kite.yml", "uses: kite/fly@v1\n").is_empty());
    }

    #[test]
    fn the_workflow_runs_all_stages_and_no_others() {
        let workflow = "- name: a\n  stages: fmt tidy\n- name: b\n  stages: bake\n";
        assert_eq!(
            stages(workflow, &["fmt", "tidy", "test"]),
            [
                format!("{WORKFLOW}: does not run the stage `test`"),
                format!("{WORKFLOW}: runs `bake`, which is no stage"),
            ]
        );
    }

    #[test]
    fn a_build_script_is_found_in_a_crate_only() {
        assert!(build_script("crates/kite/build.rs").is_some());
        assert!(build_script("crates/kite/src/rebuild.rs").is_none());
        assert!(build_script("xtask/build.rs").is_none());
    }

    #[test]
    fn git_and_a_walk_see_this_file() {
        let here = "xtask/src/tidy.rs".to_owned();
        assert!(unpacked(&crate::old::root()).unwrap().contains(&here));
        // Where git is not to be had, the walk is what counts.
        assert!(git_files(&crate::old::root()).is_none_or(|files| files.contains(&here)));
    }
}
