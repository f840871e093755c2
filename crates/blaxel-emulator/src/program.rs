//! The parts of the program `blaxel-emulator`.

mod arguments;
mod at_end;
mod child;
mod options;
mod record;
mod serve;
mod setup;
mod trust;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use self::options::{Request, USAGE};

/// Does what the command line asks for.
pub(crate) async fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let done = match options::read(arguments) {
        Ok(Request::Help) => io::stdout().write_all(USAGE.as_bytes()),
        Ok(Request::OpenApi) => serve::print("/openapi.json").await,
        Ok(Request::Deviations) => serve::print("/_emulator/deviations.md").await,
        Ok(Request::Serve {
            setup,
            until_stdin_closes,
            at_end,
        }) => serve::serve(*setup, until_stdin_closes, &at_end).await,
        Ok(Request::Run {
            setup,
            command,
            at_end,
        }) => match child::run(*setup, command, &at_end).await {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Ok(Request::Record(recording)) => match record::run(recording).await {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Err(problem) => {
            eprintln!("blaxel-emulator: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("blaxel-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}
