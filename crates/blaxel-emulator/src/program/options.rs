//! The command line.

use std::ffi::OsString;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use blaxel_emulator::{Builder, Data, Emulator, UnknownIncident, Workload};

use super::arguments::{BadOption, program, require_tls, text};
use super::at_end::AtEnd;
use super::record::{self, Recording};

use super::setup::Setup;

pub(super) const USAGE: &str = "\
A local Blaxel: prints the environment variables for its clients and serves until Ctrl-C, or runs a
program with these variables and ends with it.

Usage: blaxel-emulator [OPTIONS]
       blaxel-emulator [OPTIONS] run [--] <PROGRAM> [ARGUMENTS]
       blaxel-emulator record --out <FILE> [OPTIONS OF RECORD] [--] <PROGRAM> [ARGUMENTS]

`record` runs a program with a proxy in front of the platform, and writes what it has seen into a file
for --data, without secrets. Its options:
  --out <FILE>             the file
  --har <FILE>             write the requests and responses too, as below
  --upstream <URL>         the address of the control plane (default: https://api.blaxel.ai/v0), such as
                           http://127.0.0.1:4242/v0 of an emulator
  --upstream-run <URL>     that of workloads (default: the one that belongs to it)
  --root-certificate <PEM> trust the certificate authorities of a file too. May be repeated
  --tls                    be a proxy for programs that know the addresses of the platform only, as below

Options:
  --port <PORT>            port of 127.0.0.1 to listen on (default: a free one)
  --workspace <NAME>       name of the workspace (default: demo)
  --seed <NUMBER>          seed of the billing history and the logs (default: 1)
  --clock <CLOCK>          the time of the emulator: real (default); frozen, which stands still until
                           it is moved; or xN, N times as fast as the real one, such as x60
  --data <FILE>            begin with the data of a file in JSON or YAML: a saved state, or resources
                           that are written by hand. Its settings count unless options say otherwise
  --save <FILE>            write the whole state into a file at the end, for --data. There are secrets
                           in it, so only its owner can read it. It may be the file of --data, which
                           need not exist then
  --har <FILE>             write the requests and responses into a file at the end, as an HTTP Archive
                           without secrets
  --incident <NAME>        make a failure of the platform happen once, such as cut-log-stream; an
                           unknown name lists them. May be repeated
  --chaos <SEED>           let one request of ten meet a failure of the platform by chance: the same
                           seed and the same requests give the same failures. `random` draws a seed,
                           which is printed
  --forward <NAME=URL>     forward the calls of an agent to a server on this machine, such as
                           support-bot=http://127.0.0.1:1338; use functions/NAME and models/NAME
                           for other workloads. May be repeated
  --guests <KIND>          machines of the sandboxes: simulated (default); local, where commands run
                           on this machine, isolated by bubblewrap; or local-unconfined, where they
                           are usual processes of yours. For tests, not for hostile code
  --tls                    serve TLS too, on the same port, with a certificate authority that is made for
                           this run; and be a proxy for programs that know the addresses of the
                           platform only
  --tls-dir <DIRECTORY>    the same, with a certificate authority that is kept in this directory
  --pass-other-hosts       let the proxy connect to hosts that are none of the platform's
  --until-stdin-closes     also end when the standard input is closed, as it is when the parent
                           process ends
  --openapi                print the OpenAPI document that is served at /openapi.json, and exit
  --deviations             print what the emulator does otherwise than the platform, and exit
  -h, --help               print this text

The exit code of `run` and `record` is that of the program, 128 and the number of the signal that ended it, or 127
if it cannot be started.
";

/// The pause between two chunks of a streamed response, long enough to be visible.
const STREAM_PAUSE: Duration = Duration::from_millis(10);

/// Maximum number of bytes of each body in the file of `--har`.
const HAR_BODIES: usize = 1 << 20;

/// The options that have a value.
const WITH_VALUE: [&str; 12] = [
    "--chaos",
    "--clock",
    "--data",
    "--forward",
    "--guests",
    "--har",
    "--incident",
    "--port",
    "--save",
    "--seed",
    "--tls-dir",
    "--workspace",
];

/// A request of the command line.
pub(super) enum Request {
    Help,
    OpenApi,
    Deviations,
    Serve {
        setup: Box<Setup>,
        until_stdin_closes: bool,
        at_end: AtEnd,
    },
    /// Run a program while a proxy records.
    Record(Recording),
    /// Run a program while the emulator serves.
    Run {
        setup: Box<Setup>,
        /// The program and its arguments.
        command: Vec<OsString>,
        at_end: AtEnd,
    },
}

/// The options that are not settings of the builder.
#[derive(Default)]
struct Seen {
    clock_rate: Option<u32>,
    has_local_guests: bool,
    has_tls: bool,
    has_tls_directory: bool,
    until_stdin_closes: bool,
    data: Option<PathBuf>,
    at_end: AtEnd,
}

/// Parses the command line. The first option that prints something and exits takes effect at once.
pub(super) fn read(mut arguments: impl Iterator<Item = OsString>) -> Result<Request, BadOption> {
    let mut builder = Emulator::builder().real_clock().stream_pause(STREAM_PAUSE);
    let mut seen = Seen::default();
    let mut command = None;
    let mut options = Vec::new();
    while let Some(argument) = arguments.next() {
        let argument = text(argument)?;
        match argument.as_str() {
            "--help" | "-h" => return Ok(Request::Help),
            "--openapi" => return Ok(Request::OpenApi),
            "--deviations" => return Ok(Request::Deviations),
            "--until-stdin-closes" => {
                seen.until_stdin_closes = true;
                continue;
            }
            "--tls" => {
                require_tls()?;
                seen.has_tls = true;
                continue;
            }
            "--pass-other-hosts" => {
                builder = builder.pass_other_hosts();
                continue;
            }
            "record" if options.is_empty() => return record::read(arguments).map(Request::Record),
            "run" => {
                command = Some(program(arguments)?);
                break;
            }
            _ => {}
        }
        // Both `--port 80` and `--port=80` are accepted.
        let (option, given) = match argument.split_once('=') {
            Some((option, value)) => (option, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        if !WITH_VALUE.contains(&option) {
            return Err(BadOption(format!("unknown option {option:?}")));
        }
        let value = match given {
            Some(value) => value,
            None => match arguments.next() {
                Some(value) => text(value)?,
                None => return Err(BadOption(format!("missing value for {option}"))),
            },
        };
        match option {
            "--data" => seen.data = Some(value.into()),
            "--save" => seen.at_end.save = Some(value.into()),
            option => options.push((option.to_owned(), value)),
        }
    }
    // The other options replace the settings of the data.
    if let Some(data) = &seen.data {
        builder = with_data(builder, data, seen.at_end.save.as_deref())?;
    }
    for (option, value) in options {
        builder = set(builder, &option, &value, &mut seen)?;
    }
    finish(builder, seen, command)
}

/// Checks what depends on several options.
fn finish(
    mut builder: Builder,
    seen: Seen,
    command: Option<Vec<OsString>>,
) -> Result<Request, BadOption> {
    if let Some(rate) = seen.clock_rate {
        if seen.has_local_guests && rate != 1 {
            let problem =
                "--clock: real commands take real time, so local guests need the real clock";
            return Err(BadOption(problem.to_owned()));
        }
        builder = builder.clock_rate(rate);
    }
    let setup = Box::new(Setup {
        builder,
        has_temporary_tls: seen.has_tls && !seen.has_tls_directory,
    });
    Ok(match command {
        Some(_) if seen.until_stdin_closes => {
            let problem = "--until-stdin-closes: the program of `run` reads the standard input";
            return Err(BadOption(problem.to_owned()));
        }
        Some(command) => Request::Run {
            setup,
            command,
            at_end: seen.at_end,
        },
        None => Request::Serve {
            setup,
            until_stdin_closes: seen.until_stdin_closes,
            at_end: seen.at_end,
        },
    })
}

/// Applies an option that has a value.
fn set(builder: Builder, option: &str, value: &str, seen: &mut Seen) -> Result<Builder, BadOption> {
    let bad = || BadOption(format!("invalid value {value:?} for {option}"));
    Ok(match option {
        "--chaos" => match value {
            "random" => builder.chaos(random_seed()),
            seed => builder.chaos(seed.parse().map_err(|_| bad())?),
        },
        "--har" => {
            seen.at_end.har = Some(value.into());
            builder.journal_contents(HAR_BODIES)
        }
        "--clock" => {
            seen.clock_rate = Some(clock_rate(value).ok_or_else(bad)?);
            builder
        }
        "--forward" => forward(builder, value)?,
        "--guests" => {
            seen.has_local_guests = value != "simulated";
            guests(builder, value)?.ok_or_else(bad)?
        }
        "--incident" => {
            let problem = |problem: UnknownIncident| BadOption(format!("--incident: {problem}"));
            builder.incident(value.parse().map_err(problem)?)
        }
        "--port" => builder.port(value.parse().map_err(|_| bad())?),
        "--seed" => builder.seed(value.parse().map_err(|_| bad())?),
        "--tls-dir" if value.is_empty() => return Err(bad()),
        "--tls-dir" => {
            seen.has_tls_directory = true;
            tls_directory(builder, value)?
        }
        _ if is_name(value) => builder.workspace(value),
        _ => return Err(bad()),
    })
}

/// Applies `--data`. A file that is only written at the end need not exist.
fn with_data(builder: Builder, path: &Path, save: Option<&Path>) -> Result<Builder, BadOption> {
    if save == Some(path) && !path.exists() {
        return Ok(builder);
    }
    let data = Data::read(path).map_err(|problem| BadOption(format!("--data: {problem}")))?;
    Ok(builder.data(data))
}

/// Returns a seed that is another one each time.
fn random_seed() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// Returns the number of seconds that pass in one real second.
fn clock_rate(clock: &str) -> Option<u32> {
    match clock {
        "frozen" => Some(0),
        "real" => Some(1),
        // `+1` would be parsed too.
        _ => {
            let digits = clock.strip_prefix('x')?;
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|rate| is_number && *rate > 0)
        }
    }
}

/// Applies `--forward`, whose value is a workload and a URL.
fn forward(builder: Builder, value: &str) -> Result<Builder, BadOption> {
    let missing = || {
        BadOption(format!(
            "invalid value {value:?} for --forward: expected NAME=URL"
        ))
    };
    let (workload, url) = value.split_once('=').ok_or_else(missing)?;
    let workload: Workload = workload.parse().map_err(BadOption::of)?;
    builder.forward(workload, url).map_err(BadOption::of)
}

/// Applies `--guests`. Returns `None` if there are no such machines.
#[cfg(all(feature = "local-guests", target_os = "linux"))]
fn guests(builder: Builder, kind: &str) -> Result<Option<Builder>, BadOption> {
    let set = match kind {
        "simulated" => return Ok(Some(builder)),
        "local" => builder.local_guests(),
        "local-unconfined" => builder.unconfined_local_guests(),
        _ => return Ok(None),
    };
    set.map(Some).map_err(|error| {
        let hint = match kind {
            "local" => " (--guests local-unconfined)",
            _ => "",
        };
        BadOption(format!("--guests: {error}{hint}"))
    })
}

/// Applies `--guests`. Returns `None` if there are no such machines.
#[cfg(not(all(feature = "local-guests", target_os = "linux")))]
fn guests(builder: Builder, kind: &str) -> Result<Option<Builder>, BadOption> {
    match kind {
        "simulated" => Ok(Some(builder)),
        "local" | "local-unconfined" => Err(BadOption(
            "--guests: local guests need Linux, and a program with the feature `local-guests`"
                .to_owned(),
        )),
        _ => Ok(None),
    }
}

/// Applies `--tls-dir`.
#[cfg(feature = "tls")]
#[expect(clippy::unnecessary_wraps, reason = "without TLS, this is an error")]
fn tls_directory(builder: Builder, directory: &str) -> Result<Builder, BadOption> {
    Ok(builder.tls_directory(directory))
}

/// Applies `--tls-dir`, which is an error without TLS.
#[cfg(not(feature = "tls"))]
fn tls_directory(builder: Builder, _: &str) -> Result<Builder, BadOption> {
    require_tls().map(|()| builder)
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(plain)
}
