//! The little of `Cargo.toml` that the checks need, read without a TOML library: the manifests here
//! are plain, and this program is compiled by everyone who works on the workspace.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A manifest as its lines `key = value`, each with the section it stands in.
pub(crate) struct Manifest {
    entries: Vec<Entry>,
}

struct Entry {
    section: String,
    key: String,
    value: String,
}

impl Manifest {
    pub(crate) fn parse(text: &str) -> Self {
        let mut section = String::new();
        let mut entries = Vec::new();
        for line in text
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with('#'))
        {
            if let Some(header) = line
                .strip_prefix('[')
                .and_then(|line| line.strip_suffix(']'))
            {
                section = header.to_owned();
            } else if let Some((key, value)) = line.split_once('=') {
                entries.push(Entry {
                    section: section.clone(),
                    key: key.trim().trim_matches('"').to_owned(),
                    value: plain(value).to_owned(),
                });
            }
        }
        Self { entries }
    }

    /// The value of a key, without quotes.
    pub(crate) fn get(&self, section: &str, key: &str) -> Option<&str> {
        let found = self
            .entries
            .iter()
            .find(|entry| entry.section == section && entry.key == key);
        found.map(|entry| entry.value.as_str())
    }

    /// The features by name, `default` left out.
    pub(crate) fn features(&self) -> Vec<&str> {
        let features = self
            .entries
            .iter()
            .filter(|entry| entry.section == "features");
        features
            .map(|entry| entry.key.as_str())
            .filter(|name| *name != "default")
            .collect()
    }
}

/// A value without its quotes and without the comment behind it.
fn plain(value: &str) -> &str {
    let value = value.trim();
    match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default(),
        None => value.split(" #").next().unwrap_or_default().trim_end(),
    }
}

/// The directories of the library crates in the order of their names.
pub(crate) fn crates(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut directories = Vec::new();
    for entry in fs::read_dir(root.join("crates"))? {
        let path = entry?.path();
        if path.join("Cargo.toml").is_file() {
            directories.push(path);
        }
    }
    directories.sort();
    Ok(directories)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
[package]
name = "blaxel-kite" # flies
license.workspace = true # as all

[features]
default = ["wind"]
## Goes up.
wind = [
    "dep:air",
]
string = []

[dependencies]
wind = "1"
"#;

    #[test]
    fn a_key_belongs_to_its_section() {
        let manifest = Manifest::parse(MANIFEST);
        assert_eq!(manifest.get("package", "name"), Some("blaxel-kite"));
        assert_eq!(manifest.get("package", "license.workspace"), Some("true"));
        assert_eq!(manifest.get("lints", "license.workspace"), None);
    }

    #[test]
    fn features_are_named_without_the_default() {
        assert_eq!(Manifest::parse(MANIFEST).features(), ["wind", "string"]);
        assert!(
            Manifest::parse("[package]\nname = \"x\"")
                .features()
                .is_empty()
        );
    }

    #[test]
    fn the_crates_of_this_workspace_are_found() {
        let found = crates(&crate::root()).unwrap();
        assert!(
            found.iter().any(|path| path.ends_with("blaxel-core")),
            "{found:?}"
        );
    }
}
