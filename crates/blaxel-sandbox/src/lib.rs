#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

#[cfg(feature = "wait")]
mod cleanup;
#[cfg(feature = "wait")]
pub mod files;
pub mod process;
mod reference;
mod remote;
mod sandbox;
mod sandboxes;

/// Re-export of [`blaxel_core`], in the version that this crate uses.
///
/// It keeps its full name because a module called `core` would shadow the language's own `core` in every
/// file that imports this crate by `*`.
pub use blaxel_core;

#[cfg(feature = "wait")]
pub use self::files::Files;
pub use self::process::Process;
#[cfg(feature = "wait")]
pub use self::process::{Child, Command};
pub use self::reference::{ProcessRef, SandboxRef};
pub use self::sandbox::SandboxHandle;
pub use self::sandboxes::Sandboxes;
