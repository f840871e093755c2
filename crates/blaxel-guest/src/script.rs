//! [`Script`], a program that a test describes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

/// A program that a test describes instead of writing it: its output, its pauses and its end.
///
/// Parts are joined with [`then`](Self::then). A script without an exit code ends with 0.
///
/// ```
/// use std::time::Duration;
/// use blaxel_guest::{Clock, Script, SimulatedGuest};
///
/// let guest = SimulatedGuest::new(Clock::standing());
/// let failing = Script::stdout("running 2 tests\n")
///     .then(Duration::from_secs(3))
///     .then(Script::stderr("test failed\n"))
///     .exit(101);
/// guest.on_command("cargo test", failing);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Script(Vec<Step>);

/// A part of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Stdout(Bytes),
    Stderr(Bytes),
    Pause(Duration),
    ReadLine,
    ReadToEnd,
    Copy,
    Exit(i32),
    Forever,
}

impl Script {
    /// Creates a script that writes to standard output. Each call is a write of its own.
    pub fn stdout(bytes: impl Into<Bytes>) -> Self {
        Self(vec![Step::Stdout(bytes.into())])
    }

    /// Creates a script that writes to standard error.
    pub fn stderr(bytes: impl Into<Bytes>) -> Self {
        Self(vec![Step::Stderr(bytes.into())])
    }

    /// Creates a script that reads a line of standard input, or less at its end.
    pub fn read_line() -> Self {
        Self(vec![Step::ReadLine])
    }

    /// Creates a script that reads standard input to its end.
    pub fn read_to_end() -> Self {
        Self(vec![Step::ReadToEnd])
    }

    /// Creates a script that copies standard input to standard output, as `cat` does.
    pub fn copy() -> Self {
        Self(vec![Step::Copy])
    }

    /// Creates a script that never ends. Signals end it.
    pub fn forever() -> Self {
        Self(vec![Step::Forever])
    }

    /// Adds another script, or a pause on the guest's clock.
    pub fn then(mut self, next: impl Into<Self>) -> Self {
        self.0.append(&mut next.into().0);
        self
    }

    /// Ends the script with an exit code.
    pub fn exit(mut self, code: u8) -> Self {
        self.0.push(Step::Exit(i32::from(code)));
        self
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl From<Duration> for Script {
    fn from(pause: Duration) -> Self {
        Self(vec![Step::Pause(pause)])
    }
}

/// The commands that a script stands for. A text stands for exactly this command.
///
/// ```
/// use blaxel_guest::CommandPattern;
///
/// let patterns = [
///     CommandPattern::from("npm test"),
///     CommandPattern::prefix("npm "),
///     CommandPattern::matching(|command| command.ends_with(" test")),
/// ];
/// assert!(patterns.iter().all(|pattern| pattern.matches("npm test")));
/// ```
#[derive(Clone)]
pub struct CommandPattern(Pattern);

#[derive(Clone)]
enum Pattern {
    Text(String),
    Prefix(String),
    Matching(Arc<dyn Fn(&str) -> bool + Send + Sync>),
}

impl CommandPattern {
    /// Creates the pattern of the commands that begin with a text.
    pub fn prefix(text: impl Into<String>) -> Self {
        Self(Pattern::Prefix(text.into()))
    }

    /// Creates the pattern of the commands that a function accepts.
    pub fn matching(accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Pattern::Matching(Arc::new(accepts)))
    }

    /// Returns `true` if the pattern stands for a command.
    #[must_use]
    pub fn matches(&self, command: &str) -> bool {
        match &self.0 {
            Pattern::Text(text) => text == command,
            Pattern::Prefix(text) => command.starts_with(text.as_str()),
            Pattern::Matching(accepts) => accepts(command),
        }
    }
}

impl From<&str> for CommandPattern {
    fn from(text: &str) -> Self {
        Self(Pattern::Text(text.to_owned()))
    }
}

impl From<String> for CommandPattern {
    fn from(text: String) -> Self {
        Self(Pattern::Text(text))
    }
}

impl fmt::Debug for CommandPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Pattern::Text(text) => write!(f, "CommandPattern({text:?})"),
            Pattern::Prefix(text) => write!(f, "CommandPattern({text:?}..)"),
            Pattern::Matching(_) => f.write_str("CommandPattern(..)"),
        }
    }
}
