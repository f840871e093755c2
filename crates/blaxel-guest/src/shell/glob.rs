//! Wildcards in paths.

use super::Shell;
use super::pattern::Pattern;
use crate::files::{Files as _, join};

/// The number of paths that a word may become.
const LIMIT: usize = 100_000;

impl Shell {
    /// Returns the paths that a word with wildcards stands for, or `None` if there are none.
    pub(super) fn paths(&self, field: &[(String, bool)]) -> Option<Vec<String>> {
        let has_wildcards =
            |(text, is_quoted): &(String, bool)| !is_quoted && text.contains(['*', '?', '[']);
        if !field.iter().any(has_wildcards) {
            return None;
        }
        let components = components(field);
        let patterns: Vec<Pattern> = components.iter().map(|c| Pattern::new(c)).collect();
        if !patterns.iter().any(Pattern::has_wildcards) {
            return None;
        }
        // An absolute path begins with an empty component.
        let is_absolute = patterns.len() > 1
            && patterns
                .first()
                .is_some_and(|p| p.text().is_empty() && !p.has_wildcards());
        let mut found = vec![if is_absolute {
            "/".to_owned()
        } else {
            String::new()
        }];
        let skipped = usize::from(is_absolute);
        let count = patterns.len();
        for (index, pattern) in patterns.iter().enumerate().skip(skipped) {
            let is_last = index + 1 == count;
            let mut next = Vec::new();
            for base in found {
                self.step_into(&base, pattern, is_last, &mut next);
                if next.len() > LIMIT {
                    return None;
                }
            }
            found = next;
        }
        found.sort();
        (!found.is_empty()).then_some(found)
    }

    fn step_into(&self, base: &str, pattern: &Pattern, is_last: bool, to: &mut Vec<String>) {
        let append = |name: &str| match base {
            "" => name.to_owned(),
            base if base.ends_with('/') => format!("{base}{name}"),
            base => format!("{base}/{name}"),
        };
        if !pattern.has_wildcards() {
            let text = pattern.text();
            let path = append(&text);
            let exists = || self.disk.link_metadata(&self.path(&path)).is_ok();
            if !is_last || text.is_empty() || exists() {
                to.push(path);
            }
            return;
        }
        let directory = match base {
            "" => self.directory.clone(),
            base => self.path(base),
        };
        let entries = self.disk.read_dir(&directory).unwrap_or_default();
        for entry in entries {
            let is_hidden = entry.name.starts_with('.') && !pattern.begins_with_dot();
            if is_hidden || !pattern.matches(&entry.name) {
                continue;
            }
            let is_directory = || {
                let metadata = self.disk.metadata(&join(&directory, &entry.name));
                metadata.is_ok_and(|m| m.kind == crate::files::FileKind::Directory)
            };
            if is_last || is_directory() {
                to.push(append(&entry.name));
            }
        }
    }
}

/// Divides a word at its slashes.
fn components(field: &[(String, bool)]) -> Vec<Vec<(String, bool)>> {
    let mut components = vec![Vec::new()];
    for (text, is_quoted) in field {
        for (index, part) in text.split('/').enumerate() {
            if index > 0 {
                components.push(Vec::new());
            }
            if let Some(last) = components.last_mut() {
                last.push((part.to_owned(), *is_quoted));
            }
        }
    }
    components
}
