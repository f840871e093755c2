//! `cargo xtask release plan`: the plan as people read it.

use std::fmt::Write;
use std::path::Path;

use semver::Version;

use super::facts;
use super::options::Options;
use super::plan::{LeftOut, Plan, Release};
use super::registry::Standing;
use crate::old::ci::say;
use crate::old::git::{Commit, Git};
use crate::old::workspace::Workspace;

/// What a registry has of a release that is to be made, or why it could not be asked.
pub(super) type Held = Result<Standing, String>;

/// Tells which crates are due, at which versions, and why.
pub(super) fn command(root: &Path, options: &Options) -> Result<bool, String> {
    let workspace = Workspace::read(root)?;
    let plan = Plan::of(facts::gather(root, &workspace, &Git::at(root))?);
    let registry = &options.registry;
    let held = |name: &str, version: &Version| registry.standing(name, version);
    say(render(&plan, registry.name(), held).trim_end());
    Ok(true)
}

/// How many commits, and how many lines of an API, are shown one by one.
const SHOWN: usize = 3;

fn render(plan: &Plan, registry: &str, held: impl Fn(&str, &Version) -> Held) -> String {
    let mut text = if plan.releases.is_empty() {
        "No crate is due.\n".to_owned()
    } else {
        "To release, in this order:\n".to_owned()
    };
    for release in &plan.releases {
        let held = state(&held(&release.name, &release.next));
        let _ = write!(text, "\n{}  {registry}: {held}\n", one(release));
    }
    if !plan.left_out.is_empty() {
        text.push_str("\nLeft out, since nothing in them has changed:\n\n");
    }
    for LeftOut { name, version } in &plan.left_out {
        let _ = writeln!(
            text,
            "{name} {version} ({registry}: {})",
            state(&held(name, version))
        );
    }
    text
}

/// A release with its reasons.
fn one(release: &Release) -> String {
    let now = match &release.now {
        Some(now) => now.to_string(),
        None => "unreleased".to_owned(),
    };
    let Release {
        name, next, level, ..
    } = release;
    let mut text = format!("{name} {now} -> {next} ({level})\n");
    let mut line = |what: String| text.push_str(&format!("  {what}\n"));
    for (name, version) in &release.follows {
        line(format!("follows {name} {version}, which breaks its users"));
    }
    let changes = &release.changes;
    let commits: Vec<String> = changes.commits.iter().map(summary).collect();
    shown(&mut line, ["commit", "commits"], "*", &commits);
    if changes.files && commits.is_empty() {
        line("files changed by merges alone".to_owned());
    }
    let gone = [
        "public item gone or changed",
        "public items gone or changed",
    ];
    shown(&mut line, gone, "-", &changes.api.removed);
    let new = ["public item new or changed", "public items new or changed"];
    shown(&mut line, new, "+", &changes.api.added);
    for name in &changes.inherited {
        line(format!("another `{name}` inherited from the root manifest"));
    }
    text
}

fn summary(commit: &Commit) -> String {
    let id = commit.id.get(..9).unwrap_or(&commit.id);
    let breaks = if commit.breaks() { " (breaking)" } else { "" };
    format!("{id} {}{breaks}", commit.subject)
}

/// The number of things, the first of them, and how many more there are.
fn shown(line: &mut impl FnMut(String), [one, many]: [&str; 2], mark: &str, things: &[String]) {
    match things.len() {
        0 => return,
        1 => line(format!("1 {one}:")),
        number => line(format!("{number} {many}:")),
    }
    for thing in things.iter().take(SHOWN) {
        line(format!("  {mark} {thing}"));
    }
    if things.len() > SHOWN {
        line(format!("  and {} more", things.len() - SHOWN));
    }
}

fn state(held: &Held) -> String {
    match held {
        Ok(Standing::Version) => "there".to_owned(),
        Ok(Standing::Name) => "not there".to_owned(),
        Ok(Standing::Nothing) => "new name".to_owned(),
        Err(why) => format!("not known, since {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::old::public_api::Difference;
    use crate::old::release::level::Level;
    use crate::old::release::plan::Changes;

    fn commit(subject: &str) -> Commit {
        Commit {
            id: "0123456789abcdef".to_owned(),
            subject: subject.to_owned(),
            body: String::new(),
            files: Vec::new(),
        }
    }

    #[test]
    fn a_plan_tells_of_each_crate_what_and_why() {
        let added = ["fn a()", "fn b()", "fn c()", "fn d()", "fn e()"];
        let kite = Release {
            name: "kite".to_owned(),
            now: Some(Version::new(0, 1, 0)),
            next: Version::new(0, 2, 0),
            level: Level::Breaking,
            changes: Changes {
                files: true,
                commits: vec![commit("feat!: fly"), commit("Mend a knot")],
                api: Difference {
                    removed: vec!["fn f()".to_owned()],
                    added: added.iter().map(ToString::to_string).collect(),
                },
                inherited: vec!["wind".to_owned()],
            },
            follows: Vec::new(),
        };
        let user = Release {
            name: "user".to_owned(),
            changes: Changes::default(),
            follows: vec![("kite".to_owned(), Version::new(0, 2, 0))],
            ..kite.clone()
        };
        let plan = Plan {
            releases: vec![kite, user],
            left_out: vec![LeftOut {
                name: "boat".to_owned(),
                version: Version::new(1, 0, 0),
            }],
        };
        let text = render(&plan, "harbour", |name, _| match name {
            "kite" => Ok(Standing::Name),
            "user" => Ok(Standing::Nothing),
            _ => Ok(Standing::Version),
        });
        assert_eq!(
            text,
            "\
To release, in this order:

kite 0.1.0 -> 0.2.0 (breaking)
  2 commits:
    * 012345678 feat!: fly (breaking)
    * 012345678 Mend a knot
  1 public item gone or changed:
    - fn f()
  5 public items new or changed:
    + fn a()
    + fn b()
    + fn c()
    and 2 more
  another `wind` inherited from the root manifest
  harbour: not there

user 0.1.0 -> 0.2.0 (breaking)
  follows kite 0.2.0, which breaks its users
  harbour: new name

Left out, since nothing in them has changed:

boat 1.0.0 (harbour: there)
"
        );
    }
}
