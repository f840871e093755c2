//! `cargo xtask release publish`: uploads the crates that a registry does not have.
//!
//! Cargo orders the packages, uploads them and waits for the index. What it does not do is here: the
//! checks before, the registry's limit on new names, and going on after a failure.

mod answer;
mod course;
mod pace;

use std::fmt;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use semver::Version;
use xshell::Shell;

use super::registry::{self, PUBLIC, Standing};
use crate::git::{git, tag, uncommitted};
use crate::shell::cargo;
use crate::workspace::Workspace;
use answer::Answer;
use course::{Course, World};
use pace::Pace;

/// A crate that is to be on a registry.
#[derive(Debug, PartialEq)]
struct Item {
    name: String,
    version: Version,
    /// The versions on the registry at the start.
    standing: Standing,
}

impl Item {
    fn is_new_name(&self) -> bool {
        self.standing == Standing::Nothing
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// Uploads each crate whose version the registry does not have.
pub(crate) fn run(sh: &Shell, registry: &str, pace: Option<&str>, dry_run: bool) -> Result<()> {
    // The public registry's pace, and none.
    let usual = if registry == PUBLIC { "5/600" } else { "1/0" };
    let new_names = pace.unwrap_or(usual);
    let pace = Pace::parse(new_names)?;
    let mut items = Vec::new();
    for package in Workspace::read(sh)?.packages {
        let (name, version) = (package.name.to_string(), package.version);
        let standing = registry::standing(sh, registry, &name, &version)?;
        items.push(Item {
            name,
            version,
            standing,
        });
    }
    println!("{}", intent(&items, registry, pace));
    let changes = uncommitted(sh)?;
    let here = git(sh, "tag --points-at HEAD").read()?;
    let tags = git(sh, "tag --list").read()?;
    let refusals = refusals(&items, &changes, &here, &tags);
    if !refusals.is_empty() {
        bail!("cannot publish from here:\n- {}", refusals.join("\n- "));
    }
    if dry_run {
        return Ok(());
    }
    let mut cargo = Cargo { sh, registry };
    let mut course = Course::new(&items, pace, &mut cargo);
    course.run().with_context(|| {
        let missing: Vec<String> = course.missing.iter().map(ToString::to_string).collect();
        format!(
            "not seen on the registry `{registry}`: {}\nto go on, run `cargo xtask release publish \
             --registry {registry} --new-names {new_names}`\ncause",
            missing.join(", ")
        )
    })?;
    println!("\nall crates are on the registry `{registry}`");
    Ok(())
}

/// Returns what is to be done with each crate, and after which waits for the pace.
fn intent(items: &[Item], registry: &str, mut pace: Pace) -> String {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
    let mut now = start;
    let mut text = format!("to publish on the registry `{registry}`:\n");
    for item in items {
        if item.is_new_name() {
            now += pace.wait(now);
            pace.take(item, now);
        }
        let wait = now.duration_since(start).unwrap_or_default().as_secs();
        text += &match item.standing {
            Standing::Version => format!("  {item}: is there already\n"),
            Standing::Name => format!("  {item}: after {wait} s\n"),
            Standing::Nothing => format!("  {item}: a new name, after {wait} s\n"),
        };
    }
    text
}

/// Returns why the missing crates cannot be published from here, each with what to do: by what git
/// prints of changes, of the tags of the commit, and of all tags. No upload can be taken back.
fn refusals(items: &[Item], changes: &str, here: &str, tags: &str) -> Vec<String> {
    let mut refusals = Vec::new();
    if !changes.is_empty() {
        refusals.push(format!("there are changes; commit them first:\n{changes}"));
    }
    for item in items.iter().filter(|it| it.standing != Standing::Version) {
        let tag = tag(&item.name, &item.version);
        let is_in = |tags: &str| tags.lines().any(|it| it == tag);
        if is_in(here) {
        } else if is_in(tags) {
            refusals.push(format!(
                "the tag {tag} is on another commit; publish from there after `git switch --detach \
                 {tag}`, or release another version"
            ));
        } else {
            refusals.push(format!(
                "there is no tag {tag}; run `cargo xtask release prepare`, or `git tag --annotate \
                 --message \"{item}\" {tag}`"
            ));
        }
    }
    refusals
}

/// Cargo in the workspace.
struct Cargo<'a> {
    sh: &'a Shell,
    registry: &'a str,
}

impl World for Cargo<'_> {
    fn has(&mut self, item: &Item) -> Result<bool> {
        let package = format!("{}@{}", item.name, item.version);
        registry::has(self.sh, self.registry, &package)
    }

    fn upload(&mut self, group: &[&Item]) -> Result<Answer> {
        // `release verify` has compiled the packages.
        let publish = cargo(self.sh, "publish --no-verify --locked --color never");
        let publish = publish.args(["--registry", self.registry]);
        let publish = publish.args(group.iter().flat_map(|item| ["--package", &item.name]));
        println!("$ {publish}");
        let mut publish = Command::from(publish);
        publish.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = publish.spawn()?;
        let mut printed = String::new();
        let output = child.stderr.take().map(BufReader::new);
        for line in output.into_iter().flat_map(|output| output.split(b'\n')) {
            let line = String::from_utf8_lossy(&line?).into_owned();
            eprintln!("{line}");
            printed += &format!("{line}\n");
        }
        let success = child.wait()?.success();
        Ok(answer::read(success, &printed, group, self.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn item(name: &str, standing: Standing) -> Item {
        let (name, version) = (name.to_owned(), Version::new(0, 2, 0));
        Item {
            name,
            version,
            standing,
        }
    }

    #[test]
    fn the_intent_tells_what_is_there_and_what_waits_for_the_pace() {
        let standings = [Standing::Version, Standing::Name, Standing::Nothing];
        let [there, known, new] = standings.map(|standing| move || item("a", standing));
        let items = [there(), known(), new(), new(), new(), known()];
        let text = intent(&items, "kite", Pace::parse("1/600").unwrap());
        let expected = "is there already\nafter 0 s\na new name, after 0 s\na new name, after 600 s\n\
                        a new name, after 1200 s\nafter 1200 s\n";
        assert!(
            text.replace("  a 0.2.0: ", "").ends_with(expected),
            "{text}"
        );
    }

    #[test]
    fn uploads_need_a_commit_with_the_right_tags() {
        let there = item("wind", Standing::Version);
        let items = [item("kite", Standing::Name), there];
        for (changes, here, tags, expected) in [
            ("", "a\nkite-v0.2.0", "a\nkite-v0.2.0", ""),
            (" M a.rs", "kite-v0.2.0", "kite-v0.2.0", "there are changes"),
            ("", "kite-v0.3.0", "kite-v0.3.0", "there is no tag kite-"),
            ("", "a", "kite-v0.2.0", "the tag kite-v0.2.0 is on another"),
        ] {
            let refusals = refusals(&items, changes, here, tags).join("\n");
            assert!(refusals.starts_with(expected), "{refusals}");
            assert_eq!(refusals.is_empty(), expected.is_empty(), "{refusals}");
        }
    }
}
