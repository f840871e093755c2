//! The machine of the sandbox: a simulated one with scripts, a large disk and a `tar`.

use std::io::Read;
use std::sync::{Arc, LazyLock};

use blaxel_core::BoxFuture;
use blaxel_emulator::blaxel_guest::{
    Clock, Command, Connection, DriveMount, Errno, FileError, Files, Guest, Listener, Process,
    Script, SimulatedGuest,
};
use bytes::Bytes;
use tar::{Archive, Builder, Header};

use super::work::OUTPUT;

/// Room for the parts of the large file and the file that is made of them.
const DISK: u64 = 4 << 30;

/// The output of a build: lines of 100 bytes.
static OUTPUT_OF_BUILD: LazyLock<Bytes> = LazyLock::new(|| {
    let text = " compiled the next of many files ";
    let line = |number: usize| format!("{number:>9} {text:.<89}\n");
    (0..OUTPUT / 100)
        .flat_map(|number| line(number).into_bytes())
        .collect()
});

/// See the module.
pub struct Machine(SimulatedGuest);

impl Machine {
    /// Prepares what all machines share, so that no client waits for it.
    pub fn prepare() {
        LazyLock::force(&OUTPUT_OF_BUILD);
    }

    pub fn new(clock: &Clock) -> Self {
        let guest = SimulatedGuest::new(clock.clone());
        guest.memory().root().resize(DISK);
        guest.on_command("true", Script::default());
        guest.on_command("produce", Script::stdout(OUTPUT_OF_BUILD.clone()));
        Self(guest)
    }

    /// Packs or unpacks an archive, as the `tar` of a sandbox would. Its time counts too.
    fn tar(&self, text: &str) -> Result<(), FileError> {
        let words: Vec<&str> = text.split(' ').collect();
        let option = |name| {
            let at = words.iter().position(|word| *word == name);
            at.and_then(|at| words.get(at + 1))
                .copied()
                .unwrap_or_default()
        };
        let (archive, directory, files) = (option("-f"), option("-C"), self.0.files());
        if words.contains(&"-x") {
            let bytes = files.read(archive)?;
            for entry in Archive::new(&*bytes).entries().expect("an archive") {
                let mut entry = entry.expect("an entry");
                let path = entry.path().expect("a path").display().to_string();
                let path = format!("{directory}/{path}");
                let mode = entry.header().mode().expect("a mode");
                if entry.header().entry_type().is_dir() {
                    files.create_dir_all(path.trim_end_matches('/'), mode)?;
                    continue;
                }
                let mut content = Vec::new();
                entry.read_to_end(&mut content).expect("a content");
                let parent = path.rsplit_once('/').map_or("/", |(parent, _)| parent);
                files.create_dir_all(parent, 0o755)?;
                files.write(&path, &content, mode)?;
            }
            return Ok(());
        }
        let mut builder = Builder::new(Vec::new());
        let names = String::from_utf8(files.read(option("-T"))?).expect("names");
        for name in names.lines() {
            let content = files.read(&format!("{directory}/{name}"))?;
            let mut header = Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(content.len() as u64);
            let appended = builder.append_data(&mut header, name, &*content);
            appended.expect("an entry");
        }
        files.write(archive, &builder.into_inner().expect("an archive"), 0o600)
    }
}

impl Guest for Machine {
    fn clock(&self) -> &Clock {
        self.0.clock()
    }

    fn files(&self) -> Arc<dyn Files> {
        self.0.files()
    }

    fn is_blocking(&self) -> bool {
        false
    }

    fn image(&self) -> Option<Arc<dyn Files>> {
        self.0.image()
    }

    fn freeze(&self, is_frozen: bool) -> Result<(), Errno> {
        self.0.freeze(is_frozen)
    }

    fn spawn(&self, mut command: Command) -> BoxFuture<Result<Process, Errno>> {
        if command.text.starts_with("tar ") {
            self.tar(&command.text).expect("tar");
            command.text = "true".to_owned();
        }
        self.0.spawn(command)
    }

    fn listeners(&self) -> Vec<Listener> {
        self.0.listeners()
    }

    fn connect(&self, port: u16) -> BoxFuture<Result<Box<dyn Connection>, Errno>> {
        self.0.connect(port)
    }

    fn mount(&self, mount: &DriveMount) -> Result<(), Errno> {
        self.0.mount(mount)
    }

    fn unmount(&self, path: &str) -> Result<(), Errno> {
        self.0.unmount(path)
    }
}
