#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod archive;
#[cfg(feature = "wait")]
mod awake;
#[cfg(feature = "wait")]
mod cleanup;
pub mod codegen;
pub mod drives;
#[cfg(feature = "wait")]
pub mod files;
pub mod interpreter;
mod lenient;
#[cfg(feature = "lifecycle")]
mod lifecycle;
pub mod network;
pub mod process;
mod reference;
mod remote;
mod sandbox;
mod sandboxes;
#[cfg(feature = "lifecycle")]
pub mod sessions;
pub mod system;
#[cfg(feature = "websocket")]
#[cfg_attr(docsrs, doc(cfg(feature = "websocket")))]
pub mod websocket;

/// Re-export of [`blaxel_core`], in the version that this crate uses.
///
/// It keeps its full name because a module called `core` would shadow the language's own `core` in every
/// file that imports this crate by `*`.
pub use blaxel_core;

/// Re-export of [`blaxel_management`], in the version that this crate uses.
#[cfg(feature = "lifecycle")]
pub use blaxel_management;
#[cfg(feature = "lifecycle")]
pub use blaxel_management::sandboxes::{Ensure, ExpirationPolicy, Sandbox, SandboxLifecycle};
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
pub use self::network::Network;
pub use self::process::Process;
#[cfg(feature = "wait")]
pub use self::process::{Child, Command};
pub use self::reference::{ProcessRef, SandboxRef};
pub use self::sandbox::SandboxHandle;
pub use self::sandboxes::Sandboxes;
#[cfg(feature = "lifecycle")]
pub use self::sessions::{Session, SessionOptions, Sessions};
