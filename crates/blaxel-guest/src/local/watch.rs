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
use rustix::fs::fstat;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use super::entries::entries;
use super::walk::MAX_PATH;
use crate::errno::Errno;
use crate::files::{Change, ChangeKind, ChangeSender, Changes, DirEntry, FileKind, join};
use crate::host::errors;

/// Changes that a watch keeps until they are read.
const CHANGES_LIMIT: usize = 4096;
/// The time after which an abandoned watch and the removal of the watched directory are noticed.
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
        top: dir,
        path,
        is_gone: false,
        directories: BTreeMap::new(),
        is_recursive,
        sender,
    };
    watcher.add("", false)?;
    let thread = std::thread::Builder::new().name("blaxel-guest-watch".to_owned());
    let started = thread.spawn(move || watcher.run());
    started.map_err(|error| errors::of_io(&error))?;
    Ok(changes)
}

struct Watcher {
    events: OwnedFd,
    /// The watched directory. Those in it are not kept open, as there may be very many.
    top: Arc<Dir>,
    /// Its path in the sandbox.
    path: String,
    /// Set when its removal was reported.
    is_gone: bool,
    /// The directories by the kernel's numbers.
    directories: BTreeMap<i32, Watched>,
    is_recursive: bool,
    sender: ChangeSender,
}

struct Watched {
    /// The path below the watched directory, which is empty for that itself.
    below: String,
    /// The entries that were reported when the directory appeared. The kernel may report them again.
    reported: BTreeSet<String>,
}

impl Watcher {
    /// Watches the directory at a path below, and with `is_recursive` those in it. Reports their
    /// entries if they are new.
    fn add(&mut self, below: &str, is_new: bool) -> Result<(), Errno> {
        let mut left = self.add_one(below, is_new)?;
        while let Some(below) = left.pop() {
            // It may be gone already. No request reaches one with a longer path.
            if below.len() < MAX_PATH
                && let Ok(inside) = self.add_one(&below, is_new)
            {
                left.extend(inside);
            }
        }
        Ok(())
    }

    /// Watches one directory. Returns the paths below of those in it, the first one last.
    fn add_one(&mut self, below: &str, is_new: bool) -> Result<Vec<String>, Errno> {
        let dir = match below {
            "" => Arc::clone(&self.top),
            below => {
                let opened = self.top.open_dir_nofollow(below);
                Arc::new(opened.map_err(|error| errors::of_io(&error))?)
            }
        };
        let flags = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ATTRIB
            | WatchFlags::ONLYDIR;
        // The path of the descriptor leads to the directory itself, wherever it has been moved.
        let place = format!("/proc/self/fd/{}", dir.as_raw_fd());
        let number = inotify::add_watch(&self.events, place, flags).map_err(errors::of_kernel)?;
        let (mut reported, mut inside) = (BTreeSet::new(), Vec::new());
        if self.is_recursive {
            for DirEntry { name, kind } in entries(&dir)? {
                let path = join_below(below, &name);
                if is_new {
                    self.report(ChangeKind::Create, &path);
                    reported.insert(name);
                }
                if kind == FileKind::Directory {
                    inside.push(path);
                }
            }
        }
        inside.reverse();
        let below = below.to_owned();
        self.directories.insert(number, Watched { below, reported });
        Ok(inside)
    }

    /// Reports a change at a path below the watched directory.
    fn report(&self, kind: ChangeKind, below: &str) {
        let path = match below {
            "" => self.path.clone(),
            below => join(&self.path, below),
        };
        self.sender.send(Change { kind, path });
    }

    fn run(mut self) {
        let mut buffer = [MaybeUninit::uninit(); 64 << 10];
        while !self.sender.is_closed() {
            let mut ready = [PollFd::new(&self.events, PollFlags::IN)];
            if matches!(poll(&mut ready, Some(&CHECK)), Ok(0)) {
                self.check_top();
                continue;
            }
            let Ok(events) = self.read(&mut buffer) else {
                return;
            };
            for (number, flags, name) in events {
                self.handle(number, flags, name);
            }
        }
    }

    /// Reports the removal of the watched directory. The kernel would do so when nothing has it open
    /// any more, which the watch has.
    fn check_top(&mut self) {
        if !self.is_gone && fstat(&*self.top).is_ok_and(|facts| facts.st_nlink == 0) {
            self.is_gone = true;
            self.report(ChangeKind::Remove, "");
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
        let Some(name) = name else { return };
        let below = join_below(&watched.below, &name);
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
        let is_directory = flags.contains(ReadFlags::ISDIR);
        if is_directory && matches!(kind, ChangeKind::Rename | ChangeKind::Remove) {
            self.forget(&below);
        }
        self.report(kind, &below);
        if is_created && self.is_recursive && is_directory {
            // It may be gone already.
            let _ = self.add(&below, true);
        }
    }

    /// Ends the watches of a directory that was moved away or removed, and of those in it.
    fn forget(&mut self, below: &str) {
        let inside = format!("{below}/");
        let is_gone =
            |watched: &Watched| watched.below == below || watched.below.starts_with(&inside);
        let numbers: Vec<i32> = self
            .directories
            .iter()
            .filter(|(_, watched)| is_gone(watched))
            .map(|(number, _)| *number)
            .collect();
        for number in numbers {
            self.directories.remove(&number);
            // The kernel has ended those of removed directories.
            let _ = inotify::remove_watch(&self.events, number);
        }
    }
}

/// Appends a name to a path below the watched directory.
fn join_below(below: &str, name: &str) -> String {
    match below {
        "" => name.to_owned(),
        below => format!("{below}/{name}"),
    }
}
