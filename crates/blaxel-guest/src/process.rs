//! A process of a guest, as the server sees it.

use std::fmt;

use blaxel_core::BoxFuture;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

/// A program to start.
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// The program that runs `text`, and its arguments before it, such as `sh` and `-c`.
    pub shell: Vec<String>,
    /// The text of the program.
    pub text: String,
    /// The absolute path of the directory to start in.
    pub working_dir: String,
    /// The whole environment. Of two values of a name the last one counts.
    pub env: Vec<(String, String)>,
    /// Makes standard input a pipe. Otherwise it is empty.
    pub has_stdin: bool,
    /// The size of the terminal that the program runs in. With one, standard input is the
    /// terminal, and all output has the stream [`Stream::Stdout`].
    pub terminal: Option<TerminalSize>,
}

impl Command {
    /// Returns `true` if a text contains a zero byte, which no kernel passes to a program.
    pub(crate) fn has_zero_byte(&self) -> bool {
        let env = self.env.iter().flat_map(|(name, value)| [name, value]);
        let mut texts = self.shell.iter().chain([&self.text]).chain(env);
        texts.any(|text| text.contains('\0'))
    }
}

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    /// The number of columns.
    pub columns: u16,
    /// The number of rows.
    pub rows: u16,
}

/// A started program. It makes progress only while `run` is polled, and dropping `run` kills it.
///
/// The server polls `run` in a task of its own. A guest starts no task for it.
pub struct Process {
    /// The process id.
    pub pid: u32,
    /// The output, in the order in which it was written, as far as the guest knows it. The channel
    /// is bounded: a program whose output is not read waits, as on a full pipe. It closes when no
    /// part of the program can write any more, which may be before or after the exit.
    pub output: mpsc::Receiver<Output>,
    /// Standard input, if [`Command::has_stdin`] or [`Command::terminal`] asked for it. Dropping
    /// it is the end of the input. The channel is bounded, and closed when nobody reads it.
    pub stdin: Option<mpsc::Sender<Bytes>>,
    /// Signals and changes of the terminal. The channel is closed when neither the program nor
    /// anything that it started is left.
    pub control: mpsc::Sender<Control>,
    /// The status of the program at its end. All of its own output is in `output` before. What it
    /// left running in the background goes on.
    pub exit: oneshot::Receiver<ExitStatus>,
    /// Runs the program and all that it started, until nothing of it is left.
    pub run: BoxFuture<()>,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

/// A chunk of output, as the program wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The stream it was written to.
    pub stream: Stream,
    /// The bytes. They may hold several lines or a part of one.
    pub bytes: Bytes,
}

/// A stream of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A change that a running program is told about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Control {
    /// Sends the signal with this number to the program and to all that it started, such as 15
    /// for `SIGTERM`.
    Signal(i32),
    /// Changes the size of the terminal.
    Resize(TerminalSize),
}

/// The end of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// It exited with this code.
    Code(i32),
    /// The signal with this number ended it.
    Signal(i32),
}
