#![doc = include_str!("../README.md")]
//!
//! ## Main types
//!
//! - **Client**: [`Inference`] returns a handle on a workload by its name. Nothing is sent before a handle is used.
//! - **Agents**: [`AgentCall`] calls an agent and reads its response whole ([`Reply`]) or streamed ([`ChunkStream`]),
//!   or calls it in the background ([`Submission`]). `InternalHosts` (feature `internal-hosts`) are the addresses of
//!   agents inside of the platform. [`WorkloadRequest`] has any method, path, header, query and body.
//!   `CallbackVerifier` (feature `callback`) verifies the callbacks of asynchronous calls.
//! - **Models**: [`ModelCall`] has chats and embeddings of the OpenAI API, with tools, tool calls, images and usage
//!   ([`ChatRequest`], [`ChatStream`], [`EmbeddingRequest`]); [`ModelCall::request`] calls a provider with its own API.
//!   [`ChatAssembler`] assembles a whole answer from the chunks of a stream.
//! - **MCP servers**: `McpServer` (feature `mcp`) connects to functions and sandboxes, for tools, resources,
//!   prompts, progress and notifications.
//! - **Streams**: [`Decoded`] reads server-sent events ([`sse`]), JSON lines ([`ndjson`]), lines
//!   ([`mod@lines`]), text ([`text`]) or bytes, by content type or by choice, with `try_next` or as a
//!   `futures_core::Stream`. The decoders do no I/O.
//! - **Jobs**: [`JobTask`] is the task that a process executes inside a job, with its arguments. `job::run` (feature
//!   `job`) is the body of a whole program for jobs, and `job::LocalRun` runs it for many tasks on this machine.
//!
//! Every handle and request has per-call settings, set with `options(CallOptions)`: a deadline, a number of
//! attempts, and whether the call is idempotent. Every response type implements `Serialize` and
//! `Deserialize`.
//!
//! Other clients of OpenAI's API can be used with Blaxel too: the example `openai_client` of the crate
//! `blaxel` uses `async-openai`, and keeps its credential fresh.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod agent;
#[cfg(feature = "callback")]
mod callback;
mod chat;
mod chunks;
mod embedding;
#[cfg(feature = "internal-hosts")]
mod internal_hosts;
#[cfg(feature = "job")]
pub mod job;
#[cfg(feature = "mcp")]
pub mod mcp;
#[cfg(not(feature = "mcp"))]
mod missing;
mod model;
mod reply;
mod report;
mod request;
mod setters;
mod task;
mod whole_answer;

use std::fmt;

use blaxel_core::__private::workload::{Overrides, WorkloadAddress, WorkloadKind};
use blaxel_core::{Error, HttpService};

/// Re-export of [`blaxel_core`], in the version that this crate uses.
///
/// It keeps its full name because a module called `core` would shadow the language's own `core` in every
/// file that imports this crate by `*`.
pub use blaxel_core;
pub use blaxel_core::stream::{
    Decode, DecodeError, Decoded, EventStream, JsonStream, LineStream, Text, TextStream, lines,
    ndjson, sse, text,
};

pub use self::agent::{AgentCall, Submission};
#[cfg(feature = "callback")]
pub use self::callback::{Callback, CallbackError, CallbackVerifier};
pub use self::chat::{
    ChatAssembler, ChatChunk, ChatCompletion, ChatRequest, ChatStream, Choice, ChunkChoice,
    CompletionTokens, Content, Delta, FinishReason, FunctionCall, FunctionDelta, ImageUrl,
    InputAudio, Message, Part, Parts, PromptTokens, ResponseFormat, Role, Tool, ToolCall,
    ToolCallDelta, ToolChoice, Usage,
};
pub use self::chunks::{Chunk, ChunkDecoder, ChunkStream, Format};
pub use self::embedding::{Embedding, EmbeddingRequest, Embeddings};
#[cfg(feature = "internal-hosts")]
pub use self::internal_hosts::InternalHosts;
pub use self::model::ModelCall;
pub use self::reply::Reply;
pub use self::request::WorkloadRequest;
pub use self::task::JobTask;

/// Calls to the workloads of a workspace.
///
/// It runs on any [`HttpService`]. A clone is as cheap as a clone of the service.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # async fn example(client: impl HttpService) -> Result<(), Error> {
/// use blaxel_inference::{ChatRequest, Inference, Message};
/// use serde_json::{Value, json};
///
/// let inference = Inference::new(client);
/// let reply: Value = inference.agent("support-bot").invoke(&json!({"inputs": "Hello"})).await?;
/// let answer = inference.model("fast").chat(&ChatRequest::new([Message::user("Hello")])).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Addresses
///
/// A workload is called under the first of these addresses that is known:
///
/// 1. the one set by `url` of the handle, such as a `metadata.url` read with `blaxel-management`;
/// 2. the one of an environment variable, if [`url_overrides`](Self::url_overrides) enables them;
/// 3. for an agent, its host inside of the platform, if `internal_hosts` (feature `internal-hosts`) enables them;
/// 4. the workload's own `metadata.url`, if `resolve` of the handle has looked it up;
/// 5. the origin of the run plane, `https://run.blaxel.ai`, with the workspace, the kind and the name
///    as the path.
///
/// The platform recommends the fourth, and serves the fifth for workloads that it has not moved. Public host
/// names are never parsed or composed, because workspaces and names both may contain hyphens.
#[derive(Clone)]
pub struct Inference<S> {
    service: S,
    overrides: Option<Overrides>,
    #[cfg(feature = "internal-hosts")]
    internal_hosts: Option<InternalHosts>,
}

impl<S: HttpService> Inference<S> {
    /// Creates the client over a service: a `blaxel_transport::Client`, the emulator's in-memory service, or a
    /// stack of your own.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self {
            service,
            overrides: None,
            #[cfg(feature = "internal-hosts")]
            internal_hosts: None,
        }
    }

    /// Sets the source of environment variables that override the addresses of single workloads, for instance
    /// with that of a server on this machine.
    ///
    /// The variables of the agent `my-bot` are `BL_AGENTS_MY_BOT_URL` and, after it, `BL_AGENT_MY_BOT_URL`;
    /// those of models, functions and sandboxes follow the same pattern. Names are in upper case, with `_` for
    /// `-`. An empty variable counts as unset. Plain `http` is accepted for loopback addresses only, because
    /// the credential is sent there too.
    ///
    /// Without a source, no variable is read. The variables are read when a handle is created:
    ///
    /// ```
    /// # use blaxel_core::HttpService;
    /// # fn example(client: impl HttpService) {
    /// use blaxel_inference::Inference;
    ///
    /// let inference = Inference::new(client).url_overrides(|name| std::env::var(name).ok());
    /// # }
    /// ```
    #[must_use]
    pub fn url_overrides<F>(mut self, variables: F) -> Self
    where
        F: Fn(&str) -> Option<String> + Send + Sync + 'static,
    {
        self.overrides = Some(Overrides::new(variables));
        self
    }

    /// Sets the hosts by which a workload on the platform calls agents without leaving the platform. By default they
    /// are not used.
    ///
    /// The client has to trust the hosts: see [`InternalHosts`].
    ///
    /// ```
    /// # use blaxel_core::{Error, HttpService};
    /// # fn example(client: impl HttpService) -> Result<(), Error> {
    /// use blaxel_inference::{Inference, InternalHosts};
    ///
    /// let mut inference = Inference::new(client);
    /// if let Some(hosts) = InternalHosts::from_variables(|name| std::env::var(name).ok())? {
    ///     inference = inference.internal_hosts(hosts);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "internal-hosts")]
    #[must_use]
    pub fn internal_hosts(mut self, hosts: InternalHosts) -> Self {
        self.internal_hosts = Some(hosts);
        self
    }

    /// Returns a handle on the agent `name`. Nothing is sent before it is called.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(inference: blaxel_inference::Inference<impl HttpService>) -> Result<(), Error> {
    /// use serde_json::{Value, json};
    ///
    /// let agent = inference.agent("support-bot").thread("t-42");
    /// let reply: Value = agent.invoke(&json!({"inputs": "Hello"})).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn agent(&self, name: impl Into<String>) -> AgentCall<S> {
        let name = name.into();
        let address = self.override_of(&WorkloadKind::AGENT, &name);
        #[cfg(feature = "internal-hosts")]
        let address = address.or_else(|| Some(self.internal_hosts.as_ref()?.address(&name)));
        AgentCall::new(self.service.clone(), name, address)
    }

    /// Returns a handle on the model `name`. Nothing is sent before it is called.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(inference: blaxel_inference::Inference<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_inference::{ChatRequest, Message};
    ///
    /// let model = inference.model("fast").resolve().await?;
    /// let answer = model.chat(&ChatRequest::new([Message::user("Hello")])).await?;
    /// println!("{}", answer.text().unwrap_or_default());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn model(&self, name: impl Into<String>) -> ModelCall<S> {
        let name = name.into();
        let override_address = self.override_of(&WorkloadKind::MODEL, &name);
        ModelCall::new(self.service.clone(), name, override_address)
    }

    /// Returns the task that this process executes, or `None` outside of a job.
    ///
    /// It is read from the variables that the platform sets in a job: `BL_EXECUTION_DATA_URL`, the
    /// address of the tasks of the execution, and `TASK_INDEX`, or the variable that `BL_TASK_KEY` names,
    /// the index of this task. Nothing is sent before the arguments are requested. `job::run` (feature `job`) is a
    /// whole program around it.
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
    /// [`Error::is_input`], naming the variable, if there are tasks but the index is missing or not a
    /// number.
    pub fn task<F>(&self, variables: F) -> Result<Option<JobTask<S>>, Error>
    where
        F: Fn(&str) -> Option<String>,
    {
        JobTask::find(self.service.clone(), variables)
    }

    fn override_of(&self, kind: &WorkloadKind, name: &str) -> Option<WorkloadAddress> {
        self.overrides.as_ref()?.address(kind, name)
    }

    /// Returns a handle on the MCP server of the function `name`. Nothing is sent before
    /// [`connect`](mcp::McpServer::connect). See [`mcp`] for an example.
    #[cfg(feature = "mcp")]
    #[must_use]
    pub fn function(&self, name: impl Into<String>) -> mcp::McpServer<S> {
        let name = name.into();
        let override_address = self.override_of(&WorkloadKind::FUNCTION, &name);
        mcp::McpServer::function(self.service.clone(), name, override_address)
    }

    /// Returns a handle on the MCP server of the sandbox `name`. Nothing is sent before
    /// [`connect`](mcp::McpServer::connect).
    ///
    /// Look up its address with [`resolve`](mcp::McpServer::resolve), or set it with
    /// [`url`](mcp::McpServer::url): only old sandboxes can be reached without.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(inference: blaxel_inference::Inference<impl HttpService>) -> Result<(), Error> {
    /// let server = inference.sandbox("my-sandbox").resolve().await?;
    /// for tool in server.connect().await?.tools().await? {
    ///     println!("{}", tool.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "mcp")]
    #[must_use]
    pub fn sandbox(&self, name: impl Into<String>) -> mcp::McpServer<S> {
        let name = name.into();
        let override_address = self.override_of(&WorkloadKind::SANDBOX, &name);
        mcp::McpServer::sandbox(self.service.clone(), name, override_address)
    }
}

impl<S> fmt::Debug for Inference<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inference").finish_non_exhaustive()
    }
}
