#![doc = include_str!("../README.md")]
//!
//! ## Main types
//!
//! | to | use |
//! | --- | --- |
//! | build a server | [`Server`], [`Builder`] |
//! | serve it on a port | [`Server::listen`], [`Listening`] |
//! | name the operation of a request | [`operation`] |
//! | look at its processes and their output | [`Server::processes`], [`Server::process_output`] |
//! | start its processes again on another machine | [`Server::running_processes`], [`Server::start_again`] |
//! | write the contents of a volume into a document | [`SavedVolume`] |
//! | act on the files of a sandbox | [`Files`], [`MemoryFiles`], [`Volume`] |
//! | move its time | [`Clock`] |
//! | describe the programs of a test | [`SimulatedGuest::on_command`], [`Script`] |
//! | describe the code of a test | [`SimulatedGuest::on_code`], [`CodeScript`] |
//! | offer drives to mount | [`DriveStore`] |
//! | run real commands on this machine | `LocalGuest`, with the feature `local` on Linux |
//! | implement another machine | [`Guest`] |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod apps;
mod clock;
mod code_script;
mod drives;
mod errno;
mod files;
mod guest;
#[cfg(all(feature = "local", target_os = "linux"))]
mod host;
mod interpreter;
mod kernel;
mod listen;
#[cfg(all(feature = "local", target_os = "linux"))]
mod local;
mod lock;
mod memory;
mod port;
mod process;
mod router;
mod script;
mod server;
mod shell;
mod simulated;
mod state;
mod version;
mod volume;
mod volume_files;

#[doc(hidden)]
pub use self::clock::MachineUses;
pub use self::clock::{Awake, Clock, Sleep};
pub use self::code_script::CodeScript;
pub use self::drives::{DriveError, DriveMount, DriveStore};
pub use self::errno::Errno;
pub use self::files::{
    Change, ChangeKind, ChangeSender, Changes, DirEntry, FileError, FileKind, Files, Metadata,
    OpenFile, OpenOptions, Space,
};
pub use self::guest::Guest;
pub use self::listen::Listening;
#[cfg(all(feature = "local", target_os = "linux"))]
#[cfg_attr(docsrs, doc(cfg(feature = "local")))]
pub use self::local::{LocalGuest, LocalGuestBuilder, LocalGuestError};
pub use self::memory::MemoryFiles;
pub use self::port::{Connection, Listener};
pub use self::process::{Command, Control, ExitStatus, Output, Process, Stream, TerminalSize};
pub use self::router::{operation, operations};
pub use self::script::{CommandPattern, Script};
pub use self::server::{Builder, ProcessInfo, ProcessOutput, SavedProcess, Server};
pub use self::simulated::SimulatedGuest;
pub use self::version::ServerVersion;
pub use self::volume::{InvalidVolume, SavedVolume, Volume};
