//! Another program that runs while a proxy records.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use blaxel_emulator::Recorder;

use super::arguments::{BadOption, program, text};
use super::child::{Ended, NOT_FOUND, asked_to_end, exit_code, run_with};

/// The variable that stands for other addresses of the platform.
const OTHERS: [&str; 1] = ["BL_ENV"];

/// The options of `record`.
pub(super) struct Recording {
    upstream: String,
    run: String,
    out: PathBuf,
    har: Option<PathBuf>,
    command: Vec<OsString>,
}

/// Parses the arguments after `record`.
pub(super) fn read(arguments: impl Iterator<Item = OsString>) -> Result<Recording, BadOption> {
    let (mut upstream, mut run, mut out, mut har) = (None, None, None, None);
    let mut arguments = arguments.peekable();
    // The program begins with the first argument that is no option.
    while let Some(argument) = arguments.next_if(is_option) {
        let argument = text(argument)?;
        let (option, given) = match argument.split_once('=') {
            Some((option, value)) => (option, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        let place = match option {
            "--upstream" => &mut upstream,
            "--upstream-run" => &mut run,
            "--out" => &mut out,
            "--har" => &mut har,
            _ => return Err(BadOption(format!("unknown option {option:?} of `record`"))),
        };
        let missing = || BadOption(format!("missing value for {option}"));
        *place = Some(match given {
            Some(value) => value,
            None => text(arguments.next().ok_or_else(missing)?)?,
        });
    }
    let missing = |option: &str| BadOption(format!("`record` needs {option}"));
    let upstream = upstream.ok_or_else(|| missing("--upstream"))?;
    let beside = || {
        let origin = upstream.trim_end_matches('/').strip_suffix("/v0")?;
        Some(format!("{origin}/run"))
    };
    let run = run
        .or_else(beside)
        .ok_or_else(|| missing("--upstream-run"))?;
    Ok(Recording {
        upstream,
        run,
        out: out.ok_or_else(|| missing("--out"))?.into(),
        har: har.map(PathBuf::from),
        command: program(arguments)?,
    })
}

fn is_option(argument: &OsString) -> bool {
    argument != "--" && argument.to_string_lossy().starts_with("--")
}

/// Runs the program, and writes what the proxy has seen.
pub(super) async fn run(recording: Recording) -> io::Result<ExitCode> {
    let asked = asked_to_end();
    let recorder = Recorder::start(&recording.upstream, &recording.run).await?;
    let ended = run_with(recording.command, recorder.variables(), &OTHERS, asked).await?;
    let Ended::With(status) = ended else {
        return Ok(ExitCode::from(NOT_FOUND));
    };
    recorder.data().write(&recording.out)?;
    if let Some(har) = recording.har {
        std::fs::write(har, recorder.har().to_string())?;
    }
    Ok(exit_code(status))
}
