//! `cargo xtask release`: from what has changed to packages on a registry.

mod changelog;
pub(crate) mod plan;
pub(crate) mod prepare;
pub(crate) mod publish;
pub(crate) mod registry;
pub(crate) mod rehearse;
pub(crate) mod verify;
