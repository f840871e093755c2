//! Guests whose commands run on this machine.
//!
//! Every test runs on an unconfined guest, and on one that bubblewrap isolates if this machine can do
//! that. If it cannot, the refusal is tested instead.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests are tests too"
)]

mod commands;
mod comparison;
mod endings;
mod escapes;
mod files;
mod images;
mod isolation;
mod ports;
mod requests;
mod restores;
mod standby;
mod support;
mod terminals;
mod volumes;
mod watches;
