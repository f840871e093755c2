//! The emulator as a program: it tells how to reach it and serves until Ctrl-C.

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use blaxel_emulator::{Builder, Emulator};

const USAGE: &str = "\
A local Blaxel: prints the environment variables that lead a client to it, and serves until Ctrl-C.

Usage: blaxel-emulator [OPTIONS]

Options:
  --port <PORT>            listen at this port of 127.0.0.1 (default: a free one)
  --workspace <NAME>       the workspace (default: demo)
  --seed <NUMBER>          what the billing history is made from (default: 1)
  -h, --help               print this text
";

/// How long a streamed answer rests between two pieces: long enough to be seen.
const STREAM_PAUSE: Duration = Duration::from_millis(10);

/// A command line that cannot be followed.
struct BadOption(String);

impl fmt::Display for BadOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads the command line; `None` asks for help.
fn read(mut arguments: impl Iterator<Item = String>) -> Result<Option<Builder>, BadOption> {
    let mut builder = Emulator::builder().real_clock().stream_pause(STREAM_PAUSE);
    while let Some(argument) = arguments.next() {
        if argument == "--help" || argument == "-h" {
            return Ok(None);
        }
        // Both `--port 80` and `--port=80` are understood.
        let (option, given) = match argument.split_once('=') {
            Some((option, value)) => (option, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        if !["--port", "--workspace", "--seed"].contains(&option) {
            return Err(BadOption(format!("unknown option {option:?}")));
        }
        let value = given
            .or_else(|| arguments.next())
            .ok_or_else(|| BadOption(format!("{option} needs a value")))?;
        let bad = || BadOption(format!("{option} cannot be {value:?}"));
        builder = match option {
            "--port" => builder.port(value.parse().map_err(|_| bad())?),
            "--seed" => builder.seed(value.parse().map_err(|_| bad())?),
            _ if is_name(&value) => builder.workspace(value),
            _ => return Err(bad()),
        };
    }
    Ok(Some(builder))
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(plain)
}

/// The lines that a shell can evaluate.
fn exports(emulator: &Emulator) -> String {
    let mut lines = String::new();
    for (name, value) in emulator.variables() {
        lines.push_str(&format!("export {name}={value}\n"));
    }
    lines
}

async fn serve(builder: Builder) -> std::io::Result<()> {
    let emulator = builder.start().await?;
    let mut out = std::io::stdout();
    out.write_all(exports(&emulator).as_bytes())?;
    out.flush()?;
    eprintln!("The emulator serves at {}; Ctrl-C ends it.", emulator.url());
    tokio::signal::ctrl_c().await
}

#[tokio::main]
async fn main() -> ExitCode {
    match read(std::env::args().skip(1)) {
        Ok(None) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Some(builder)) => match serve(builder).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("blaxel-emulator: {error}");
                ExitCode::FAILURE
            }
        },
        Err(problem) => {
            eprintln!("blaxel-emulator: {problem}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}
