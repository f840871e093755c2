//! The pipes and the terminal of a process, without waiting.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use bytes::Bytes;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno as Kernel;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;

use crate::errno::Errno;
use crate::host::errors;
use crate::process::{Output, Stream, TerminalSize};

/// The bytes that are read at once.
const CHUNK: usize = 16 << 10;

/// An end of a pipe, or a terminal, that this program reads or writes.
pub(super) type End = AsyncFd<OwnedFd>;

/// Makes an end that never blocks. Needs a tokio runtime.
fn end(descriptor: OwnedFd) -> Result<End, Errno> {
    let flags = fcntl_getfl(&descriptor).map_err(errors::of_kernel)?;
    fcntl_setfl(&descriptor, flags | OFlags::NONBLOCK).map_err(errors::of_kernel)?;
    register(descriptor)
}

/// Lets the runtime watch a descriptor.
#[allow(
    deprecated,
    reason = "the oldest tokio that the workspace accepts has no other function"
)]
pub(super) fn register(descriptor: OwnedFd) -> Result<End, Errno> {
    AsyncFd::new(descriptor).map_err(|error| errors::of_io(&error))
}

/// Returns a pipe that a program writes to.
pub(super) fn output_pipe() -> Result<(End, Stdio), Errno> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).map_err(errors::of_kernel)?;
    Ok((end(reader)?, Stdio::from(writer)))
}

/// Returns a pipe that a program reads from.
pub(super) fn input_pipe() -> Result<(End, Stdio), Errno> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).map_err(errors::of_kernel)?;
    Ok((end(writer)?, Stdio::from(reader)))
}

/// A terminal of the host. Its other side is that of a program.
pub(super) struct Terminal {
    pub(super) end: Arc<End>,
    /// The path of the program's side on the host.
    pub(super) path: PathBuf,
    program: OwnedFd,
}

impl Terminal {
    pub(super) fn open(size: TerminalSize) -> Result<Self, Errno> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let opened = || {
            let master = openpt(flags)?;
            grantpt(&master)?;
            unlockpt(&master)?;
            let program = ioctl_tiocgptpeer(&master, flags)?;
            let path = ptsname(&master, Vec::new())?;
            Ok((master, program, path))
        };
        let (master, program, path) = opened().map_err(errors::of_kernel)?;
        resize(&master, size)?;
        let path = path.into_string().map_err(|_| Errno::Io)?;
        Ok(Self {
            end: Arc::new(end(master)?),
            path: PathBuf::from(path),
            program,
        })
    }

    /// Returns the program's side for one of its standard streams.
    pub(super) fn stdio(&self) -> Result<Stdio, Errno> {
        let copy = self.program.try_clone();
        Ok(Stdio::from(copy.map_err(|error| errors::of_io(&error))?))
    }
}

/// Changes the size of a terminal.
pub(super) fn resize(terminal: &OwnedFd, size: TerminalSize) -> Result<(), Errno> {
    let size = Winsize {
        ws_row: size.rows,
        ws_col: size.columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).map_err(errors::of_kernel)
}

/// Reads the first line byte by byte, and nothing after it. Returns what there is at the end.
pub(super) async fn first_line(end: &End) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        let Ok(mut ready) = end.readable().await else {
            break;
        };
        match rustix::io::read(end.get_ref(), &mut byte) {
            Ok(1) if byte != [b'\n'] => line.extend(byte),
            Err(Kernel::AGAIN) => ready.clear_ready(),
            Err(Kernel::INTR) => {}
            _ => break,
        }
    }
    String::from_utf8_lossy(&line).trim().to_owned()
}

/// Writes all bytes.
///
/// # Errors
///
/// Fails if nobody reads them any more.
pub(super) async fn write_all(end: &End, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        let mut ready = end
            .writable()
            .await
            .map_err(|error| errors::of_io(&error))?;
        match rustix::io::write(end.get_ref(), bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Kernel::AGAIN) => ready.clear_ready(),
            Err(Kernel::INTR) => {}
            Err(errno) => return Err(errors::of_kernel(errno)),
        }
    }
    Ok(())
}

/// A stream of output on its way to the server.
pub(super) struct Pump {
    end: Option<Arc<End>>,
    stream: Stream,
    sender: Option<mpsc::Sender<Output>>,
}

impl Pump {
    pub(super) fn new(end: Arc<End>, stream: Stream, sender: mpsc::Sender<Output>) -> Self {
        Self {
            end: Some(end),
            stream,
            sender: Some(sender),
        }
    }

    /// Returns `true` if no more output can come.
    pub(super) fn has_ended(&self) -> bool {
        self.end.is_none()
    }

    /// Passes output on until its end. No output is lost if the future is dropped.
    pub(super) async fn run(&mut self) {
        while let (Some(end), Some(sender)) = (&self.end, &self.sender) {
            let Ok(permit) = sender.reserve().await else {
                // Nobody wants it. The program must not wait.
                let Ok(mut ready) = end.readable().await else {
                    break;
                };
                match read(end) {
                    Read::Nothing => ready.clear_ready(),
                    Read::End => break,
                    Read::Bytes(_) => {}
                }
                continue;
            };
            let Ok(mut ready) = end.readable().await else {
                break;
            };
            match read(end) {
                Read::Nothing => ready.clear_ready(),
                Read::End => break,
                Read::Bytes(bytes) => permit.send(Output {
                    stream: self.stream,
                    bytes,
                }),
            }
        }
        (self.end, self.sender) = (None, None);
    }

    /// Passes on the output that has been written, without waiting for more.
    pub(super) async fn drain(&mut self) {
        while let (Some(end), Some(sender)) = (&self.end, &self.sender) {
            let Ok(permit) = sender.reserve().await else {
                return;
            };
            match read(end) {
                Read::Nothing => return,
                Read::End => break,
                Read::Bytes(bytes) => permit.send(Output {
                    stream: self.stream,
                    bytes,
                }),
            }
        }
        (self.end, self.sender) = (None, None);
    }
}

enum Read {
    Nothing,
    Bytes(Bytes),
    End,
}

/// Reads what is there. The kernel knows better than the runtime whether there is something.
fn read(end: &End) -> Read {
    let mut buffer = vec![0; CHUNK];
    loop {
        match rustix::io::read(end.get_ref(), &mut buffer) {
            Ok(0) => return Read::End,
            Ok(count) => {
                buffer.truncate(count);
                return Read::Bytes(buffer.into());
            }
            Err(Kernel::INTR) => {}
            Err(Kernel::AGAIN) => return Read::Nothing,
            // A terminal whose programs have all ended.
            Err(_) => return Read::End,
        }
    }
}
