//! What the emulator promises, promise by promise. The requests are raw: no client of this workspace
//! takes part.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests are tests too"
)]

mod access;
mod billing;
mod contract;
mod dialects;
mod doors;
mod faults;
mod inference;
mod kinds;
mod lists;
mod nested;
mod oauth;
mod program;
mod resources;
mod revisions;
mod sandboxes;
mod secrets;
mod statuses;
mod support;
mod uploads;
mod usages;
mod validation;
mod versions;
