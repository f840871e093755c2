//! The start of a process.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Pid;
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};

use super::family::Family;
use super::members::Members;
use super::root::Root;
use super::running::{Input, Running};
use super::sandbox::Sandbox;
use super::status::Waiting;
use super::stopped::Stopped;
use super::streams::{End, Pump, Terminal, first_line, input_pipe, output_pipe, write_all};
use crate::errno::Errno;
use crate::host::errors;
use crate::process::{Command, Process, Stream};

/// The chunks of output that wait for the server.
const OUTPUT: usize = 64;
/// The chunks of input that wait for the program.
const INPUT: usize = 4;
/// The signals and changes that wait for the program.
const CONTROLS: usize = 16;
/// The time that the start of a program may take.
const START: Duration = Duration::from_secs(30);

/// A program of the host that is about to become the command.
pub(super) struct Launch {
    child: Child,
    stdin: End,
    stdout: Arc<End>,
    stderr: Option<Arc<End>>,
    is_terminal: bool,
    has_stdin: bool,
    is_isolated: bool,
    members: Members,
    stopped: Stopped,
}

impl Launch {
    /// Starts the program. Needs a tokio runtime, and may block.
    pub(super) fn start(
        sandbox: &Sandbox,
        root: &Root,
        command: &Command,
        working_dir: &str,
    ) -> Result<Self, Errno> {
        let terminal = command.terminal.map(Terminal::open).transpose()?;
        let path = terminal.as_ref().map(|terminal| terminal.path.as_path());
        let mut program = sandbox.program(root, command, working_dir, path)?;
        let (stdin, input) = input_pipe()?;
        program.stdin(input);
        let (stdout, stderr) = match &terminal {
            Some(terminal) => {
                program.stdout(terminal.stdio()?).stderr(terminal.stdio()?);
                (Arc::clone(&terminal.end), None)
            }
            None => {
                let ((stdout, out), (stderr, error)) = (output_pipe()?, output_pipe()?);
                program.stdout(out).stderr(error);
                (Arc::new(stdout), Some(Arc::new(stderr)))
            }
        };
        // It ends by itself when its standard input is closed before it has become the command.
        let mut program = tokio::process::Command::from(program);
        let child = program.spawn().map_err(|error| errors::of_io(&error))?;
        Ok(Self {
            child,
            stdin,
            stdout,
            stderr,
            is_terminal: terminal.is_some(),
            has_stdin: command.has_stdin,
            is_isolated: sandbox.is_isolated(),
            members: sandbox.members.clone(),
            stopped: sandbox.stopped().clone(),
        })
    }

    /// Lets the program become the command.
    pub(super) async fn finish(mut self) -> Result<Process, Errno> {
        let line = tokio::time::timeout(START, first_line(&self.stdout)).await;
        let Some(pid) = line.ok().and_then(|line| line.parse().ok()) else {
            return Err(self.failure().await);
        };
        let leader = self.leader(pid).await?;
        let family = Family {
            leader,
            is_child: !self.is_isolated,
            members: self.members,
        };
        let waiting = match self.is_isolated {
            true => Waiting::grandchild(self.child, leader, &self.stopped)?,
            false => Waiting::Child(self.child),
        };
        write_all(&self.stdin, b"\n").await?;
        let (sender, output) = mpsc::channel(OUTPUT);
        let mut pumps = Vec::new();
        for (end, stream) in [
            (Some(Arc::clone(&self.stdout)), Stream::Stdout),
            (self.stderr, Stream::Stderr),
        ] {
            pumps.extend(end.map(|end| Pump::new(end, stream, sender.clone())));
        }
        let (control, controls) = mpsc::channel(CONTROLS);
        let (exit_sender, exit) = oneshot::channel();
        let (stdin, input) = match (self.is_terminal, self.has_stdin) {
            (false, false) => (None, None),
            (is_terminal, _) => {
                let end = match is_terminal {
                    true => Arc::clone(&self.stdout),
                    false => Arc::new(self.stdin),
                };
                let (sender, chunks) = mpsc::channel(INPUT);
                (Some(sender), Some(Input { chunks, end }))
            }
        };
        let running = Running {
            waiting,
            pumps,
            input,
            terminal: self.is_terminal.then_some(self.stdout),
            controls,
            exit: exit_sender,
            family,
        };
        Ok(Process {
            pid,
            output,
            stdin,
            control,
            exit,
            run: Box::pin(running.run()),
        })
    }

    /// Returns the id on the host of the process with the id `pid` in the sandbox.
    async fn leader(&self, pid: u32) -> Result<Pid, Errno> {
        let members = self.members.clone();
        let find = move || {
            let mut all = members.all().into_iter();
            all.find(|member| member.inside == pid)
        };
        let found = tokio::task::spawn_blocking(find).await.ok().flatten();
        Ok(found.ok_or(Errno::Io)?.host.pid)
    }

    /// Returns the reason why there is no process.
    async fn failure(&mut self) -> Errno {
        let status = tokio::time::timeout(START, self.child.wait()).await;
        match status {
            Ok(Ok(status)) if status.code() == Some(127) => Errno::NotFound,
            _ => Errno::Io,
        }
    }
}
