//! The deployments of the platform.

use std::fmt;
use std::str::FromStr;

use blaxel_core::__private::trim_setting;
use blaxel_core::{Error, Source};

use crate::variables::Variables;

/// A deployment of the platform, which determines the default addresses of the two planes.
///
/// ```
/// use blaxel_auth::Environment;
///
/// let environment: Environment = "dev".parse()?;
/// assert_eq!(environment.api_url(), "https://api.blaxel.dev/v0");
/// assert_eq!(Environment::default(), Environment::Production);
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Environment {
    /// `prod`: the public platform.
    #[default]
    Production,
    /// `dev`: the platform's development deployment.
    Development,
    /// `local`: a control plane on this machine, with the workloads of `dev`.
    Local,
}

impl Environment {
    /// Reads `BL_ENV`, and returns `None` if it is unset or empty.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], naming the variable, if its value is not one of the names of
    /// [`as_str`](Self::as_str).
    pub fn from_variables(variables: &Variables) -> Result<Option<Self>, Error> {
        match variables.get("BL_ENV")? {
            Some((name, source)) => Self::read(name, &source).map(Some),
            None => Ok(None),
        }
    }

    /// Parses a name. An unknown name is an error, because a default could send a secret to the wrong host.
    pub(crate) fn read(name: &str, source: &Source) -> Result<Self, Error> {
        match trim_setting(name) {
            "prod" => Ok(Self::Production),
            "dev" => Ok(Self::Development),
            "local" => Ok(Self::Local),
            other => Err(Error::input(
                "environment",
                source,
                format_args!(
                    "`{}` is not one of prod, dev and local",
                    other.escape_debug()
                ),
            )),
        }
    }

    /// Returns the name in `BL_ENV` and in the file of the `bl` command: `prod`, `dev` or `local`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "prod",
            Self::Development => "dev",
            Self::Local => "local",
        }
    }

    /// Returns the default address of the control plane, with the version segment.
    #[must_use]
    pub fn api_url(self) -> &'static str {
        match self {
            Self::Production => "https://api.blaxel.ai/v0",
            Self::Development => "https://api.blaxel.dev/v0",
            Self::Local => "http://localhost:8080/v0",
        }
    }

    /// Returns the default address of workloads.
    #[must_use]
    pub fn run_url(self) -> &'static str {
        match self {
            Self::Production => "https://run.blaxel.ai",
            Self::Development | Self::Local => "https://run.blaxel.dev",
        }
    }
}

impl FromStr for Environment {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::read(name, &Source::Code)
    }
}

impl TryFrom<&str> for Environment {
    type Error = Error;

    fn try_from(name: &str) -> Result<Self, Error> {
        name.parse()
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for environment in [
            Environment::Production,
            Environment::Development,
            Environment::Local,
        ] {
            let name = environment.to_string();
            assert_eq!(name.parse::<Environment>().unwrap(), environment);
            assert_eq!(Environment::try_from(name.as_str()).unwrap(), environment);
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_that_names_the_variable() {
        let read = |value| Environment::from_variables(&Variables::from_iter([("BL_ENV", value)]));
        assert_eq!(read("").unwrap(), None);
        for text in ["dev", "dev\r", "\u{feff}dev\n"] {
            assert_eq!(read(text).unwrap(), Some(Environment::Development));
        }
        let error = read("staging").unwrap_err();
        let text = error.to_string();
        assert!(error.is_input(), "{text}");
        assert!(
            text.contains("`staging`") && text.contains("BL_ENV"),
            "{text}"
        );
    }
}
