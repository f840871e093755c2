//! What must be so before the first upload: nothing that is uploaded can be taken back.

use std::collections::BTreeMap;

use super::super::refusals;
use super::super::registry::Standing;
use super::course::Crate;
use crate::old::git::Git;
use crate::old::tags::tag;

/// What git says of the checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checkout {
    /// What differs from the last commit.
    pub(super) changes: Vec<String>,
    pub(super) head: String,
    /// The commit that each tag is on.
    pub(super) tags: BTreeMap<String, String>,
}

impl Checkout {
    pub(super) fn read(git: &Git) -> Result<Self, String> {
        Ok(Self {
            changes: git.status()?,
            head: git.head()?,
            tags: git.tagged_commits()?,
        })
    }

    /// Why these crates cannot be published from here, each reason with what to do.
    pub(super) fn refusals(&self, crates: &[Crate]) -> Vec<String> {
        let due = crates
            .iter()
            .filter(|item| item.standing != Standing::Version);
        let of_crates = due.flat_map(|item| self.of_crate(item));
        refusals::tree(&self.changes)
            .into_iter()
            .chain(of_crates)
            .collect()
    }

    fn of_crate(&self, item: &Crate) -> Option<String> {
        let Crate { name, version, .. } = item;
        let wanted = tag(name, version);
        let here = self.tags.iter().filter(|(_, commit)| **commit == self.head);
        let other = here
            .map(|(tag, _)| tag.as_str())
            .find(|tag| *tag != wanted && tag.strip_prefix(name.as_str()).is_some_and(is_version));
        if let Some(other) = other {
            return Some(format!(
                "the commit has the tag {other}, but the manifest of {name} says {version}; set the \
                 version and commit, or remove the tag with `git tag --delete {other}`"
            ));
        }
        match self.tags.get(&wanted) {
            Some(commit) if *commit == self.head => None,
            Some(commit) => Some(format!(
                "the tag {wanted} is on the commit {}, not on this one; publish from there after \
                 `git switch --detach {wanted}`, or release another version",
                commit.get(..12).unwrap_or(commit)
            )),
            None => Some(format!(
                "there is no tag {wanted}; `cargo xtask release prepare` makes it when it sets the \
                 version, or `git tag --annotate --message \"{name} {version}\" {wanted}` here"
            )),
        }
    }
}

/// Whether this is how a tag goes on after the name of the crate.
fn is_version(rest: &str) -> bool {
    rest.strip_prefix("-v")
        .is_some_and(|version| semver::Version::parse(version).is_ok())
}

#[cfg(test)]
mod tests {
    use semver::Version;

    use super::*;

    fn item(name: &str, standing: Standing) -> Crate {
        Crate {
            name: name.to_owned(),
            version: Version::new(0, 2, 0),
            standing,
        }
    }

    fn checkout(tags: &[(&str, &str)]) -> Checkout {
        let tags = tags.iter();
        Checkout {
            changes: Vec::new(),
            head: "abcdef0123456789".to_owned(),
            tags: tags
                .map(|(tag, commit)| (tag.to_string(), commit.to_string()))
                .collect(),
        }
    }

    fn refusals(tags: &[(&str, &str)]) -> Vec<String> {
        let crates = [
            item("kite", Standing::Name),
            item("kite-wind", Standing::Version),
        ];
        checkout(tags).refusals(&crates)
    }

    #[test]
    fn a_tagged_commit_without_changes_is_published() {
        let tags = [
            ("kite-v0.2.0", "abcdef0123456789"),
            ("kite-v0.1.0", "9999"),
            // Of another crate, whose name begins the same.
            ("kite-wind-v0.3.0", "abcdef0123456789"),
        ];
        assert_eq!(refusals(&tags), [""; 0]);
    }

    #[test]
    fn a_tag_that_is_missing_is_said_with_how_to_make_it() {
        let refusals = refusals(&[]);
        assert_eq!(refusals.len(), 1, "what is there needs no tag");
        let how = "`git tag --annotate --message \"kite 0.2.0\" kite-v0.2.0`";
        assert!(refusals[0].contains(how), "{refusals:?}");
    }

    #[test]
    fn a_tag_elsewhere_is_said_with_where() {
        let refusals = refusals(&[("kite-v0.2.0", "0123456789abcdef")]);
        assert!(
            refusals[0].contains("on the commit 0123456789ab,"),
            "{refusals:?}"
        );
        assert!(refusals[0].contains("`git switch --detach kite-v0.2.0`"));
    }

    #[test]
    fn a_version_that_the_tag_does_not_mean_is_refused() {
        let here = "abcdef0123456789";
        for tags in [
            vec![("kite-v0.3.0", here)],
            vec![("kite-v0.3.0", here), ("kite-v0.2.0", here)],
        ] {
            let refusals = refusals(&tags);
            let said = "the tag kite-v0.3.0, but the manifest of kite says 0.2.0";
            assert!(refusals[0].contains(said), "{refusals:?}");
        }
    }

    #[test]
    fn changes_are_named_but_not_all_of_them() {
        let mut checkout = checkout(&[]);
        checkout.changes = (1..=7).map(|number| format!(" M {number}.rs")).collect();
        let refusals = checkout.refusals(&[]);
        assert!(refusals[0].contains("M 1.rs") && refusals[0].contains("and 2 more"));
    }
}
