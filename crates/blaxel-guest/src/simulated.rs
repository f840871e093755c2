//! [`SimulatedGuest`], a machine in memory.

mod image;
mod interpreter;

use std::convert::Infallible;
use std::fmt;
use std::future::ready;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use blaxel_core::BoxFuture;
use http::Request;
use tower_service::Service;

use crate::clock::Clock;
use crate::code_script::CodeScript;
use crate::drives::DriveMount;
use crate::errno::Errno;
use crate::files::Files;
use crate::guest::Guest;
use crate::kernel::Kernel;
use crate::memory::MemoryFiles;
use crate::port::{Connection, Listener};
use crate::process::{Command, Process};
use crate::script::{CommandPattern, Script};
use crate::shell;
use crate::volume::Volume;

/// The size of the disk of a simulated machine: 512 MiB.
const DISK: u64 = 512 << 20;

/// A machine whose files are in memory. It starts no process of the host, and its time is its
/// clock. Clones share it.
///
/// ```
/// use blaxel_guest::{Clock, Guest, SimulatedGuest};
///
/// let guest = SimulatedGuest::new(Clock::standing());
/// assert_eq!(guest.files().read("/etc/hostname")?, b"sandbox\n");
/// # Ok::<(), blaxel_guest::FileError>(())
/// ```
#[derive(Clone)]
pub struct SimulatedGuest {
    kernel: Arc<Kernel>,
    files: MemoryFiles,
    /// The contents of the disk at the start.
    image: Volume,
}

impl SimulatedGuest {
    /// Creates a machine with the directories and files of a small Linux image, and with room for
    /// 512 MiB of contents.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self::with_image("", clock)
    }

    /// Creates a machine with the files of a public image, such as `blaxel/nextjs:latest`, as far as
    /// they are known. For other images it is the same as [`new`](Self::new).
    ///
    /// The images `blaxel/nextjs` and `blaxel/vite` have an app in `/blaxel/app`, which `npm run dev`
    /// serves.
    ///
    /// ```
    /// use blaxel_guest::{Clock, Guest, SimulatedGuest};
    ///
    /// let guest = SimulatedGuest::with_image("blaxel/nextjs:latest", Clock::standing());
    /// assert!(guest.files().read("/blaxel/app/package.json").is_ok());
    /// ```
    #[must_use]
    pub fn with_image(image: &str, clock: Clock) -> Self {
        let disk = Volume::in_memory(DISK);
        // Nothing can be in the way on an empty disk, and the image fits.
        let _ = image::install(&MemoryFiles::new(disk.clone(), clock.clone()), image);
        Self::with_disk(disk, clock)
    }

    /// Creates a machine whose disk has the contents of `disk`, such as a snapshot of another
    /// machine's. These contents are the image of the machine. If the volume is not in memory, the
    /// operations of the machine fail.
    #[must_use]
    pub fn with_disk(disk: Volume, clock: Clock) -> Self {
        Self {
            // In memory, copying does not fail.
            image: disk.snapshot().unwrap_or_else(|_| disk.clone()),
            files: MemoryFiles::new(disk, clock.clone()),
            kernel: Arc::new(Kernel::new(clock)),
        }
    }

    /// Returns the same machine from the view of another user: files are checked for its
    /// permissions, and belong to it if it creates them. The default is the superuser.
    #[must_use]
    pub fn as_user(&self, user: u32, group: u32) -> Self {
        Self {
            files: self.files.as_user(user, group),
            ..self.clone()
        }
    }

    /// Returns the file system.
    #[must_use]
    pub fn memory(&self) -> &MemoryFiles {
        &self.files
    }

    /// Answers the requests to a port by a service, such as an [`axum::Router`]. It replaces what
    /// listens there.
    ///
    /// The port belongs to no process, so every process that waits for it finds it open.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use blaxel_guest::{Clock, SimulatedGuest};
    ///
    /// let guest = SimulatedGuest::new(Clock::standing());
    /// guest.on_port(3000, Router::new().route("/", get(|| async { "hello" })));
    /// ```
    pub fn on_port<S>(&self, port: u16, service: S)
    where
        S: Service<Request<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        let router = Router::new().fallback_service(service);
        self.kernel.ports.serve(port, router);
    }

    /// Closes a port.
    pub fn close_port(&self, port: u16) {
        self.kernel.ports.close(port);
    }

    /// Runs a script in place of a command, from now on. Of several scripts for a command, the one
    /// that was added last counts.
    ///
    /// A pattern is compared with the whole text of a process, and with each command that a shell
    /// of the machine runs: the command's name and its arguments, with single spaces between them.
    /// See [`Script`] for an example.
    pub fn on_command(&self, pattern: impl Into<CommandPattern>, script: impl Into<Script>) {
        self.kernel.add_script(pattern.into(), script.into());
    }

    /// Answers code that is run in the code interpreter by a script, from now on. Of several
    /// scripts for a code, the one that was added last counts. A pattern is compared with the whole
    /// text of the code, in any language. See [`CodeScript`] for an example.
    ///
    /// Code without a script fails with an error that says so.
    pub fn on_code(&self, pattern: impl Into<CommandPattern>, script: CodeScript) {
        self.kernel.add_code(pattern.into(), script);
    }
}

impl Guest for SimulatedGuest {
    fn clock(&self) -> &Clock {
        &self.kernel.clock
    }

    fn files(&self) -> Arc<dyn Files> {
        Arc::new(self.files.clone())
    }

    fn is_blocking(&self) -> bool {
        false
    }

    fn image(&self) -> Option<Arc<dyn Files>> {
        let image = MemoryFiles::new(self.image.clone(), self.clock().clone());
        Some(Arc::new(image))
    }

    fn disk(&self) -> Option<Volume> {
        Some(self.files.root().clone())
    }

    fn freeze(&self, is_frozen: bool) -> Result<(), Errno> {
        self.files.freeze(is_frozen);
        Ok(())
    }

    fn spawn(&self, command: Command) -> BoxFuture<Result<Process, Errno>> {
        if interpreter::is_started_by(&command) {
            return Box::pin(ready(Ok(interpreter::spawn(&self.kernel))));
        }
        Box::pin(ready(shell::spawn(&self.kernel, &self.files, command)))
    }

    fn interpreter(&self, language: &str) -> Option<Command> {
        interpreter::program(language)
    }

    fn listeners(&self) -> Vec<Listener> {
        self.kernel.ports.listeners()
    }

    fn connect(&self, port: u16) -> BoxFuture<Result<Box<dyn Connection>, Errno>> {
        Box::pin(ready(self.kernel.ports.connect(port)))
    }

    fn mount(&self, mount: &DriveMount) -> Result<(), Errno> {
        self.files.mount(mount)
    }

    fn unmount(&self, path: &str) -> Result<(), Errno> {
        self.files.unmount(path)
    }
}

impl fmt::Debug for SimulatedGuest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedGuest")
            .field("clock", &self.kernel.clock)
            .field("files", &self.files)
            .finish()
    }
}
