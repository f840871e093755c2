//! The parts of the program `blaxel-emulator`.

mod child;
mod options;
mod serve;
mod setup;
#[cfg(feature = "tls")]
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
        }) => serve::serve(*setup, until_stdin_closes).await,
        Ok(Request::Run { setup, command }) => match child::run(*setup, command).await {
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
