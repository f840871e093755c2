//! Git commands, and the tags of releases.

use anyhow::Result;
use semver::Version;
use xshell::{Cmd, Shell, cmd};

/// The variables that a git hook passes to the programs it runs. They would redirect git to the
/// repository of that hook, whatever directory it is started in.
const HOOK_VARIABLES: [&str; 7] = [
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
];

/// The settings of a person that would change what is read from git's output, as we need them.
const SETTINGS: [&str; 7] = [
    "color.ui=false",
    "column.ui=never",
    "core.quotePath=false",
    "grep.column=false",
    "grep.lineNumber=false",
    "log.showSignature=false",
    "status.showUntrackedFiles=all",
];

/// Returns a git command with these arguments, separated by spaces, that prints nothing of itself.
pub(crate) fn git<'a>(sh: &'a Shell, arguments: &str) -> Cmd<'a> {
    let git = cmd!(sh, "git")
        .args(SETTINGS.iter().flat_map(|it| ["-c", it]))
        .args(arguments.split_whitespace());
    let git = HOOK_VARIABLES.iter().fold(git, Cmd::env_remove);
    git.quiet()
}

/// Returns what differs from the last commit, a line for each file, those not tracked included.
pub(crate) fn uncommitted(sh: &Shell) -> Result<String> {
    Ok(git(sh, "status --porcelain").read()?)
}

/// Returns the files of the repository that have content, without ignored ones and links.
///
/// They are those on disk, which are also there in an unpacked archive; an empty pattern matches all.
pub(crate) fn files(sh: &Shell) -> Result<Vec<String>> {
    let found = git(sh, "grep --no-index --exclude-standard -lz -e");
    let found = found.arg("").read()?;
    Ok(found.split_terminator('\0').map(str::to_owned).collect())
}

/// Returns the tag of a version of a crate, such as `blaxel-core-v0.1.0`.
pub(crate) fn tag(name: &str, version: &Version) -> String {
    format!("{name}-v{version}")
}

/// Returns the highest tagged version of a crate, from all tags as `git tag --list` prints them.
pub(crate) fn last_release(name: &str, tags: &str) -> Option<Version> {
    let version = |tag: &str| Version::parse(tag.strip_prefix(name)?.strip_prefix("-v")?).ok();
    tags.lines().filter_map(version).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_release_is_the_highest_version_of_this_crate() {
        let tags =
            "kite-v0.9.0\nkite-v0.10.0\nkite-v0.10.0-rc.1\nkite-string-v1.0.0\nkite-v2\nv3.0.0";
        let last = |name| last_release(name, tags).map(|version| tag(name, &version));
        assert_eq!(last("kite").as_deref(), Some("kite-v0.10.0"));
        assert_eq!(last("kite-string").as_deref(), Some("kite-string-v1.0.0"));
        assert_eq!(last("kit"), None);
    }
}
