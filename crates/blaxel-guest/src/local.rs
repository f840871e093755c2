//! [`LocalGuest`], a machine whose commands run on this one.

mod entries;
mod family;
mod files;
mod image;
mod keeper;
mod launch;
mod members;
mod mounts;
mod open_file;
mod owners;
mod ports;
mod proc_table;
mod root;
mod running;
mod sandbox;
mod settings;
mod status;
mod stopped;
mod streams;
mod suspended;
mod volumes;
mod walk;
mod watch;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use blaxel_core::BoxFuture;
use tokio::net::TcpStream;

use self::files::LocalFiles;
use self::launch::Launch;
use self::members::Members;
use self::owners::Owners;
use self::root::Root;
use self::sandbox::Sandbox;
pub use self::settings::LocalGuestError;
use self::settings::{Isolation, Settings};
use self::suspended::Suspended;
pub(crate) use self::volumes::files_of;
use crate::apps;
use crate::clock::Clock;
use crate::drives::DriveMount;
use crate::errno::Errno;
use crate::files::{FileKind, Files};
use crate::guest::Guest;
use crate::lock::lock;
use crate::port::{Connection, Listener};
use crate::process::{Command, Process};
use crate::volume::Volume;

/// A machine whose commands are processes of this one, with a directory of this one as its root.
///
/// It is for tests. It protects against mistakes, such as a command that deletes the wrong
/// directory, and **it is not a security boundary for hostile code**.
///
/// With bubblewrap, which is the default, a command has its own `/`, process ids, host name and IPC.
/// Of the host it sees programs, libraries and certificates, and can change none of them. It is the
/// user 0 there, without privileges. The network is that of the host, so that ports can be reached;
/// there are no limits on memory, time or disk.
///
/// [Unconfined](LocalGuestBuilder::unconfined), a command is a usual process of the user who runs
/// this program. It can read and change all that this user can. Only the files API stays below the
/// root, and the environment is that of the sandbox.
///
/// Dropping the guest, or killing this program, ends all that was started. Then a temporary root
/// directory is removed.
///
/// ```no_run
/// use blaxel_guest::{Clock, LocalGuest, Server};
///
/// let guest = LocalGuest::builder().build(Clock::real())?;
/// let server = Server::builder(guest).build();
/// # Ok::<(), blaxel_guest::LocalGuestError>(())
/// ```
///
/// # Differences from a sandbox of the platform
///
/// - Commands run in real time, and files have the times of the host. So the clock should be
///   [`Clock::real`].
/// - Process ids are those that commands see; the ids of unconfined commands are those of the host.
/// - The directories of the system, `/usr` first, are read-only, and `/proc` and `/dev` are empty in
///   the files API. Files belong to user 0, and cannot be given to others.
/// - A disk that is made read-only refuses the writes of the files API and of commands that start
///   then. Those that run go on. Unconfined, it cannot be made read-only.
/// - On standby, all processes are stopped. Their own timers go on meanwhile: a `sleep` whose time has
///   passed ends when the sandbox wakes up.
/// - Volumes and drives are directories of the host. Commands see those that were mounted when they
///   were started. The files API keeps to their sizes; commands are limited by the disk of the host
///   only, which is also what `df` shows them.
/// - Unconfined, a link in the root directory leads commands to a volume. So it can be mounted only at
///   an empty directory of the sandbox itself, and commands can write to one that is read-only.
#[derive(Clone)]
pub struct LocalGuest(Arc<Inner>);

/// The settings of a [`LocalGuest`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct LocalGuestBuilder(Settings);

struct Inner {
    settings: Settings,
    clock: Clock,
    owners: Owners,
    /// The sandbox once it has been started.
    sandbox: Mutex<Option<Sandbox>>,
    suspended: Suspended,
    root: OnceLock<Result<Arc<Root>, LocalGuestError>>,
}

impl LocalGuest {
    /// Starts to build a guest that is isolated by bubblewrap.
    pub fn builder() -> LocalGuestBuilder {
        LocalGuestBuilder::default()
    }

    /// Returns the root directory on the host.
    ///
    /// # Errors
    ///
    /// Fails if it could not be created.
    pub fn root(&self) -> Result<PathBuf, Errno> {
        let root = self.0.root().map_err(LocalGuestError::errno)?;
        Ok(root.path.clone())
    }
}

impl LocalGuestBuilder {
    /// Runs commands as usual processes of this user, without any isolation. See [`LocalGuest`].
    pub fn unconfined(mut self) -> Self {
        self.0.isolation = Isolation::None;
        self
    }

    /// Sets the root directory, which is created if it does not exist, and kept at the end. The
    /// default is a new temporary directory.
    pub fn root(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.root = Some(path.into());
        self
    }

    /// Lets commands see a further directory of the host at the same path, read-only. It has no
    /// effect on unconfined guests, which see all directories.
    pub fn read_only(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.read_only.push(path.into());
        self
    }

    /// Adds the app of a public image, such as `blaxel/nextjs:latest`, as
    /// [`SimulatedGuest::with_image`](crate::SimulatedGuest::with_image) does. For other images it has
    /// no effect: the programs are those of the host in any case.
    ///
    /// The images `blaxel/nextjs` and `blaxel/vite` have an app in `/blaxel/app`. `npm run dev` serves
    /// its files with Python, if the host has `npm` and `python3`; there is no Next.js and no Vite.
    ///
    /// ```no_run
    /// use blaxel_guest::{Clock, LocalGuest};
    ///
    /// let guest = LocalGuest::builder().image("blaxel/nextjs:latest").build(Clock::real())?;
    /// # Ok::<(), blaxel_guest::LocalGuestError>(())
    /// ```
    pub fn image(mut self, name: impl Into<String>) -> Self {
        self.0.image = name.into();
        self
    }

    /// Checks that this machine can run such guests. It starts one, and ends it.
    ///
    /// # Errors
    ///
    /// Fails if bubblewrap is not installed or cannot isolate commands here, or if the root
    /// directory cannot be created.
    pub fn check(&self) -> Result<(), LocalGuestError> {
        let temporary = Self(Settings {
            root: None,
            ..self.0.clone()
        });
        temporary.build(Clock::real()).map(drop)
    }

    /// Starts the guest. It needs no async runtime, but its commands and ports need that of tokio.
    ///
    /// # Errors
    ///
    /// Fails if bubblewrap is not installed or cannot isolate commands here, or if the root
    /// directory cannot be created.
    pub fn build(self, clock: Clock) -> Result<LocalGuest, LocalGuestError> {
        let guest = self.build_on_use(clock);
        let root = guest.0.root()?;
        guest
            .0
            .with_sandbox(&root, |sandbox| sandbox.probe(&root))??;
        Ok(guest)
    }

    /// Returns the guest without starting it. If it cannot be started, its operations fail.
    #[must_use]
    pub fn build_on_use(self, clock: Clock) -> LocalGuest {
        LocalGuest(Arc::new(Inner {
            owners: Owners::new(self.0.isolation == Isolation::Bubblewrap),
            settings: self.0,
            clock,
            sandbox: Mutex::default(),
            suspended: Suspended::default(),
            root: OnceLock::new(),
        }))
    }
}

impl Inner {
    /// Returns the root directory. At first it is created, and the sandbox is started.
    fn root(&self) -> Result<Arc<Root>, LocalGuestError> {
        let start = || {
            let root = Root::create(&self.settings).map_err(LocalGuestError::Root)?;
            let started = self
                .install_app(&root)
                .and_then(|()| root.keep_image().map_err(LocalGuestError::Root))
                .and_then(|()| Sandbox::start(&self.settings, &root));
            match started {
                Ok(sandbox) => {
                    *lock(&self.sandbox) = Some(sandbox);
                    Ok(Arc::new(root))
                }
                Err(error) => {
                    root.remove();
                    Err(error)
                }
            }
        };
        self.root.get_or_init(start).clone()
    }

    /// Creates the app of the image.
    fn install_app(&self, root: &Root) -> Result<(), LocalGuestError> {
        let files = LocalFiles {
            mounts: Ok(root.mounts.clone()),
            owners: self.owners,
        };
        let installed = apps::install(&files, &self.settings.image);
        installed.map_err(|error| LocalGuestError::Root(error.errno()))
    }

    /// Passes the sandbox to `act`, starting it again if it has ended.
    fn with_sandbox<T>(
        &self,
        root: &Root,
        act: impl FnOnce(&Sandbox) -> T,
    ) -> Result<T, LocalGuestError> {
        let mut place = lock(&self.sandbox);
        if let Some(dead) = place.take_if(|sandbox| !sandbox.is_running()) {
            // Its first process was killed, and all others with it.
            dead.end_processes();
        }
        let sandbox = match place.as_mut() {
            Some(sandbox) => sandbox,
            None => place.insert(Sandbox::start(&self.settings, root)?),
        };
        Ok(act(sandbox))
    }

    fn files(&self) -> LocalFiles {
        let root = self.root();
        LocalFiles {
            mounts: root
                .map(|root| root.mounts.clone())
                .map_err(LocalGuestError::errno),
            owners: self.owners,
        }
    }

    /// Starts the program of a command.
    fn launch(&self, command: &Command) -> Result<Launch, Errno> {
        let root = self.root().map_err(LocalGuestError::errno)?;
        let files = self.files();
        if files.metadata(&command.working_dir)?.kind != FileKind::Directory {
            return Err(Errno::NotDirectory);
        }
        let working_dir = files.canonicalize(&command.working_dir)?;
        let launched = self.with_sandbox(&root, |sandbox| {
            Launch::start(sandbox, &root, command, &working_dir)
        });
        launched.map_err(LocalGuestError::errno)?
    }

    /// Returns the processes, if the sandbox has been started. Looking at them does not need the
    /// lock.
    fn members(&self) -> Option<Members> {
        let sandbox = lock(&self.sandbox);
        sandbox.as_ref().map(|sandbox| sandbox.members.clone())
    }

    fn listeners(&self) -> Vec<Listener> {
        let members = self.members();
        members.map_or_else(Vec::new, |members| ports::listeners(&members))
    }
}

impl Guest for LocalGuest {
    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn files(&self) -> Arc<dyn Files> {
        Arc::new(self.0.files())
    }

    fn image(&self) -> Option<Arc<dyn Files>> {
        let root = self.0.root().ok()?;
        Some(Arc::new(LocalFiles {
            mounts: Ok(root.image()?),
            owners: self.0.owners,
        }))
    }

    fn foreign_paths(&self) -> Vec<String> {
        let Ok(root) = self.0.root() else {
            return Vec::new();
        };
        let mounts = root.mounts.current();
        let others = mounts.others().iter();
        let foreign = others.filter(|mount| !mount.is_volume());
        foreign.map(|mount| mount.path.clone()).collect()
    }

    fn disk(&self) -> Option<Volume> {
        let root = self.0.root().ok()?;
        Some(Volume::of_directory(Arc::clone(&root.disk)))
    }

    fn freeze(&self, is_frozen: bool) -> Result<(), Errno> {
        if self.0.settings.isolation == Isolation::None {
            return Err(Errno::NotImplemented);
        }
        let root = self.0.root().map_err(LocalGuestError::errno)?;
        root.mounts.change(|mounts| {
            mounts.freeze(is_frozen);
            Ok(())
        })
    }

    fn suspend(&self, is_suspended: bool) -> Result<(), Errno> {
        if let Some(members) = self.0.members() {
            match is_suspended {
                true => self.0.suspended.suspend(&members),
                false => self.0.suspended.resume(&members),
            }
        }
        Ok(())
    }

    fn spawn(&self, command: Command) -> BoxFuture<Result<Process, Errno>> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let started = tokio::task::spawn_blocking(move || inner.launch(&command)).await;
            started.unwrap_or(Err(Errno::Io))?.finish().await
        })
    }

    fn listeners(&self) -> Vec<Listener> {
        self.0.listeners()
    }

    fn connect(&self, port: u16) -> BoxFuture<Result<Box<dyn Connection>, Errno>> {
        let mut found = self.0.listeners();
        found.retain(|listener| listener.port == port);
        Box::pin(async move {
            for address in found.iter().filter_map(ports::address) {
                if let Ok(stream) = TcpStream::connect(address).await {
                    // Otherwise small writes wait for the acknowledgement of those before.
                    let _ = stream.set_nodelay(true);
                    return Ok(Box::new(stream) as Box<dyn Connection>);
                }
            }
            Err(Errno::ConnectionRefused)
        })
    }

    fn mount(&self, mount: &DriveMount) -> Result<(), Errno> {
        let root = self.0.root().map_err(LocalGuestError::errno)?;
        volumes::mount(&root.mounts, &root.disk, self.0.owners, mount)
    }

    fn unmount(&self, path: &str) -> Result<(), Errno> {
        let root = self.0.root().map_err(LocalGuestError::errno)?;
        volumes::unmount(&root.mounts, &root.disk, path)
    }
}

impl fmt::Debug for LocalGuest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalGuest")
            .field("settings", &self.0.settings)
            .field("clock", &self.0.clock)
            .finish_non_exhaustive()
    }
}
