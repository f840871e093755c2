//! The watch of a directory, by the kernel's `inotify`.
//!
//! `rustix`, which `cap-std` needs anyway, has the system calls. They are used without a further
//! crate, since the guest wants one event for each change of an entry, in the kernel's order.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::Arc;

use cap_fs_ext::DirExt as _;
use cap_std::fs::Dir;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use super::entries::entries;
use crate::errno::Errno;
use crate::files::{Change, ChangeKind, ChangeSender, Changes, DirEntry, FileKind, join};
use crate::host::errors;

/// Changes that a watch keeps until they are read.
const CHANGES_LIMIT: usize = 4096;
/// The time after which an abandoned watch is noticed.
const CHECK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// Starts a watch. Its thread ends soon after the changes are dropped.
pub(super) fn watch(dir: Arc<Dir>, path: String, is_recursive: bool) -> Result<Changes, Errno> {
    let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK);
    let (sender, changes) = Changes::channel(CHANGES_LIMIT);
    let mut watcher = Watcher {
        events: events.map_err(errors::of_kernel)?,
        directories: BTreeMap::new(),
        is_recursive,
        sender,
    };
    watcher.add(dir, &path, false)?;
    let thread = std::thread::Builder::new().name("blaxel-guest-watch".to_owned());
    let started = thread.spawn(move || watcher.run());
    started.map_err(|error| errors::of_io(&error))?;
    Ok(changes)
}

struct Watcher {
    events: OwnedFd,
    /// The directories by the kernel's numbers.
    directories: BTreeMap<i32, Watched>,
    is_recursive: bool,
    sender: ChangeSender,
}

struct Watched {
    dir: Arc<Dir>,
    /// The path in the sandbox.
    path: String,
    /// The entries that were reported when the directory appeared. The kernel may report them again.
    reported: BTreeSet<String>,
}

impl Watcher {
    /// Watches a directory, and with `is_recursive` those in it. Reports their entries if they are
    /// new.
    fn add(&mut self, dir: Arc<Dir>, path: &str, is_new: bool) -> Result<(), Errno> {
        let flags = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ATTRIB
            | WatchFlags::DELETE_SELF
            | WatchFlags::ONLYDIR;
        // The path of the descriptor leads to the directory itself, wherever it has been moved.
        let place = format!("/proc/self/fd/{}", dir.as_raw_fd());
        let number = inotify::add_watch(&self.events, place, flags).map_err(errors::of_kernel)?;
        let mut reported = BTreeSet::new();
        let mut below = Vec::new();
        if self.is_recursive {
            for DirEntry { name, kind } in entries(&dir)? {
                if is_new {
                    self.report(ChangeKind::Create, join(path, &name));
                    reported.insert(name.clone());
                }
                if kind == FileKind::Directory {
                    below.push(name);
                }
            }
        }
        let watched = Watched {
            dir: Arc::clone(&dir),
            path: path.to_owned(),
            reported,
        };
        self.directories.insert(number, watched);
        for name in below {
            self.enter(&dir, path, &name, is_new);
        }
        Ok(())
    }

    /// Watches a directory in another one. It may be gone already.
    fn enter(&mut self, parent: &Dir, path: &str, name: &str, is_new: bool) {
        if let Ok(dir) = parent.open_dir_nofollow(name) {
            let _ = self.add(Arc::new(dir), &join(path, name), is_new);
        }
    }

    fn report(&self, kind: ChangeKind, path: String) {
        self.sender.send(Change { kind, path });
    }

    fn run(mut self) {
        let mut buffer = [MaybeUninit::uninit(); 64 << 10];
        while !self.sender.is_closed() {
            let mut ready = [PollFd::new(&self.events, PollFlags::IN)];
            if matches!(poll(&mut ready, Some(&CHECK)), Ok(0)) {
                continue;
            }
            let Ok(events) = self.read(&mut buffer) else {
                return;
            };
            for (number, flags, name) in events {
                self.handle(number, flags, name);
            }
            if self.directories.is_empty() {
                return;
            }
        }
    }

    /// Reads the events that are there.
    fn read(
        &self,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Result<Vec<(i32, ReadFlags, Option<String>)>, Errno> {
        let mut reader = inotify::Reader::new(&self.events, buffer);
        let mut events = Vec::new();
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name();
                    let name = name.map(|name| name.to_string_lossy().into_owned());
                    events.push((event.wd(), event.events(), name));
                }
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return Ok(events),
                Err(errno) => return Err(errors::of_kernel(errno)),
            }
            if reader.is_buffer_empty() {
                return Ok(events);
            }
        }
    }

    fn handle(&mut self, number: i32, flags: ReadFlags, name: Option<String>) {
        if flags.contains(ReadFlags::IGNORED) {
            self.directories.remove(&number);
            return;
        }
        let Some(watched) = self.directories.get_mut(&number) else {
            return;
        };
        let (dir, directory) = (Arc::clone(&watched.dir), watched.path.clone());
        let Some(name) = name else {
            if flags.contains(ReadFlags::DELETE_SELF) && self.directories.len() == 1 {
                self.report(ChangeKind::Remove, directory);
            }
            return;
        };
        let is_repeated = watched.reported.remove(&name);
        let kind = if flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
            ChangeKind::Create
        } else if flags.contains(ReadFlags::MODIFY) {
            ChangeKind::Write
        } else if flags.contains(ReadFlags::DELETE) {
            ChangeKind::Remove
        } else if flags.contains(ReadFlags::MOVED_FROM) {
            ChangeKind::Rename
        } else if flags.contains(ReadFlags::ATTRIB) {
            ChangeKind::Chmod
        } else {
            return;
        };
        let is_created = kind == ChangeKind::Create;
        if is_created && is_repeated {
            return;
        }
        let path = join(&directory, &name);
        if kind == ChangeKind::Rename && flags.contains(ReadFlags::ISDIR) {
            self.forget(&path);
        }
        self.report(kind, path);
        if is_created && self.is_recursive && flags.contains(ReadFlags::ISDIR) {
            self.enter(&dir, &directory, &name, true);
        }
    }

    /// Ends the watches of a directory that was moved away, and of those in it.
    fn forget(&mut self, path: &str) {
        let below = format!("{path}/");
        let gone = |watched: &Watched| watched.path == path || watched.path.starts_with(&below);
        let numbers: Vec<i32> = self
            .directories
            .iter()
            .filter(|(_, watched)| gone(watched))
            .map(|(number, _)| *number)
            .collect();
        for number in numbers {
            self.directories.remove(&number);
            let _ = inotify::remove_watch(&self.events, number);
        }
    }
}
