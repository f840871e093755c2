//! Tests that programs of others judge: servers that our clients call, and a browser on the emulator's page.
//!
//! The stage `interop` of `cargo xtask ci` starts them and tells the tests where they are. Without them the tests pass.

mod mcp_server;
mod oauth_server;
mod page;
