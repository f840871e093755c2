//! Arguments of the command line.

use std::ffi::OsString;
use std::fmt;

/// An invalid command line.
pub(super) struct BadOption(pub(super) String);

impl BadOption {
    pub(super) fn of(problem: impl fmt::Display) -> Self {
        Self(format!("--forward: {problem}"))
    }
}

impl fmt::Display for BadOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the program of `run` and its arguments.
pub(super) fn program(
    arguments: impl Iterator<Item = OsString>,
) -> Result<Vec<OsString>, BadOption> {
    let mut command: Vec<_> = arguments.collect();
    if command.first().is_some_and(|first| first == "--") {
        command.remove(0);
    } else if let Some(option) = command
        .first()
        .filter(|first| first.to_string_lossy().starts_with('-'))
    {
        let problem = format!("unknown option {option:?} of `run`: options come before `run`");
        return Err(BadOption(problem));
    }
    if command.is_empty() {
        return Err(BadOption("missing program after `run`".to_owned()));
    }
    Ok(command)
}

pub(super) fn text(argument: OsString) -> Result<String, BadOption> {
    let bad = |argument| BadOption(format!("the argument {argument:?} is not UTF-8"));
    argument.into_string().map_err(bad)
}

/// Checks that the program has TLS.
pub(super) fn require_tls() -> Result<(), BadOption> {
    match cfg!(feature = "tls") {
        true => Ok(()),
        false => Err(BadOption(
            "--tls: the program was compiled without the feature `tls`".to_owned(),
        )),
    }
}
