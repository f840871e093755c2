#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod agent;
#[cfg(feature = "callback")]
mod callback;
mod calls;
mod chat;
mod decode;
mod embedding;
pub mod lines;
#[cfg(feature = "mcp")]
pub mod mcp;
mod model;
pub mod ndjson;
mod pieces;
mod reply;
mod request;
mod split;
pub mod sse;
mod stream;
mod target;
mod task;
pub mod text;

use std::fmt;

use blaxel_core::{Error, HttpService};

use self::address::Forced;

/// The vocabulary of requests, pages and errors, in the version that this crate speaks.
pub use blaxel_core as core;

pub use self::agent::{AgentCall, Ticket};
#[cfg(feature = "callback")]
pub use self::callback::{Callback, CallbackError, CallbackVerifier};
pub use self::chat::{
    ChatAssembler, ChatChunk, ChatCompletion, ChatRequest, ChatStream, Choice, ChunkChoice,
    CompletionTokens, Content, Delta, FinishReason, FunctionCall, FunctionDelta, ImageUrl,
    InputAudio, Message, Part, PromptTokens, ResponseFormat, Role, Tool, ToolCall, ToolCallDelta,
    ToolChoice, Usage,
};
pub use self::decode::{Decode, DecodeError, Text};
pub use self::embedding::{Embedding, EmbeddingRequest, Embeddings};
pub use self::model::ModelCall;
pub use self::pieces::{Format, Piece, PieceDecoder, PieceStream};
pub use self::reply::Reply;
pub use self::request::WorkloadRequest;
pub use self::stream::{Decoded, EventStream, JsonStream, LineStream, TextStream};
pub use self::task::JobTask;

/// The workloads of a workspace, to be called over any service that carries requests.
///
/// A clone is as cheap as a clone of the service.
///
/// # Addresses
///
/// A workload is called under the first of these addresses that there is:
///
/// 1. the one given by the handle's `at`, such as a `metadata.url` read with `blaxel-management`;
/// 2. the one that a variable forces, if [`forced_by`](Self::forced_by) has variables looked into;
/// 3. the workload's own `metadata.url`, if the handle's `located` has looked it up;
/// 4. the origin of the run plane, `https://run.blaxel.ai`, with the workspace, the kind and the name
///    as its path.
///
/// The platform advises the third and serves the fourth for as long as it has not moved a workload. A
/// host name is never taken apart nor put together: workspaces and names both may hold hyphens.
#[derive(Clone)]
pub struct Inference<S> {
    service: S,
    forced: Option<Forced>,
}

impl<S: HttpService> Inference<S> {
    /// The workloads as reached over a service: a `blaxel_transport::Client`, the emulator's
    /// socketless service, or a stack of your own.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self {
            service,
            forced: None,
        }
    }

    /// Looks for addresses of single workloads in variables, as one sets them to have a workload on
    /// this machine stand in for the deployed one.
    ///
    /// For the agent `my-bot` they are `BL_AGENTS_MY_BOT_URL` and, after it, `BL_AGENT_MY_BOT_URL`; for
    /// models, functions and sandboxes likewise. Names are in capitals, with `_` for `-`. An empty
    /// variable is none. Plain `http` is accepted for this machine only, for the credential goes there
    /// too.
    ///
    /// No variable is looked into unless this is called. They are asked for when a handle is made:
    ///
    /// ```
    /// # use blaxel_core::HttpService;
    /// # fn example(client: impl HttpService) {
    /// use blaxel_inference::Inference;
    ///
    /// let inference = Inference::new(client).forced_by(|name| std::env::var(name).ok());
    /// # }
    /// ```
    #[must_use]
    pub fn forced_by<F>(mut self, variables: F) -> Self
    where
        F: Fn(&str) -> Option<String> + Send + Sync + 'static,
    {
        self.forced = Some(Forced::by(variables));
        self
    }

    /// The agent of that name. Nothing is sent before it is invoked.
    #[must_use]
    pub fn agent(&self, name: &str) -> AgentCall<S> {
        let forced = self.forced(&address::AGENT, name);
        AgentCall::new(self.service.clone(), name, forced)
    }

    /// The model of that name. Nothing is sent before it is asked.
    #[must_use]
    pub fn model(&self, name: &str) -> ModelCall<S> {
        let forced = self.forced(&address::MODEL, name);
        ModelCall::new(self.service.clone(), name, forced)
    }

    /// The task of a job that this process was started for, or `None` if it runs outside a job.
    ///
    /// The variables are those that the platform sets in a job: `BL_EXECUTION_DATA_URL`, where the tasks
    /// of the execution are to be read, and `TASK_INDEX`, or the one that `BL_TASK_KEY` names, which
    /// says which of them is ours. Nothing is sent before the arguments are asked for.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(client: impl HttpService) -> Result<(), Error> {
    /// use blaxel_inference::Inference;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Arguments {
    ///     city: String,
    /// }
    ///
    /// let inference = Inference::new(client);
    /// if let Some(task) = inference.task(|name| std::env::var(name).ok())? {
    ///     let Arguments { city } = task.arguments().await?;
    ///     println!("task {} is about {city}", task.index());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], naming the variable, if there are tasks but the index is missing or no
    /// number.
    pub fn task<F>(&self, variables: F) -> Result<Option<JobTask<S>>, Error>
    where
        F: Fn(&str) -> Option<String>,
    {
        JobTask::find(self.service.clone(), variables)
    }

    fn forced(&self, kind: &address::Kind, name: &str) -> Option<target::Address> {
        self.forced.as_ref()?.address(kind, name)
    }

    /// The function of that name, as an MCP server. Nothing is sent before it is connected to.
    #[cfg(feature = "mcp")]
    #[must_use]
    pub fn function(&self, name: &str) -> mcp::McpServer<S> {
        let forced = self.forced(&address::FUNCTION, name);
        mcp::McpServer::function(self.service.clone(), name, forced)
    }

    /// The MCP server of the sandbox of that name. Have its address looked up, by
    /// [`located`](mcp::McpServer::located), or hand it over, by [`at`](mcp::McpServer::at): only old
    /// sandboxes are reached without. Nothing is sent before.
    #[cfg(feature = "mcp")]
    #[must_use]
    pub fn sandbox(&self, name: &str) -> mcp::McpServer<S> {
        let forced = self.forced(&address::SANDBOX, name);
        mcp::McpServer::sandbox(self.service.clone(), name, forced)
    }
}

impl<S> fmt::Debug for Inference<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inference").finish_non_exhaustive()
    }
}
