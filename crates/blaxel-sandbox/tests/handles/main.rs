//! Every call of the sandbox API except processes and files, on a service that responds by script: the exact
//! request, the forms of the answer, and the errors.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

mod archive;
#[cfg(feature = "wait")]
mod awake;
mod codegen;
mod drives;
mod errors;
mod interpreter;
#[cfg(feature = "lifecycle")]
mod lifecycle;
mod network;
mod ports;
mod script;
#[cfg(feature = "lifecycle")]
mod send;
#[cfg(feature = "lifecycle")]
mod sessions;
mod system;
