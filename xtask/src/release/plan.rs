//! `cargo xtask release plan`: the crates that are due, their versions, and the reasons.

mod changes;

use anyhow::Result;
use semver::{Version, VersionReq};
use xshell::Shell;

use super::registry::{Standing, standing};
use crate::git::{git, last_release, tag};
use crate::workspace::{Workspace, uses};
use changes::Changes;
pub(super) use changes::packaged;

/// Returns what the registry has of a version of a crate.
pub(super) type Lookup<'a> = &'a dyn Fn(&str, &Version) -> Result<Standing>;

/// The crates to release, in an order in which they can be published, and those left out.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) releases: Vec<Release>,
    /// The crates without a change, and their last versions.
    left_out: Vec<(String, Version)>,
}

/// A crate that is due, or that may be.
#[derive(Debug)]
pub(super) struct Release {
    pub(super) name: String,
    /// The version of its last release, according to the tags.
    now: Option<Version>,
    /// The version to release. Before the plan is made, this is the version in the manifest.
    pub(super) next: Version,
    level: Level,
    /// The crates of the workspace that its users compile with it.
    uses: Vec<String>,
    changes: Changes,
    /// The crates it uses whose releases break it, with their new versions.
    pub(super) follows: Vec<(String, Version)>,
}

/// The effect of a release on the users of the crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// There was no release before.
    First,
    Fix,
    Addition,
    Breaking,
}

/// Prints the plan.
pub(crate) fn run(sh: &Shell, registry: &str) -> Result<()> {
    let plan = Plan::read(sh, &Workspace::read(sh)?)?;
    let lookup = |name: &str, version: &Version| standing(sh, registry, name, version);
    println!("{}", plan.report(registry, &lookup));
    Ok(())
}

impl Plan {
    /// Compares each crate of the workspace with its last tag.
    pub(super) fn read(sh: &Shell, workspace: &Workspace) -> Result<Self> {
        let tags = git(sh, "tag --list").read()?;
        let mut crates = Vec::new();
        for package in &workspace.packages {
            let mut release = Release::new(&package.name, package.version.clone());
            release.uses = uses(package).map(str::to_owned).collect();
            release.now = last_release(&release.name, &tags);
            if let Some(now) = &release.now {
                release.changes = Changes::since(sh, &tag(&release.name, now), package)?;
            }
            crates.push(release);
        }
        Ok(Self::of(crates))
    }

    /// Plans for these crates, each of which comes after those that it uses.
    fn of(crates: Vec<Release>) -> Self {
        let mut plan = Self::default();
        for mut release in crates {
            // A first release has no users to tell which crates it follows.
            if let Some(now) = &release.now {
                for used in &plan.releases {
                    if used.breaks_users() && release.uses.contains(&used.name) {
                        let follows = (used.name.clone(), used.next.clone());
                        release.follows.push(follows);
                    }
                }
                let broken = (!release.follows.is_empty()).then_some(Level::Breaking);
                let Some(level) = release.changes.level().max(broken) else {
                    plan.left_out.push((release.name, now.clone()));
                    continue;
                };
                release.level = level;
                // A person may have raised the version further, as for 1.0.0.
                let is_raised = !now.pre.is_empty() && release.next > *now;
                if !is_raised {
                    release.next = level.after(now).max(release.next);
                }
            }
            plan.releases.push(release);
        }
        plan
    }

    /// Returns the text of the plan.
    pub(super) fn report(&self, registry: &str, lookup: Lookup<'_>) -> String {
        let standing = |name: &str, version: &Version| match lookup(name, version) {
            Ok(Standing::Version) => "there".to_owned(),
            Ok(Standing::Name) => "not there".to_owned(),
            Ok(Standing::Nothing) => "new name".to_owned(),
            Err(error) => format!("unknown: {error:#}"),
        };
        let mut lines = vec!["To release, in this order:".to_owned()];
        if self.releases.is_empty() {
            lines = vec!["No crate is due.".to_owned()];
        }
        for release in &self.releases {
            release.report(&mut lines);
            let standing = standing(&release.name, &release.next);
            lines.push(format!("  {registry}: {standing}"));
        }
        for (name, version) in &self.left_out {
            lines.push(format!("\n{name} {version}: left out, unchanged"));
            lines.push(format!("  {registry}: {}", standing(name, version)));
        }
        lines.join("\n")
    }
}

impl Release {
    /// Returns the first release of a crate.
    pub(super) fn new(name: &str, next: Version) -> Self {
        Self {
            name: name.to_owned(),
            now: None,
            next,
            level: Level::First,
            uses: Vec::new(),
            changes: Changes::default(),
            follows: Vec::new(),
        }
    }

    pub(super) fn tag(&self) -> String {
        tag(&self.name, &self.next)
    }

    /// Returns the name with the new version.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.name, self.next)
    }

    /// Returns `true` if the crate itself has changed, and not only what it uses.
    pub(super) fn changes_itself(&self) -> bool {
        self.level == Level::First || self.changes.level().is_some()
    }

    /// Returns `true` if the crates that use this one have to be released with it.
    fn breaks_users(&self) -> bool {
        let Some(now) = &self.now else { return false };
        // The requirement of the users does not reach the next version, whose label is of no account.
        let next = Version::new(self.next.major, self.next.minor, self.next.patch);
        let is_reached = VersionReq::parse(&now.to_string()).is_ok_and(|now| now.matches(&next));
        self.level == Level::Breaking || !is_reached
    }

    fn report(&self, lines: &mut Vec<String>) {
        let now = self.now.as_ref().map(ToString::to_string);
        let now = now.as_deref().unwrap_or("unreleased");
        let (name, next, changes) = (&self.name, &self.next, &self.changes);
        let level = format!("{:?}", self.level).to_lowercase();
        lines.push(format!("\n{name} {now} -> {next} ({level})"));
        for (name, version) in &self.follows {
            lines.push(format!("  follows the breaking {name} {version}"));
        }
        if changes.files && changes.commits.is_empty() {
            lines.push("  files changed by merges alone".to_owned());
        }
        for (what, mark, all) in [
            ("commits", '*', &changes.commits),
            ("public items gone or changed", '-', &changes.api.removed),
            ("public items new or changed", '+', &changes.api.added),
            ("changes in the root manifest", '*', &changes.inherited),
        ] {
            if !all.is_empty() {
                lines.push(format!("  {what}: {}", all.len()));
            }
            for one in all.iter().take(3) {
                lines.push(format!("    {mark} {one}"));
            }
        }
    }
}

impl Changes {
    fn level(&self) -> Option<Level> {
        let levels = [
            (self.breaks || !self.api.removed.is_empty(), Level::Breaking),
            (!self.api.added.is_empty(), Level::Addition),
            (self.files || !self.inherited.is_empty(), Level::Fix),
        ];
        levels.into_iter().find(|it| it.0).map(|it| it.1)
    }
}

impl Level {
    /// Returns the version of a release of this level after another one.
    fn after(self, version: &Version) -> Version {
        let (major, minor, patch) = (version.major, version.minor, version.patch);
        match self {
            // A pre-release promises nothing: the release that it announces is next.
            _ if !version.pre.is_empty() => Version::new(major, minor, patch),
            Self::Breaking if major == 0 => Version::new(0, minor + 1, 0),
            Self::Breaking => Version::new(major + 1, 0, 0),
            Self::Addition if major > 0 => Version::new(major, minor + 1, 0),
            _ => Version::new(major, minor, patch + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    /// Reads a crate written as `name last-release[/version-in-manifest] change uses...`.
    fn read(text: &str) -> Release {
        let mut words = text.split(' ');
        let mut next = || words.next().unwrap();
        let (name, versions, change) = (next(), next(), next());
        let (now, manifest) = versions.split_once('/').unwrap_or((versions, versions));
        let mut release = Release::new(name, Version::parse(manifest).unwrap());
        release.now = Version::parse(now).ok();
        release.uses = words.map(str::to_owned).collect();
        let changes = &mut release.changes;
        match change {
            "fix" => changes.files = true,
            "fix!" => changes.breaks = true,
            "added" => changes.api.added.push("fn fly()".into()),
            "removed" => changes.api.removed.push("fn fly()".into()),
            "inherited" => changes.inherited.push("wind".into()),
            _ => {}
        }
        release
    }

    #[test]
    fn changes_and_the_crates_used_determine_the_versions() {
        for case in [
            "a 0.1.4 fix => a 0.1.5 Fix",
            "a 0.1.4 inherited => a 0.1.5 Fix",
            "a 0.1.4 added => a 0.1.5 Addition",
            "a 0.1.4 removed => a 0.2.0 Breaking",
            "a 0.1.4 fix! => a 0.2.0 Breaking",
            "a 1.2.3 fix => a 1.2.4 Fix",
            "a 1.2.3 added => a 1.3.0 Addition",
            "a 1.2.3 removed => a 2.0.0 Breaking",
            "a 0.2.0-rc.1 removed => a 0.2.0 Breaking",
            "a 0.2.0-rc.1/0.2.0-rc.2 removed => a 0.2.0-rc.2 Breaking",
            "a -/0.3.0 none => a 0.3.0 First",
            "a 0.1.0 none => ",
            "a 1.0.0 added, b 0.1.0 none a => a 1.1.0 Addition",
            // Users of what breaks break their own users; a first release has none.
            "a 0.1.0 fix!, b 1.0.0 none a, c 0.1.0 fix b => a 0.2.0 Breaking, b 2.0.0 Breaking a, c 0.2.0 Breaking b",
            "a 0.1.0 fix!, b -/0.1.0 none a, c 0.1.0 none b => a 0.2.0 Breaking, b 0.1.0 First",
            // A requirement for 0.0.1 does not admit 0.0.2.
            "a 0.0.1 fix, b 1.0.0 none a => a 0.0.2 Fix, b 2.0.0 Breaking a",
            // A version that was raised by hand stands.
            "a 0.1.0/1.0.0 fix, b 1.0.0 none a => a 1.0.0 Fix, b 2.0.0 Breaking a",
        ] {
            let (crates, expected) = case.split_once(" => ").unwrap();
            let plan = Plan::of(crates.split(", ").map(read).collect());
            let releases = plan.releases.iter().map(|release| {
                let follows = release.follows.iter().map(|(name, _)| format!(" {name}"));
                let follows: String = follows.collect();
                format!("{} {:?}{follows}", release.title(), release.level)
            });
            assert_eq!(releases.collect::<Vec<_>>().join(", "), expected, "{case}");
        }
    }

    #[test]
    fn the_report_has_the_reasons_of_each_release() {
        let mut a = read("a 0.1.0 fix");
        a.changes.commits = ["1f Fly", "2f Mend"].map(str::to_owned).to_vec();
        a.changes.api.removed.push("fn f()".to_owned());
        a.changes.api.added = ["i", "j", "k", "l"].map(str::to_owned).to_vec();
        a.changes.inherited.push("wind".to_owned());
        let others = ["b 0.1.0 none a", "c 0.1.0 fix", "d 1.0.0 none"].map(read);
        let plan = Plan::of([a].into_iter().chain(others).collect());
        let lookup = |name: &str, _: &Version| match name {
            "a" => Ok(Standing::Name),
            "b" => Ok(Standing::Nothing),
            "c" => bail!("no network"),
            _ => Ok(Standing::Version),
        };
        let expected = "To release, in this order:

a 0.1.0 -> 0.2.0 (breaking)
  commits: 2
    * 1f Fly
    * 2f Mend
  public items gone or changed: 1
    - fn f()
  public items new or changed: 4
    + i
    + j
    + k
  changes in the root manifest: 1
    * wind
  harbour: not there

b 0.1.0 -> 0.2.0 (breaking)
  follows the breaking a 0.2.0
  harbour: new name

c 0.1.0 -> 0.1.1 (fix)
  files changed by merges alone
  harbour: unknown: no network

d 1.0.0: left out, unchanged
  harbour: there";
        assert_eq!(plan.report("harbour", &lookup), expected);
    }
}
