//! The client as a stack of layers, over transports that tests script.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod addresses;
mod presigned;
#[cfg(feature = "oauth")]
mod reauthorize;
mod retries;
mod settings;
mod transient;
mod without_credential;
