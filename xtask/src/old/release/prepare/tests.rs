use std::path::PathBuf;

use super::*;
use crate::old::ci::cargo_in;
use crate::old::release::registry::Standing;
use crate::old::scratch::Scratch;

/// A workspace of two crates in a repository of its own, all committed on `main`.
struct Fixture {
    scratch: Scratch,
    git: Git,
}

const ROOT: &str = r#"[workspace]
resolver = "3"
members = ["crates/*"]

[workspace.package]
version = "0.1.0"
edition = "2024"
license = "MIT"

[workspace.dependencies]
# What flies.
kite = { path = "crates/kite", version = "0.1.0" } # by wind
kite-string = { path = "crates/kite-string", version = "0.1.0" }
"#;

const NOTES: &str = "\
# Changelog

## [Unreleased]

### Added

- `kite`: flies.
- `kite-string`: holds.
- `cargo xtask fly`: flies too.
";

fn manifest(name: &str, rest: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion.workspace = true # as all\nedition.workspace = true\n\
         license.workspace = true\nexclude = [\"public-api.txt\"]\n{rest}"
    )
}

const USES: &str = "\n[dependencies]\nkite.workspace = true\n";

impl Fixture {
    fn new(purpose: &str) -> Self {
        let scratch = Scratch::new(&format!("prepare-{purpose}")).unwrap();
        let git = Git::at(scratch.path());
        let fixture = Self { scratch, git };
        fixture.write("Cargo.toml", ROOT);
        fixture.write(".gitignore", "target/\n");
        fixture.write("CHANGELOG.md", NOTES);
        fixture.write("LICENSE-MIT", "Take it.\n");
        for (name, rest) in [("kite", ""), ("kite-string", USES)] {
            fixture.write(&format!("crates/{name}/Cargo.toml"), &manifest(name, rest));
            fixture.write(&format!("crates/{name}/LICENSE-MIT"), "Take it.\n");
            fixture.write(&format!("crates/{name}/public-api.txt"), "pub fn fly()\n");
            fixture.write(&format!("crates/{name}/src/lib.rs"), "//! Flies.\n");
        }
        fixture.cargo(&["generate-lockfile", "--offline"]);
        fixture.run(&["init", "--quiet", "--initial-branch", "main"]);
        // Whatever the person who runs this has set for all repositories.
        for (key, value) in [
            ("user.name", "A. Tester"),
            ("user.email", "tester@kite.example"),
            ("commit.gpgSign", "false"),
            ("tag.gpgSign", "false"),
            ("core.hooksPath", ".git/hooks"),
            ("core.autocrlf", "false"),
        ] {
            fixture.run(&["config", key, value]);
        }
        fixture.commit("Begin");
        fixture
    }

    fn root(&self) -> PathBuf {
        self.scratch.path().to_path_buf()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    fn replace(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert!(text.contains(old), "{path} has no {old:?}");
        self.write(path, &text.replace(old, new));
    }

    fn cargo(&self, arguments: &[&str]) {
        let status = cargo_in(&self.root())
            .args(arguments)
            .arg("--quiet")
            .status();
        assert!(status.unwrap().success(), "{arguments:?}");
    }

    fn run(&self, arguments: &[&str]) -> String {
        self.git.run(arguments).unwrap()
    }

    fn commit(&self, message: &str) {
        self.run(&["add", "--all"]);
        self.run(&["commit", "--quiet", "--allow-empty", "--message", message]);
    }

    /// A hook that says why and fails.
    #[cfg(unix)]
    fn failing_hook(&self, name: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.root().join(".git/hooks").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "#!/bin/sh\necho the wind is wrong >&2\nexit 1\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn prepare(&self) -> Result<bool, String> {
        self.prepare_as(&options())
    }

    fn prepare_as(&self, options: &Options) -> Result<bool, String> {
        run(&self.root(), options, |_, _| Ok(Standing::Nothing))
    }

    fn refusals(&self, held: &Held) -> Vec<String> {
        let root = self.root();
        let workspace = Workspace::read(&root).unwrap();
        let plan = Plan::of(facts::gather(&root, &workspace, &self.git).unwrap());
        let changelog = self.read(CHANGELOG);
        refused(
            &root,
            &options(),
            &workspace,
            &self.git,
            &plan,
            &changelog,
            |_, _| held.clone(),
        )
        .unwrap()
    }

    /// The one thing that is refused.
    fn refusal(&self) -> String {
        let refusals = self.refusals(&Ok(Standing::Nothing));
        assert_eq!(refusals.len(), 1, "{refusals:#?}");
        assert_eq!(self.prepare(), Ok(false));
        refusals.into_iter().next().unwrap()
    }

    /// All that a preparation may touch.
    fn state(&self) -> Vec<String> {
        vec![
            self.run(&["rev-parse", "HEAD"]),
            self.run(&["tag", "--list"]),
            self.run(&["status", "--porcelain"]),
            self.run(&["diff", "--cached"]),
            self.read("Cargo.toml"),
            self.read("Cargo.lock"),
            self.read("CHANGELOG.md"),
            self.read("crates/kite/Cargo.toml"),
            self.read("crates/kite-string/Cargo.toml"),
        ]
    }
}

fn options() -> Options {
    Options {
        date: Some("2026-11-25".to_owned()),
        ..Options::default()
    }
}

#[test]
fn the_first_release_is_made_and_leaves_nothing_due() {
    let fixture = Fixture::new("first");
    assert_eq!(fixture.prepare(), Ok(true));
    assert_eq!(fixture.run(&["status", "--porcelain"]), "");
    assert_eq!(fixture.run(&["rev-list", "--count", "HEAD"]), "2\n");
    assert_eq!(
        fixture.run(&["log", "-1", "--format=%B"]).trim(),
        "Release 2 crates\n\n- kite 0.1.0\n- kite-string 0.1.0"
    );
    for name in ["kite", "kite-string"] {
        let tag = format!("{name}-v0.1.0");
        assert_eq!(fixture.run(&["cat-file", "-t", &tag]), "tag\n");
        assert_eq!(
            fixture.run(&["rev-parse", &format!("{tag}^{{commit}}")]),
            fixture.run(&["rev-parse", "HEAD"])
        );
        let own = manifest(name, if name == "kite" { "" } else { USES });
        let own = own.replace("version.workspace = true", "version = \"0.1.0\"");
        assert_eq!(fixture.read(&format!("crates/{name}/Cargo.toml")), own);
    }
    assert_eq!(
        fixture.read("CHANGELOG.md"),
        "# Changelog\n\n## [Unreleased]\n\n## kite 0.1.0 - 2026-11-25\n\n### Added\n\n- Flies.\n\n\
         ## kite-string 0.1.0 - 2026-11-25\n\n### Added\n\n- Holds.\n\n\
         ## Workspace - 2026-11-25\n\n### Added\n\n- `cargo xtask fly`: flies too.\n"
    );
    assert!(fixture.refusal().contains("no crate is due"));
}

#[test]
fn what_breaks_is_released_with_those_who_use_it() {
    let fixture = Fixture::new("breaking");
    assert_eq!(fixture.prepare(), Ok(true));
    fixture.write("crates/kite/public-api.txt", "pub fn fly(u8)\n");
    fixture.write("crates/kite/src/lib.rs", "//! Flies high.\n");
    let notes = "## [Unreleased]\n\n### Changed\n\n- `kite`: higher.\n";
    fixture.replace("CHANGELOG.md", "## [Unreleased]\n", notes);
    fixture.commit("Fly higher");
    assert_eq!(fixture.prepare(), Ok(true));
    assert_eq!(
        fixture.read("Cargo.toml"),
        ROOT.replace("\", version = \"0.1.0\"", "\", version = \"0.2.0\"")
    );
    for name in ["kite", "kite-string"] {
        let manifest = fixture.read(&format!("crates/{name}/Cargo.toml"));
        assert!(
            manifest.contains("version = \"0.2.0\" # as all\n"),
            "{manifest}"
        );
        assert!(
            fixture
                .run(&["tag", "--list"])
                .contains(&format!("{name}-v0.2.0\n"))
        );
    }
    assert_eq!(
        fixture
            .read("Cargo.lock")
            .matches("version = \"0.2.0\"")
            .count(),
        2
    );
    let notes = fixture.read("CHANGELOG.md");
    assert!(
        notes.contains("## kite 0.2.0 - 2026-11-25\n\n### Changed\n\n- Higher.\n"),
        "{notes}"
    );
    let follows = "## kite-string 0.2.0 - 2026-11-25\n\n### Changed\n\n- Follows `kite` 0.2.0.\n";
    assert!(notes.contains(follows), "{notes}");
}

#[test]
fn what_no_package_holds_is_no_reason_for_a_release() {
    let fixture = Fixture::new("outside");
    assert_eq!(fixture.prepare(), Ok(true));
    fixture.write("docs/kite.md", "Flies.\n");
    // Left out of the package. It may change with the program that writes it.
    fixture.write("crates/kite/public-api.txt", "pub fn kite::fly()\n");
    fixture.commit("Tell more");
    assert!(fixture.refusal().contains("no crate is due"));
    // What was changed and changed back is no change either.
    fixture.write("crates/kite/src/lib.rs", "//! Dives.\n");
    fixture.commit("feat!: dive");
    fixture.write("crates/kite/src/lib.rs", "//! Flies.\n");
    fixture.commit("Fly again");
    assert!(fixture.refusal().contains("no crate is due"));
}

#[test]
fn the_plan_names_the_commits_that_touch_a_package() {
    let fixture = Fixture::new("commits");
    assert_eq!(fixture.prepare(), Ok(true));
    fixture.write("crates/kite/src/lib.rs", "//! Flies on.\n");
    fixture.commit("feat(wind)!: fly on\n\nFor long.");
    fixture.write("crates/kite-string/src/new.rs", "//! Long.\n");
    fixture.commit("Add length");
    fs::remove_file(fixture.root().join("crates/kite-string/src/lib.rs")).unwrap();
    fixture.write(
        "crates/kite-string/src/main.rs",
        "//! Holds.\nfn main() {}\n",
    );
    fixture.commit("Become a program");
    let root = fixture.root();
    let workspace = Workspace::read(&root).unwrap();
    let facts = facts::gather(&root, &workspace, &fixture.git).unwrap();
    let subjects = |index: usize| {
        let commits = facts[index].changes.commits.iter();
        commits
            .map(|commit| commit.subject.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(subjects(0), ["feat(wind)!: fly on"]);
    assert_eq!(facts[0].changes.commits[0].body, "For long.");
    assert_eq!(subjects(1), ["Become a program", "Add length"]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let fixture = Fixture::new("dry");
    let before = fixture.state();
    let dry = Options {
        dry_run: true,
        ..options()
    };
    assert_eq!(fixture.prepare_as(&dry), Ok(true));
    assert_eq!(fixture.state(), before);
}

#[test]
fn a_dry_run_shows_what_would_change() {
    let fixture = Fixture::new("difference");
    let root = fixture.root();
    let workspace = Workspace::read(&root).unwrap();
    let plan = Plan::of(facts::gather(&root, &workspace, &fixture.git).unwrap());
    let changes = draft::of(&root, &workspace, &plan, NOTES, "2026-11-25").unwrap();
    let shown = change::difference(&changes).unwrap();
    assert!(
        shown.contains("\n-version.workspace = true # as all\n+version = \"0.1.0\" # as all\n"),
        "{shown}"
    );
    assert!(shown.contains("b/CHANGELOG.md"), "{shown}");
    assert!(shown.contains("\n+## kite 0.1.0 - 2026-11-25\n"), "{shown}");
    assert!(!shown.contains("Cargo.lock"), "{shown}");
}

#[test]
fn a_tree_that_is_not_as_committed_is_refused() {
    let fixture = Fixture::new("dirty");
    fixture.write("crates/kite/src/new.rs", "//! New.\n");
    let before = fixture.state();
    assert!(fixture.refusal().contains("?? crates/kite/src/new.rs"));
    assert_eq!(fixture.state(), before);
}

#[test]
fn another_branch_is_refused() {
    let fixture = Fixture::new("branch");
    fixture.run(&["switch", "--quiet", "--create", "next"]);
    assert!(fixture.refusal().contains("`next`"));
    fixture.run(&["switch", "--quiet", "--detach"]);
    assert!(fixture.refusal().contains("no branch"));
}

#[test]
fn a_crate_that_the_changelog_is_silent_about_is_refused() {
    let fixture = Fixture::new("silent");
    fixture.replace("CHANGELOG.md", "- `kite-string`: holds.\n", "");
    fixture.commit("Say less");
    assert!(fixture.refusal().contains("nothing of kite-string"));
    fixture.replace("CHANGELOG.md", "## [Unreleased]", "## Soon");
    fixture.commit("Say it otherwise");
    assert!(fixture.refusal().contains("no section"));
}

#[test]
fn a_version_that_is_published_already_is_refused() {
    let fixture = Fixture::new("published");
    let refusals = fixture.refusals(&Ok(Standing::Version));
    assert_eq!(refusals.len(), 2, "{refusals:#?}");
    assert!(refusals[0].contains("kite 0.1.0 is on the registry already"));
    let refusals = fixture.refusals(&Err("no net".to_owned()));
    assert!(refusals[1].contains("no net"), "{refusals:#?}");
}

#[test]
fn a_dependency_without_a_version_is_refused() {
    let fixture = Fixture::new("path");
    fixture.replace(
        "Cargo.toml",
        "\"crates/kite\", version = \"0.1.0\"",
        "\"crates/kite\"",
    );
    fixture.commit("Forget the version");
    assert!(
        fixture
            .refusal()
            .contains("kite-string depends on `kite`, which has a path")
    );
}

#[test]
fn a_package_without_its_licence_is_refused() {
    let fixture = Fixture::new("licence");
    fs::remove_file(fixture.root().join("crates/kite/LICENSE-MIT")).unwrap();
    fixture.commit("Lose it");
    assert!(
        fixture
            .refusal()
            .contains("the package of kite lacks `LICENSE-MIT`")
    );
    fixture.write("crates/kite/LICENSE-MIT", "Take it.\n");
    fixture.replace(
        "crates/kite-string/Cargo.toml",
        "license.workspace = true\n",
        "",
    );
    fixture.commit("Lose the other");
    assert!(
        fixture
            .refusal()
            .contains("kite-string does not say its licence")
    );
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let fixture = Fixture::new("all");
    fixture.run(&["switch", "--quiet", "--create", "next"]);
    fixture.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n");
    fs::remove_file(fixture.root().join("crates/kite/LICENSE-MIT")).unwrap();
    let before = fixture.state();
    assert_eq!(fixture.prepare(), Ok(false));
    // The tree, the branch, two silences and a licence.
    assert_eq!(fixture.refusals(&Ok(Standing::Nothing)).len(), 5);
    assert_eq!(fixture.state(), before);
}

#[cfg(unix)]
#[test]
fn a_hook_that_fails_leaves_all_as_it_was() {
    let fixture = Fixture::new("hook");
    fixture.failing_hook("pre-commit");
    let before = fixture.state();
    let error = fixture.prepare().unwrap_err();
    assert!(error.contains("the wind is wrong"), "{error}");
    assert!(error.contains("all is as it was before"), "{error}");
    assert_eq!(fixture.state(), before);
}

#[test]
fn a_tag_that_cannot_be_set_takes_commit_and_other_tags_back() {
    let fixture = Fixture::new("tag");
    // Git keeps tags as files: one cannot be where another has a directory.
    fixture.run(&["tag", "kite-string-v0.1.0/old"]);
    let before = fixture.state();
    let error = fixture.prepare().unwrap_err();
    assert!(error.contains("git tag"), "{error}");
    assert!(error.contains("all is as it was before"), "{error}");
    assert_eq!(fixture.state(), before);
    fixture.run(&["tag", "--delete", "kite-string-v0.1.0/old"]);
    assert_eq!(fixture.prepare(), Ok(true));
}

#[test]
fn versions_that_cargo_does_not_take_are_put_back() {
    let fixture = Fixture::new("cargo");
    assert_eq!(fixture.prepare(), Ok(true));
    // A requirement outside of the root manifest does not follow.
    let pinned = "kite = { path = \"../kite\", version = \"=0.1.0\" }\n";
    fixture.replace(
        "crates/kite-string/Cargo.toml",
        "kite.workspace = true\n",
        pinned,
    );
    fixture.write("crates/kite/src/lib.rs", "//! Flies on.\n");
    let notes = "## [Unreleased]\n\n- `kite` and `kite-string`: on.\n";
    fixture.replace("CHANGELOG.md", "## [Unreleased]\n", notes);
    fixture.commit("Fly on");
    let before = fixture.state();
    let error = fixture.prepare().unwrap_err();
    assert!(
        error.contains("cargo does not take the new versions"),
        "{error}"
    );
    assert_eq!(fixture.state(), before);
}

#[test]
fn a_day_is_written_as_changelogs_do() {
    let seconds = std::time::Duration::from_secs(1_795_629_637);
    assert_eq!(day(SystemTime::UNIX_EPOCH + seconds), "2026-11-25");
    assert_eq!(day(SystemTime::UNIX_EPOCH), "1970-01-01");
}
