//! MCP servers: functions deployed on Blaxel, and the server that each sandbox has.
//!
//! [`McpServer`] is a handle on a server, obtained from [`Inference::function`](crate::Inference::function) or
//! [`Inference::sandbox`](crate::Inference::sandbox). Its `connect` starts a session, [`McpClient`], which lists
//! and calls tools ([`ToolCall`]), reads resources and renders prompts. A server's own error is a
//! [`JsonRpcError`].
//!
//! A server is reached over streamable HTTP at `/mcp` below its address, or by WebSocket (feature `mcp-websocket`,
//! `McpServer::connect_websocket`) at the address itself. The protocol is implemented by the
//! official Rust SDK, `rmcp`. Its requests are sent over the same service as all others, so each has a valid
//! credential, and retries and limits as that service provides them. The platform's servers accept the
//! platform's credential: MCP's own OAuth is not used.
//!
//! Responses are read leniently: a member of an unexpected type does not hide the rest of a tool's output, and an
//! item of a list that cannot be read is left out. That is a `tracing` event of the level `WARN` under the target
//! `blaxel::mcp`.
//!
//! `rmcp` emits `tracing` events under the target `rmcp`: notifications from the level `INFO` on, whole
//! requests from `DEBUG` on. They contain no credential, but the arguments of tools.
//!
//! ```no_run
//! use blaxel_core::{Error, HttpService};
//! use blaxel_inference::Inference;
//! use serde_json::json;
//!
//! async fn tour(client: impl HttpService) -> Result<(), Error> {
//!     let mcp = Inference::new(client).function("search").connect().await?;
//!     for tool in mcp.tools().await? {
//!         println!("{}: {}", tool.name, tool.description.unwrap_or_default());
//!     }
//!     let found = mcp.tool("find").call(&json!({"query": "tower services"})).await?;
//!     println!("{}", found.text());
//!     mcp.close().await
//! }
//! ```

mod client;
mod error;
mod events;
mod exchange;
mod host;
mod inbox;
mod lenient;
mod message;
mod model;
mod output;
mod pending;
mod server;
mod session;
mod shared;
mod transport;
#[cfg(feature = "mcp-websocket")]
mod websocket;

pub use self::client::{McpClient, ToolCall};
pub use self::error::JsonRpcError;
pub use self::model::{
    Notification, Progress, Prompt, PromptArgument, Resource, ResourceContents, ResourceTemplate,
    ServerInfo, Tool, ToolAnnotations,
};
pub use self::output::{
    BinaryContent, Content, EmbeddedResource, PromptMessage, PromptOutput, TextContent, ToolOutput,
};
pub use self::server::McpServer;
