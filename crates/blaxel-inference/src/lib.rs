#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod agent;
mod chat;
#[cfg(feature = "mcp")]
pub mod mcp;
mod model;
pub mod sse;
mod stream;
mod target;

use std::fmt;

use blaxel_core::HttpService;

pub use self::agent::AgentCall;
pub use self::chat::{
    ChatChunk, ChatCompletion, ChatRequest, Choice, ChunkChoice, Delta, FinishReason, Message,
    Role, Usage,
};
pub use self::model::{ChatStream, ModelCall};
pub use self::stream::EventStream;

/// The workloads of a workspace, to be called over any service that carries requests.
///
/// A clone is as cheap as a clone of the service.
#[derive(Clone)]
pub struct Inference<S> {
    service: S,
}

impl<S: HttpService> Inference<S> {
    /// The workloads as reached over a service: a `blaxel_transport::Client`, the emulator's
    /// socketless service, or a stack of your own.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self { service }
    }

    /// The agent of that name. Nothing is sent before it is invoked.
    #[must_use]
    pub fn agent(&self, name: &str) -> AgentCall<S> {
        AgentCall::new(self.service.clone(), name)
    }

    /// The model of that name. Nothing is sent before it is asked.
    #[must_use]
    pub fn model(&self, name: &str) -> ModelCall<S> {
        ModelCall::new(self.service.clone(), name)
    }

    /// The function of that name, as an MCP server. Nothing is sent before it is connected to.
    #[cfg(feature = "mcp")]
    #[must_use]
    pub fn function(&self, name: &str) -> mcp::McpServer<S> {
        mcp::McpServer::function(self.service.clone(), name)
    }

    /// The MCP server of the sandbox of that name. Give it the sandbox's address, by
    /// [`at`](mcp::McpServer::at): only old sandboxes are reached without. Nothing is sent before it is
    /// connected to.
    #[cfg(feature = "mcp")]
    #[must_use]
    pub fn sandbox(&self, name: &str) -> mcp::McpServer<S> {
        mcp::McpServer::sandbox(self.service.clone(), name)
    }
}

impl<S> fmt::Debug for Inference<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inference").finish_non_exhaustive()
    }
}
