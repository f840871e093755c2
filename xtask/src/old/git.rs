//! What is asked of git, and what it is told to do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The repository that a workspace is in. Paths are those from the root of the workspace.
#[derive(Debug)]
pub(crate) struct Git {
    root: PathBuf,
}

/// A commit as far as a release looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) id: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    /// The files it touches.
    pub(crate) files: Vec<String>,
}

/// What git is told by the hook that it runs us from, and what would lead it to that hook's
/// repository whatever directory it is started in.
const OF_A_HOOK: [&str; 7] = [
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
];

/// Between commits, and between the parts of one, in what git prints for us.
const COMMIT: char = '\u{1e}';
const PART: char = '\u{1f}';

impl Git {
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    /// What differs from the last commit, one line for each file, those not tracked included.
    pub(crate) fn status(&self) -> Result<Vec<String>, String> {
        self.lines(&["status", "--porcelain", "--untracked-files=all"])
    }

    /// The branch that is checked out, if one is.
    pub(crate) fn branch(&self) -> Result<Option<String>, String> {
        let branch = self.run(&["branch", "--show-current"])?;
        Ok(Some(branch.trim().to_owned()).filter(|branch| !branch.is_empty()))
    }

    /// The id of the commit that is checked out.
    pub(crate) fn head(&self) -> Result<String, String> {
        let id = self.run(&["rev-parse", "--verify", "HEAD"])?;
        Ok(id.trim().to_owned())
    }

    pub(crate) fn tags(&self) -> Result<Vec<String>, String> {
        self.lines(&["tag", "--list"])
    }

    /// The commit that each tag is on.
    pub(crate) fn tagged_commits(&self) -> Result<BTreeMap<String, String>, String> {
        // An annotated tag is an object of its own, and its commit comes second.
        let format = "--format=%(refname:strip=2) %(objectname) %(*objectname)";
        let lines = self.lines(&["for-each-ref", format, "refs/tags"])?;
        let tagged = lines.iter().filter_map(|line| {
            let mut words = line.split_whitespace();
            let tag = words.next()?;
            Some((tag.to_owned(), words.last()?.to_owned()))
        });
        Ok(tagged.collect())
    }

    /// The commits since a tag that touch files under a path, without merges, the last one first.
    pub(crate) fn log(&self, since: &str, path: &str) -> Result<Vec<Commit>, String> {
        let range = format!("refs/tags/{since}..HEAD");
        let format = format!("--format={COMMIT}%H{PART}%s{PART}%b{PART}");
        let text = self.run(&[
            "log",
            &format,
            "--name-only",
            "--no-renames",
            "--relative",
            "--full-history",
            "--no-merges",
            &range,
            "--",
            path,
        ])?;
        Ok(text.split(COMMIT).filter_map(commit).collect())
    }

    /// The files under a path that differ from what they were at a tag.
    pub(crate) fn changed(&self, since: &str, path: &str) -> Result<Vec<String>, String> {
        let tag = format!("refs/tags/{since}");
        let names = ["diff", "--name-only", "--no-renames", "--relative"];
        self.lines(&[&names[..], &[&tag, "HEAD", "--", path]].concat())
    }

    /// A file as it was at a tag; nothing if it was not there.
    pub(crate) fn show(&self, tag: &str, path: &str) -> Result<Option<String>, String> {
        let tag = format!("refs/tags/{tag}");
        if self
            .run(&["ls-tree", "--name-only", &tag, "--", path])?
            .is_empty()
        {
            return Ok(None);
        }
        self.run(&["show", &format!("{tag}:./{path}")]).map(Some)
    }

    /// Commits these files as they are now.
    pub(crate) fn commit(&self, message: &str, paths: &[&str]) -> Result<(), String> {
        self.run(&[&["add", "--"], paths].concat())?;
        self.run(&["commit", "--quiet", "--message", message])
            .map(drop)
    }

    /// Puts an annotated tag on the commit that is checked out.
    pub(crate) fn tag(&self, name: &str, message: &str) -> Result<(), String> {
        self.run(&["tag", "--annotate", "--message", message, name])
            .map(drop)
    }

    pub(crate) fn delete_tag(&self, name: &str) -> Result<(), String> {
        self.run(&["tag", "--delete", name]).map(drop)
    }

    /// Makes the branch and the index those of another commit, and leaves the files alone.
    pub(crate) fn reset(&self, commit: &str) -> Result<(), String> {
        self.run(&["reset", "--quiet", "--mixed", commit]).map(drop)
    }

    fn lines(&self, arguments: &[&str]) -> Result<Vec<String>, String> {
        let text = self.run(arguments)?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Runs git and takes what it prints; the error holds the command and all that it said, hooks
    /// included.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let mut git = Command::new("git");
        for variable in OF_A_HOOK {
            git.env_remove(variable);
        }
        git.arg("-C")
            .arg(&self.root)
            .args(["-c", "core.quotePath=false"])
            .args(arguments)
            .stdin(Stdio::null());
        let what = arguments.first().copied().unwrap_or_default();
        let output = git
            .output()
            .map_err(|error| format!("`git {what}` does not start: {error}"))?;
        if output.status.success() {
            return String::from_utf8(output.stdout)
                .map_err(|_| format!("`git {what}` prints what is not UTF-8"));
        }
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        Err(format!(
            "`git {}` fails: {}",
            arguments.join(" ").escape_debug(),
            said.trim()
        ))
    }
}

/// A commit as the format of [`Git::log`] prints it.
fn commit(text: &str) -> Option<Commit> {
    let mut parts = text.splitn(4, PART);
    let mut next = || parts.next().map(str::trim);
    let (id, subject, body, files) = (next()?, next()?, next()?, next()?);
    Some(Commit {
        id: id.to_owned(),
        subject: subject.to_owned(),
        body: body.to_owned(),
        files: files.lines().map(str::to_owned).collect(),
    })
}

impl Commit {
    /// Whether it says of itself that it breaks users: by `!` before the colon of a conventional
    /// subject, or by a footer.
    pub(crate) fn breaks(&self) -> bool {
        let marked = self.subject.split_once(':').is_some_and(|(head, _)| {
            let kind = head.strip_suffix('!').unwrap_or_default();
            let kind = match kind.split_once('(') {
                Some((kind, scope)) if scope.ends_with(')') => kind,
                _ => kind,
            };
            !kind.is_empty() && kind.chars().all(char::is_alphanumeric)
        });
        let footers = ["BREAKING CHANGE:", "BREAKING-CHANGE:"];
        let mut lines = self.body.lines();
        marked || lines.any(|line| footers.iter().any(|footer| line.starts_with(footer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaks(subject: &str, body: &str) -> bool {
        let text = format!("id{PART}{subject}{PART}{body}{PART}\n\na.rs\n");
        commit(&text).unwrap().breaks()
    }

    #[test]
    fn a_commit_is_read_with_its_files() {
        let text = format!("1f{PART}Fly higher{PART}With wind.\n{PART}\n\nsrc/a.rs\nsrc/ä b.rs\n");
        let commit = commit(&text).unwrap();
        assert_eq!(commit.subject, "Fly higher");
        assert_eq!(commit.body, "With wind.");
        assert_eq!(commit.files, ["src/a.rs", "src/ä b.rs"]);
    }

    #[test]
    fn what_breaks_says_so_before_the_colon_or_in_a_footer() {
        assert!(breaks("feat!: fly", ""));
        assert!(breaks("feat(wind)!: fly", ""));
        assert!(breaks("Fly", "Much.\n\nBREAKING CHANGE: no landing"));
        assert!(!breaks("feat: fly", "It is no BREAKING CHANGE: really"));
        assert!(!breaks("Stop shouting hey!: it is late", ""));
        assert!(!breaks("!: nothing", ""));
        assert!(!breaks("Fly!", ""));
    }
}
