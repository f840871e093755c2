//! The user that acts on a file system.

use crate::files::Metadata;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) user: u32,
    pub(super) group: u32,
}

/// A right to a file, with its bits in a mode.
#[derive(Clone, Copy)]
pub(super) enum Access {
    Read = 0o4,
    Write = 0o2,
    Search = 0o1,
}

impl User {
    pub(super) const SUPERUSER: Self = Self { user: 0, group: 0 };

    pub(super) fn is_superuser(self) -> bool {
        self.user == 0
    }

    /// Returns `true` if the mode of a file gives the user this right.
    pub(super) fn may(self, file: &Metadata, access: Access) -> bool {
        let shift = if file.user == self.user {
            6
        } else if file.group == self.group {
            3
        } else {
            0
        };
        self.is_superuser() || file.mode >> shift & access as u32 != 0
    }
}
