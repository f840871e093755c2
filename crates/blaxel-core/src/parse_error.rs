//! The error of parsing a value from text.

use std::fmt;
use std::str::FromStr;

use crate::source::Source;
use crate::text::one_line;

/// Maximum number of characters of an invalid text that an error message quotes.
const SHOWN: usize = 64;

/// Maximum number of characters of a problem.
const MAX_PROBLEM_CHARS: usize = 1000;

/// An error from parsing a value of the SDK, such as a [`Workspace`](crate::Workspace), a
/// [`BaseUrl`](crate::BaseUrl), an [`ApiVersion`](crate::ApiVersion), a [`Period`](crate::Period)
/// or a [`Timestamp`](crate::Timestamp).
///
/// It converts into an [`Error`](crate::Error) for which [`is_input`](crate::Error::is_input)
/// returns `true`, so `?` works. [`with_source`](Self::with_source) adds the source of the text,
/// and [`Source::parse`] parses a text from a known source:
///
/// ```
/// use blaxel_core::{Error, Source, Workspace};
///
/// let team: Workspace = "my-team".parse()?;
/// assert_eq!(team.as_str(), "my-team");
///
/// let error = "my team".parse::<Workspace>().unwrap_err();
/// let error = Error::from(error.with_source(Source::variable("BL_WORKSPACE")));
/// assert!(error.is_input() && error.to_string().contains("BL_WORKSPACE"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    what: &'static str,
    source: Source,
    problem: String,
}

impl ParseError {
    /// Creates an error about a value of the kind `what`, with [`Source::Code`].
    pub(crate) fn new(what: &'static str, problem: impl fmt::Display) -> Self {
        Self {
            what,
            source: Source::default(),
            problem: one_line(&problem.to_string(), MAX_PROBLEM_CHARS),
        }
    }

    /// Creates an error whose message quotes the start of the text before the problem.
    pub(crate) fn quoting(what: &'static str, text: &str, problem: impl fmt::Display) -> Self {
        let shown = one_line(text, SHOWN);
        Self::new(what, format_args!("`{shown}` {problem}"))
    }

    /// Returns this error with the source of the text. The default is [`Source::Code`].
    #[must_use]
    pub fn with_source(mut self, source: Source) -> Self {
        self.source = source;
        self
    }

    /// Returns the kind of value, its source, and the problem.
    pub(crate) fn parts(&self) -> (&'static str, &Source, &str) {
        (self.what, &self.source, &self.problem)
    }

    /// Returns only the problem, for an error that names the value itself.
    pub(crate) fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid {} ({}): {}",
            self.what, self.source, self.problem
        )
    }
}

impl std::error::Error for ParseError {}

impl Source {
    /// Parses a text that came from this source.
    ///
    /// ```
    /// use blaxel_core::{BaseUrl, Source};
    ///
    /// let source = Source::variable("BL_API_URL");
    /// let error = source.parse::<BaseUrl>("api.blaxel.ai").unwrap_err();
    /// assert!(error.to_string().contains("BL_API_URL"));
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the type's parse error, with this source, if the text is invalid.
    pub fn parse<T: FromStr<Err = ParseError>>(&self, text: &str) -> Result<T, ParseError> {
        text.parse()
            .map_err(|error: ParseError| error.with_source(self.clone()))
    }
}

/// Implements `TryFrom<&str>` for a type that implements `FromStr`.
macro_rules! try_from_str {
    ($name:ty) => {
        impl TryFrom<&str> for $name {
            type Error = $crate::parse_error::ParseError;

            fn try_from(text: &str) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    };
}

pub(crate) use try_from_str;
