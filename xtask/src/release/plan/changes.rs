//! The differences of a package from its last release, according to git.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use cargo_metadata::Package;
use serde_json::Value;
use xshell::Shell;

use crate::git::git;
use crate::public_api::{Difference, FILE, difference};
use crate::shell::cargo;

/// The differences between a package and its last release.
#[derive(Debug, Clone, Default)]
pub(in crate::release) struct Changes {
    /// `true` if files of the package differ.
    pub(super) files: bool,
    /// The ids and subjects of the commits that touched those files, the last one first.
    pub(super) commits: Vec<String>,
    /// `true` if a commit says that it breaks users.
    pub(super) breaks: bool,
    /// The difference between the snapshots of the public API.
    pub(super) api: Difference,
    /// The names of what the root manifest gives the package and has changed, such as a dependency.
    pub(super) inherited: Vec<String>,
}

impl Changes {
    /// Compares a package with what it was at a tag.
    pub(super) fn since(sh: &Shell, tag: &str, package: &Package) -> Result<Self> {
        let mut changes = Self::default();
        let tag = &format!("refs/tags/{tag}");
        let history = git(sh, "merge-base --is-ancestor").args([tag, "HEAD"]);
        history.ignore_stderr().run().ok().with_context(|| {
            format!(
                "{tag} is not in the history of HEAD: fetch the whole history, merge that release, \
                 or, if it was undone before it was published, delete its tags"
            )
        })?;
        let packaged = packaged(sh, package)?;
        let manifest = std::fs::read_to_string(&package.manifest_path)?;
        let (before, now) = (show(sh, tag, "Cargo.toml")?, sh.read_file("Cargo.toml")?);
        changes.inherited = inherited(&manifest, &before, &now)?;
        let _inside = sh.push_dir(package.manifest_path.with_file_name(""));
        // Under another path, git does not find the earlier commits and snapshot: the worst is assumed.
        changes.breaks = show(sh, tag, "Cargo.toml")?.is_empty();
        let changed = git(sh, "diff --name-only --no-renames --relative").args([tag, "HEAD"]);
        let changed = changed.args(["--", "."]).read()?;
        // Cargo does not list a file that is gone; it counts, to be on the safe side.
        let counts = |file: &&str| packaged.contains(*file) || !sh.path_exists(file);
        let changed: Vec<&str> = changed.lines().filter(counts).collect();
        changes.files = !changed.is_empty();
        if changes.files {
            changes.add_commits(sh, tag, &changed)?;
        }
        // A snapshot may also change with what the package uses, or with the program that writes it.
        let api = show(sh, tag, FILE)?;
        if !api.is_empty() && (changes.files || !changes.inherited.is_empty()) {
            changes.api = difference(&api, &sh.read_file(FILE)?);
        }
        Ok(changes)
    }

    /// Adds the commits since a tag that touch these files, without merges.
    fn add_commits(&mut self, sh: &Shell, tag: &str, files: &[&str]) -> Result<()> {
        let log = git(sh, "--literal-pathspecs log --full-history --no-merges");
        let log = log.args(["-z", "--abbrev=9", "--format=%h %s%n%b"]);
        let log = log
            .arg(format!("{tag}..HEAD"))
            .arg("--")
            .args(files)
            .read()?;
        for message in log.split('\0').filter(|message| !message.is_empty()) {
            let (summary, body) = message.split_once('\n').unwrap_or((message, ""));
            let (_, subject) = summary.split_once(' ').unwrap_or_default();
            let breaks = breaks(subject, body);
            let mark = if breaks { " (breaking)" } else { "" };
            self.commits.push(format!("{summary}{mark}"));
            self.breaks |= breaks;
        }
        Ok(())
    }
}

/// Returns the paths of the files in a package, relative to its directory.
pub(in crate::release) fn packaged(sh: &Shell, package: &Package) -> Result<BTreeSet<String>> {
    let name = package.name.as_str();
    // A change that is not committed is another command's matter.
    let list = cargo(sh, "package --list --allow-dirty --quiet --package").arg(name);
    let files = list.quiet().read()?;
    Ok(files.lines().map(|file| file.replace('\\', "/")).collect())
}

/// Returns a file as it was at a tag, empty if it was not there.
fn show(sh: &Shell, tag: &str, path: &str) -> Result<String> {
    let show = git(sh, "show").arg(format!("{tag}:./{path}"));
    Ok(show.ignore_status().ignore_stderr().read()?)
}

/// Returns `true` if a commit says that it breaks users: by `!` before the colon of a conventional
/// subject, or by a footer.
fn breaks(subject: &str, body: &str) -> bool {
    let (head, _) = subject.split_once(':').unwrap_or_default();
    let kind = head.strip_suffix('!').unwrap_or_default();
    let kind = kind.split('(').next().unwrap_or_default();
    let is_word =
        |word: &str| !word.is_empty() && !word.contains(|c: char| c != '-' && !c.is_alphanumeric());
    let is_marked = kind.split(", ").all(is_word);
    let footers = ["BREAKING CHANGE:", "BREAKING-CHANGE:"];
    let is_footer = |line: &str| footers.iter().any(|footer| line.starts_with(footer));
    is_marked || body.lines().any(is_footer)
}

/// Returns the names of what a package inherits and differs between two root manifests: fields
/// and dependencies, without its own version and crates of the workspace, which the plan is about.
///
/// A published manifest has all of this written out, so the package changes although no file does.
fn inherited(package: &str, before: &str, now: &str) -> Result<Vec<String>> {
    let parse = |text| toml_edit::de::from_str::<Value>(text);
    let (manifest, before, now) = (parse(package)?, parse(before)?, parse(now)?);
    let (before, now) = (&before["workspace"], &now["workspace"]);
    let differs = |table: &str, name: &str| before[table][name] != now[table][name];
    let fields = inheriting(&manifest["package"]);
    let fields = fields.filter(|name| *name != "version" && differs("package", name));
    let mut names: BTreeSet<&str> = fields.collect();
    let targets = manifest["target"].as_object().into_iter();
    let targets = targets.flat_map(|targets| targets.values());
    for place in targets.chain([&manifest]) {
        // Users do not compile the dependencies of tests.
        for table in ["dependencies", "build-dependencies"] {
            let is_ours = |name: &str| !now["dependencies"][name]["path"].is_null();
            let changed = inheriting(&place[table]);
            names.extend(changed.filter(|name| differs("dependencies", name) && !is_ours(name)));
        }
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// Returns the names in a table that have `workspace = true`.
fn inheriting(table: &Value) -> impl Iterator<Item = &str> {
    let entries = table.as_object().into_iter().flatten();
    let entries = entries.filter(|(_, value)| value["workspace"] == true);
    entries.map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_breaks_by_a_mark_before_the_colon_or_by_a_footer() {
        assert!(breaks("feat!: fly", "") && breaks("feat(wind)!: fly", ""));
        assert!(breaks("Fly", "Much.\n\nBREAKING CHANGE: no landing"));
        assert!(breaks("core, transport!: fly", "") && breaks("public-api!: fly", ""));
        assert!(!breaks("feat: fly", "It is no BREAKING CHANGE: really"));
        assert!(!breaks("Stop shouting hey!: it is late", ""));
        assert!(!breaks("!: nothing", "") && !breaks("Fly!", ""));
    }

    const PACKAGE: &str = r#"
package = { name = "kite", version.workspace = true, license.workspace = true }
dependencies = { line.workspace = true, wind = { workspace = true }, own = "1" }
dev-dependencies = { fan.workspace = true }
target.'cfg(unix)'.build-dependencies = { rope.workspace = true }
"#;
    const ROOT: &str = r#"
[workspace.package]
version = "0.1.0"
license = "MIT"
[workspace.dependencies]
fan = "1"
line = { path = "line", version = "0.2.0" }
own = "1"
rope = "1"
wind = { version = "1.0", features = ["a", "b"] }
"#;

    #[test]
    fn an_inherited_value_counts_where_users_see_it() {
        for (old, new, expected) in [
            ("\"1.0\"", "\"1.1\"", Some("wind")),
            ("[\"a\", \"b\"]", "[\"a\"]", Some("wind")),
            ("rope = \"1\"", "rope = \"2\"", Some("rope")),
            ("\"MIT\"", "\"ISC\"", Some("license")),
            ("own = \"1\"", "own = \"2\"", None),
            ("fan = \"1\"", "fan = \"2\"", None),
            // Versions follow from the plan.
            ("\"0.1.0\"", "\"0.2.0\"", None),
            ("\"0.2.0\"", "\"0.3.0\"", None),
            // The notation is no change.
            ("[\"a\", \"b\"]", "['a','b']", None),
        ] {
            assert!(ROOT.contains(old), "{old}");
            let found = inherited(PACKAGE, ROOT, &ROOT.replace(old, new)).unwrap();
            assert_eq!(found.first().map(String::as_str), expected, "{old}");
        }
    }
}
