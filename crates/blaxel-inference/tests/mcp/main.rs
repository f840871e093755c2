//! Sessions with MCP servers: the emulator's over its socketless service, and scripted ones.

#![allow(clippy::unwrap_used, clippy::panic)]

mod offers;
mod scripted;
mod sessions;
mod support;
