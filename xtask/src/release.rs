//! `cargo xtask release`: from what has changed to packages on a registry.

pub(crate) mod registry;
