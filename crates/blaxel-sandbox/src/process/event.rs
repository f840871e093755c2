//! The events of a process, and the position in its output.

use blaxel_core::open_enum;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::info::ExitStatus;

/// An event of a process that is [followed](super::Process::follow).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Bytes that the process has written to its standard output.
    Stdout(Bytes),
    /// Bytes that the process has written to its standard error.
    Stderr(Bytes),
    /// The process has failed and is started again.
    Restarted,
    /// The output around this event is not exact.
    Gap(Gap),
    /// The process has ended. It is the last event.
    Exited(ExitStatus),
}

/// A place at which the output is not exactly what the process has written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// The reason.
    pub reason: GapReason,
}

open_enum! {
    /// The reason for which output is not exact.
    pub enum GapReason {
        /// The server has dropped output at this place, because it keeps only the last part (32 MiB for each stream by
        /// default) or because it was not read fast enough.
        Dropped = "dropped",
        /// After a reconnection, the server no longer has the output from its start. Output at this place may be
        /// missing, and the output after it may repeat some that was already received.
        Unaligned = "unaligned",
        /// The server has ended the stream of the output several times as if it was complete, but reports another end
        /// of the output than the one that was received.
        Unverified = "unverified",
        /// The server is too old to send exact bytes. From here on, lines and the two streams are separated as well as
        /// its text form permits: line ends may be missing or added, and text can be in the wrong stream.
        TextForm = "text-form",
    }
}

/// A position in the output of a process, from which it can be followed later.
///
/// It can be stored, also in another program. It counts the bytes of each stream from the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Position {
    /// Number of bytes of the standard output that were received.
    pub stdout: u64,
    /// Number of bytes of the standard error that were received.
    pub stderr: u64,
    /// Number of restarts that were received.
    pub restarts: u64,
    /// `true` if a [`Gap`] was received, so that the numbers of bytes are not those of the server.
    pub inexact: bool,
}

/// One of the two streams of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputStream {
    Stdout,
    Stderr,
}

impl OutputStream {
    pub(super) fn event(self, bytes: Bytes) -> Event {
        match self {
            Self::Stdout => Event::Stdout(bytes),
            Self::Stderr => Event::Stderr(bytes),
        }
    }
}

impl Position {
    pub(super) fn of(&mut self, stream: OutputStream) -> &mut u64 {
        match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        }
    }
}

impl Gap {
    pub(super) fn event(reason: GapReason) -> Event {
        Event::Gap(Self { reason })
    }
}
