//! The end of a process.
//!
//! `bwrap` exits with 128 and the number of a signal if one ended its command, like a command that
//! exits with that status itself. The API tells these two apart, and so does the kernel as long as
//! nobody has waited for the process. So `bwrap` is stopped before the command starts, and goes on
//! when the status has been read.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::process::Child;

use super::proc_table::Stat;
use super::stopped::{Stop, Stopped};
use super::streams::{End, register};
use crate::errno::Errno;
use crate::host::errors;
use crate::process::ExitStatus;

/// A process that has been started, and its parent.
pub(super) enum Waiting {
    /// The process is a child of this program.
    Child(Child),
    /// It is a child of `bwrap`.
    Grandchild {
        bwrap: Child,
        pid: Pid,
        handle: End,
        /// Dropping it lets `bwrap` go on.
        stop: Option<Stop>,
    },
}

impl Waiting {
    /// Stops `bwrap`, so that it does not wait for its command.
    pub(super) fn grandchild(bwrap: Child, pid: Pid, all: &Stopped) -> Result<Self, Errno> {
        let parent = bwrap.id().and_then(|id| i32::try_from(id).ok());
        let parent = parent.and_then(Pid::from_raw).ok_or(Errno::Io)?;
        let handle = pidfd_open(pid, PidfdFlags::empty()).map_err(errors::of_kernel)?;
        let handle = register(handle)?;
        Ok(Self::Grandchild {
            stop: Some(all.stop(parent)?),
            bwrap,
            pid,
            handle,
        })
    }

    /// Waits for the end.
    pub(super) async fn status(&mut self) -> ExitStatus {
        match self {
            Self::Child(child) => child.wait().await.map_or(LOST, of_std),
            Self::Grandchild {
                bwrap,
                pid,
                handle,
                stop,
            } => {
                // The handle becomes readable when the process has ended.
                let ended = handle.readable().await.is_ok();
                let stat = if ended { Stat::of(*pid) } else { None };
                *stop = None;
                // Bubblewrap now waits for the process. Its own status is the best one if somebody
                // has made it do so earlier.
                let own = tokio::time::timeout(GRACE, bwrap.wait()).await;
                let own = own.ok().and_then(Result::ok);
                let exact = stat.map(|stat| std::process::ExitStatus::from_raw(stat.exit));
                exact.or(own).map_or(LOST, of_std)
            }
        }
    }
}

/// The time that bubblewrap has to exit after its command.
const GRACE: Duration = Duration::from_secs(5);

/// The status of a process that somebody else has waited for.
const LOST: ExitStatus = ExitStatus::Signal(9);

fn of_std(status: std::process::ExitStatus) -> ExitStatus {
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitStatus::Code(code),
        (None, Some(signal)) => ExitStatus::Signal(signal),
        (None, None) => LOST,
    }
}
