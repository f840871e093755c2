//! Which crates are due for a release, at which versions, and why.

use std::collections::BTreeMap;

use semver::Version;

use super::level::{Level, is_compatible};
use crate::old::git::Commit;
use crate::old::public_api::Difference;
use crate::old::tags::tag;

/// What is known of a crate before it is planned for.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) name: String,
    /// The version in its manifest.
    pub(super) manifest: Version,
    /// The version of its last release, by the tags.
    pub(super) released: Option<Version>,
    /// The crates of the workspace that its users compile with it.
    pub(super) uses: Vec<String>,
    pub(super) changes: Changes,
}

/// How a crate differs from its last release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Whether files of its package are other than they were.
    pub(super) files: bool,
    /// The commits that touched them, the last one first.
    pub(super) commits: Vec<Commit>,
    /// What came to its public items and what went, if that is known.
    pub(super) api: Difference,
    /// What the root manifest gives it and gave it otherwise before, such as a dependency.
    pub(super) inherited: Vec<String>,
}

/// Crates to release in an order in which they can be published, and those left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) releases: Vec<Release>,
    pub(super) left_out: Vec<LeftOut>,
}

/// A crate that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) name: String,
    /// The version of its last release.
    pub(super) now: Option<Version>,
    pub(super) next: Version,
    pub(super) level: Level,
    pub(super) changes: Changes,
    /// The crates it uses that break it, with their new versions.
    pub(super) follows: Vec<(String, Version)>,
}

/// A crate in which nothing has changed since this release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) name: String,
    pub(super) version: Version,
}

impl Changes {
    fn level(&self) -> Option<Level> {
        let breaks = !self.api.removed.is_empty() || self.commits.iter().any(Commit::breaks);
        if breaks {
            Some(Level::Breaking)
        } else if !self.api.added.is_empty() {
            Some(Level::Addition)
        } else if self.files || !self.inherited.is_empty() {
            Some(Level::Fix)
        } else {
            None
        }
    }
}

impl Release {
    pub(super) fn tag(&self) -> String {
        tag(&self.name, &self.next)
    }

    /// Whether there is something to tell of the crate itself, not only of what it uses.
    pub(super) fn changes_itself(&self) -> bool {
        self.level == Level::First || self.changes.level().is_some()
    }

    /// Whether those who use the crate have to be released with it.
    fn breaks_users(&self) -> bool {
        let reaches = |now| is_compatible(now, &self.next);
        self.level == Level::Breaking || !self.now.as_ref().is_none_or(reaches)
    }
}

impl Plan {
    /// Plans for these crates, which come in an order in which they can be published.
    pub(super) fn of(facts: Vec<Facts>) -> Self {
        let mut plan = Self::default();
        let mut breaking: BTreeMap<String, Version> = BTreeMap::new();
        for crate_ in facts {
            let used = crate_.uses.iter();
            let follows: Vec<(String, Version)> = used
                .filter_map(|name| Some((name.clone(), breaking.get(name)?.clone())))
                .collect();
            match decide(&crate_, &follows) {
                Ok((level, next)) => {
                    let release = Release {
                        name: crate_.name,
                        now: crate_.released,
                        next,
                        level,
                        changes: crate_.changes,
                        follows,
                    };
                    if release.breaks_users() {
                        breaking.insert(release.name.clone(), release.next.clone());
                    }
                    plan.releases.push(release);
                }
                Err(version) => plan.left_out.push(LeftOut {
                    name: crate_.name,
                    version,
                }),
            }
        }
        plan
    }
}

/// The level and the version at which a crate is due; otherwise the version that stays the last.
fn decide(crate_: &Facts, follows: &[(String, Version)]) -> Result<(Level, Version), Version> {
    let Some(released) = &crate_.released else {
        return Ok((Level::First, crate_.manifest.clone()));
    };
    let followed = (!follows.is_empty()).then_some(Level::Breaking);
    let Some(level) = crate_.changes.level().max(followed) else {
        return Err(released.clone());
    };
    // A person may have raised the version further, as for 1.0.0.
    let next = level.after(released).max(crate_.manifest.clone());
    Ok((level, next))
}

#[cfg(test)]
mod tests;
