#![doc = include_str!("../README.md")]
//!
//! ## Main types
//!
//! - **Client**: [`Sandboxes`] returns a [`SandboxHandle`] by name, by a stored [`SandboxRef`] or by the address and
//!   token of a session. With the feature `lifecycle` it also creates sandboxes, waits until they are ready, and
//!   deletes them; `Sandbox` is the draft of one, and `Launch` creates it with a deadline, drives and a first call. It
//!   takes snapshots, restores, forks and archives them too.
//! - **Commands**: `Command` is a command that is to be run, in the shape of `std::process::Command`. It returns a
//!   `process::Output` or a `Child`.
//! - **Processes**: [`Process`] is a process that any program has started, by its name or PID: its state, output, input
//!   and end. [`ProcessRef`] is the form of it that can be stored. `process::Events` are its output and its end, from
//!   the start or from a stored [`Position`](process::Position).
//! - **Files**: `Files` has the methods of `tokio::fs`, streams, uploads in parts, whole trees, searches and watches.
//!   `files::FileError` is the path and the reason of an error about a file.
//! - **Code**: [`CodeInterpreter`] runs code in contexts that keep their variables, and returns text, images and
//!   errors.
//! - **Sessions**: `Sessions` (feature `lifecycle`) creates addresses with tokens for programs that have no credential.
//! - **Ports**: [`SandboxHandle::port`] sends HTTP requests to the programs of a sandbox, and opens WebSockets to them
//!   (feature `websocket`). It is a tower service too.
//! - **Terminals**: `Terminal` (feature `websocket`) is an interactive shell, which can be resized, detached and
//!   attached to again.
//! - **System**: [`Drives`] are mounted; [`Network`] has ports, their monitors and the tunnel; [`Archive`] saves and
//!   restores the files and processes; [`Codegen`] applies edits of models. [`SandboxHandle`] itself has health,
//!   upgrades and the guard `keep_awake`.
//!
//! Every handle is cheap to clone and needs no connection of its own. [`SandboxHandle::options`] sets the time limits
//! and attempts of its calls. Builders such as `Command`, `files::Write` and `files::Find` send nothing before they are
//! awaited or run.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod archive;
#[cfg(feature = "wait")]
mod awake;
#[cfg(feature = "wait")]
mod cleanup;
pub mod codegen;
#[cfg(feature = "wait")]
mod concurrent;
pub mod drives;
#[cfg(feature = "wait")]
pub mod files;
pub mod interpreter;
mod lenient;
#[cfg(feature = "lifecycle")]
mod lifecycle;
pub mod network;
pub mod port;
pub mod process;
mod reference;
mod remote;
mod sandbox;
mod sandboxes;
#[cfg(feature = "lifecycle")]
pub mod sessions;
#[cfg(feature = "lifecycle")]
mod snapshots;
pub mod system;
#[cfg(feature = "websocket")]
#[cfg_attr(docsrs, doc(cfg(feature = "websocket")))]
pub mod terminal;

/// Re-export of [`blaxel_core`], in the version that this crate uses.
///
/// It keeps its full name because a module called `core` would shadow the language's own `core` in every
/// file that imports this crate by `*`.
pub use blaxel_core;
#[cfg(feature = "websocket")]
#[cfg_attr(docsrs, doc(cfg(feature = "websocket")))]
pub use blaxel_core::websocket;

/// Re-export of [`blaxel_management`], in the version that this crate uses.
#[cfg(feature = "lifecycle")]
pub use blaxel_management;
#[cfg(feature = "lifecycle")]
pub use blaxel_management::sandboxes::{
    CreationTimeout, Drift, Ensure, ExpirationPolicy, Fork, NewSnapshot, Sandbox, SandboxDefaults,
    SandboxLifecycle, SandboxName, Snapshot,
};
#[cfg(feature = "lifecycle")]
pub use blaxel_management::{Megabytes, Outcome, workload::Port};

pub use self::archive::Archive;
#[cfg(feature = "wait")]
pub use self::awake::KeepAwake;
pub use self::codegen::Codegen;
pub use self::drives::Drives;
#[cfg(feature = "wait")]
pub use self::files::Files;
pub use self::interpreter::CodeInterpreter;
#[cfg(feature = "lifecycle")]
pub use self::lifecycle::{DriveMount, Launch, OnSetupFailure, SetupError};
pub use self::network::Network;
pub use self::port::PortService;
pub use self::process::Process;
#[cfg(feature = "wait")]
pub use self::process::{Child, Command};
pub use self::reference::{ProcessRef, SandboxRef};
pub use self::sandbox::SandboxHandle;
pub use self::sandboxes::Sandboxes;
#[cfg(feature = "lifecycle")]
pub use self::sessions::{Session, SessionOptions, Sessions};
#[cfg(feature = "websocket")]
#[cfg_attr(docsrs, doc(cfg(feature = "websocket")))]
pub use self::terminal::Terminal;
