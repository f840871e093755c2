//! MCP servers: functions deployed on Blaxel, and the server that each sandbox has.
//!
//! A server is reached over streamable HTTP at `/mcp` below its address. The protocol is spoken by
//! the official Rust SDK, `rmcp`; its requests are carried by the service that carries all others, so
//! each has a valid credential, retries and limits as that service provides them. The platform's
//! servers accept the platform's credential: MCP's own OAuth is not used.
//!
//! `rmcp` emits `tracing` events under the target `rmcp`: notifications from the level `INFO` on, whole
//! requests and results from `DEBUG` on. They contain no credential, but the arguments and the output
//! of tools.
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
mod model;
mod server;
mod session;
mod shared;
mod wire;

pub use self::client::{McpClient, ToolCall};
pub use self::error::JsonRpcError;
pub use self::model::{
    BinaryContent, Content, EmbeddedResource, Notification, Progress, Prompt, PromptArgument,
    PromptMessage, PromptOutput, Resource, ResourceContents, ResourceTemplate, ServerInfo,
    TextContent, Tool, ToolAnnotations, ToolOutput,
};
pub use self::server::McpServer;
