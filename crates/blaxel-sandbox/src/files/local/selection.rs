//! The choice of the files to transfer.

use std::sync::Arc;

use crate::files::glob;

/// A function that returns `true` for the paths to transfer.
type Filter = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// The files to transfer.
#[derive(Clone, Default)]
pub(super) struct Selection {
    excluded: Vec<String>,
    filter: Option<Filter>,
}

impl Selection {
    pub(super) fn exclude(&mut self, patterns: impl IntoIterator<Item = String>) {
        self.excluded.extend(patterns);
    }

    pub(super) fn filter(&mut self, filter: impl Fn(&str) -> bool + Send + Sync + 'static) {
        self.filter = Some(Arc::new(filter));
    }

    /// Returns `true` if a path below the root is to be transferred. Nothing below an unwanted directory is.
    pub(super) fn wants(&self, path: &str, is_dir: bool) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_excluded = self.excluded.iter().any(|pattern| {
            let pattern = match pattern.strip_suffix('/') {
                Some(_) if !is_dir => return false,
                Some(pattern) => pattern,
                None => pattern.as_str(),
            };
            match pattern.strip_prefix('/') {
                Some(anchored) => glob::matches(anchored, path),
                None if pattern.contains('/') => glob::matches(pattern, path),
                None => glob::matches(pattern, name),
            }
        });
        !is_excluded && self.filter.as_ref().is_none_or(|filter| filter(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names_paths_and_directories() {
        let mut selection = Selection::default();
        selection.exclude(["*.log", "target/", "/root.txt", "a/*.rs"].map(str::to_owned));
        selection.filter(|path| !path.ends_with("secret"));
        for (path, is_dir, wanted) in [
            ("x.log", false, false),
            ("a/b/x.log", false, false),
            ("a/target", true, false),
            ("a/target", false, true),
            ("root.txt", false, false),
            ("a/root.txt", false, true),
            ("a/x.rs", false, false),
            ("a/b/x.rs", false, true),
            ("a/secret", false, false),
            ("main.rs", false, true),
        ] {
            assert_eq!(selection.wants(path, is_dir), wanted, "{path}");
        }
    }
}
