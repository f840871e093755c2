use anyhow::anyhow;
use cargo_metadata::DependencyKind;
use clap::Parser;
use semver::VersionReq;
use xshell::TempDir;

use super::*;
use crate::release::registry::Standing;

const ROOT: &str = r#"
workspace.members = ["crates/*"]
workspace.resolver = "3"

[workspace.dependencies]
# Flies.
kite = { path = "crates/kite", version = "0.1.0" } # by wind
line = { path = "crates/line", version = "=0.1.0" }
"#;
const MANIFEST: &str = r#"
[package]
name = "NAME"
# Ours.
version = "0.1.0"  # now
license = "MIT"
exclude = ["public-api.txt"]

[dependencies]
"#;
const NOTES: &str = "# Changelog\n\n## [Unreleased]\n\n- `kite`: flies.\n- `line`: holds.\n";

/// A repository with a workspace of two crates, in a directory of its own.
struct Fixture(Shell, #[expect(dead_code)] TempDir);

impl Fixture {
    fn new() -> Self {
        let sh = Shell::new().unwrap();
        let directory = sh.create_temp_dir().unwrap();
        sh.change_dir(directory.path());
        // The settings of the person who runs this are for other repositories.
        sh.set_var("GIT_CONFIG_GLOBAL", "/dev/null");
        let fixture = Self(sh, directory);
        fixture.write("Cargo.toml", ROOT);
        fixture.write(".gitignore", "target/\n");
        fixture.write("CHANGELOG.md", NOTES);
        fixture.write("LICENSE-MIT", "Take it.\n");
        for (name, uses) in [("kite", ""), ("line", "kite.workspace = true\n")] {
            let manifest = MANIFEST.replace("NAME", name) + uses;
            fixture.write(&format!("crates/{name}/Cargo.toml"), &manifest);
            fixture.write(&format!("crates/{name}/LICENSE-MIT"), "Take it.\n");
            fixture.write(&format!("crates/{name}/public-api.txt"), "pub fn fly()\n");
            fixture.write(&format!("crates/{name}/src/lib.rs"), "//! Flies.\n");
            fixture.write(&format!("crates/{name}/src/old.rs"), "//! Flew.\n");
        }
        let lock = cargo(&fixture.0, "generate-lockfile --offline --quiet");
        lock.quiet().run().unwrap();
        fixture.git("init --quiet --initial-branch main");
        fixture.git("config user.name Tester");
        fixture.git("config user.email tester@kite.example");
        fixture.commit("Begin");
        fixture
    }

    fn git(&self, arguments: &str) -> String {
        git(&self.0, arguments).read().unwrap()
    }

    fn read(&self, path: &str) -> String {
        self.0.read_file(path).unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        self.0.write_file(path, text).unwrap();
    }

    fn replace(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert!(text.contains(old), "{path} has no {old:?}");
        self.write(path, &text.replace(old, new));
    }

    fn commit(&self, message: &str) {
        self.git("add --all");
        let commit = git(&self.0, "commit --quiet --message").arg(message);
        commit.run().unwrap();
    }

    fn plan(&self) -> Plan {
        Plan::read(&self.0, &Workspace::read(&self.0).unwrap()).unwrap()
    }

    fn refusals(&self, standing: Result<Standing, &'static str>) -> Vec<String> {
        let workspace = Workspace::read(&self.0).unwrap();
        let lookup: Lookup<'_> = &|_, _| standing.map_err(|error| anyhow!(error));
        refusals::find(&self.0, "main", &workspace, &self.plan(), lookup).unwrap()
    }

    fn refusals_from(&self, branch: &str) -> Vec<String> {
        let workspace = Workspace::read(&self.0).unwrap();
        refusals::find(&self.0, branch, &workspace, &self.plan(), &|_, _| {
            Ok(Standing::Name)
        })
        .unwrap()
    }

    fn prepare(&self, option: &str) -> Result<String> {
        let words = format!("prepare --date 2026-11-25 {option}");
        let flags = Prepare::parse_from(words.split_whitespace());
        prepare(&self.0, &flags, &self.plan())
    }

    /// Returns all that a preparation may touch.
    fn state(&self) -> Vec<String> {
        let state = "rev-parse main,tag --list,status --porcelain,worktree list";
        state.split(',').map(|command| self.git(command)).collect()
    }
}

#[test]
fn a_release_is_a_commit_with_tags_that_leaves_nothing_due() {
    let fixture = Fixture::new();
    let before = fixture.state();
    let shown = fixture.prepare("--dry-run").unwrap();
    assert_eq!(fixture.state(), before);
    fixture.prepare("").unwrap();
    // The dry run has shown all of it.
    for command in ["diff HEAD~ HEAD", "log -1 --format=%B", "tag --list kite-*"] {
        assert!(shown.contains(fixture.git(command).trim()), "{shown}");
    }
    let expected = "# Changelog\n\n## [Unreleased]\n\n## kite 0.1.0 - 2026-11-25\n\n- Flies.\n\n\
                    ## line 0.1.0 - 2026-11-25\n\n- Holds.\n";
    assert_eq!(fixture.read("CHANGELOG.md"), expected);
    assert_eq!(fixture.git("rev-list --count main"), "2");
    let tags = fixture.git("for-each-ref --format=%(objecttype)-%(*objectname) refs/tags");
    let tag = format!("tag-{}", fixture.git("rev-parse main"));
    assert_eq!(tags, format!("{tag}\n{tag}"));
    let refusals = fixture.refusals(Ok(Standing::Nothing)).concat();
    assert!(refusals.starts_with("no crate is due"), "{refusals}");
    // The next one changes versions, and nothing around them.
    let files = ["Cargo.toml", "Cargo.lock", "crates/line/Cargo.toml"];
    let before = files.map(|file| fixture.read(file));
    fixture.replace("crates/kite/public-api.txt", "fly()", "fly(u8)");
    fixture.replace("crates/kite/src/lib.rs", "Flies.", "Flies high.");
    fixture.commit("Fly higher");
    fixture.prepare("").unwrap();
    let after = files.map(|file| fixture.read(file));
    assert_eq!(after, before.map(|text| text.replace("0.1.0", "0.2.0")));
    let notes = fixture.read("CHANGELOG.md");
    let expected = "## line 0.2.0 - 2026-11-25\n\n### Changed\n\n- Follows `kite` 0.2.0.\n";
    assert!(notes.contains(expected), "{notes}");
}

#[test]
fn only_commits_that_touch_a_package_count() {
    let fixture = Fixture::new();
    fixture.prepare("").unwrap();
    fixture.write("docs.md", "Not in a package.\n");
    fixture.replace("crates/kite/public-api.txt", "fly()", "land()");
    fixture.commit("feat!: tell more");
    fixture.replace("crates/kite/src/lib.rs", "Flies", "Dives");
    fixture.commit("feat!: dive");
    fixture.replace("crates/kite/src/lib.rs", "Dives", "Flies");
    fixture.commit("Fly again");
    assert!(fixture.plan().releases.is_empty());
    fixture.write("crates/kite/src/new.rs", "//! Long.\n");
    fixture.commit("Add length\n\nFor long.");
    fixture.0.remove_path("crates/line/src/old.rs").unwrap();
    fixture.commit("Become shorter");
    let report = fixture.plan().report("harbour", &|_, _| Ok(Standing::Name));
    let commits = report.lines().filter(|line| line.starts_with("    * "));
    let subjects: Vec<&str> = commits.map(|commit| &commit[16..]).collect();
    assert_eq!(subjects, ["Add length", "Become shorter"], "{report}");
    // So its snapshot counts as well, which was changed before.
    assert!(report.contains("kite 0.1.0 -> 0.2.0"), "{report}");
}

#[test]
fn all_reasons_against_a_release_are_found() {
    let fixture = Fixture::new();
    let line = "crates/line/Cargo.toml";
    for (path, old, new, expected) in [
        ("CHANGELOG.md", "- `line`: holds.\n", "", "mention line"),
        ("CHANGELOG.md", "[Unreleased]", "Soon", "no section"),
        ("Cargo.toml", ", version = \"0.1.0\"", "", "on `kite`"),
        (line, "license = \"MIT\"\n", "", "states no licence"),
        (line, "[\"", "[\"LICENSE-MIT\", \"", "lacks `LICENSE"),
    ] {
        fixture.replace(path, old, new);
        fixture.commit(expected);
        let refusals = fixture.refusals(Ok(Standing::Name));
        assert_eq!(refusals.len(), 1, "{refusals:#?}");
        assert!(refusals[0].contains(expected), "{refusals:#?}");
        fixture.git("reset --quiet --hard HEAD~");
    }
    let taken = fixture.refusals(Ok(Standing::Version));
    assert_eq!(taken.len(), 2, "{taken:#?}");
    assert!(taken[0].contains("without a tag here"), "{taken:#?}");
    fixture.write("new.rs", "//! New.\n");
    for path in ["LICENSE-MIT", "crates/line/LICENSE-MIT"] {
        fixture.0.remove_path(path).unwrap();
    }
    fixture.git("switch --quiet --detach");
    let all = fixture.refusals(Err("no network"));
    let expected = [
        "?? new.rs",
        "a detached HEAD",
        "no network",
        "no network",
        "no text",
    ];
    assert_eq!(all.len(), expected.len(), "{all:#?}");
    for (refusal, expected) in all.iter().zip(expected) {
        assert!(refusal.contains(expected), "{refusal}");
    }
}

#[test]
fn no_branch_is_not_taken_for_one_that_is_called_head() {
    let fixture = Fixture::new();
    assert!(fixture.refusals_from("main").is_empty());
    fixture.git("switch --quiet --create next");
    let refusals = fixture.refusals_from("main").concat();
    assert!(refusals.contains("not from `next`"), "{refusals}");
    assert!(fixture.refusals_from("next").is_empty());
    fixture.git("switch --quiet --detach");
    let refusals = fixture.refusals_from("HEAD").concat();
    assert!(refusals.contains("not from a detached HEAD"), "{refusals}");
}

#[test]
fn no_tool_is_installed_for_a_release_that_is_refused_anyway() {
    let fixture = Fixture::new();
    // The tool would be installed below it, and then fail.
    fixture.write("deny.toml", "no configuration");
    let refusals = fixture.refusals(Ok(Standing::Name));
    assert_eq!(refusals.len(), 1, "{refusals:#?}");
    assert!(refusals[0].contains("?? deny.toml"), "{refusals:#?}");
    assert!(!fixture.0.path_exists("target/tools"));
}

#[test]
fn a_dependency_comes_from_the_public_registry_in_known_versions() {
    let ours = Workspace::read(&crate::shell::at_root().unwrap()).unwrap();
    let mut dependencies = ours
        .packages
        .iter()
        .flat_map(|package| &package.dependencies);
    let public = dependencies
        .find(|dependency| dependency.path.is_none())
        .unwrap();
    assert_eq!(refusals::fault(public), None);
    let mut other = public.clone();
    other.req = VersionReq::STAR;
    assert!(refusals::fault(&other).unwrap().contains("any version"));
    other.registry = Some("harbour".to_owned());
    assert!(refusals::fault(&other).unwrap().contains("comes from"));
    other.kind = DependencyKind::Development;
    assert_eq!(refusals::fault(&other), None);
}

#[test]
fn a_failure_leaves_everything_as_it_was() {
    let fixture = Fixture::new();
    let fails = |expected: &str| {
        let before = fixture.state();
        let error = format!("{:#}", fixture.prepare("").unwrap_err());
        assert!(error.contains("the branch is as it was: "), "{error}");
        assert!(error.contains(expected), "{error}");
        assert_eq!(fixture.state(), before);
    };
    // Git keeps a tag in a file, which cannot be where another tag has a directory.
    fixture.git("tag line-v0.1.0/old");
    fails("tag");
    fixture.git("tag --delete line-v0.1.0/old");
    fixture.git("config gpg.program false");
    fixture.git("config commit.gpgSign true");
    fails("commit");
    fixture.git("config commit.gpgSign false");
    // A requirement outside of the root manifest is not changed.
    let pinned = "kite = { path = \"../kite\", version = \"=0.1.0\" }";
    fixture.replace("crates/line/Cargo.toml", "kite.workspace = true", pinned);
    fixture.commit("Pin kite");
    fixture.prepare("").unwrap();
    fixture.replace("crates/kite/src/lib.rs", "Flies.", "Flies on.");
    fixture.commit("Fly on");
    fails("cargo does not accept the new versions");
}

#[test]
fn a_release_outside_the_history_is_not_taken_for_made() {
    let fixture = Fixture::new();
    fixture.prepare("").unwrap();
    fixture.git("reset --quiet --hard HEAD~");
    let workspace = Workspace::read(&fixture.0).unwrap();
    let error = Plan::read(&fixture.0, &workspace).unwrap_err().to_string();
    assert!(error.contains("is not in the history of HEAD"), "{error}");
}

#[test]
fn a_moved_crate_is_assumed_to_break_its_users() {
    let fixture = Fixture::new();
    fixture.prepare("").unwrap();
    fixture.git("mv crates/kite crates/bird");
    fixture.replace("Cargo.toml", "crates/kite", "crates/bird");
    fixture.commit("Move kite");
    let report = fixture.plan().report("harbour", &|_, _| Ok(Standing::Name));
    assert!(report.contains("kite 0.1.0 -> 0.2.0"), "{report}");
}

#[test]
fn personal_settings_of_git_hide_nothing() {
    let fixture = Fixture::new();
    for setting in [
        "color.ui always",
        "column.ui always",
        "status.showUntrackedFiles no",
    ] {
        fixture.git(&format!("config {setting}"));
    }
    fixture.git("config grep.lineNumber true");
    fixture.write("new.rs", "//! New.\n");
    let refusals = fixture.refusals(Ok(Standing::Name)).concat();
    assert!(refusals.contains("?? new.rs"), "{refusals}");
    let files = crate::git::files(&fixture.0).unwrap();
    assert!(files.contains(&"new.rs".to_owned()), "{files:?}");
    fixture.0.remove_path("new.rs").unwrap();
    fixture.prepare("").unwrap();
    assert!(fixture.plan().releases.is_empty(), "tags are read");
}

#[test]
fn a_date_is_written_as_in_changelogs() {
    let since_1970 = std::time::Duration::from_secs(1_795_629_637);
    assert_eq!(date_of(SystemTime::UNIX_EPOCH + since_1970), "2026-11-25");
}
