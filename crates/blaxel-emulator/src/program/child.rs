//! Another program that runs while the emulator serves.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use blaxel_emulator::Emulator;
use tokio::process::{Child, Command};

use super::at_end::AtEnd;
use super::setup::Setup;

/// Variables that stand for other credentials, or for addresses of the platform.
const OTHERS: [&str; 2] = ["BL_CLIENT_CREDENTIALS", "BL_ENV"];

/// Makes the TypeScript SDK use the HTTP client of its runtime only.
const DISABLE_HTTP2: &str = "BL_DISABLE_H2";

/// The time that the program has to end by itself when the emulator is asked to.
const PATIENCE: Duration = Duration::from_secs(5);

/// The exit code of a program that cannot be started, as in a shell.
pub(super) const NOT_FOUND: u8 = 127;

/// Runs a program with the variables of an emulator. Both end together.
pub(super) async fn run(
    setup: Setup,
    command: Vec<OsString>,
    at_end: &AtEnd,
) -> io::Result<ExitCode> {
    // Before there are files to remove.
    let asked = asked_to_end();
    let started = setup.start().await?;
    let emulator = &started.emulator;
    if let Some(seed) = emulator.chaos_seed() {
        eprintln!("blaxel-emulator: faults come by chance; --chaos {seed} repeats them");
    }
    let status = match run_with(command, variables(emulator), &OTHERS, asked).await? {
        Ended::With(status) => status,
        Ended::NotStarted => return Ok(ExitCode::from(NOT_FOUND)),
    };
    if let Err(problem) = at_end.write(emulator) {
        // The program's own failure counts.
        eprintln!("blaxel-emulator: {problem}");
        if status.success() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(exit_code(status))
}

/// The end of a program.
pub(super) enum Ended {
    With(ExitStatus),
    /// It could not be started, which was printed.
    NotStarted,
}

/// Runs a program with some variables and without others, until it ends or this one is
/// [asked to end](asked_to_end), which is listened to before the program exists, so that no signal that is meant for
/// the program ends this one.
pub(super) async fn run_with(
    command: Vec<OsString>,
    variables: Vec<(&'static str, String)>,
    removed: &[&str],
    asked: impl Future<Output = ()>,
) -> io::Result<Ended> {
    let mut command = command.into_iter();
    let Some(program) = command.next() else {
        return Err(ErrorKind::InvalidInput.into());
    };
    let mut to_run = Command::new(&program);
    to_run.args(command).kill_on_drop(true);
    for name in removed {
        to_run.env_remove(name);
    }
    to_run.envs(variables);
    let mut child = match to_run.spawn() {
        Ok(child) => child,
        Err(problem) => {
            let program = program.display();
            eprintln!("blaxel-emulator: cannot start {program}: {problem}");
            return Ok(Ended::NotStarted);
        }
    };
    let status = tokio::select! {
        status = child.wait() => status?,
        () = asked => end(&mut child).await?,
    };
    Ok(Ended::With(status))
}

/// Returns the variables with which a program reaches the emulator, and nothing of the platform.
fn variables(emulator: &Emulator) -> Vec<(&'static str, String)> {
    let mut variables = emulator.variables();
    variables.extend(proxy_variables(emulator.proxy_variables()));
    variables
}

/// Returns the variables for a proxy, and those with which it is used.
pub(super) fn proxy_variables(
    mut variables: Vec<(&'static str, String)>,
) -> Vec<(&'static str, String)> {
    for (name, value) in &mut variables {
        // The hosts that the user reaches without a proxy stay so.
        if name.eq_ignore_ascii_case("NO_PROXY")
            && let Ok(own) = std::env::var(*name)
            && !own.is_empty()
        {
            *value = format!("{own},{value}");
        }
    }
    // The connections for HTTP/2 of the TypeScript SDK lead to the platform, whatever its settings are.
    if std::env::var_os(DISABLE_HTTP2).is_none() {
        variables.push((DISABLE_HTTP2, "1".to_owned()));
    }
    variables
}

/// Waits for the program, which was asked to end too if the request was for all of a terminal's
/// programs, and kills it after a while.
async fn end(child: &mut Child) -> io::Result<ExitStatus> {
    match tokio::time::timeout(PATIENCE, child.wait()).await {
        Ok(status) => status,
        Err(_) => {
            child.start_kill()?;
            child.wait().await
        }
    }
}

/// Returns a future that waits until the emulator is asked to end. Ctrl-C is the program's to act on: it
/// gets it too, and the emulator ends with it.
#[cfg(unix)]
pub(super) fn asked_to_end() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    // From now on, this program is not ended by them.
    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else {
            return std::future::pending().await;
        };
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => return,
            }
        }
    }
}

/// Returns a future that waits until the emulator is asked to end, which it is not here: Ctrl-C is the
/// program's to act on.
#[cfg(not(unix))]
pub(super) async fn asked_to_end() {
    while tokio::signal::ctrl_c().await.is_ok() {}
    std::future::pending().await
}

pub(super) fn exit_code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    let code = status.code().or(signal.map(|signal| 128 + signal));
    // Only the lowest byte of a code is passed on.
    code.map_or(ExitCode::FAILURE, |code| {
        ExitCode::from(code.to_le_bytes()[0])
    })
}
