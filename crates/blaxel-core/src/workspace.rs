//! The name of a workspace.

use std::fmt;
use std::str::FromStr;

use crate::parse_error::{ParseError, try_from_str};

/// The name of a workspace.
///
/// It is parsed from text: letters, digits, `-`, `_` and `.`. White space around it is dropped.
///
/// ```
/// use blaxel_core::Workspace;
///
/// let workspace: Workspace = "my-team".parse()?;
/// assert_eq!(workspace.as_str(), "my-team");
/// assert!("my team".parse::<Workspace>().is_err());
/// # Ok::<(), blaxel_core::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Workspace(Box<str>);

impl Workspace {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Workspace {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.trim();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let problem = if name.is_empty() {
            "it is empty; give the name shown in the console, or leave it out"
        } else if !name.bytes().all(plain) || name.trim_matches('.').is_empty() {
            "the name may contain only letters, digits, `-`, `_` and `.`"
        } else {
            return Ok(Self(name.into()));
        };
        Err(ParseError::new("workspace", problem))
    }
}

try_from_str!(Workspace);

impl fmt::Display for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn invalid_names_are_rejected() {
        for text in [
            "",
            "  ",
            ".",
            "..",
            "my team",
            "a/b",
            "a?b",
            "team\n.evil",
            "w\u{f6}rk",
        ] {
            let error = text.parse::<Workspace>().unwrap_err().to_string();
            assert!(
                error.starts_with("invalid workspace (given in code): "),
                "{error}"
            );
        }
        assert_eq!(Workspace::try_from(" a.b ").unwrap().as_str(), "a.b");
    }

    proptest! {
        #[test]
        fn names_are_trimmed(name in "[A-Za-z0-9_-]{1,20}") {
            let workspace: Workspace = format!(" {name}\t").parse().unwrap();
            prop_assert_eq!(workspace.to_string(), name);
        }
    }
}
