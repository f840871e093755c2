//! `cargo xtask release`: from what has changed to packages on a registry.

pub(crate) mod publish;
pub(crate) mod registry;
pub(crate) mod rehearse;
pub(crate) mod verify;
