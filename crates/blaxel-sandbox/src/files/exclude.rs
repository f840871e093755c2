//! The directories that searches skip.

use blaxel_core::{Error, RequestWriter, Source};

use super::path::RemotePath;

/// The directories that searches skip unless they are told otherwise: those of dependencies and of build
/// results.
pub const DEFAULT_EXCLUDED_DIRS: [&str; 10] = [
    "node_modules",
    "vendor",
    ".git",
    "dist",
    "build",
    "target",
    "__pycache__",
    ".venv",
    ".next",
    "coverage",
];

/// The names of directories to skip.
#[derive(Clone, Debug)]
pub(crate) struct Excluded(Vec<String>);

impl Default for Excluded {
    fn default() -> Self {
        Self(DEFAULT_EXCLUDED_DIRS.map(str::to_owned).to_vec())
    }
}

impl Excluded {
    pub(crate) fn new<T: Into<String>>(names: impl IntoIterator<Item = T>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|excluded| excluded == name)
    }

    /// Writes the parameter. The server would skip the directory that is searched too, so its name is left out.
    pub(crate) fn write(
        &self,
        request: &mut RequestWriter,
        start: &RemotePath,
    ) -> Result<(), Error> {
        let start = start.name();
        let names = self.0.iter().map(String::as_str);
        let list = comma_list(
            "excluded directory",
            names.filter(|name| Some(*name) != start),
        )?;
        // Without a name in it, the server would use its default.
        request.query("excludeDirs", if list.is_empty() { "," } else { &list });
        Ok(())
    }
}

/// Joins names that the server splits at commas, and trims.
pub(crate) fn comma_list<'a>(
    what: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<String, Error> {
    let mut list = String::new();
    for name in names {
        if name.is_empty() || name.contains(',') || name.trim() != name {
            let problem =
                format!("`{name}`: it is empty, contains a comma or has spaces around it");
            return Err(Error::input(what, &Source::Code, problem));
        }
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(name);
    }
    Ok(list)
}
