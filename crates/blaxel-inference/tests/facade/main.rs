//! Calls of workloads: requests, answers and streams.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod answers;
#[cfg(feature = "callback")]
mod callback;
mod calls;
mod instead_of_a_stream;
#[cfg(feature = "internal-hosts")]
mod internal_hosts;
#[cfg(feature = "job")]
mod job;
mod on_the_emulator;
mod serialize;
mod streams;
mod support;
mod task;
