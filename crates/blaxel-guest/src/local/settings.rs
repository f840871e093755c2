//! The settings of a local guest, and the reason why there can be none.

use std::fmt;
use std::path::PathBuf;

use crate::errno::Errno;

#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) isolation: Isolation,
    /// The root directory; a temporary one if it is not given.
    pub(super) root: Option<PathBuf>,
    /// Further directories of the host that commands can read.
    pub(super) read_only: Vec<PathBuf>,
    /// The public image whose app the sandbox has.
    pub(super) image: String,
}

/// The way in which commands are kept apart from the rest of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Isolation {
    #[default]
    Bubblewrap,
    None,
}

/// The reason why this machine cannot run local guests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocalGuestError {
    /// `bwrap` is not in `PATH`.
    NoBubblewrap,
    /// `bwrap` cannot isolate a command here. The text is its own message.
    Refused(String),
    /// The root directory cannot be created.
    Root(Errno),
}

impl LocalGuestError {
    /// Returns the refusal with the first line that a program wrote to standard error.
    pub(super) fn complaint(stderr: &[u8]) -> Self {
        let text = String::from_utf8_lossy(stderr);
        let line = text.lines().next().unwrap_or("no reason given");
        Self::Refused(line.trim_start_matches("bwrap: ").to_owned())
    }

    /// Returns the error of the operations of a guest that could not be started.
    pub(super) fn errno(self) -> Errno {
        match self {
            Self::Root(errno) => errno,
            Self::NoBubblewrap | Self::Refused(_) => Errno::NotPermitted,
        }
    }
}

impl fmt::Display for LocalGuestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBubblewrap => f.write_str(
                "local guests are isolated by bubblewrap, and there is no `bwrap` in PATH: install \
                 the package `bubblewrap`, or ask for unconfined local guests",
            ),
            Self::Refused(message) => write!(
                f,
                "local guests are isolated by bubblewrap, which cannot do that here ({message}): \
                 allow unprivileged user namespaces, or ask for unconfined local guests"
            ),
            Self::Root(errno) => write!(f, "cannot create the root directory: {errno}"),
        }
    }
}

impl std::error::Error for LocalGuestError {}
