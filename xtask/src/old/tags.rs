//! How the versions of crates are tagged.

use semver::Version;

/// The tag of this version of a crate.
pub(crate) fn tag(name: &str, version: &Version) -> String {
    format!("{name}-v{version}")
}

/// The highest version of a crate that a tag speaks of.
pub(crate) fn last_release(name: &str, tags: &[String]) -> Option<Version> {
    let versions = tags.iter().filter_map(|tag| {
        let version = tag.strip_prefix(name)?.strip_prefix("-v")?;
        Version::parse(version).ok()
    });
    versions.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(name: &str, tags: &[&str]) -> Option<String> {
        let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
        last_release(name, &tags).map(|version| tag(name, &version))
    }

    #[test]
    fn the_last_release_is_that_of_the_highest_version() {
        let tags = [
            "kite-v0.9.0",
            "kite-v0.10.0",
            "kite-v0.10.0-rc.1",
            "kite-v0.2.0",
        ];
        assert_eq!(last("kite", &tags).as_deref(), Some("kite-v0.10.0"));
    }

    #[test]
    fn a_tag_of_another_crate_or_of_no_version_is_none() {
        let tags = ["kite-string-v1.0.0", "kite-v2", "kite-vane", "v3.0.0"];
        assert_eq!(last("kite", &tags), None);
        assert_eq!(last("kit", &tags), None);
        let string = last("kite-string", &tags);
        assert_eq!(string.as_deref(), Some("kite-string-v1.0.0"));
    }
}
