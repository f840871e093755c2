//! Commands and processes on a simulated sandbox whose connections fail.

#![cfg(feature = "wait")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

mod exactly_once;
mod exactness;
mod following;
mod running;
mod sim;
