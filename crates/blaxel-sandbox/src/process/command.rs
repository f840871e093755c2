//! [`Command`]: a command that is to be run in a sandbox.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, HttpService, Source as ValueSource};

use super::child::Child;
use super::event::Position;
use super::follow::Follow;
use super::handle::Process;
use super::info::{ExitStatus, ProcessInfo};
use super::launch::{Launch, Launched};
use super::limit::{KillOnDrop, Limit};
use super::name;
use super::output::{Output, check_size, collect};
use super::quote::{check_variable, command_line, refuse_nul};
use super::start::ProcessRequest;
use super::stdin::{Input, Source, with_input};
use crate::reference::ProcessRef;
use crate::remote::Remote;

/// The name of the environment variable that every process has, with the name of the process as its value.
pub(super) const MARKER: &str = "BLAXEL_PROCESS";

/// Maximum size of the output that [`Command::output`] collects, unless it is set.
const MAX_OUTPUT: usize = 256 * 1024 * 1024;

/// A command to run in a sandbox, in the shape of `std::process::Command`.
///
/// It is created by [`SandboxHandle::command`](crate::SandboxHandle::command), whose arguments are passed on as they
/// are, and [`SandboxHandle::shell`](crate::SandboxHandle::shell), which runs a script. It is run by
/// [`output`](Self::output), [`status`](Self::status) or [`spawn`](Self::spawn). It needs a tokio runtime with timers.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
/// let output = sandbox
///     .command("cargo")
///     .args(["test", "--all"])
///     .current_dir("/app")
///     .env("CI", "1")
///     .output()
///     .await?;
/// assert!(output.status.success());
/// println!("{}", String::from_utf8_lossy(&output.stdout));
/// # Ok(())
/// # }
/// ```
///
/// # Exactly once
///
/// A command is never started twice. Each start has a [name](Self::name), and if a failure leaves open whether the
/// process was started, it is looked up by that name. If that fails too, the error is
/// [`Error::maybe_applied`], and its message has the name.
///
/// # Interruptions
///
/// A command may run for any time. A lost connection, standby and a restart of the sandbox's API are waited out for up
/// to 5 minutes, and lose nothing. After a longer outage the error is [`Error::is_transient`]; the process goes on, and
/// can be joined again by its [`reference`](Self::reference).
#[must_use = "a command does nothing unless it is run"]
pub struct Command<S> {
    remote: Remote<S>,
    line: Line,
    name: String,
    is_unique: bool,
    env: Vec<(String, String)>,
    request: ProcessRequest,
    stdin: Option<Input>,
    timeout: Option<Duration>,
    kill_on_drop: bool,
    max_output: usize,
    pub(super) ports: Vec<u16>,
}

type Prepared<S> = (Launch<S>, Option<Source>, Limit<S>, KillOnDrop<S>);

/// The command line.
enum Line {
    Program(String, Vec<String>),
    Shell(String),
}

impl<S: HttpService> Command<S> {
    pub(crate) fn new(remote: Remote<S>, program: String) -> Self {
        Self::of(remote, Line::Program(program, Vec::new()))
    }

    pub(crate) fn shell(remote: Remote<S>, script: String) -> Self {
        Self::of(remote, Line::Shell(script))
    }

    fn of(remote: Remote<S>, line: Line) -> Self {
        Self {
            remote,
            line,
            name: name::unique("run"),
            is_unique: true,
            env: Vec::new(),
            request: ProcessRequest::default(),
            stdin: None,
            timeout: None,
            kill_on_drop: false,
            max_output: MAX_OUTPUT,
            ports: Vec::new(),
        }
    }

    /// Adds an argument. It is quoted, so the program receives it as it is. To a script of
    /// [`shell`](crate::SandboxHandle::shell) it is added as `$1`, `$2` and so on.
    pub fn arg(mut self, argument: impl AsRef<str>) -> Self {
        let argument = argument.as_ref().to_owned();
        match &mut self.line {
            Line::Program(_, arguments) => arguments.push(argument),
            Line::Shell(script) => {
                let script = std::mem::take(script);
                let arguments = ["-c".to_owned(), script, "sh".to_owned(), argument];
                self.line = Line::Program("sh".to_owned(), arguments.into());
            }
        }
        self
    }

    /// Adds arguments; see [`arg`](Self::arg).
    ///
    /// ```no_run
    /// # use blaxel_core::HttpService;
    /// # fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) {
    /// let step: &[&str] = &["cargo", "test", "--all"];
    /// let command = sandbox.command(step[0]).args(&step[1..]);
    /// # }
    /// ```
    pub fn args<T: AsRef<str>>(self, arguments: impl IntoIterator<Item = T>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    /// Sets the working directory. By default it is that of the sandbox's API.
    pub fn current_dir(mut self, directory: impl Into<String>) -> Self {
        self.request.working_dir = Some(directory.into());
        self
    }

    /// Sets an environment variable, in addition to those of the sandbox.
    pub fn env(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.env
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets environment variables, in addition to those of the sandbox.
    pub fn envs<K, V>(self, variables: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        variables
            .into_iter()
            .fold(self, |command, (name, value)| command.env(name, value))
    }

    /// Sets the name of the process, by which any program can [find](crate::SandboxHandle::process) it. By default it
    /// has a random one.
    ///
    /// Only one running process can have the name. A name that is a number is refused, because it would be taken for a
    /// PID. Before the start it costs one more request, which makes sure that the process is not taken for an earlier
    /// one.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self.is_unique = false;
        self
    }

    /// Sets the standard input. By default it is empty.
    ///
    /// [`output`](Self::output) and [`status`](Self::status) write bytes and streams while the process runs, and close
    /// the pipe after them. After [`spawn`](Self::spawn), [`Child::wait_with_output`] does so. Servers that are too old
    /// to have a standard input are an error.
    pub fn stdin(mut self, input: impl Into<Input>) -> Self {
        self.stdin = Some(input.into());
        self
    }

    /// Sets the time limit on the process, from now on until its end. By default there is none.
    ///
    /// When it expires the process is killed, and the call fails with [`Error::is_timeout`]. If this program ends
    /// before that, nobody kills the process, unless [`keep_alive`](Self::keep_alive) is set: then the sandbox does it
    /// too. With a limit of zero nothing is started.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Keeps the sandbox from going to standby while the process runs, also without a connection to it. By default the
    /// sandbox may go to standby, and a process stands still meanwhile.
    ///
    /// A sandbox that is kept awake is billed. Without a [`timeout`](Self::timeout) it may be forever.
    pub fn keep_alive(mut self, keep_alive: bool) -> Self {
        self.request.keep_alive = keep_alive;
        self
    }

    /// Sets the ports that [`spawn`](Self::spawn) waits for, as [`Child::wait_for_port`] does. By default it does not
    /// wait.
    pub fn wait_for_ports(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.ports = ports.into_iter().collect();
        self
    }

    /// Restarts the process when it fails, at most `max` times, a second after each failure. By default it is not
    /// restarted. [`u32::MAX`] means that there is no limit.
    pub fn restart_on_failure(mut self, max: u32) -> Self {
        self.request.restart_on_failure = true;
        self.request.max_restarts = Some(if max == u32::MAX { -1 } else { max.into() });
        self
    }

    /// Kills the process in the background if the future of [`output`](Self::output) or [`status`](Self::status), or
    /// the [`Child`], is dropped before the process has ended. By default the process goes on.
    ///
    /// The background task has 10 seconds. It needs a tokio runtime that goes on running. A `Child` that is dropped
    /// on a thread without a runtime uses the one that it was started on. If that has threads of its own, the drop
    /// waits for the end of the task.
    pub fn kill_on_drop(mut self, kill: bool) -> Self {
        self.kill_on_drop = kill;
        self
    }

    /// Sets the maximum size of the output of both streams together that is collected, in bytes. By default it is
    /// 256 MiB. To read more, follow the [`Child::events`].
    pub fn max_output(mut self, bytes: usize) -> Self {
        self.max_output = bytes;
        self
    }

    /// Returns a reference to the process that will be started. A program that stores it first can join the process
    /// later, whatever happens in between.
    #[must_use]
    pub fn reference(&self) -> ProcessRef {
        ProcessRef::new(self.remote.site().reference(), self.name.clone())
    }

    /// Runs the command to its end and returns its exit status and output (`POST /process`).
    ///
    /// A command with little output takes a single request. An exit code other than 0 is not an error.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for an invalid argument, variable or name, before anything is sent; [`Error::is_timeout`] at
    /// the [`timeout`](Self::timeout); [`Error::is_decode`] for more output than [`max_output`](Self::max_output); an
    /// error of the server if it cannot start the process, such as for a directory that does not exist;
    /// [`Error::maybe_applied`] if it is unknown whether the process was started.
    pub async fn output(mut self) -> Result<Output, Error> {
        let max_output = self.max_output;
        let (launch, input, limit, mut guard) = self.prepare()?;
        let output = limit.run(pin!(output(launch, input, max_output))).await?;
        guard.disarm();
        Ok(output)
    }

    /// Runs the command to its end and returns its exit status (`POST /process`). The output is discarded.
    ///
    /// # Errors
    ///
    /// Those of [`output`](Self::output), except the one for its size.
    pub async fn status(mut self) -> Result<ExitStatus, Error> {
        let (launch, input, limit, mut guard) = self.prepare()?;
        let status = limit.run(pin!(status(launch, input))).await?;
        guard.disarm();
        Ok(status)
    }

    /// Starts the command and returns as soon as the process runs (`POST /process`), or once the
    /// [ports](Self::wait_for_ports) are open.
    ///
    /// # Errors
    ///
    /// Those of [`output`](Self::output). [`Error::is_failed`] if the process ends before its ports are open; the
    /// message names the process if it still runs.
    pub async fn spawn(mut self) -> Result<Child<S>, Error> {
        let ports = std::mem::take(&mut self.ports);
        let (launch, input, limit, guard) = self.prepare()?;
        let info = limit.run(pin!(start(&launch, input.is_some()))).await?;
        let process = launch.process.with_pid(&info.pid);
        let child = Child::new(process, info, limit, guard, input, self.max_output);
        for port in ports {
            child.wait_for_port(port).await?;
        }
        Ok(child)
    }

    /// Checks the command and returns what is to be started, the input, the time limit, and the guard against a dropped
    /// future.
    fn prepare(&mut self) -> Result<Prepared<S>, Error> {
        let launch = self.launch()?;
        if self.timeout.is_some_and(|limit| limit.is_zero()) {
            // Otherwise it would be looked for, in case that it was started after all.
            let error = Error::timeout("process, which was not started,", Duration::ZERO);
            return Err(launch.process.describe(error));
        }
        let limit = Limit::new(launch.process.clone(), self.timeout);
        let guard = KillOnDrop::new(&launch.process, self.kill_on_drop);
        let input = self.stdin.take().map(|input| input.0);
        Ok((launch, input, limit, guard))
    }

    fn launch(&mut self) -> Result<Launch<S>, Error> {
        name::check(&self.name)?;
        let mut request = std::mem::take(&mut self.request);
        request.command = match &self.line {
            Line::Program(program, arguments) => command_line(program, arguments)?,
            Line::Shell(script) => {
                refuse_nul("script", script)?;
                if script.is_empty() {
                    // The server refuses it. With arguments, a shell runs it, and there is no error.
                    let problem = "it is empty; a script that does nothing is `:`";
                    return Err(Error::input("script", &ValueSource::Code, problem));
                }
                script.clone()
            }
        };
        if let Some(directory) = &request.working_dir {
            refuse_nul("working directory", directory)?;
        }
        request.env.insert(MARKER.to_owned(), self.name.clone());
        for (name, value) in self.env.drain(..) {
            check_variable(&name, &value)?;
            request.env.insert(name, value);
        }
        request.name.clone_from(&self.name);
        request.stdin = self.stdin.is_some();
        if request.keep_alive {
            // Without a number the server kills the process after 10 minutes.
            let seconds =
                |limit: Duration| limit.as_secs().saturating_add(1).min(u64::from(u32::MAX));
            request.timeout = Some(self.timeout.map_or(0, seconds));
        }
        Ok(Launch {
            process: Process::new(self.remote.clone(), &self.name),
            request,
            is_unique: self.is_unique,
        })
    }
}

/// Runs a process to its end and returns its output.
async fn output<S: HttpService>(
    launch: Launch<S>,
    input: Option<Source>,
    max_output: usize,
) -> Result<Output, Error> {
    if let Some(input) = input {
        let process = start_with_stdin(&launch).await?;
        let follow = Follow::new(process.clone(), Position::default());
        let work = collect(follow, max_output);
        return Box::pin(with_input(work, process, input)).await;
    }
    let mut exit = None;
    if let Launched::Ended(info) = launch.execute().await? {
        if let Some(output) = Output::of(&info) {
            return check_size(output.stdout.len(), output.stderr.len(), max_output)
                .map_err(|error| launch.process.describe(error))
                .map(|()| output);
        }
        exit = info.exit_status();
    }
    let follow = Follow::new(launch.process, Position::default()).with_exit(exit);
    // Boxed, because most commands end without it.
    Box::pin(collect(follow, max_output)).await
}

/// Runs a process to its end and returns its exit status.
async fn status<S: HttpService>(
    launch: Launch<S>,
    input: Option<Source>,
) -> Result<ExitStatus, Error> {
    if let Some(input) = input {
        let process = start_with_stdin(&launch).await?;
        let work = with_input(process.wait(), process.clone(), input);
        return Box::pin(work).await;
    }
    if let Launched::Ended(info) = launch.execute().await?
        && let Some(status) = info.exit_status()
    {
        return Ok(status);
    }
    Box::pin(launch.process.wait()).await
}

/// Starts a process and makes sure that it has a standard input if it needs one.
async fn start<S: HttpService>(
    launch: &Launch<S>,
    wants_stdin: bool,
) -> Result<ProcessInfo, Error> {
    let info = launch.start().await?;
    if wants_stdin && !info.stdin && info.exit_status().is_none() {
        // It would not read anything, or wait forever.
        let killed = launch.process.kill().await;
        let message = "the sandbox's API is too old for a standard input";
        let message = match killed {
            Ok(()) => format!("{message}, so the process was killed"),
            Err(_) => format!("{message}; the process may still be running"),
        };
        return Err(launch.process.describe(Error::failed(message)));
    }
    Ok(info)
}

async fn start_with_stdin<S: HttpService>(launch: &Launch<S>) -> Result<Process<S>, Error> {
    let info = start(launch, true).await?;
    Ok(launch.process.with_pid(&info.pid))
}

impl<S> fmt::Debug for Command<S> {
    /// Omits the arguments and variables, which can contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
