//! The changes that a watched directory reports.

use tokio::sync::mpsc;

/// A change of an entry in a watched directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The type of the change.
    pub kind: ChangeKind,
    /// The absolute path of the entry.
    pub path: String,
}

/// The type of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// The entry was created, or renamed to this path.
    Create,
    /// Its content was changed.
    Write,
    /// It was removed.
    Remove,
    /// It was renamed from this path.
    Rename,
    /// Its mode, owner or times were changed.
    Chmod,
}

/// The changes of a watched directory, in the order in which they happened. Dropping it ends the
/// watch.
///
/// Changes that are not read are kept up to a limit. Beyond it they are lost, as with the kernel.
#[derive(Debug)]
pub struct Changes(mpsc::Receiver<Change>);

/// The half of a watch that the guest keeps.
#[derive(Clone, Debug)]
pub struct ChangeSender(mpsc::Sender<Change>);

impl Changes {
    /// Creates a watch that keeps up to `limit` changes which are not read yet.
    #[must_use]
    pub fn channel(limit: usize) -> (ChangeSender, Self) {
        let (sender, receiver) = mpsc::channel(limit.max(1));
        (ChangeSender(sender), Self(receiver))
    }

    /// Waits for the next change. Returns `None` when the watch has ended.
    pub async fn recv(&mut self) -> Option<Change> {
        self.0.recv().await
    }

    /// Returns the next change if there is one already.
    pub fn try_recv(&mut self) -> Option<Change> {
        self.0.try_recv().ok()
    }
}

impl ChangeSender {
    /// Reports a change. It is lost if too many are not read yet.
    pub fn send(&self, change: Change) {
        let _ = self.0.try_send(change);
    }

    /// Returns `true` if nobody watches any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}
