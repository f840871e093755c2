//! The client against the emulator: what only the two together can show.

mod incidents;
mod launch;
mod mcp;
mod mcp_websocket;
mod sandbox_interpreter;
mod sandbox_mcp;
mod support;
mod tls;
