//! The programs of a simulated machine.

mod io;
mod scripted;

use std::sync::Arc;

use blaxel_core::BoxFuture;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};

use self::io::{Descriptors, Io};
use crate::errno::Errno;
use crate::files::{FileKind, Files as _};
use crate::kernel::{Group, Kernel};
use crate::memory::MemoryFiles;
use crate::process::{Command, Control, ExitStatus, Process, Stream};

/// The chunks of output that wait for the server.
const OUTPUT: usize = 64;
/// The chunks of input that wait for the program.
const INPUT: usize = 4;
/// The signals and changes that wait for the program.
const CONTROLS: usize = 16;

/// Starts a program.
pub(crate) fn spawn(
    kernel: &Arc<Kernel>,
    disk: &MemoryFiles,
    command: Command,
) -> Result<Process, Errno> {
    let directory = disk.metadata(&command.working_dir)?;
    if directory.kind != FileKind::Directory {
        return Err(Errno::NotDirectory);
    }
    let pid = kernel.new_pid();
    let group = Arc::new(Group::new(pid, command.text.clone()));
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
    let stderr = match command.terminal {
        Some(_) => Stream::Stdout,
        None => Stream::Stderr,
    };
    let files = Descriptors::new(
        input,
        Io::Output(output.clone(), Stream::Stdout),
        Io::Output(output, stderr),
    );
    let main = main(Arc::clone(kernel), Arc::clone(&group), command, files);
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
                Some(Control::Resize(_)) => {}
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

fn main(
    kernel: Arc<Kernel>,
    _group: Arc<Group>,
    command: Command,
    files: Descriptors,
) -> BoxFuture<ExitStatus> {
    Box::pin(async move {
        if let Some(script) = kernel.script(&command.text) {
            let code = scripted::run(&script, &files, &kernel.clock).await;
            return ExitStatus::Code(code);
        }
        files.warn("sh: 1: not found\n").await;
        ExitStatus::Code(127)
    })
}
