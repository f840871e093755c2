//! The programs of the guide: each is compiled, and run against the emulator, as a test of the
//! documentation.

#[doc = include_str!("../../docs/guide/README.md")]
mod index {}

#[doc = include_str!("../../docs/guide/list.md")]
mod list {}
