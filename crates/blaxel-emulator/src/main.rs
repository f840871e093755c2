//! The program `blaxel-emulator`: prints how to reach the emulator, and serves until Ctrl-C.

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use blaxel_core::{Body, open, response};
use blaxel_emulator::{Builder, Emulator, Workload};
use tokio::sync::oneshot;

const USAGE: &str = "\
A local Blaxel: prints the environment variables for its clients and serves until Ctrl-C.

Usage: blaxel-emulator [OPTIONS]

Options:
  --port <PORT>            port of 127.0.0.1 to listen on (default: a free one)
  --workspace <NAME>       name of the workspace (default: demo)
  --seed <NUMBER>          seed of the billing history and the logs (default: 1)
  --forward <NAME=URL>     forward the calls of an agent to a server on this machine, such as
                           support-bot=http://127.0.0.1:1338; use functions/NAME and models/NAME
                           for other workloads. May be repeated
  --guests <KIND>          machines of the sandboxes: simulated (default); local, where commands run
                           on this machine, isolated by bubblewrap; or local-unconfined, where they
                           are usual processes of yours. For tests, not for hostile code
  --until-stdin-closes     also end when the standard input is closed, as it is when the parent
                           process ends
  --openapi                print the OpenAPI document that is served at /openapi.json, and exit
  -h, --help               print this text
";

/// The pause between two chunks of a streamed response, long enough to be visible.
const STREAM_PAUSE: Duration = Duration::from_millis(10);

/// An invalid command line.
struct BadOption(String);

impl BadOption {
    fn of(problem: impl fmt::Display) -> Self {
        Self(format!("--forward: {problem}"))
    }
}

impl fmt::Display for BadOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request of the command line.
enum Request {
    Help,
    OpenApi,
    Serve(Box<Options>),
}

/// The options of an emulator that serves.
struct Options {
    builder: Builder,
    until_stdin_closes: bool,
}

/// Parses the command line. The first option that prints something and exits takes effect at once.
fn read(mut arguments: impl Iterator<Item = String>) -> Result<Request, BadOption> {
    let mut until_stdin_closes = false;
    let mut builder = Emulator::builder().real_clock().stream_pause(STREAM_PAUSE);
    while let Some(argument) = arguments.next() {
        if argument == "--help" || argument == "-h" {
            return Ok(Request::Help);
        }
        if argument == "--openapi" {
            return Ok(Request::OpenApi);
        }
        if argument == "--until-stdin-closes" {
            until_stdin_closes = true;
            continue;
        }
        // Both `--port 80` and `--port=80` are accepted.
        let (option, given) = match argument.split_once('=') {
            Some((option, value)) => (option, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        if !["--forward", "--guests", "--port", "--workspace", "--seed"].contains(&option) {
            return Err(BadOption(format!("unknown option {option:?}")));
        }
        let value = given
            .or_else(|| arguments.next())
            .ok_or_else(|| BadOption(format!("missing value for {option}")))?;
        let bad = || BadOption(format!("invalid value {value:?} for {option}"));
        builder = match option {
            "--forward" => forward(builder, &value)?,
            "--guests" => guests(builder, &value)?.ok_or_else(bad)?,
            "--port" => builder.port(value.parse().map_err(|_| bad())?),
            "--seed" => builder.seed(value.parse().map_err(|_| bad())?),
            _ if is_name(&value) => builder.workspace(value),
            _ => return Err(bad()),
        };
    }
    Ok(Request::Serve(Box::new(Options {
        builder,
        until_stdin_closes,
    })))
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

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(plain)
}

/// Returns the lines for a shell to evaluate. The OAuth 2.0 client is a comment, since clients take
/// the API key if both are set, or disagree.
fn exports(emulator: &Emulator) -> String {
    let mut lines = String::new();
    for (name, value) in emulator.variables() {
        lines.push_str(&format!("export {name}={value}\n"));
    }
    let client = format!("{}:{}", emulator.client_id(), emulator.client_secret());
    let client = BASE64_STANDARD.encode(client);
    lines.push_str(&format!("# BL_CLIENT_CREDENTIALS={client}\n"));
    lines
}

async fn serve(options: Options) -> io::Result<()> {
    let emulator = options.builder.start().await?;
    let mut out = io::stdout();
    out.write_all(exports(&emulator).as_bytes())?;
    out.flush()?;
    eprintln!(
        "The emulator serves at {}; press Ctrl-C to stop it.",
        emulator.url()
    );
    if !options.until_stdin_closes {
        return tokio::signal::ctrl_c().await;
    }
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended,
        () = stdin_closes() => Ok(()),
    }
}

/// Waits until the standard input is closed. Input is discarded.
async fn stdin_closes() {
    let (sender, receiver) = oneshot::channel();
    // A separate thread, since the runtime would wait for one of its own before it ends.
    thread::spawn(move || {
        // An error counts as the end of the input.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = sender.send(());
    });
    let _ = receiver.await;
}

/// Prints the OpenAPI document as the emulator serves it.
async fn print_document() -> io::Result<()> {
    let emulator = Emulator::offline();
    let address = emulator.url().replace("/v0", "/openapi.json");
    let request = http::Request::get(address).body(Body::empty());
    let request = request.map_err(io::Error::other)?;
    let response = open(&emulator.service(), request).await;
    let body = response.map_err(io::Error::other)?.into_body();
    let collected = response::collect(body, usize::MAX).await;
    let mut document = collected.map_err(io::Error::other)?.to_vec();
    document.push(b'\n');
    io::stdout().write_all(&document)
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match read(std::env::args().skip(1)) {
        Ok(Request::Help) => io::stdout().write_all(USAGE.as_bytes()),
        Ok(Request::OpenApi) => print_document().await,
        Ok(Request::Serve(options)) => serve(*options).await,
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
