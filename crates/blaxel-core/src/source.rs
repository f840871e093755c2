//! The source of a value: code, an environment variable, the command line or a file.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// The source of a setting or credential, named in errors about the value.
///
/// ```
/// use blaxel_core::Source;
///
/// assert_eq!(Source::variable("BL_API_KEY").to_string(), "from the environment variable BL_API_KEY");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// A value given in code.
    #[default]
    Code,
    /// The environment variable of this name.
    Variable(Cow<'static, str>),
    /// The command line of the program.
    CommandLine,
    /// The file at this path.
    File(PathBuf),
    /// The member or header of this name in a response of the server.
    Response(Cow<'static, str>),
}

impl Source {
    /// Creates the source for the environment variable `name`.
    pub fn variable(name: impl Into<Cow<'static, str>>) -> Self {
        Self::Variable(name.into())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => f.write_str("given in code"),
            Self::Variable(name) => write!(f, "from the environment variable {name}"),
            Self::CommandLine => f.write_str("from the command line"),
            Self::File(path) => write!(f, "from the file {}", path.display()),
            Self::Response(name) => write!(f, "from `{name}` in a response"),
        }
    }
}
