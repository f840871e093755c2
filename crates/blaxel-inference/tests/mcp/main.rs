//! Sessions with MCP servers: the emulator's over its in-memory service, and scripted ones.

#![allow(clippy::unwrap_used, clippy::panic)]

mod lenient;
mod limits;
mod offers;
mod scripted;
mod sessions;
mod support;
