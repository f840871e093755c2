//! Another program that runs while a proxy records.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use blaxel_emulator::{Recorder, RecorderBuilder};

use super::arguments::{BadOption, program, require_tls, text};
use super::child::{Ended, NOT_FOUND, asked_to_end, exit_code, proxy_variables, run_with};
use super::trust::TemporaryDirectory;

/// The variable that stands for other addresses of the platform.
const OTHERS: [&str; 1] = ["BL_ENV"];

/// The addresses of the platform.
const PLATFORM: &str = "https://api.blaxel.ai/v0";

/// The options of `record`.
pub(super) struct Recording {
    builder: RecorderBuilder,
    has_tls: bool,
    out: PathBuf,
    har: Option<PathBuf>,
    command: Vec<OsString>,
}

/// Parses the arguments after `record`.
pub(super) fn read(arguments: impl Iterator<Item = OsString>) -> Result<Recording, BadOption> {
    let (mut upstream, mut run, mut out, mut har) = (None, None, None, None);
    let mut builder = Recorder::builder();
    let mut has_tls = false;
    let mut arguments = arguments.peekable();
    // The program begins with the first argument that is no option.
    while let Some(argument) = arguments.next_if(is_option) {
        let argument = text(argument)?;
        let (option, given) = match argument.split_once('=') {
            Some((option, value)) => (option, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        let mut root = None;
        let place = match option {
            "--tls" if given.is_none() => {
                require_tls()?;
                has_tls = true;
                continue;
            }
            "--upstream" => &mut upstream,
            "--upstream-run" => &mut run,
            "--out" => &mut out,
            "--har" => &mut har,
            "--root-certificate" => &mut root,
            _ => return Err(BadOption(format!("unknown option {option:?} of `record`"))),
        };
        let missing = || BadOption(format!("missing value for {option}"));
        *place = Some(match given {
            Some(value) => value,
            None => text(arguments.next().ok_or_else(missing)?)?,
        });
        if let Some(file) = root {
            builder = root_certificate(builder, &file)?;
        }
    }
    let missing = |option: &str| BadOption(format!("`record` needs {option}"));
    let upstream = upstream.unwrap_or_else(|| PLATFORM.to_owned());
    let run = run
        .or_else(|| run_beside(&upstream))
        .ok_or_else(|| missing("--upstream-run"))?;
    Ok(Recording {
        builder: builder.upstream(&upstream, &run),
        has_tls,
        out: out.ok_or_else(|| missing("--out"))?.into(),
        har: har.map(PathBuf::from),
        command: program(arguments)?,
    })
}

/// Returns the address of workloads that belongs to one of the control plane, if that tells it.
fn run_beside(api: &str) -> Option<String> {
    let origin = api.trim_end_matches('/').strip_suffix("/v0")?;
    Some(match origin.strip_prefix("https://api.") {
        Some(domain) => format!("https://run.{domain}"),
        None => format!("{origin}/run"),
    })
}

#[cfg(feature = "tls")]
fn root_certificate(builder: RecorderBuilder, file: &str) -> Result<RecorderBuilder, BadOption> {
    let about = |error: io::Error| BadOption(format!("--root-certificate: {file}: {error}"));
    let pem = std::fs::read_to_string(file).map_err(about)?;
    Ok(builder.root_certificate(&pem))
}

#[cfg(not(feature = "tls"))]
fn root_certificate(builder: RecorderBuilder, _: &str) -> Result<RecorderBuilder, BadOption> {
    require_tls().map(|()| builder)
}

fn is_option(argument: &OsString) -> bool {
    argument != "--" && argument.to_string_lossy().starts_with("--")
}

/// Runs the program, and writes what the proxy has seen.
pub(super) async fn run(recording: Recording) -> io::Result<ExitCode> {
    let asked = asked_to_end();
    let mut builder = recording.builder;
    let mut directory = None;
    if recording.has_tls {
        let new = directory.insert(TemporaryDirectory::new()?);
        builder = tls_directory(builder, new.path());
    }
    let recorder = builder.start().await?;
    let mut variables = recorder.variables();
    variables.extend(proxy_variables(recorder.proxy_variables()));
    let ended = run_with(recording.command, variables, &OTHERS, asked).await?;
    let Ended::With(status) = ended else {
        return Ok(ExitCode::from(NOT_FOUND));
    };
    recorder.data().write(&recording.out)?;
    if let Some(har) = recording.har {
        std::fs::write(har, recorder.har().to_string())?;
    }
    Ok(exit_code(status))
}

#[cfg(feature = "tls")]
fn tls_directory(builder: RecorderBuilder, directory: PathBuf) -> RecorderBuilder {
    builder.tls_directory(directory)
}

/// Changes nothing: without TLS, the command line refuses to ask for it.
#[cfg(not(feature = "tls"))]
fn tls_directory(builder: RecorderBuilder, _: PathBuf) -> RecorderBuilder {
    builder
}
