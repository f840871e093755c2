//! Commands and processes: what runs in a sandbox, how it is started, followed, and ended.
//!
//! [`Command`] is a command to run, [`Child`] a process that was started by it, and [`Process`] any process of a
//! sandbox. [`Events`] are the output and the end of a process.

#[cfg(feature = "wait")]
mod attach;
#[cfg(feature = "wait")]
mod child;
#[cfg(feature = "wait")]
mod command;
#[cfg(feature = "wait")]
mod event;
#[cfg(feature = "wait")]
mod events;
#[cfg(feature = "wait")]
mod exit;
#[cfg(feature = "wait")]
mod follow;
mod handle;
mod info;
#[cfg(feature = "wait")]
mod launch;
#[cfg(feature = "wait")]
mod limit;
#[cfg(feature = "wait")]
mod line;
#[cfg(feature = "wait")]
mod log_stream;
#[cfg(feature = "wait")]
mod name;
mod operations;
#[cfg(feature = "wait")]
mod outage;
#[cfg(feature = "wait")]
mod output;
mod ports;
#[cfg(feature = "wait")]
mod quote;
#[cfg(feature = "wait")]
mod start;
mod stdin;
#[cfg(feature = "wait")]
mod tail;
#[cfg(feature = "wait")]
mod text_form;
#[cfg(feature = "wait")]
mod tree;
#[cfg(feature = "wait")]
mod wait;

use blaxel_core::{Error, HttpService};

use crate::remote::Remote;

#[cfg(feature = "wait")]
pub use self::child::Child;
#[cfg(feature = "wait")]
pub use self::command::Command;
#[cfg(feature = "wait")]
pub use self::event::{Event, Gap, GapReason, Position};
#[cfg(feature = "wait")]
pub use self::events::Events;
pub use self::handle::Process;
pub use self::info::{ExitStatus, ProcessInfo, ProcessLogs, ProcessStatus};
#[cfg(feature = "lifecycle")]
pub(crate) use self::name::unique as unique_name;
pub(crate) use self::operations::ListProcessPorts;
#[cfg(feature = "wait")]
pub use self::output::Output;
pub use self::ports::ProcessPort;
#[cfg(feature = "wait")]
pub use self::stdin::Input;
pub use self::stdin::Stdin;
#[cfg(feature = "wait")]
pub use self::tree::KilledTree;

/// Lists the processes of a sandbox.
pub(crate) async fn list<S: HttpService>(remote: &Remote<S>) -> Result<Vec<ProcessInfo>, Error> {
    remote.call(&operations::ListProcesses).await
}
