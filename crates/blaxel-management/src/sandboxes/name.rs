//! The names of sandboxes.

use std::fmt;
use std::str::FromStr;

use blaxel_core::__private::parse_error;
use blaxel_core::ParseError;

/// The name of a sandbox, in the form that the server accepts.
///
/// It has at most [49](Self::MAX_LENGTH) characters: lower-case letters and digits, in groups that are joined by single
/// hyphens. The server refuses any other name with a 400.
///
/// Everything that takes the name of a sandbox takes any text. This type checks a name before it is sent, or
/// [derives](Self::derive) one from a text of your own.
///
/// ```
/// use blaxel_management::sandboxes::{Sandbox, SandboxName};
///
/// let name: SandboxName = "code-runner".parse()?;
/// let sandbox = Sandbox::new(name);
/// assert_eq!(sandbox.metadata.name, "code-runner");
/// assert!("Code Runner".parse::<SandboxName>().is_err());
/// assert_eq!(SandboxName::derive("Code Runner")?.as_str(), "code-runner");
/// # Ok::<(), blaxel_core::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SandboxName(Box<str>);

impl SandboxName {
    /// The maximum length, in characters.
    pub const MAX_LENGTH: usize = 49;

    /// Derives a name from any text, such as the title of a task or the name of a branch.
    ///
    /// Letters become lower case. Everything between letters and digits of ASCII becomes one hyphen, and there is none
    /// at the ends. A longer name is cut after 49 characters. So different texts can have the same name: add something
    /// unique if that matters.
    ///
    /// ```
    /// use blaxel_management::sandboxes::SandboxName;
    ///
    /// assert_eq!(SandboxName::derive("feature/Fix_#42")?.as_str(), "feature-fix-42");
    /// assert!(SandboxName::derive("---").is_err());
    /// # Ok::<(), blaxel_core::ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails if the text has no letter or digit of ASCII.
    pub fn derive(text: &str) -> Result<Self, ParseError> {
        let mut name = String::new();
        for character in text.chars() {
            if character.is_ascii_alphanumeric() {
                name.push(character.to_ascii_lowercase());
            } else if !name.is_empty() && !name.ends_with('-') {
                name.push('-');
            }
            // Nothing after this character can be part of the name.
            if name.len() > Self::MAX_LENGTH {
                break;
            }
        }
        name.truncate(Self::MAX_LENGTH);
        let name = name.trim_end_matches('-');
        if name.is_empty() {
            let problem = "has no letter or digit to make a name from";
            return Err(parse_error(WHAT, text, problem));
        }
        Ok(Self(name.into()))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The kind of value, for error messages.
const WHAT: &str = "sandbox name";

impl FromStr for SandboxName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_group = |group: &str| !group.is_empty() && group.bytes().all(is_plain);
        let problem = if text.len() > Self::MAX_LENGTH {
            "is longer than 49 characters"
        } else if !text.split('-').all(is_group) {
            "is not made of lower-case letters and digits in groups that are joined by single hyphens; \
             `SandboxName::derive` makes a name from any text"
        } else {
            return Ok(Self(text.into()));
        };
        Err(parse_error(WHAT, text, problem))
    }
}

impl TryFrom<&str> for SandboxName {
    type Error = ParseError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SandboxName> for String {
    fn from(name: SandboxName) -> Self {
        name.0.into()
    }
}

impl AsRef<str> for SandboxName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for SandboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn invalid_names_are_refused() {
        let long = "a".repeat(50);
        for text in [
            "", "-", "a-", "-a", "a--b", "A", "a_b", "a b", "\u{e9}", &*long,
        ] {
            let error = text.parse::<SandboxName>().unwrap_err().to_string();
            assert!(error.starts_with("invalid sandbox name"), "{error}");
        }
        for text in ["a", "0", "a-b-0", &long[1..]] {
            assert_eq!(SandboxName::try_from(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn names_are_derived_by_replacing_and_cutting() {
        for (text, name) in [
            ("Hello, World!", "hello-world"),
            ("  __a__  ", "a"),
            ("\u{dc}bung 1", "bung-1"),
            // The character at which it is cut is the hyphen.
            (&*format!("{}-b", "a".repeat(48)), &*"a".repeat(48)),
            (&*"x".repeat(80), &*"x".repeat(49)),
        ] {
            assert_eq!(SandboxName::derive(text).unwrap().as_str(), name, "{text}");
        }
        for text in ["", "--", "\u{fc}"] {
            assert!(SandboxName::derive(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_derived_is_a_name_and_a_name_is_derived_from_itself(text in any::<String>()) {
            let has_one = text.chars().any(|character| character.is_ascii_alphanumeric());
            match SandboxName::derive(&text) {
                Ok(name) => {
                    prop_assert!(has_one);
                    prop_assert_eq!(&name.as_str().parse::<SandboxName>().unwrap(), &name);
                    prop_assert_eq!(&SandboxName::derive(name.as_str()).unwrap(), &name);
                }
                Err(_) => prop_assert!(!has_one),
            }
        }

        #[test]
        fn every_name_of_the_rule_is_parsed(name in "[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,4}") {
            let parsed: SandboxName = name.parse().unwrap();
            prop_assert_eq!(parsed.as_str(), name);
        }

        #[test]
        fn a_text_is_a_name_exactly_if_nothing_has_to_change(text in "[a-zA-Z0-9_-]{0,60}") {
            let derived = SandboxName::derive(&text).ok();
            let unchanged = derived.is_some_and(|name| name.as_str() == text);
            prop_assert_eq!(text.parse::<SandboxName>().is_ok(), unchanged);
        }
    }
}
