//! A terminal of a sandbox, joined to the local one.
//!
//! `cargo run --example terminal --features websocket -- NAME` opens a shell in the sandbox `NAME`, with the credentials of the environment or
//! of the Blaxel CLI. Ctrl-] detaches: the shell goes on, and `--session ID` attaches to it again.
//!
//! If the input is not a terminal, as in `echo 'ls; exit' | cargo run --example terminal -- NAME`, it is sent as it is, and
//! the end of the input ends the shell.
//!
//! The raw mode of the local terminal is set by the program `stty`, which every Unix has, so the example needs no
//! dependency. On other systems the input is sent line by line.

mod arguments;
mod local;

use std::io::Write as _;
use std::process::ExitCode;

use blaxel::sandbox::Terminal;
use blaxel::sandbox::terminal::TerminalEvent;
use blaxel::{Client, Error, Sandboxes};

use arguments::{Arguments, USAGE};
use local::{Input, RawMode, Typed};

/// Any error that ends the program.
type Failure = Box<dyn std::error::Error>;

/// The end of the program.
enum End {
    /// The shell has exited.
    Exited,
    /// The user has detached, and the shell goes on.
    Detached,
    /// The connection has ended, with the shell or without it.
    Lost,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some(arguments) = Arguments::parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&arguments).await {
        Ok(End::Exited) => eprintln!("The shell has exited."),
        Ok(End::Detached) => eprintln!("Detached. To attach again: {}", arguments.again()),
        Ok(End::Lost) => {
            // Sandboxes with an older API do not tell that the shell has exited.
            eprintln!(
                "The connection has ended. If the shell still runs: {}",
                arguments.again()
            );
            return ExitCode::FAILURE;
        }
        Err(error) => {
            eprintln!("terminal failed: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

async fn run(arguments: &Arguments) -> Result<End, Failure> {
    let sandboxes = Sandboxes::new(Client::from_env()?);
    let sandbox = sandboxes.get(&*arguments.sandbox).await?;
    let (columns, rows) = local::size().unwrap_or((80, 24));
    let terminal = sandbox.terminal().size(columns, rows);
    let terminal = terminal.session(&*arguments.session).open().await?;
    // From here on, every key is sent to the sandbox. The mode ends when it is dropped, also after an error.
    let _raw = RawMode::start();
    match join(terminal, local::input()).await {
        Err(error) if error.is_truncated() => Ok(End::Lost),
        outcome => Ok(outcome?),
    }
}

/// Passes on input, output and changes of the size until one side ends.
async fn join(terminal: Terminal, input: Input) -> Result<End, Error> {
    let (mut sender, mut receiver) = terminal.split();
    let output = async {
        while let Some(event) = receiver.try_next().await? {
            match event {
                TerminalEvent::Output(text) => print(&text),
                TerminalEvent::Error(message) => eprintln!("{message}\r"),
                _ => {}
            }
        }
        Ok(End::Exited)
    };
    let typing = async {
        let (mut input, mut resizes) = (input, local::Resizes::new());
        let mut is_open = true;
        loop {
            tokio::select! {
                typed = input.recv(), if is_open => match typed {
                    Some(Typed::Keys(keys)) => sender.send(keys).await?,
                    Some(Typed::Detach) => return Ok(End::Detached),
                    None => {
                        is_open = false;
                        // Ctrl-D, the end of the input of a shell.
                        sender.send("\u{4}").await?;
                    }
                },
                () = resizes.next() => {
                    if let Some((columns, rows)) = local::size() {
                        sender.resize(columns, rows).await?;
                    }
                }
            }
        }
    };
    // Both at once: the sandbox drops output that is not read in time.
    tokio::select! {
        end = output => end,
        end = typing => end,
    }
}

/// Writes output as it is, with its control sequences.
fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    // If nobody reads the output, the shell goes on all the same.
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}
