//! The file system of a sandbox, on scripted answers and on a server in memory.

#![cfg(feature = "wait")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod calls;
mod fake;
#[cfg(all(feature = "local-files", unix))]
mod local;
mod reads;
mod uploads;
mod watches;
