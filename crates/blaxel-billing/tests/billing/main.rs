//! What the crate promises, on the emulator's socketless service and on answers by script.

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
