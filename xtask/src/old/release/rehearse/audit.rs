//! What a registry's index holds, read from its repository and not from the registry.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::proxy::Upload;
use crate::old::git::Git;

/// How often each package is in an index, by `name@version`.
#[derive(Debug, Default)]
pub(super) struct Index(BTreeMap<String, usize>);

impl Index {
    pub(super) fn read(repository: &Path) -> Result<Self, String> {
        let files = Git::at(repository).run(&["ls-tree", "-r", "--name-only", "main"])?;
        let mut index = Self::default();
        for file in files.lines().filter(|file| *file != "config.json") {
            index.add(&Git::at(repository).run(&["show", &format!("main:{file}")])?)?;
        }
        Ok(index)
    }

    /// Adds the lines of one file, each of which is a version.
    fn add(&mut self, lines: &str) -> Result<(), String> {
        for line in lines.lines() {
            let entry: Value = serde_json::from_str(line)
                .map_err(|error| format!("the index has a line that is no JSON: {error}"))?;
            let (Some(name), Some(version)) = (entry["name"].as_str(), entry["vers"].as_str())
            else {
                return Err(format!(
                    "the index has a line without name and version: {line}"
                ));
            };
            *self.0.entry(format!("{name}@{version}")).or_default() += 1;
        }
        Ok(())
    }
}

/// What is wrong with a release of these packages after these uploads: each must be in the index
/// once, have been taken once, and not have been sent before the registry's wait was over.
pub(super) fn complaints(expected: &[String], index: &Index, uploads: &[Upload]) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in expected {
        let there = index.0.get(package).copied().unwrap_or_default();
        let of_it = || uploads.iter().filter(|upload| upload.package == *package);
        let taken = of_it().filter(|upload| upload.taken).count();
        if (there, taken) != (1, 1) {
            complaints.push(format!(
                "{package} is in the index {there} times and was taken {taken} times, not once"
            ));
        }
        let after_taken = of_it().skip_while(|upload| !upload.taken).skip(1).count();
        if after_taken > 0 {
            complaints.push(format!("{package} was sent again after it was taken"));
        }
    }
    for (package, _) in index
        .0
        .iter()
        .filter(|(package, _)| !expected.contains(package))
    {
        complaints.push(format!("{package} is in the index and was not to be"));
    }
    for pair in uploads.windows(2) {
        let [earlier, later] = pair else { continue };
        let wait = earlier.trouble.and_then(super::trouble::Trouble::wait);
        let waited = later.at.saturating_duration_since(earlier.at);
        if let Some(wait) = wait.filter(|wait| waited < *wait) {
            complaints.push(format!(
                "{} was sent after {} ms, though the registry asked for {} s",
                later.package,
                waited.as_millis(),
                wait.as_secs()
            ));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;
    use std::time::{Duration, Instant};

    use super::super::trouble::Trouble;
    use super::*;

    fn upload(at: Instant, trouble: Option<Trouble>, taken: bool) -> Upload {
        Upload {
            package: "kite@0.1.0".to_owned(),
            trouble,
            taken,
            at,
        }
    }

    fn index(lines: &str) -> Index {
        let mut index = Index::default();
        index.add(lines).unwrap();
        index
    }

    const LINE: &str = "{\"name\":\"kite\",\"vers\":\"0.1.0\"}\n";

    #[test]
    fn once_is_neither_twice_nor_never() {
        let expected = ["kite@0.1.0".to_owned()];
        let taken = upload(Instant::now(), None, true);
        let once = index(LINE);
        assert!(complaints(&expected, &once, from_ref(&taken)).is_empty());
        assert_eq!(
            complaints(&expected, &once, &[taken.clone(), taken.clone()]).len(),
            2
        );
        assert_eq!(complaints(&expected, &index(""), from_ref(&taken)).len(), 1);
        assert_eq!(
            complaints(&expected, &index(&LINE.repeat(2)), from_ref(&taken)).len(),
            1
        );
        assert_eq!(complaints(&[], &once, &[]).len(), 1);
        let refused = upload(Instant::now(), None, false);
        assert_eq!(complaints(&expected, &once, &[taken, refused]).len(), 1);
    }

    #[test]
    fn a_wait_that_was_cut_short_is_seen() {
        let expected = ["kite@0.1.0".to_owned()];
        let start = Instant::now();
        let busy = Trouble::BusyByHeader(Duration::from_secs(2));
        let uploads = |after: u64| {
            let refused = upload(start, Some(busy), false);
            let taken = upload(start + Duration::from_millis(after), None, true);
            [refused, taken]
        };
        assert!(complaints(&expected, &index(LINE), &uploads(2000)).is_empty());
        let complaints = complaints(&expected, &index(LINE), &uploads(1999));
        assert!(complaints[0].contains("after 1999 ms"), "{complaints:?}");
    }

    #[test]
    fn an_index_that_is_none_is_an_error() {
        assert!(Index::default().add("kite").is_err());
        assert!(Index::default().add("{}").is_err());
    }
}
