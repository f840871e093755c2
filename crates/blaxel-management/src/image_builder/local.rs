//! The local files and directories that a definition copies into its image.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::ignore::IgnoreRules;

/// A local directory whose contents are copied into an image, by [`ImageDefinition::copy_dir`].
///
/// The files that its `.dockerignore` names are left out. Links are followed; a link that leads out of the
/// directory is an error.
///
/// ```
/// use blaxel_management::image_builder::{IgnoreRules, ImageDefinition, LocalDir};
///
/// let source = LocalDir::new("app").ignore(IgnoreRules::parse("**/*.test.py")?);
/// let image = ImageDefinition::from_registry("python:3.12-slim").copy_dir(source, "/app");
/// # let _ = image;
/// # Ok::<(), blaxel_core::Error>(())
/// ```
///
/// [`ImageDefinition::copy_dir`]: super::ImageDefinition::copy_dir
#[derive(Clone, Debug)]
#[must_use]
pub struct LocalDir {
    pub(super) path: PathBuf,
    pub(super) rules: IgnoreRules,
    pub(super) reads_ignore_file: bool,
}

impl LocalDir {
    /// Creates the source from the path of a directory. It is read when the image is built.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            rules: IgnoreRules::default(),
            reads_ignore_file: true,
        }
    }

    /// Adds rules for files that are left out. They take precedence over those of `.dockerignore`.
    pub fn ignore(mut self, rules: IgnoreRules) -> Self {
        self.rules.append(&rules);
        self
    }

    /// Sets whether the rules in the directory's `.dockerignore` apply. The default is `true`.
    pub fn dockerignore(mut self, enabled: bool) -> Self {
        self.reads_ignore_file = enabled;
        self
    }
}

impl From<&str> for LocalDir {
    fn from(path: &str) -> Self {
        Self::new(path)
    }
}

impl From<&Path> for LocalDir {
    fn from(path: &Path) -> Self {
        Self::new(path)
    }
}

impl From<PathBuf> for LocalDir {
    fn from(path: PathBuf) -> Self {
        Self::new(path)
    }
}

/// The source of a copy.
#[derive(Clone, Debug)]
pub(super) enum LocalSource {
    File(PathBuf),
    Directory(LocalDir),
    Bytes(Bytes),
}
