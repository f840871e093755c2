//! The server's rules for the paths of files.

use super::call::Call;
use super::respond::Refusal;
use crate::lock::lock;
use crate::state::State;

/// The places that paths are relative to.
pub(super) struct Paths {
    working_dir: String,
    home: Option<String>,
}

impl Paths {
    pub(super) fn of(state: &State) -> Self {
        let home = lock(&state.environment).get("HOME").map(str::to_owned);
        Self {
            working_dir: state.working_dir.clone(),
            home,
        }
    }

    /// Expands `~` at the start, and replaces repeated slashes by one. An empty path is the working
    /// directory.
    pub(super) fn format(&self, path: &str) -> Result<String, Refusal> {
        let path = match path {
            "" => ".",
            path => path,
        };
        let path = match path.strip_prefix('~') {
            Some(rest) => {
                let home = self.home.as_deref();
                let home = home.ok_or_else(|| Refusal::bad_request("home directory not found"))?;
                format!("{home}{rest}")
            }
            None => path.to_owned(),
        };
        Ok(single_slashes(&path))
    }

    /// Returns the absolute path, without `.` and `..`. Links play no part in it.
    pub(super) fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') {
            return clean(path);
        }
        clean(&format!("{}/{path}", self.working_dir))
    }

    /// Returns the path as responses show it.
    pub(super) fn shown<'a>(&'a self, path: &'a str) -> &'a str {
        match path {
            "." | "./" => &self.working_dir,
            path => path,
        }
    }
}

/// Returns the path that a request names with its parameter `path`.
///
/// The parameter begins with the slash of the route, which does not count: the path is relative to
/// the working directory. If there is an escaped slash anywhere it does count: the path is absolute.
pub(super) fn requested(call: &Call) -> String {
    let path = call.param("path");
    if call.path.has_escaped_slash {
        return path.to_owned();
    }
    match path.strip_prefix('/') {
        Some("") => ".".to_owned(),
        Some(relative) => relative.to_owned(),
        None => path.to_owned(),
    }
}

pub(super) fn single_slashes(path: &str) -> String {
    let mut single = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !single.ends_with('/') {
            single.push(character);
        }
    }
    single
}

/// Returns the shortest path that means the same if there are no links.
pub(super) fn clean(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => match names.last() {
                Some(&last) if last != ".." => {
                    names.pop();
                }
                _ if is_absolute => {}
                _ => names.push(".."),
            },
            name => names.push(name),
        }
    }
    let joined = names.join("/");
    match (is_absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// Returns the last name of a path.
pub(super) fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit_once('/') {
        _ if path.is_empty() => ".",
        _ if trimmed.is_empty() => "/",
        Some((_, name)) => name,
        None => trimmed,
    }
}

/// Returns the directory that an absolute path without `.` and `..` is in.
pub(super) fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((directory, _)) => directory,
    }
}

/// Returns `path`, which is `root` or below it, relative to `root`.
pub(super) fn relative<'a>(root: &str, path: &'a str) -> &'a str {
    let below = path
        .strip_prefix(root.trim_end_matches('/'))
        .unwrap_or(path);
    match below.trim_start_matches('/') {
        "" => ".",
        below => below,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shortened_as_by_the_server() {
        for (path, short) in [
            ("", "."),
            ("/", "/"),
            ("//a//b/", "/a/b"),
            ("/../a/./b/../c", "/a/c"),
            ("a/../..", ".."),
            ("../../a", "../../a"),
            ("./a", "a"),
        ] {
            assert_eq!(clean(path), short, "{path}");
        }
        for (path, name) in [
            ("", "."),
            ("//", "/"),
            ("a/b/", "b"),
            ("a", "a"),
            ("/a", "a"),
        ] {
            assert_eq!(base(path), name, "{path}");
        }
        for (root, path, below) in [("/", "/a", "a"), ("/a", "/a", "."), ("/a", "/a/b/c", "b/c")] {
            assert_eq!(relative(root, path), below);
        }
    }
}
