//! The environment variables as a value.

mod coding_agent;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use blaxel_core::__private::{read_setting, trim_setting};
use blaxel_core::{Error, Secret, Source, Workspace};

use crate::{env_file, small_file};

/// A snapshot of the environment variables of a process.
///
/// It has the variables that configure a Blaxel SDK, whose names begin with `BL_`, those that
/// [`coding_agent`](Self::coding_agent) reads, and the user's home directory. It is read once and never written, so two clients in one process can use different ones, and a
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

/// The variables of a file, or the line with a problem, and the problem.
type Parsed<P> = Result<Vec<(String, String)>, (usize, P)>;

impl Variables {
    /// Reads the current environment variables of this process.
    #[must_use]
    pub fn from_process() -> Self {
        let ours = |(name, value): (OsString, OsString)| {
            let name = name.into_string().ok()?;
            let is_ours = name.starts_with(env_file::PREFIX) || coding_agent::reads(&name);
            is_ours.then_some((name, value))
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
    /// A line is `NAME=value` or `NAME: value`, optionally preceded by `export`. A value in single quotes or
    /// backticks is taken literally. In double quotes, `\n`, `\r`, `\t`, `\"`, `\\` and `\$` have the same
    /// meaning as in a shell. A value in quotes may have several lines. Without quotes, a value ends at a space
    /// followed by `#`. Variables in values are not expanded. If a name occurs several times, the last one
    /// counts. Lines of any other form are skipped.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], naming the file and the line, if a line that begins with such a name has no `=`, or a
    /// quote that is not closed; or if the file does not exist, is not a regular file of at most 1 MiB, or
    /// cannot be read.
    ///
    /// ```no_run
    /// use blaxel_auth::{Credentials, Variables};
    ///
    /// let variables = Variables::from_process().with_env_file(".env")?;
    /// let credentials = Credentials::resolve(&variables)?;
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    pub fn with_env_file(self, path: impl Into<PathBuf>) -> Result<Self, Error> {
        self.with_file(path.into(), env_file::parse)
    }

    /// Adds the variables in the table `[env]` of a project file, `blaxel.toml`, that are unset or empty so far.
    ///
    /// As with [`with_env_file`](Self::with_env_file), no file is read unless this method is called, and only names
    /// that begin with `BL_` are taken. Of the sources of a project, the one that is added first counts:
    ///
    /// ```no_run
    /// use blaxel_auth::{Credentials, Variables};
    ///
    /// let variables =
    ///     Variables::from_process().with_env_file(".env")?.with_project_file("blaxel.toml")?;
    /// let credentials = Credentials::resolve(&variables)?;
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], naming the file and the line, if the file is not valid TOML, or if a value is neither a
    /// string nor a number nor a truth value; or if the file does not exist, is not a regular file of at most 1 MiB,
    /// or cannot be read.
    #[cfg(feature = "project-file")]
    pub fn with_project_file(self, path: impl Into<PathBuf>) -> Result<Self, Error> {
        self.with_file(path.into(), crate::project_file::parse)
    }

    /// Adds the variables of a file that are unset or empty so far. `parse` returns those of its text, or the line with
    /// a problem, and the problem without the text of the line, which may be a secret.
    fn with_file<P: fmt::Display>(
        mut self,
        path: PathBuf,
        parse: fn(&str) -> Parsed<P>,
    ) -> Result<Self, Error> {
        let source = Source::File(path.clone());
        let invalid = |problem: &dyn fmt::Display| Error::input("configuration", &source, problem);
        let bytes = small_file::read(&path).map_err(|error| invalid(&error))?;
        small_file::check_encoding(&bytes).map_err(|problem| invalid(&problem))?;
        // Bytes that are not UTF-8 do not matter in the rest of the file.
        let text = match String::from_utf8(bytes) {
            Ok(text) => Secret::from(text),
            Err(error) => Secret::new(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        };
        let found = parse(text.expose())
            .map_err(|(line, problem)| invalid(&format_args!("line {line}: {problem}")))?;
        let is_set = |name: &str| {
            let value = self.values.get(name);
            value.is_some_and(|value| {
                value
                    .to_str()
                    .is_none_or(|text| !trim_setting(text).is_empty())
            })
        };
        let unset: Vec<_> = found
            .into_iter()
            .filter(|(name, _)| !is_set(name))
            .collect();
        for (name, value) in unset {
            self.values.insert(name.clone(), value.into());
            self.files.insert(name, path.clone());
        }
        Ok(self)
    }

    /// Returns the value of a variable and its source for messages, or `None` if the variable is unset or
    /// empty.
    ///
    /// ASCII whitespace around the value, line ends included, and byte order marks are removed: shells and
    /// files add them.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], naming the variable, if the value is not UTF-8, or if it contains a control
    /// character.
    pub fn get(&self, name: &str) -> Result<Option<(&str, Source)>, Error> {
        let Some((text, source)) = self.get_raw(name)? else {
            return Ok(None);
        };
        match read_setting(text) {
            Ok(value) => Ok(value.map(|value| (value, source))),
            Err(problem) => Err(unusable(name, &source, problem)),
        }
    }

    /// Returns the value of a variable as [`get`](Self::get) does, but with the control characters inside.
    pub(crate) fn get_raw(&self, name: &str) -> Result<Option<(&str, Source)>, Error> {
        let Some(value) = self.values.get(name) else {
            return Ok(None);
        };
        let source = match self.files.get(name) {
            Some(path) => Source::File(path.clone()),
            None => Source::variable(name.to_owned()),
        };
        let Some(text) = value.to_str() else {
            return Err(unusable(name, &source, "it is not UTF-8"));
        };
        let value = trim_setting(text);
        Ok((!value.is_empty()).then_some((value, source)))
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

/// Creates the error for an unusable value, which it does not show: it may be a secret.
fn unusable(name: &str, source: &Source, problem: &str) -> Error {
    match source {
        Source::File(_) => Error::input(name, source, problem),
        _ => Error::input("value", source, problem),
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
    fn what_surrounds_a_value_is_removed() {
        for text in ["prod\r", "prod\n", "\u{feff}prod\r\n", " prod\t"] {
            let variables = Variables::from_iter([("BL_ENV", text)]);
            assert_eq!(variables.get("BL_ENV").unwrap().unwrap().0, "prod");
        }
        let blank = Variables::from_iter([("BL_ENV", " \r\n\u{feff}")]);
        assert_eq!(blank.get("BL_ENV").unwrap(), None);
        for text in ["canary\nx", "canary\0", "canary\u{1b}[0m", "canary\u{85}x"] {
            let variables = Variables::from_iter([("BL_API_KEY", text)]);
            let error = variables.get("BL_API_KEY").unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(error.is_input() && shown.contains("BL_API_KEY"), "{shown}");
            assert!(!shown.contains("canary"), "{shown}");
        }
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

        let refused = |bytes: &[u8], parts: [&str; 2]| {
            std::fs::write(&path, bytes).unwrap();
            let read = own().with_env_file(&path);
            let error = read
                .and_then(|read| read.get("BL_REGION").map(|_| ()))
                .unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(error.is_input() && text.contains("env-"), "{text}");
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
            assert!(!text.contains("canary"), "{text}");
        };
        refused(
            b"BL_REGION=x\nBL_API_KEY \"canary\"\n",
            ["line 2", "no `=`"],
        );
        refused(b"X=y\r\nBL_REGION=\"canary\r\n", ["line 2", "not closed"]);
        refused(
            b"BL_REGION=\"a\ncanary\"",
            ["BL_REGION", "more than one line"],
        );
        refused(
            b"BL_REGION=canary\x1b[0m",
            ["BL_REGION", "control character"],
        );
        refused(b"BL_REGION=canary\xe9", ["line 1", "not UTF-8"]);
        refused(b"\xff\xfeB\0L\0_\0A\0=\0c\0", ["UTF-16", "UTF-8"]);
        // The encoding of the rest does not matter.
        std::fs::write(&path, b"X=\xe9\nBL_REGION=\xef\xbb\xbfa\r\n").unwrap();
        let variables = own().with_env_file(&path).unwrap();
        assert_eq!(variables.get("BL_REGION").unwrap().unwrap().0, "a");
        std::fs::remove_file(&path).unwrap();
        assert!(own().with_env_file(&path).unwrap_err().is_input());
    }

    #[cfg(feature = "project-file")]
    #[test]
    fn a_project_file_comes_after_the_environment_and_a_file_added_before() {
        let root = std::env::temp_dir().join(format!("blaxel-auth-project-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        let (env, project) = (root.join(".env"), root.join("blaxel.toml"));
        std::fs::write(&env, "BL_REGION=of-env\n").unwrap();
        std::fs::write(
            &project,
            "[env]\nBL_API_KEY = 'a'\nBL_REGION = 'b'\nBL_ENV = 'dev'\n",
        )
        .unwrap();
        let own = Variables::from_iter([("BL_API_KEY", "own")]);
        let variables = own
            .with_env_file(&env)
            .unwrap()
            .with_project_file(&project)
            .unwrap();
        let get = |name| variables.get(name).unwrap().unwrap();
        assert_eq!(get("BL_API_KEY").0, "own");
        assert_eq!(get("BL_REGION"), ("of-env", Source::File(env)));
        assert_eq!(get("BL_ENV"), ("dev", Source::File(project.clone())));
        std::fs::write(&project, "[env]\nBL_API_KEY = canary\n").unwrap();
        let error = Variables::default()
            .with_project_file(&project)
            .unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(
            shown.contains("blaxel.toml") && shown.contains("line 2"),
            "{shown}"
        );
        assert!(!shown.contains("canary"), "{shown}");
        std::fs::remove_dir_all(root).unwrap();
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
