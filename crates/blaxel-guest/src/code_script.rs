//! [`CodeScript`], a run of code that a test describes.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::interpreter::Record;

/// A run of code in the code interpreter that a test describes: what it prints, displays and ends
/// with. Each method adds a part.
///
/// ```
/// use blaxel_guest::{Clock, CodeScript, CommandPattern, SimulatedGuest};
///
/// let guest = SimulatedGuest::new(Clock::standing());
/// guest.on_code("6 * 7", CodeScript::new().result_text("42"));
/// let plot = [("text/plain", "<Figure>"), ("image/png", "iVBORw0K")];
/// guest.on_code(
///     CommandPattern::prefix("import matplotlib"),
///     CodeScript::new().stdout("drawing\n").display(plot),
/// );
/// let trace = "Traceback (most recent call last): ...";
/// guest.on_code("1 / 0", CodeScript::new().error("ZeroDivisionError", "division by zero", trace));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct CodeScript(Vec<CodeStep>);

/// A part of a script.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CodeStep {
    Record(Record),
    Pause(Duration),
    Forever,
    Exit,
}

impl CodeScript {
    /// Creates the script of code that prints nothing and has no value.
    pub fn new() -> Self {
        Self::default()
    }

    /// Prints text to standard output.
    pub fn stdout(self, text: impl Into<String>) -> Self {
        self.record(Record::Stdout { text: text.into() })
    }

    /// Prints text to standard error.
    pub fn stderr(self, text: impl Into<String>) -> Self {
        self.record(Record::Stderr { text: text.into() })
    }

    /// Displays a value in several formats, given by their MIME types. The text of
    /// `application/json` is parsed if it is valid.
    pub fn display<'a>(self, formats: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.value(false, formats)
    }

    /// Ends with a value in several formats, given as for [`display`](Self::display).
    pub fn result<'a>(self, formats: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.value(true, formats)
    }

    /// Ends with a value that is displayed as text, such as `42`.
    pub fn result_text(self, text: &str) -> Self {
        self.result([("text/plain", text)])
    }

    /// Fails with an exception.
    pub fn error(
        self,
        name: impl Into<String>,
        value: impl Into<String>,
        traceback: impl Into<String>,
    ) -> Self {
        self.record(Record::Error {
            name: name.into(),
            value: value.into(),
            traceback: traceback.into(),
        })
    }

    /// Waits on the guest's clock.
    pub fn pause(mut self, duration: Duration) -> Self {
        self.0.push(CodeStep::Pause(duration));
        self
    }

    /// Never ends, until the context is restarted or deleted.
    pub fn forever(mut self) -> Self {
        self.0.push(CodeStep::Forever);
        self
    }

    /// Ends the interpreter process, as a crash does. The context gets a new one, without the
    /// variables and with new numbers of runs.
    pub fn crash(mut self) -> Self {
        self.0.push(CodeStep::Exit);
        self
    }

    pub(crate) fn steps(&self) -> &[CodeStep] {
        &self.0
    }

    fn value<'a>(
        self,
        is_main: bool,
        formats: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let value = |(name, text): (&str, &str)| {
            let parsed = match name {
                "application/json" => serde_json::from_str(text).ok(),
                _ => None,
            };
            let value = parsed.unwrap_or_else(|| Value::from(text));
            (name.to_owned(), value)
        };
        let data: Map<_, _> = formats.into_iter().map(value).collect();
        self.record(Record::Result { is_main, data })
    }

    fn record(mut self, record: Record) -> Self {
        self.0.push(CodeStep::Record(record));
        self
    }
}
