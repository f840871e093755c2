//! How much a release changes for users, and what that does to a version.

use std::fmt;

use semver::{BuildMetadata, Prerelease, Version};

/// What a release means to those who use the crate, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// There was no release before.
    First,
    Fix,
    Addition,
    Breaking,
}

impl Level {
    /// The version of a release of this level after that of another.
    pub(super) fn after(self, version: &Version) -> Version {
        let Version {
            major,
            minor,
            patch,
            ..
        } = *version;
        // A pre-release promises nothing: its successor is the release that it announces.
        if !version.pre.is_empty() {
            return Version::new(major, minor, patch);
        }
        match (self, major) {
            (Self::First, _) => version.clone(),
            (Self::Breaking, 0) => Version::new(0, minor + 1, 0),
            (Self::Breaking, _) => Version::new(major + 1, 0, 0),
            (Self::Addition, 1..) => Version::new(major, minor + 1, 0),
            (Self::Addition | Self::Fix, _) => Version::new(major, minor, patch + 1),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "first release",
            Self::Fix => "fix",
            Self::Addition => "addition",
            Self::Breaking => "breaking",
        })
    }
}

/// Whether those who require the older version take the newer one as well.
pub(super) fn is_compatible(older: &Version, newer: &Version) -> bool {
    let requirement = semver::VersionReq {
        comparators: vec![semver::Comparator {
            op: semver::Op::Caret,
            major: older.major,
            minor: Some(older.minor),
            patch: Some(older.patch),
            pre: older.pre.clone(),
        }],
    };
    let newer = Version {
        pre: Prerelease::EMPTY,
        build: BuildMetadata::EMPTY,
        ..newer.clone()
    };
    requirement.matches(&newer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    fn after(level: Level, text: &str) -> String {
        level.after(&version(text)).to_string()
    }

    #[test]
    fn below_one_what_breaks_raises_the_second_number_and_the_rest_the_third() {
        assert_eq!(after(Level::Breaking, "0.1.4"), "0.2.0");
        assert_eq!(after(Level::Addition, "0.1.4"), "0.1.5");
        assert_eq!(after(Level::Fix, "0.1.4"), "0.1.5");
    }

    #[test]
    fn from_one_on_each_level_has_its_number() {
        assert_eq!(after(Level::Breaking, "1.2.3"), "2.0.0");
        assert_eq!(after(Level::Addition, "1.2.3"), "1.3.0");
        assert_eq!(after(Level::Fix, "1.2.3"), "1.2.4");
    }

    #[test]
    fn a_pre_release_is_followed_by_what_it_announces() {
        for level in [Level::Fix, Level::Addition, Level::Breaking] {
            assert_eq!(after(level, "0.2.0-rc.1"), "0.2.0");
        }
    }

    #[test]
    fn compatible_is_what_cargo_takes_without_being_asked() {
        let compatible = |older, newer| is_compatible(&version(older), &version(newer));
        assert!(compatible("0.1.0", "0.1.7"));
        assert!(!compatible("0.1.0", "0.2.0"));
        assert!(compatible("1.0.0", "1.4.0"));
        assert!(!compatible("1.4.0", "2.0.0"));
        assert!(!compatible("0.0.1", "0.0.2"));
    }
}
