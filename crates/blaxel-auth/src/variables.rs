//! The environment variables as a value.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use blaxel_core::{Error, Secret, Source, Workspace};

/// A snapshot of the environment variables of a process.
///
/// It has the variables that configure a Blaxel SDK, whose names begin with `BL_`, and the user's home
/// directory. It is read once and never written, so two clients in one process can use different ones, and a
/// test can create its own:
///
/// ```
/// use blaxel_auth::Variables;
///
/// let variables = Variables::from_iter([("BL_WORKSPACE", "my-team"), ("BL_API_KEY", "")]);
/// assert_eq!(variables.get("BL_WORKSPACE")?.unwrap().0, "my-team");
/// assert!(variables.get("BL_API_KEY")?.is_none());
/// # Ok::<(), blaxel_core::Error>(())
/// ```
///
/// The debug output has the names of the variables without their values.
#[derive(Clone, Default)]
pub struct Variables {
    values: BTreeMap<String, OsString>,
    /// The files that some of the variables were read from.
    files: BTreeMap<String, PathBuf>,
    #[cfg_attr(not(feature = "config-file"), expect(dead_code))]
    home: Option<PathBuf>,
}

impl Variables {
    /// Reads the current environment variables of this process.
    #[must_use]
    pub fn from_process() -> Self {
        let ours = |(name, value): (OsString, OsString)| {
            let name = name.into_string().ok()?;
            name.starts_with("BL_").then_some((name, value))
        };
        Self {
            values: std::env::vars_os().filter_map(ours).collect(),
            files: BTreeMap::new(),
            home: std::env::home_dir(),
        }
    }

    /// Adds the variables of a `.env` file that are unset or empty so far.
    ///
    /// No `.env` file is read unless this method is called. The environment of the process is not changed, and
    /// only names that begin with `BL_` are taken from the file. Errors about a value from the file name the
    /// file.
    ///
    /// A line is `NAME=value`, optionally preceded by `export`. A value in single quotes is taken literally. In
    /// double quotes, `\n`, `\r`, `\t`, `\"`, `\\` and `\$` have the same meaning as in a shell. Without
    /// quotes, a value ends at a space followed by `#`. Variables in values are not expanded. If a name occurs
    /// several times, the last one counts.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], naming the file and the line, if a line is neither an assignment nor empty nor a
    /// comment; or if the file does not exist or cannot be read.
    ///
    /// ```no_run
    /// use blaxel_auth::{Credentials, Variables};
    ///
    /// let variables = Variables::from_process().with_env_file(".env")?;
    /// let credentials = Credentials::resolve(&variables)?;
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    pub fn with_env_file(mut self, path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let source = Source::File(path.clone());
        let invalid = |problem: &dyn fmt::Display| Error::input("configuration", &source, problem);
        let text = std::fs::read_to_string(&path).map_err(|error| invalid(&error))?;
        let text = Secret::from(text);
        let found = crate::env_file::parse(text.expose())
            .map_err(|(line, problem)| invalid(&format_args!("line {line}: {problem}")))?;
        let is_set = |name: &str| self.values.get(name).is_some_and(|value| !value.is_empty());
        let unset: Vec<_> = found
            .into_iter()
            .filter(|(name, _)| name.starts_with("BL_") && !is_set(name))
            .collect();
        for (name, value) in unset {
            self.values.insert(name.to_owned(), value.into());
            self.files.insert(name.to_owned(), path.clone());
        }
        Ok(self)
    }

    /// Returns the value of a variable and its source for messages, or `None` if the variable is unset or
    /// empty.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the value is not UTF-8.
    pub fn get(&self, name: &str) -> Result<Option<(&str, Source)>, Error> {
        let Some(value) = self.values.get(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let source = match self.files.get(name) {
            Some(path) => Source::File(path.clone()),
            None => Source::variable(name.to_owned()),
        };
        match value.to_str() {
            Some(text) => Ok(Some((text, source))),
            None => Err(Error::input("value", &source, "it is not UTF-8")),
        }
    }

    /// Returns the workspace of `BL_WORKSPACE`.
    pub(crate) fn workspace(&self) -> Result<Option<Workspace>, Error> {
        match self.get("BL_WORKSPACE")? {
            Some((name, source)) => Ok(Some(source.parse(name)?)),
            None => Ok(None),
        }
    }

    /// Returns the home directory, if it is known. A relative one is ignored: its meaning would depend on the
    /// directory in which the program was started.
    #[cfg(feature = "config-file")]
    pub(crate) fn home(&self) -> Option<&std::path::Path> {
        self.home.as_deref().filter(|home| home.is_absolute())
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Variables {
    /// Creates a snapshot of exactly these variables. The home directory is that of `HOME`, or on Windows of
    /// `USERPROFILE`.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let values: BTreeMap<String, OsString> = pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into().into()))
            .collect();
        let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        let home = values.get(home).map(PathBuf::from);
        Self {
            values,
            files: BTreeMap::new(),
            home,
        }
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables")?;
        f.debug_set().entries(self.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let variables = Variables::from_iter([("BL_API_KEY", "")]);
        assert!(variables.get("BL_API_KEY").unwrap().is_none());
        assert!(variables.get("BL_WORKSPACE").unwrap().is_none());
    }

    #[test]
    fn a_file_sets_only_variables_that_are_unset() {
        let unique = format!("blaxel-auth-env-{}", std::process::id());
        let path = std::env::temp_dir().join(unique);
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write(
            "BL_API_KEY='file'\nBL_WORKSPACE=\"file\"\nexport BL_REGION=a\nBL_REGION=b # c\nHOME=/x\n",
        );
        let own = || Variables::from_iter([("BL_API_KEY", "own"), ("BL_WORKSPACE", "")]);
        let variables = own().with_env_file(&path).unwrap();
        let of_file = Source::File(path.clone());
        let get = |name| variables.get(name).unwrap();
        assert_eq!(
            get("BL_API_KEY"),
            Some(("own", Source::variable("BL_API_KEY")))
        );
        assert_eq!(get("BL_WORKSPACE"), Some(("file", of_file.clone())));
        assert_eq!(get("BL_REGION"), Some(("b", of_file.clone())));
        assert_eq!(get("HOME"), None);
        let credentials =
            crate::Credentials::resolve(&Variables::default().with_env_file(&path).unwrap());
        assert_eq!(credentials.unwrap().source(), &of_file);

        write("BL_REGION=x\nBL_API_KEY \"canary\"\n");
        let error = own().with_env_file(&path).unwrap_err();
        let text = error.to_string();
        assert!(
            error.is_input() && text.contains("line 2") && text.contains("env-"),
            "{text}"
        );
        assert!(!text.contains("canary"), "{text}");
        std::fs::remove_file(&path).unwrap();
        assert!(own().with_env_file(&path).unwrap_err().is_input());
    }

    #[test]
    fn debug_names_variables_only() {
        let shown = format!("{:?}", Variables::from_iter([("BL_API_KEY", "canary")]));
        assert_eq!(shown, r#"Variables{"BL_API_KEY"}"#);
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_utf_8_is_an_error_only_when_it_is_read() {
        use std::os::unix::ffi::OsStringExt;
        let mut variables = Variables::from_iter([("BL_WORKSPACE", "team")]);
        let bytes = OsString::from_vec(b"canary\xff".to_vec());
        variables.values.insert("BL_API_KEY".to_owned(), bytes);
        assert!(variables.get("BL_WORKSPACE").unwrap().is_some());
        let error = variables.get("BL_API_KEY").unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains("BL_API_KEY"),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}
