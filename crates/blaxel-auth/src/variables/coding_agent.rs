//! Detection of the coding agent that runs the program.

use super::Variables;

/// The variables that a coding agent sets for the programs that it runs, with the agent's name. The first one
/// that is not empty counts.
const MARKS: [(&str, &str); 10] = [
    ("CLAUDECODE", "claude-code"),
    ("CODEX_THREAD_ID", "codex"),
    ("CODEX_SANDBOX", "codex"),
    ("CURSOR_AGENT", "cursor"),
    ("GEMINI_CLI", "gemini-cli"),
    ("QWEN_CODE", "qwen-code"),
    ("OPENCODE_TERMINAL", "opencode"),
    ("OPENCODE", "opencode"),
    ("GOOSE_TERMINAL", "goose"),
    ("AUGMENT_AGENT", "augment"),
];

/// A variable that agents without one of their own set to their name and version.
const NAMED: &str = "AI_AGENT";

/// A variable that some agents set to their name. Other programs use it too, so only known names count.
const LOOSELY_NAMED: &str = "AGENT";

/// The variable by which a user forbids to be tracked.
const DO_NOT_TRACK: &str = "DO_NOT_TRACK";

/// The name of an agent that is not in [`MARKS`].
const OTHER: &str = "other";

/// Returns `true` for the variables that are read here.
pub(super) fn reads(name: &str) -> bool {
    [NAMED, LOOSELY_NAMED, DO_NOT_TRACK].contains(&name)
        || MARKS.iter().any(|(mark, _)| *mark == name)
}

impl Variables {
    /// Returns the name of the coding agent that runs the program, such as `codex`, or `None` if there is none.
    ///
    /// Coding agents set variables in the processes that they start. The result is one of a few fixed names:
    /// `augment`, `claude-code`, `codex`, `cursor`, `gemini-cli`, `goose`, `opencode`, `qwen-code`, and
    /// `other` for an agent with another name. It is `None` as well if `DO_NOT_TRACK` is `1` or `true`.
    ///
    /// ```
    /// use blaxel_auth::Variables;
    ///
    /// let variables = Variables::from_iter([("GEMINI_CLI", "1")]);
    /// assert_eq!(variables.coding_agent(), Some("gemini-cli"));
    /// let variables = Variables::from_iter([("GEMINI_CLI", "1"), ("DO_NOT_TRACK", "1")]);
    /// assert_eq!(variables.coding_agent(), None);
    /// ```
    #[must_use]
    pub fn coding_agent(&self) -> Option<&'static str> {
        // A value that is no text says nothing about an agent.
        let value = |name| Some(self.get(name).ok()??.0);
        let forbidden = value(DO_NOT_TRACK)
            .is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"));
        if forbidden {
            return None;
        }
        let marked = MARKS.iter().find(|(mark, _)| value(mark).is_some());
        match (marked, value(NAMED)) {
            (Some((_, name)), _) => Some(name),
            (None, Some(own)) => Some(known(own).unwrap_or(OTHER)),
            (None, None) => known(value(LOOSELY_NAMED)?),
        }
    }
}

/// Returns the known name with which a text begins, before a version or an address.
fn known(text: &str) -> Option<&'static str> {
    let own = text.split(['_', '/', '@', ' ']).next()?;
    let mut names = MARKS.iter().map(|(_, name)| *name);
    names.find(|name| own.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent<const N: usize>(pairs: [(&str, &str); N]) -> Option<&'static str> {
        Variables::from_iter(pairs).coding_agent()
    }

    #[test]
    fn each_mark_names_its_agent() {
        for (mark, name) in MARKS {
            assert_eq!(agent([(mark, "x")]), Some(name), "{mark}");
            assert_eq!(agent([(mark, " ")]), None, "{mark}");
            assert!(reads(mark));
        }
        assert_eq!(agent([]), None);
        let both = agent([
            ("CURSOR_AGENT", "1"),
            ("AI_AGENT", "goose"),
            ("AGENT", "codex"),
        ]);
        assert_eq!(both, Some("cursor"));
    }

    #[test]
    fn the_value_names_an_agent_without_a_mark() {
        for (value, name) in [
            ("goose", "goose"),
            ("Goose/1.2", "goose"),
            ("claude-code_2-1_agent", "claude-code"),
            ("codex@host", "codex"),
            ("cursor 1", "cursor"),
            ("my-secret-agent/1", OTHER),
            ("goosefoot", OTHER),
        ] {
            assert_eq!(agent([("AI_AGENT", value)]), Some(name), "{value}");
            let known = Some(name).filter(|name| *name != OTHER);
            assert_eq!(agent([("AGENT", value)]), known, "{value}");
        }
        assert_eq!(agent([("AI_AGENT", ""), ("AGENT", "goose")]), Some("goose"));
    }

    #[test]
    fn a_user_can_forbid_it() {
        let with = |value: &str| agent([("CLAUDECODE", "1"), ("DO_NOT_TRACK", value)]);
        for forbidden in ["1", "true", "TRUE", " 1\n"] {
            assert_eq!(with(forbidden), None, "{forbidden}");
        }
        for allowed in ["", "0", "false"] {
            assert_eq!(with(allowed), Some("claude-code"), "{allowed}");
        }
    }
}
