//! The way in which a sandbox can become ready, from its status.

use super::Sandbox;
use crate::metadata::Status;
use crate::wait::Watched;

/// The way in which a sandbox can become ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    Ready,
    Starting,
    Stopping,
    Dead,
    /// It is stored, but becomes ready only by another request.
    Archived,
}

impl Readiness {
    /// Derives the readiness from the status. A sandbox without a status is ready.
    pub(super) fn of(sandbox: &Sandbox) -> Self {
        match &sandbox.status {
            None | Some(Status::Deployed) => Self::Ready,
            Some(Status::Terminating | Status::Deleting | Status::Deactivating) => Self::Stopping,
            Some(Status::Failed | Status::Terminated | Status::Deactivated) => Self::Dead,
            Some(Status::Archived) => Self::Archived,
            // An unknown status may be a transient one, too.
            Some(_) => Self::Starting,
        }
    }
}

/// Describes the state of a sandbox for error messages.
pub(super) fn describe(name: &str, sandbox: &Sandbox) -> String {
    match (sandbox.failure(), &sandbox.status) {
        (Some(failure), _) => format!("`{name}` {failure}"),
        (None, Some(status)) => format!("`{name}` is {status}"),
        (None, None) => format!("`{name}` has no status"),
    }
}
