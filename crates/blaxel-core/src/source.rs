//! The place that a value came from.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// The place that a setting or credential came from. Errors about the value name it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// A value given in code.
    #[default]
    Code,
    /// An environment variable, by its name.
    Variable(Cow<'static, str>),
    /// A file, by its path.
    File(PathBuf),
}

impl Source {
    /// Creates the source for an environment variable, by its name.
    pub fn variable(name: impl Into<Cow<'static, str>>) -> Self {
        Self::Variable(name.into())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => f.write_str("given in code"),
            Self::Variable(name) => write!(f, "from the environment variable {name}"),
            Self::File(path) => write!(f, "from the file {}", path.display()),
        }
    }
}
