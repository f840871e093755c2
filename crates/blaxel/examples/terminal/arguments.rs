//! The arguments of the program.

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const USAGE: &str = "usage: terminal [--session ID] SANDBOX";

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) sandbox: String,
    /// The id of the session. A new one by default, because all terminals without an id share one.
    pub(crate) session: String,
}

impl Arguments {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Option<Self> {
        let arguments: Vec<String> = arguments.collect();
        let texts: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (sandbox, session) = match texts[..] {
            ["--session", session, sandbox] | [sandbox, "--session", session] => {
                (sandbox, session.to_owned())
            }
            [sandbox] => (sandbox, new_session()),
            _ => return None,
        };
        let is_name = |text: &str| !text.is_empty() && !text.starts_with('-');
        (is_name(sandbox) && is_name(&session)).then(|| Self {
            sandbox: sandbox.to_owned(),
            session,
        })
    }

    /// Returns the command that attaches to the session again.
    pub(crate) fn again(&self) -> String {
        let Self { sandbox, session } = self;
        format!(
            "cargo run --example terminal --features websocket -- --session {session} {sandbox}"
        )
    }
}

fn new_session() -> String {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    format!("local-{}", time.map_or(0, |time| time.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Arguments> {
        Arguments::parse(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_session_is_named_or_new() {
        let named = parse("--session s-1 dev").unwrap();
        assert_eq!((&*named.sandbox, &*named.session), ("dev", "s-1"));
        assert_eq!(parse("dev --session s-1").unwrap(), named);
        assert!(named.again().ends_with(" --session s-1 dev"));
        assert!(parse("dev").unwrap().session.starts_with("local-"));
        for wrong in [
            "",
            "--help",
            "dev other",
            "--session dev",
            "--session -x dev",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
