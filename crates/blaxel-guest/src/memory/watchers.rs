//! The watches of a file system.

use std::sync::Mutex;

use crate::files::{Change, ChangeKind, ChangeSender};
use crate::lock::lock;

#[derive(Debug, Default)]
pub(super) struct Watchers(Mutex<Vec<Watcher>>);

#[derive(Debug)]
struct Watcher {
    /// The path of the directory, without links.
    directory: String,
    is_recursive: bool,
    sender: ChangeSender,
}

impl Watchers {
    pub(super) fn add(&self, directory: String, is_recursive: bool, sender: ChangeSender) {
        lock(&self.0).push(Watcher {
            directory,
            is_recursive,
            sender,
        });
    }

    /// Reports a change to the watches of its directory, and to those of directories above that
    /// are recursive.
    pub(super) fn notify(&self, kind: ChangeKind, path: &str) {
        let mut watchers = lock(&self.0);
        watchers.retain(|watcher| !watcher.sender.is_closed());
        for watcher in watchers.iter().filter(|watcher| watcher.sees(path)) {
            watcher.sender.send(Change {
                kind,
                path: path.to_owned(),
            });
        }
    }
}

impl Watcher {
    fn sees(&self, path: &str) -> bool {
        let directory = self.directory.trim_end_matches('/');
        match path.strip_prefix(directory) {
            // The directory itself.
            Some("") => true,
            Some(rest) => match rest.strip_prefix('/') {
                Some(name) => self.is_recursive || !name.contains('/'),
                None => false,
            },
            None => false,
        }
    }
}
