//! [`Guest`], the machine below the server.

use std::sync::Arc;

use blaxel_core::BoxFuture;

use crate::clock::Clock;
use crate::drives::DriveMount;
use crate::errno::Errno;
use crate::files::Files;
use crate::interpreter::python;
use crate::port::{Connection, Listener};
use crate::process::{Command, Process};
use crate::volume::Volume;

/// The machine that a sandbox's server runs on.
///
/// The server decides names, statuses, texts, limits and formats. A guest only carries out what a
/// kernel would: files, processes, ports, time. It knows nothing of HTTP. Each method is a single
/// such action, so that the rules of the server are written once, above all guests.
///
/// A guest owns everything it started: dropping the last reference to it ends all of it. It runs
/// no task of its own; a process runs while its [`Process::run`] is polled.
pub trait Guest: Send + Sync + 'static {
    /// Returns the clock of the machine. The server's own waits use it too.
    fn clock(&self) -> &Clock;

    /// Returns the file system. It sees all mounts.
    fn files(&self) -> Arc<dyn Files>;

    /// Returns `true` if the methods of [`files`](Self::files) and [`mount`](Self::mount) may block
    /// the thread. The server then calls them on a thread for blocking work.
    fn is_blocking(&self) -> bool {
        true
    }

    /// Returns the files of the image that the machine started from, without later changes. Returns
    /// `None` if the machine does not know them.
    fn image(&self) -> Option<Arc<dyn Files>>;

    /// Returns the paths in [`files`](Self::files) that are neither on the machine's own disk nor
    /// mounted volumes, such as the programs of the host. Archives leave them out. By default there
    /// are none.
    fn foreign_paths(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns the contents of the machine's own disk, without mounted drives. Returns `None` if they
    /// are not a [`Volume`], as it is by default.
    fn disk(&self) -> Option<Volume> {
        None
    }

    /// Makes the machine's own disk read-only, or writable again. Mounted drives are not affected.
    ///
    /// # Errors
    ///
    /// Fails with [`Errno::NotImplemented`] if the machine cannot do that.
    fn freeze(&self, is_frozen: bool) -> Result<(), Errno>;

    /// Stops all programs of the machine, which goes on standby, or lets them go on. Programs that
    /// something else has stopped stay so.
    ///
    /// The server calls it when the standby of the machine's [clock](Clock::with_standby) begins and
    /// ends. It may block. Before, it asks with `is_suspended` of `false` if there is such a method.
    ///
    /// # Errors
    ///
    /// Fails with [`Errno::NotImplemented`], as it does by default, if programs stand still by
    /// themselves, for their time is that of the clock.
    fn suspend(&self, is_suspended: bool) -> Result<(), Errno> {
        let _ = is_suspended;
        Err(Errno::NotImplemented)
    }

    /// Starts a program.
    ///
    /// # Errors
    ///
    /// Fails if the working directory is not a directory, or if the program cannot be started.
    fn spawn(&self, command: Command) -> BoxFuture<Result<Process, Errno>>;

    /// Returns the program that runs code of a language for the code interpreter, or `None` if the
    /// machine has none. The directory and the environment of the command do not count.
    ///
    /// The program reads requests, a JSON object per line, from standard input: `id`, a number;
    /// `code`; and `env`, variables for this run. It writes records, a JSON object per line, to
    /// standard output. Each has the `id` of its request and a `type`:
    ///
    /// | type | members |
    /// | --- | --- |
    /// | `count` | `count`, the number of the run; the first record |
    /// | `stdout`, `stderr` | `text` |
    /// | `result` | `is_main`, and `data`, the formats of the value by their MIME types |
    /// | `error` | `name`, `value`, `traceback` |
    /// | `end` | none; the last record |
    ///
    /// By default, Python runs in the program `python3`, and there are no other languages.
    fn interpreter(&self, language: &str) -> Option<Command> {
        (language == "python").then(python)
    }

    /// Returns the ports that are listened on.
    fn listeners(&self) -> Vec<Listener>;

    /// Connects to a port of the machine.
    ///
    /// # Errors
    ///
    /// Fails with [`Errno::ConnectionRefused`] if nothing listens there.
    fn connect(&self, port: u16) -> BoxFuture<Result<Box<dyn Connection>, Errno>>;

    /// Mounts a drive over an existing directory. The directory of the drive is created if it does
    /// not exist, unless the mount is read-only.
    ///
    /// # Errors
    ///
    /// Fails with [`Errno::Busy`] if something is mounted there, with [`Errno::NotFound`] if a
    /// directory does not exist, and with [`Errno::NotImplemented`] if the machine cannot mount
    /// volumes of this type.
    fn mount(&self, mount: &DriveMount) -> Result<(), Errno>;

    /// Unmounts what is mounted at `path`.
    ///
    /// # Errors
    ///
    /// Fails with [`Errno::Invalid`] if nothing is mounted there.
    fn unmount(&self, path: &str) -> Result<(), Errno>;
}
