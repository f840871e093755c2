//! The promises of the crate, tested on the emulator's in-memory service and on scripted responses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod accounts;
mod decoding;
mod export;
mod outlook;
mod pages;
mod properties;
mod reports;
mod rules;
mod support;
