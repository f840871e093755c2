//! The programs of a simulated machine: a POSIX shell and the usual commands.
//!
//! Nothing of it runs on the host. A program is a future over the file system in memory: pipes are
//! bounded channels, the background is a set of futures, and signals end a future by dropping it.

mod arithmetic;
mod builtins;
mod commands;
mod execute;
mod expand;
mod format;
mod glob;
mod io;
mod names;
mod parser;
mod pattern;
mod redirect;
mod scripted;
mod signals;
mod syntax;
mod terminal;
mod variables;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use blaxel_core::BoxFuture;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot, watch};

use self::io::{Descriptors, Io};
use self::syntax::Dialect;
use self::variables::Variables;
use crate::errno::Errno;
use crate::files::{FileKind, Files as _};
use crate::kernel::{Group, JobEnd, Kernel, Slot};
use crate::memory::MemoryFiles;
use crate::process::{Command, Control, ExitStatus, Process, Stream};

/// The chunks of output that wait for the server.
const OUTPUT: usize = 64;
/// The chunks of input that wait for the program.
const INPUT: usize = 4;
/// The signals and changes that wait for the program.
const CONTROLS: usize = 16;
/// The names of the programs that run commands.
const SHELLS: [&str; 5] = ["sh", "dash", "ash", "bash", "zsh"];
/// The bytes of a value, of the output of a substitution, and of a file that is read as a whole.
const TEXT_LIMIT: usize = 16 << 20;
/// The depth of shells, functions and compound commands in each other.
const MAX_DEPTH: usize = 90;

/// A future that borrows.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The status of a command, or the reason why those after it do not run.
type Run = Result<i32, Stop>;

/// A jump out of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Break(usize),
    Continue(usize),
    Return(i32),
    Exit(i32),
}

/// The state of a running shell, or of a program that it runs.
#[derive(Clone)]
struct Shell {
    kernel: Arc<Kernel>,
    disk: MemoryFiles,
    group: Arc<Group>,
    dialect: Dialect,
    /// The name in messages, which is `$0`.
    name: String,
    pid: u32,
    variables: Variables,
    functions: BTreeMap<String, Arc<syntax::Command>>,
    parameters: Vec<String>,
    files: Descriptors,
    directory: String,
    umask: u32,
    status: i32,
    /// The status of the last substitution of the current command.
    substituted: Option<i32>,
    options: Options,
    /// Actions by signal; those at the exit have the number 0.
    traps: BTreeMap<i32, String>,
    raised: watch::Receiver<(u64, i32)>,
    /// The number of conditions around, in which failures do not end the shell.
    conditions: usize,
    loops: usize,
    calls: usize,
    depth: usize,
    line: usize,
    steps: u32,
    last_job: Option<u32>,
    jobs: Vec<(u32, JobEnd)>,
    is_interactive: bool,
    /// `true` if an error or an interrupt led back to the prompt.
    goes_to_prompt: bool,
    /// Counts the running shells and programs.
    _slot: Slot,
    /// The variables to restore after each function.
    locals: Vec<Vec<(String, Option<variables::Variable>)>>,
    /// The position in `getopts`.
    option_index: usize,
}

/// The options of `set`.
#[derive(Clone, Copy, Default)]
struct Options {
    errexit: bool,
    nounset: bool,
    noglob: bool,
    xtrace: bool,
    pipefail: bool,
}

/// Starts a program.
pub(crate) fn spawn(
    kernel: &Arc<Kernel>,
    disk: &MemoryFiles,
    command: Command,
) -> Result<Process, Errno> {
    if command.has_zero_byte() {
        return Err(Errno::Invalid);
    }
    let directory = disk.metadata(&command.working_dir)?;
    if directory.kind != FileKind::Directory {
        return Err(Errno::NotDirectory);
    }
    let program = command.shell.first().map_or("sh", String::as_str);
    let program = program.rsplit('/').next().unwrap_or(program);
    if !SHELLS.contains(&program) {
        return Err(Errno::NotFound);
    }
    let pid = kernel.new_pid();
    let group = Arc::new(Group::new(pid, command.text.clone()));
    group.set_terminal(command.terminal);
    let (output, received) = mpsc::channel(OUTPUT);
    let (stdin, input) = match command.has_stdin || command.terminal.is_some() {
        true => {
            let (sender, receiver) = mpsc::channel(INPUT);
            (Some(sender), Io::reader(receiver))
        }
        false => (None, Io::Null),
    };
    let (control, controls) = mpsc::channel(CONTROLS);
    let (exit_sender, exit) = oneshot::channel();
    let (stdout, stderr) = match command.terminal {
        Some(_) => (Io::Screen(output.clone()), Io::Screen(output)),
        None => (
            Io::Output(output.clone(), Stream::Stdout),
            Io::Output(output, Stream::Stderr),
        ),
    };
    let files = Descriptors::new(input, stdout, stderr);
    let shell = Shell::new(kernel, disk, &group, &command, files);
    let main = run_main(shell, command);
    kernel.add_group(&group);
    let guard = GroupGuard(Arc::clone(kernel), Arc::clone(&group));
    let run = async move {
        // Dropping the future drops the group too.
        let _guard = guard;
        run_group(group, main, controls, exit_sender).await;
    };
    Ok(Process {
        pid,
        output: received,
        stdin,
        control,
        exit,
        run: Box::pin(run),
    })
}

/// Removes a group when its future is dropped.
struct GroupGuard(Arc<Kernel>, Arc<Group>);

impl Drop for GroupGuard {
    fn drop(&mut self) {
        self.0.remove_group(&self.1);
        // A job that has not been polled yet would keep the group alive.
        drop(self.1.take_new_jobs());
    }
}

/// Runs the program of a process.
fn run_main(mut shell: Shell, command: Command) -> BoxFuture<ExitStatus> {
    Box::pin(async move {
        if command.terminal.is_some() {
            return ExitStatus::Code(shell.interactive().await);
        }
        if let Some(script) = shell.kernel.script(&command.text) {
            return ExitStatus::Code(shell.scripted(&script).await);
        }
        ExitStatus::Code(shell.program(&command.text).await)
    })
}

/// Polls the program and its jobs until nothing is left or a signal ends them.
async fn run_group(
    group: Arc<Group>,
    main: BoxFuture<ExitStatus>,
    mut controls: mpsc::Receiver<Control>,
    exit: oneshot::Sender<ExitStatus>,
) {
    let (mut main, mut exit) = (Some(main), Some(exit));
    let mut jobs = FuturesUnordered::new();
    let mut is_controlled = true;
    loop {
        jobs.extend(group.take_new_jobs());
        if main.is_none() && jobs.is_empty() {
            return;
        }
        let ended = async {
            match main.as_mut() {
                Some(main) => main.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            control = controls.recv(), if is_controlled => match control {
                Some(Control::Signal(signal)) => group.signal(signal),
                Some(Control::Resize(size)) => group.resize_terminal(size),
                None => is_controlled = false,
            },
            signal = group.killed() => {
                if let Some(exit) = exit.take() {
                    let _ = exit.send(ExitStatus::Signal(signal));
                }
                return;
            }
            status = ended => {
                main = None;
                if let Some(exit) = exit.take() {
                    // The server may have lost interest.
                    let _ = exit.send(status);
                }
            }
            Some(()) = jobs.next(), if !jobs.is_empty() => {}
            () = group.job_started() => {}
        }
    }
}

impl Shell {
    fn new(
        kernel: &Arc<Kernel>,
        disk: &MemoryFiles,
        group: &Arc<Group>,
        command: &Command,
        files: Descriptors,
    ) -> Self {
        let program = command.shell.first().map_or("sh", String::as_str);
        let mut variables = Variables::new(&command.env);
        variables.import("PWD", &command.working_dir);
        Self {
            kernel: Arc::clone(kernel),
            disk: disk.clone(),
            group: Arc::clone(group),
            dialect: match program.rsplit('/').next() {
                Some("bash" | "zsh") => Dialect::Bash,
                _ => Dialect::Dash,
            },
            name: program.to_owned(),
            pid: group.pid(),
            variables,
            functions: BTreeMap::new(),
            parameters: Vec::new(),
            files,
            directory: command.working_dir.clone(),
            umask: 0o022,
            status: 0,
            substituted: None,
            options: Options::default(),
            traps: BTreeMap::new(),
            raised: group.raised(),
            conditions: 0,
            loops: 0,
            calls: 0,
            depth: 0,
            line: 1,
            steps: 0,
            last_job: None,
            jobs: Vec::new(),
            is_interactive: command.terminal.is_some(),
            goes_to_prompt: false,
            _slot: group.slot(),
            locals: Vec::new(),
            option_index: 0,
        }
    }

    /// Returns a copy that runs on its own: a subshell, or a program.
    fn subshell(&self) -> Self {
        let mut copy = self.clone();
        copy.traps.retain(|_, action| action.is_empty());
        copy.jobs.clear();
        copy.is_interactive = false;
        copy.depth += 1;
        copy._slot = copy.group.slot();
        copy.raised.mark_unchanged();
        copy
    }

    /// Returns an absolute path.
    fn path(&self, path: &str) -> String {
        match path.starts_with('/') {
            true => path.to_owned(),
            false => crate::files::join(&self.directory, path),
        }
    }

    /// Returns the home directory of a user.
    fn home_of(&self, user: &str) -> Option<String> {
        let users = self.disk.read("/etc/passwd").unwrap_or_default();
        let users = String::from_utf8_lossy(&users);
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(user))?;
        line.split(':').nth(5).map(str::to_owned)
    }

    /// Writes a message of the shell itself to standard error.
    async fn complain(&self, message: &str) {
        let place = match self.dialect {
            Dialect::Dash => format!("{}: {}: ", self.name, self.line),
            Dialect::Bash => format!("{}: line {}: ", self.name, self.line),
        };
        self.files.warn(format!("{place}{message}\n")).await;
    }

    /// Lets other futures run now and then.
    async fn step(&mut self) {
        self.steps = self.steps.wrapping_add(1);
        if self.steps.is_multiple_of(64) {
            tokio::task::yield_now().await;
        }
    }
}
