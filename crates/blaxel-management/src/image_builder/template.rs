//! Texts of a Dockerfile in which the builder expands variables.

use blaxel_core::{Error, Source};

/// A text of an image definition. The builder expands the variables in it and takes everything else literally.
///
/// Every string is a literal text, also one with `$`, quotes and backslashes. Variables are added by name: those
/// of [`env`](super::ImageDefinition::env) and [`arg`](super::ImageDefinition::arg), and those of the base image.
///
/// ```
/// use blaxel_management::image_builder::{ImageDefinition, Template};
///
/// let path = Template::new("/opt/tools/bin:").variable("PATH");
/// let image = ImageDefinition::from_registry("debian:bookworm-slim")
///     .env("PRICE", "$5")
///     .env("PATH", path);
/// assert_eq!(
///     image.dockerfile()?,
///     "FROM debian:bookworm-slim\nENV PRICE=\"\\$5\"\nENV PATH=\"/opt/tools/bin:${PATH}\"\n"
/// );
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable(String),
}

impl Template {
    /// Creates a template that begins with a literal text.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            parts: vec![Part::Literal(text.into())],
        }
    }

    /// Appends a literal text.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Literal(text.into()));
        self
    }

    /// Appends the value of a variable. A variable that is not set is expanded to an empty text.
    pub fn variable(mut self, name: impl Into<String>) -> Self {
        self.parts.push(Part::Variable(name.into()));
        self
    }

    /// Returns the text if there is no variable in it.
    pub(super) fn literal(&self) -> Option<String> {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => Some(text.as_str()),
                Part::Variable(_) => None,
            })
            .collect()
    }

    /// Returns `true` if the last part is a literal text that ends in this character.
    pub(super) fn ends_with(&self, character: char) -> bool {
        matches!(self.parts.last(), Some(Part::Literal(text)) if text.ends_with(character))
    }

    /// Returns the text as a single word of a Dockerfile, in double quotes unless it is plain. `what` names it in
    /// errors.
    pub(super) fn word(&self, what: &str) -> Result<String, Error> {
        if let Some(text) = self.literal()
            && !text.is_empty()
            && text.bytes().all(is_plain)
        {
            return Ok(text);
        }
        let mut word = String::from('"');
        for part in &self.parts {
            match part {
                Part::Literal(text) => push_escaped(&mut word, what, text)?,
                Part::Variable(name) => {
                    check_variable_name("variable", name)?;
                    word.push_str("${");
                    word.push_str(name);
                    word.push('}');
                }
            }
        }
        word.push('"');
        Ok(word)
    }
}

impl From<String> for Template {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Template {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// Returns `true` for bytes that mean themselves everywhere in a Dockerfile.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_./:@%+,~=".contains(&byte)
}

/// Appends a literal text for use within double quotes.
fn push_escaped(word: &mut String, what: &str, text: &str) -> Result<(), Error> {
    for character in text.chars() {
        match character {
            '\0' | '\n' | '\r' => {
                let problem = "it contains a NUL byte or a line break, which a Dockerfile cannot \
                               hold there; set it when the image runs, or copy a file with it";
                return Err(Error::input(what, &Source::Code, problem));
            }
            '"' | '\\' | '$' => word.extend(['\\', character]),
            other => word.push(other),
        }
    }
    Ok(())
}

/// Checks the name of a variable, which is expanded as `${NAME}`.
pub(super) fn check_variable_name(what: &str, name: &str) -> Result<(), Error> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let starts_well = name.bytes().next().is_some_and(|it| !it.is_ascii_digit());
    if starts_well && name.bytes().all(is_part) {
        return Ok(());
    }
    let problem = format!("`{name}` is not a name of ASCII letters, digits and `_`");
    Err(Error::input(what, &Source::Code, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_texts_stay_readable_and_others_are_quoted() {
        for (text, expected) in [
            ("/app/v1.2", "/app/v1.2"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            (r#"a"b\c$d"#, r#""a\"b\\c\$d""#),
            ("`#'", "\"`#'\""),
            ("é", "\"é\""),
        ] {
            assert_eq!(Template::from(text).word("text").unwrap(), expected);
        }
        let word = Template::new("$").variable("A").text("x").word("text");
        assert_eq!(word.unwrap(), "\"\\$${A}x\"");
    }

    #[test]
    fn what_a_dockerfile_cannot_hold_is_refused() {
        for text in ["a\nRUN evil", "a\r\nb", "a\0"] {
            assert!(Template::from(text).word("text").unwrap_err().is_input());
        }
        for name in ["", "1A", "A-B", "A}", "é"] {
            let word = Template::default().variable(name).word("text");
            assert!(word.unwrap_err().is_input(), "{name}");
        }
    }
}
