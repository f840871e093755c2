//! The `User-Agent` of a client.

use std::fmt::Write as _;
use std::str::FromStr;

use blaxel_core::__private::parse_error;
use blaxel_core::{Error, ParseError, Source};

/// The parts of a `User-Agent` that follow the SDK's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct UserAgent {
    /// The product token of the program.
    pub(crate) product: Option<String>,
    /// The name and version of the integration, not checked yet, and its source.
    pub(crate) integration: Option<(String, Source)>,
    /// The coding agent that runs the program.
    pub(crate) coding_agent: Option<&'static str>,
}

impl UserAgent {
    /// Returns the value of the header: the SDK, the product, the integration, the coding agent.
    ///
    /// Fails if the integration was set in code and is invalid. An invalid one of the environment is
    /// logged and left out.
    pub(crate) fn value(&self) -> Result<String, Error> {
        let mut value = format!(
            "blaxel/sdk/rust/{} ({}/{})",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH
        );
        let integration = match &self.integration {
            Some((text, Source::Code)) => Some(text.parse::<Integration>()?),
            Some((text, source)) => source
                .parse::<Integration>(text)
                .inspect_err(|problem| tracing::warn!("{problem}; it is ignored"))
                .ok(),
            None => None,
        };
        let integration = integration.map(|Integration(token)| token);
        for token in self.product.iter().chain(&integration) {
            // Writing to a string does not fail.
            let _ = write!(value, " {token}");
        }
        if let Some(name) = self.coding_agent {
            let _ = write!(value, " agent/{name}");
        }
        Ok(value)
    }
}

/// The name and version of an integration, such as `my-framework/1.2.0`.
struct Integration(String);

impl FromStr for Integration {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let problem =
            "is not a name in lower case, `/` and a version, such as `my-framework/1.2.0`";
        match text.split_once('/') {
            Some((name, version)) if is_name(name) && is_version(version) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(parse_error("integration", text, problem)),
        }
    }
}

/// Returns `true` for `[a-z0-9][a-z0-9._-]*`.
fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.bytes().next().is_some_and(is_letter)
        && text
            .bytes()
            .all(|byte| is_letter(byte) || matches!(byte, b'.' | b'_' | b'-'))
}

/// Returns `true` for three numbers, optionally followed by `-` and a pre-release.
fn is_version(text: &str) -> bool {
    let (numbers, pre_release) = match text.split_once('-') {
        Some((numbers, pre_release)) => (numbers, Some(pre_release)),
        None => (text, None),
    };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_identifier = |part: &str| {
        let mut bytes = part.bytes();
        !part.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    numbers.split('.').count() == 3
        && numbers.split('.').all(is_number)
        && pre_release.is_none_or(|text| text.split('.').all(is_identifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_have_one_order() {
        let mut agent = UserAgent::default();
        let own = agent.value().unwrap();
        assert!(
            own.starts_with("blaxel/sdk/rust/") && own.ends_with(')'),
            "{own}"
        );
        agent.coding_agent = Some("codex");
        assert_eq!(agent.value().unwrap(), format!("{own} agent/codex"));
        agent.integration = Some(("a/1.2.3".to_owned(), Source::Code));
        agent.product = Some("my-app/1.2".to_owned());
        let all = format!("{own} my-app/1.2 a/1.2.3 agent/codex");
        assert_eq!(agent.value().unwrap(), all);
    }

    #[test]
    fn an_integration_is_a_name_and_a_version() {
        for valid in ["a/1.2.3", "0.x_y-z/10.0.0", "a/1.2.3-rc.1", "a/1.2.3-4-x"] {
            assert!(valid.parse::<Integration>().is_ok(), "{valid}");
        }
        for invalid in [
            "",
            "a",
            "a/",
            "/1.2.3",
            "A/1.2.3",
            "-a/1.2.3",
            "a b/1.2.3",
            "a/1",
            "a/1.2",
            "a/1.2.3.4",
            "a/1.2.x",
            "a/1..3",
            "a/1.2.3-",
            "a/1.2.3-x..y",
            "a/1.2.3-x y",
            "a/1.2.3+x",
            "a/b/1.2.3",
            "a/1.2.3\n",
            "é/1.2.3",
        ] {
            assert!(invalid.parse::<Integration>().is_err(), "{invalid}");
        }
    }

    #[test]
    fn an_invalid_integration_fails_only_in_code() {
        let value = |source| {
            let integration = Some(("no version".to_owned(), source));
            let agent = UserAgent {
                integration,
                ..UserAgent::default()
            };
            agent.value()
        };
        let error = value(Source::Code).unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains("my-framework/1.2.0"),
            "{error}"
        );
        let own = UserAgent::default().value().unwrap();
        assert_eq!(value(Source::variable("BL_INTEGRATION")).unwrap(), own);
    }
}
