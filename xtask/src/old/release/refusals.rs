//! What keeps a release from being made: each check is a function from facts to what is wrong, so
//! that all of it can be said at once.

use semver::Version;

use super::changelog::Changelog;
use super::plan::Release;
use super::registry::Standing;
use super::report::Held;
use crate::old::tags::tag;
use crate::old::workspace::{Kind, Origin, Package};

/// How many files are named before the rest is counted.
const NAMED: usize = 5;

/// The tree must be as committed; `status` has a line for each file that is not.
pub(super) fn tree(status: &[String]) -> Option<String> {
    if status.is_empty() {
        return None;
    }
    let named: Vec<&str> = status.iter().take(NAMED).map(|line| line.trim()).collect();
    let rest = match status.len().saturating_sub(NAMED) {
        0 => String::new(),
        rest => format!(", and {rest} more"),
    };
    Some(format!(
        "the tree is not as committed ({}{rest}); commit, stash or remove this first",
        named.join(", ")
    ))
}

/// Releases are made from one branch.
pub(super) fn branch(current: Option<&str>, wanted: &str) -> Option<String> {
    if current == Some(wanted) {
        return None;
    }
    let current = current.map_or("no branch".to_owned(), |name| {
        format!("the branch `{name}`")
    });
    Some(format!(
        "{current} is checked out, and releases are made from `{wanted}`; switch to it, or name \
         another by `--branch`"
    ))
}

/// There must be something to release.
pub(super) fn nothing(releases: &[Release]) -> Option<String> {
    releases
        .is_empty()
        .then(|| "no crate is due: nothing has changed since the last releases".to_owned())
}

/// Each crate that changes itself must have told its users; the others are told by us.
pub(super) fn entries(releases: &[Release], changelog: &Changelog<'_>) -> Vec<String> {
    let silent = releases
        .iter()
        .filter(|release| release.changes_itself() && !changelog.speaks_of(&release.name));
    silent
        .map(|Release { name, next, .. }| {
            format!(
                "the changelog says nothing of {name}, which is due at {next}; add an entry that \
                 starts with \"- `{name}`: \" under `## [Unreleased]`"
            )
        })
        .collect()
}

/// A version is given once.
pub(super) fn version(name: &str, next: &Version, tags: &[String], held: &Held) -> Vec<String> {
    let mut refusals = Vec::new();
    let tag = tag(name, next);
    if tags.contains(&tag) {
        refusals.push(format!(
            "{name} {next} is tagged already, as {tag}; set a higher version in its manifest"
        ));
    }
    match held {
        Ok(Standing::Version) => refusals.push(format!(
            "{name} {next} is on the registry already, but there is no tag {tag} here; fetch the \
             tags, or set a higher version in its manifest"
        )),
        Err(why) => refusals.push(format!(
            "it is not known whether {name} {next} is on the registry already: {why}"
        )),
        Ok(Standing::Name | Standing::Nothing) => {}
    }
    refusals
}

/// What users compile must come from the public registry, in versions that are known to work.
pub(super) fn dependencies(package: &Package) -> Vec<String> {
    let compiled = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != Kind::Development);
    let complaint = |dependency: &crate::old::workspace::Dependency| {
        let what = match (&dependency.origin, dependency.requirement.as_str()) {
            (Origin::Elsewhere(place), _) => format!("comes from {place}"),
            (Origin::Workspace, "*") => "has a path and no version".to_owned(),
            (Origin::Registry, "*") => "may have any version (`*`)".to_owned(),
            _ => return None,
        };
        let Package { name, .. } = package;
        Some(format!(
            "{name} depends on `{}`, which {what}; packages need a version of it on the public \
             registry",
            dependency.name
        ))
    };
    compiled.filter_map(complaint).collect()
}

/// A package says what its licence is, and brings along the texts, which are `texts` at the root.
pub(super) fn licence(package: &Package, files: &[String], texts: &[String]) -> Vec<String> {
    let Package { name, license, .. } = package;
    let mut refusals = Vec::new();
    if license.as_deref().is_none_or(|said| said.trim().is_empty()) {
        refusals.push(format!(
            "{name} does not say its licence; set `license` in its manifest"
        ));
    }
    let missing: Vec<&str> = texts
        .iter()
        .filter(|text| !files.contains(text))
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        refusals.push(format!(
            "the package of {name} lacks {}; the texts of licences go along with each package",
            crate::old::list(&missing)
        ));
    }
    if texts.is_empty() && !files.iter().any(|file| is_licence(file)) {
        refusals.push(format!("the package of {name} has no text of its licence"));
    }
    refusals
}

/// Whether a file of this name holds the text of a licence.
pub(super) fn is_licence(file: &str) -> bool {
    file.starts_with("LICENSE") || file.starts_with("LICENCE") || file.starts_with("COPYING")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::old::release::level::Level;
    use crate::old::release::plan::Changes;
    use crate::old::workspace::Dependency;

    fn release(level: Level) -> Release {
        Release {
            name: "kite".to_owned(),
            now: None,
            next: Version::new(0, 2, 0),
            level,
            changes: Changes::default(),
            follows: Vec::new(),
        }
    }

    fn package(license: Option<&str>) -> Package {
        Package {
            name: "kite".to_owned(),
            version: Version::new(0, 1, 0),
            directory: "crates/kite".into(),
            license: license.map(str::to_owned),
            features: Vec::new(),
            metadata: Value::Null,
            dependencies: Vec::new(),
        }
    }

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_tree_must_be_as_committed() {
        assert_eq!(tree(&[]), None);
        let status: Vec<String> = (0..7).map(|n| format!(" M file{n}")).collect();
        let refusal = tree(&status).unwrap();
        assert!(refusal.contains("(M file0, M file1"), "{refusal}");
        assert!(refusal.contains("and 2 more"), "{refusal}");
    }

    #[test]
    fn the_branch_must_be_the_one_of_releases() {
        assert_eq!(branch(Some("main"), "main"), None);
        assert!(branch(Some("next"), "main").unwrap().contains("`next`"));
        assert!(branch(None, "main").unwrap().contains("no branch"));
    }

    #[test]
    fn a_crate_that_only_follows_needs_no_entry() {
        let changelog = Changelog::parse("## [Unreleased]\n", &["kite"]).unwrap();
        assert!(entries(&[release(Level::Breaking)], &changelog).is_empty());
        assert_eq!(entries(&[release(Level::First)], &changelog).len(), 1);
        let changelog = Changelog::parse("## [Unreleased]\n- `kite`: x\n", &["kite"]).unwrap();
        assert!(entries(&[release(Level::First)], &changelog).is_empty());
    }

    #[test]
    fn a_version_must_be_new_and_known_to_be() {
        let next = Version::new(0, 2, 0);
        let refusals = |tags: &[&str], held| version("kite", &next, &texts(tags), &held);
        assert!(refusals(&["kite-v0.1.0", "line-v0.2.0"], Ok(Standing::Name)).is_empty());
        assert!(refusals(&[], Ok(Standing::Nothing)).is_empty());
        assert!(refusals(&["kite-v0.2.0"], Ok(Standing::Name))[0].contains("tagged"));
        assert!(refusals(&[], Ok(Standing::Version))[0].contains("on the registry already"));
        assert!(refusals(&[], Err("no net".into()))[0].contains("no net"));
    }

    #[test]
    fn what_no_registry_takes_is_refused_unless_only_tests_need_it() {
        let refusals = |kind, requirement: &str, origin| {
            let mut kite = package(Some("MIT"));
            kite.dependencies.push(Dependency {
                name: "wind".to_owned(),
                requirement: requirement.to_owned(),
                kind,
                origin,
            });
            dependencies(&kite)
        };
        let git = || Origin::Elsewhere("git+https://kite.example/wind".to_owned());
        assert!(refusals(Kind::Normal, "^1", git())[0].contains("git+https"));
        assert!(refusals(Kind::Build, "*", Origin::Registry)[0].contains("`*`"));
        assert!(refusals(Kind::Normal, "*", Origin::Workspace)[0].contains("a path and no"));
        assert!(refusals(Kind::Development, "*", Origin::Workspace).is_empty());
        assert!(refusals(Kind::Development, "*", git()).is_empty());
        assert!(refusals(Kind::Normal, "^0.1.0", Origin::Workspace).is_empty());
        assert!(refusals(Kind::Normal, "1.*", Origin::Registry).is_empty());
    }

    #[test]
    fn a_licence_is_said_and_goes_along() {
        let kite = package(Some("MIT OR Apache-2.0"));
        let files = texts(&["LICENSE-MIT", "src/lib.rs"]);
        assert!(licence(&kite, &files, &texts(&["LICENSE-MIT"])).is_empty());
        let missing = licence(&kite, &files, &texts(&["LICENSE-APACHE", "LICENSE-MIT"]));
        assert!(
            missing[0].contains("lacks `LICENSE-APACHE`;"),
            "{missing:?}"
        );
        assert!(licence(&kite, &files, &[]).is_empty());
        assert_eq!(licence(&kite, &texts(&["src/lib.rs"]), &[]).len(), 1);
        assert_eq!(licence(&package(Some(" ")), &files, &[]).len(), 1);
        assert_eq!(licence(&package(None), &files, &[]).len(), 1);
    }
}
