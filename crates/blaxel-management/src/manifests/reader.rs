//! Reading manifests from files and directories.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::{fmt, iter};

use blaxel_core::{Error, Secret, Source};

use super::variables::Variables;
use super::yaml::{self, Problem};
use super::{Manifest, Manifests, invalid};

/// Maximum size of a file, in bytes.
const MAX_SIZE: u64 = 4 * 1024 * 1024;

/// Maximum number of levels of directories.
const MAX_LEVELS: u32 = 32;

/// Reads manifests, with settings. [`Manifests::read`] reads them without.
///
/// ```no_run
/// use blaxel_management::manifests::ManifestReader;
///
/// let manifests = ManifestReader::new()
///     .recursive(true)
///     .variable("API_KEY", "example")
///     .read("resources")?;
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct ManifestReader {
    recursive: bool,
    variables: Variables,
}

impl ManifestReader {
    /// Creates a reader that does not read directories in directories, and without variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether directories in a directory are read too, as `bl apply -R` does. The default is `false`.
    ///
    /// Symbolic links to directories are not followed.
    pub fn recursive(mut self, recursive: bool) -> Self {
        self.recursive = recursive;
        self
    }

    /// Adds a variable, whose value replaces references to it in the values of manifests.
    ///
    /// A reference is `$NAME`, `${NAME}` or `${NAME:default}`. One to a variable that is not set stays as it is.
    /// References to secrets, such as `${secrets.NAME}`, use the same variables, but one that is not set is an error.
    /// A value can change the type of an unquoted scalar: `memory: $MEMORY` is a number if its value is one.
    pub fn variable(self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.variables(iter::once((name, value)))
    }

    /// Adds variables; see [`variable`](Self::variable).
    pub fn variables<K: Into<String>, V: Into<Secret>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let variables = variables.into_iter();
        self.variables
            .extend(variables.map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Parses the YAML documents of a text; see [`Manifests::parse`].
    ///
    /// # Errors
    ///
    /// Those of [`Manifests::parse`], and [`Error::is_input`] for a secret that is not set.
    pub fn parse(&self, text: &str) -> Result<Manifests, Error> {
        Ok(Manifests::in_order(self.parse_from(text, None)?))
    }

    /// Reads a file, or the files of a directory that end in `.yaml` or `.yml`; see [`Manifests::read`].
    ///
    /// # Errors
    ///
    /// Those of [`Manifests::read`], and [`Error::is_input`] for a secret that is not set.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Manifests, Error> {
        let path = path.as_ref();
        let mut manifests = Vec::new();
        let is_directory = fs::metadata(path)
            .map_err(|error| unreadable(path, error))?
            .is_dir();
        if is_directory {
            self.read_directory(path, MAX_LEVELS, &mut manifests)?;
        } else {
            self.read_file(path, &mut manifests)?;
        }
        Ok(Manifests::in_order(manifests))
    }

    /// Reads the resource that a project file describes: the `blaxel.toml` of `bl deploy`.
    ///
    /// A file without `name` has that of its directory, and one without `type` describes an agent. The variables in
    /// `[env]` are those of the program, except for `BL_API_KEY` and `BL_CLIENT_CREDENTIALS`. The commands in
    /// `[entrypoint]`, and everything else about the code, are ignored: a manifest with an `image` can be applied; one
    /// without is the draft for an upload.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::manifests::ManifestReader;
    ///
    /// let manifest = ManifestReader::new().read_project("blaxel.toml")?;
    /// let outcome = management.apply_manifest(&manifest).await?;
    /// println!("created: {}", outcome.is_created());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], which names the file, if it cannot be read, is larger than 4 MiB, is not valid TOML, has an
    /// unknown `type`, or refers to a secret that is not set.
    #[cfg(feature = "project-file")]
    pub fn read_project(&self, path: impl AsRef<Path>) -> Result<Manifest, Error> {
        let path = path.as_ref();
        let text = read_text(path).map_err(|error| unreadable(path, error))?;
        let directory = fs::canonicalize(path).map_err(|error| unreadable(path, error))?;
        let directory = directory
            .parent()
            .and_then(Path::file_name)
            .unwrap_or_default();
        let directory = directory.to_string_lossy();
        let at = |(line, text): (Option<usize>, String)| {
            let line = line
                .map(|line| format!("line {line}: "))
                .unwrap_or_default();
            invalid(&Source::File(path.to_owned()), format_args!("{line}{text}"))
        };
        let document = super::project::manifest(text.expose(), &directory, &self.variables);
        Manifest::new(document.map_err(at)?, Some(path)).map_err(|text| at((None, text)))
    }

    /// Reads a directory, with at most `levels` levels.
    fn read_directory(
        &self,
        path: &Path,
        levels: u32,
        found: &mut Vec<Manifest>,
    ) -> Result<(), Error> {
        let Some(below) = levels.checked_sub(1) else {
            let problem = format!("it is more than {MAX_LEVELS} directories deep");
            return Err(invalid(&Source::File(path.to_owned()), problem));
        };
        let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = entries.map_err(|error| unreadable(path, error))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let kind = entry
                .file_type()
                .map_err(|error| unreadable(&path, error))?;
            if kind.is_dir() {
                if self.recursive {
                    self.read_directory(&path, below, found)?;
                }
            } else if is_yaml(&path) && !is_special(&path)? {
                self.read_file(&path, found)?;
            }
        }
        Ok(())
    }

    fn read_file(&self, path: &Path, found: &mut Vec<Manifest>) -> Result<(), Error> {
        let text = read_text(path).map_err(|error| unreadable(path, error))?;
        found.extend(self.parse_from(text.expose(), Some(path))?);
        Ok(())
    }

    fn parse_from(&self, text: &str, path: Option<&Path>) -> Result<Vec<Manifest>, Error> {
        let source = path.map_or(Source::Code, |path| Source::File(path.to_owned()));
        let at = |Problem { line, text }| invalid(&source, format_args!("line {line}: {text}"));
        let documents = yaml::documents(text, &self.variables).map_err(at)?;
        let documents = documents
            .into_iter()
            .filter(|(_, document)| !document.is_null());
        let manifest = |(line, document)| {
            Manifest::new(document, path).map_err(|text| at(Problem { line, text }))
        };
        documents.map(manifest).collect()
    }
}

impl fmt::Debug for ManifestReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManifestReader")
            .field("recursive", &self.recursive)
            .field("variables", &self.variables.keys())
            .finish()
    }
}

/// Reads a text file of limited size.
fn read_text(path: &Path) -> io::Result<Secret> {
    let mut text = String::new();
    let limit = MAX_SIZE.saturating_add(1);
    let size = File::open(path)?.take(limit).read_to_string(&mut text)?;
    let text = Secret::from(text);
    if size as u64 > MAX_SIZE {
        return Err(io::Error::other("it is larger than 4 MiB"));
    }
    Ok(text)
}

/// Returns `true` for what has no contents, such as a pipe, which would be waited for.
fn is_special(path: &Path) -> Result<bool, Error> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, error))?;
    Ok(!metadata.is_file())
}

/// Returns `true` for the name of a YAML file.
fn is_yaml(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml")
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    invalid(&Source::File(path.to_owned()), error)
}
