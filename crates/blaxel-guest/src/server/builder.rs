//! [`Builder`], the settings of a server.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use super::Server;
use crate::drives::{DriveMount, DriveStore};
use crate::guest::Guest;
use crate::state::{
    Archive, Environment, Monitors, Processes, StandbyWatch, State, Tasks, Terminals, Uploads,
};
use crate::version::ServerVersion;
use crate::volume::Volume;

/// The file with the variables that the platform sets, unless `BL_METADATA_PATH` names another.
const METADATA: &str = "/bl/metadata";

/// The settings of a [`Server`]. See there for an example.
#[must_use]
pub struct Builder {
    guest: Arc<dyn Guest>,
    version: ServerVersion,
    working_dir: String,
    variables: BTreeMap<String, String>,
    drives: Option<Arc<dyn DriveStore>>,
    disk: Option<Volume>,
    volumes: Vec<DriveMount>,
    edge_limit: Option<u64>,
    has_interpreter: bool,
    hangs: bool,
}

impl Builder {
    pub(super) fn new(guest: Arc<dyn Guest>) -> Self {
        let variables = [
            ("HOME", "/root"),
            (
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ),
        ];
        let owned = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            guest,
            version: ServerVersion::default(),
            working_dir: "/blaxel".to_owned(),
            variables: BTreeMap::from(owned),
            drives: None,
            disk: None,
            volumes: Vec::new(),
            edge_limit: None,
            has_interpreter: false,
            hangs: false,
        }
    }

    /// Sets the version of the API. The default is the current one.
    pub fn version(mut self, version: ServerVersion) -> Self {
        self.version = version;
        self
    }

    /// Sets the directory that relative paths start from, which is also that of processes. The
    /// default is `/blaxel`.
    pub fn working_dir(mut self, path: impl Into<String>) -> Self {
        self.working_dir = path.into();
        self
    }

    /// Sets an environment variable of the server, which its processes inherit. `HOME` and `PATH`
    /// have defaults. The server itself reads `HOME`, `SHELL`, `SHELL_ARGS`, `DISABLE_TERMINAL`,
    /// `BL_DISABLE_KEEPALIVE`, `BL_METADATA_PATH`, `BLFS_UID_MAP`, `BLFS_GID_MAP`,
    /// `RELACE_API_KEY` and `MORPH_API_KEY`.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Sets the drives that the sandbox can mount. By default there are none.
    pub fn drives(mut self, drives: impl DriveStore) -> Self {
        self.drives = Some(Arc::new(drives));
        self
    }

    /// Copies the contents of a disk, such as a snapshot of another machine's, to the disk of the
    /// machine when the server is created. A machine without a [`disk`](Guest::disk) keeps its own
    /// files. If the contents cannot be copied, the server refuses all requests with 500.
    pub fn disk(mut self, contents: Volume) -> Self {
        self.disk = Some(contents);
        self
    }

    /// Mounts a volume when the server is created, at a directory that is created if it does not
    /// exist. Unlike a drive it is not listed, and cannot be unmounted. A machine that cannot mount
    /// volumes keeps an ordinary directory there.
    pub fn volume(mut self, mount: DriveMount) -> Self {
        self.volumes.push(mount);
        self
    }

    /// Refuses request bodies of more than `bytes` as the platform's edge does, with 413 and the
    /// code `REQUEST_ENTITY_TOO_LARGE`. By default there is no edge in front of the server.
    ///
    /// The platform documents 5 MB. It lets parts of 5 MiB through, with the form around them.
    pub fn edge_limit(mut self, bytes: u64) -> Self {
        self.edge_limit = Some(bytes);
        self
    }

    /// Serves the code interpreter on the port 8888, as sandboxes of the image
    /// `blaxel/jupyter-server` do. Code runs in the programs of
    /// [`Guest::interpreter`](crate::Guest::interpreter). The default is `false`: the port is that
    /// of a program which listens on it.
    pub fn interpreter(mut self, is_served: bool) -> Self {
        self.has_interpreter = is_served;
        self
    }

    /// Lets the search in the contents of files never end if it finds over 100 matches more than
    /// it was asked for, as that of the server of August did. Later versions are not affected.
    pub fn hanging_content_search(mut self) -> Self {
        self.hangs = true;
        self
    }

    /// Creates the server.
    #[must_use]
    pub fn build(self) -> Server {
        let started = self.guest.clock().since_epoch();
        let disk = self.disk.zip(self.guest.disk());
        let copied = disk.map_or(Ok(()), |(contents, disk)| disk.copy_from(&contents));
        let broken = copied
            .err()
            .map(|errno| format!("cannot restore the disk: {errno}"));
        let mut volumes = Vec::new();
        for volume in self.volumes {
            let created = self.guest.files().create_dir_all(&volume.mount_path, 0o755);
            if created.is_ok() && self.guest.mount(&volume).is_ok() {
                volumes.push(volume.mount_path);
            }
        }
        let mut variables = self.variables;
        variables
            .entry("WORKDIR".to_owned())
            .or_insert_with(|| self.working_dir.clone());
        Server(Arc::new(State {
            guest: self.guest,
            first_version: self.version,
            working_dir: self.working_dir,
            metadata_path: variables
                .get("BL_METADATA_PATH")
                .filter(|path| !path.is_empty())
                .map_or_else(|| METADATA.to_owned(), String::clone),
            environment: Mutex::new(Environment::new(variables)),
            processes: Processes::default(),
            monitors: Monitors::default(),
            terminals: Terminals::default(),
            contexts: self.has_interpreter.then(Arc::default),
            standby: StandbyWatch::default(),
            connections: Tasks::default(),
            drives: self.drives,
            volumes,
            edge_limit: self.edge_limit,
            hangs: self.hangs,
            started,
            upgrades: Mutex::default(),
            uploads: Uploads::default(),
            mounts: Mutex::default(),
            archive: Archive::default(),
            has_tunnel: AtomicBool::new(false),
            broken,
        }))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values of variables may be secrets.
        f.debug_struct("Builder")
            .field("version", &self.version)
            .field("working_dir", &self.working_dir)
            .field("edge_limit", &self.edge_limit)
            .finish_non_exhaustive()
    }
}
