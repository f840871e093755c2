//! A session with a server.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, Source};
use rmcp::RoleClient;
use rmcp::model::{ClientConfig, ClientRequest, CustomRequest, CustomResult, ServerResult};
use rmcp::service::{PeerRequestOptions, RunningService};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::error;
use super::exchange::{Awaited, Exchange, ExchangeRef, ProgressListener};
use super::model::{
    Listed, Progress, Prompt, PromptOutput, Resource, ResourceContents, ResourceTemplate,
    ServerInfo, Tool, ToolOutput,
};
use super::session::Shared;

/// The most pages that a list is read in. A server that has more gives no end to them.
const MOST_PAGES: usize = 10_000;

/// A session with an MCP server, begun by [`McpServer::connect`](super::McpServer::connect).
///
/// Any number of calls may be under way at once. A call may be dropped while it waits: the server is
/// told that it is off (`notifications/cancelled`). A session that the server has lost is begun anew,
/// and what was refused for it is sent once more.
///
/// [`close`](Self::close) ends the session at the server. A client that is dropped instead sends
/// nothing more, its calls under way included: the server drops the session in its own time.
pub struct McpClient {
    running: RunningService<RoleClient, ClientConfig>,
    shared: Arc<Shared>,
    info: ServerInfo,
    /// Ends every request under way when it goes.
    _owner: watch::Sender<()>,
}

impl McpClient {
    pub(super) fn new(
        running: RunningService<RoleClient, ClientConfig>,
        owner: watch::Sender<()>,
        shared: Arc<Shared>,
    ) -> Result<Self, Error> {
        let info = serde_json::to_value(running.peer().peer_info());
        let info = info
            .and_then(ServerInfo::read)
            .map_err(|problem| error::unreadable("initialize", problem))
            .map_err(|error| error::named(error, &shared.operations.call))?;
        Ok(Self {
            running,
            shared,
            info,
            _owner: owner,
        })
    }

    /// What the server says about itself.
    #[must_use]
    pub fn server_info(&self) -> &ServerInfo {
        &self.info
    }

    /// Asks for a sign of life. `ping`
    ///
    /// # Errors
    ///
    /// As for [`request`](Self::request).
    pub async fn ping(&self) -> Result<(), Error> {
        self.request("ping", Value::Null).await.map(drop)
    }

    /// The tools of the server, all pages of them. `tools/list`
    ///
    /// # Errors
    ///
    /// As for [`request`](Self::request), and [`ErrorKind::Pagination`](blaxel_core::ErrorKind) if
    /// the pages come to no end.
    pub async fn tools(&self) -> Result<Vec<Tool>, Error> {
        self.list("tools/list").await
    }

    /// The resources of the server, all pages of them. `resources/list`
    ///
    /// # Errors
    ///
    /// As for [`tools`](Self::tools).
    pub async fn resources(&self) -> Result<Vec<Resource>, Error> {
        self.list("resources/list").await
    }

    /// The patterns of addresses under which the server has more resources, all pages of them.
    /// `resources/templates/list`
    ///
    /// # Errors
    ///
    /// As for [`tools`](Self::tools).
    pub async fn resource_templates(&self) -> Result<Vec<ResourceTemplate>, Error> {
        self.list("resources/templates/list").await
    }

    /// The prompts of the server, all pages of them. `prompts/list`
    ///
    /// # Errors
    ///
    /// As for [`tools`](Self::tools).
    pub async fn prompts(&self) -> Result<Vec<Prompt>, Error> {
        self.list("prompts/list").await
    }

    /// The tool of that name. Nothing is sent before it is called.
    pub fn tool(&self, name: impl Into<String>) -> ToolCall<'_> {
        ToolCall {
            client: self,
            name: name.into(),
            progress: None,
        }
    }

    /// Reads a resource. `resources/read`
    ///
    /// # Errors
    ///
    /// As for [`request`](Self::request); [`JsonRpcError::RESOURCE_NOT_FOUND`] if there is none of
    /// this address.
    ///
    /// [`JsonRpcError::RESOURCE_NOT_FOUND`]: super::JsonRpcError::RESOURCE_NOT_FOUND
    pub async fn read_resource(&self, uri: &str) -> Result<Vec<ResourceContents>, Error> {
        #[derive(Deserialize)]
        struct Read {
            contents: Vec<ResourceContents>,
        }
        let read: Read = self.ask("resources/read", json!({"uri": uri})).await?;
        Ok(read.contents)
    }

    /// Fills in a prompt. `prompts/get`
    ///
    /// The arguments are an object whose members are texts, or `()` for none.
    ///
    /// # Errors
    ///
    /// As for [`request`](Self::request), and [`Error::is_input`] for arguments that are no object.
    pub async fn prompt(
        &self,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<PromptOutput, Error> {
        let params = named(name, arguments)?;
        self.ask("prompts/get", params).await
    }

    /// Sends any request that the protocol has, `completion/complete` for instance, and hands back its
    /// result as it came. The parameters are an object, or null for none.
    ///
    /// # Errors
    ///
    /// When the connection fails; the gateway's error, or the server's as a
    /// [`JsonRpcError`](super::JsonRpcError); [`Error::is_decode`] if the answer cannot be understood.
    pub async fn request(&self, method: &str, params: Value) -> Result<Value, Error> {
        self.exchange(method, params, None).await
    }

    /// Ends the session and waits for the end. `DELETE .../mcp` if the server has given it an id. Calls
    /// under way end with it. It takes some seconds at most, whatever the server does.
    ///
    /// # Errors
    ///
    /// If the server does not end the session. It is of no more use in any case.
    pub async fn close(mut self) -> Result<(), Error> {
        self.shared.take_failure();
        // A task that was aborted has ended too.
        let _ = self.running.close().await;
        match self.shared.take_failure() {
            Some(failure) => Err(error::named(failure, &self.shared.operations.end)),
            None => Ok(()),
        }
    }

    async fn exchange(
        &self,
        method: &str,
        params: Value,
        progress: Option<ProgressListener>,
    ) -> Result<Value, Error> {
        let exchange = Exchange::new(progress);
        let params = (!params.is_null()).then_some(params);
        let mut request = CustomRequest::new(method, params);
        request
            .extensions
            .insert(ExchangeRef(Arc::downgrade(&exchange)));
        let request = ClientRequest::CustomRequest(request);
        let options = PeerRequestOptions::no_options();
        let outcome = match self
            .running
            .send_cancellable_request(request, options)
            .await
        {
            Ok(handle) => Awaited::new(handle).await,
            Err(problem) => Err(problem),
        };
        match outcome {
            Ok(ServerResult::CustomResult(CustomResult(result))) => Ok(result),
            Ok(result) => {
                serde_json::to_value(result).map_err(|problem| error::unreadable(method, problem))
            }
            Err(problem) => Err(error::of_request(problem, exchange.failure())),
        }
        .map_err(|error| error::named(error, &self.shared.operations.call))
    }

    async fn ask<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T, Error> {
        self.read(method, self.exchange(method, params, None).await?)
    }

    fn read<T: DeserializeOwned>(&self, method: &str, result: Value) -> Result<T, Error> {
        serde_json::from_value(result)
            .map_err(|problem| error::unreadable(method, problem))
            .map_err(|error| error::named(error, &self.shared.operations.call))
    }

    async fn list<T: Listed>(&self, method: &str) -> Result<Vec<T>, Error> {
        let endless = |message: String| {
            error::named(Error::pagination(message), &self.shared.operations.call)
        };
        let mut items = Vec::new();
        let mut cursors = HashSet::new();
        let mut params = Value::Null;
        loop {
            let mut page = self.exchange(method, params, None).await?;
            let cursor = page["nextCursor"].take();
            let more: Vec<T> = self.read(method, page[T::MEMBER].take())?;
            items.extend(more);
            let Some(cursor) = cursor.as_str().filter(|cursor| !cursor.is_empty()) else {
                return Ok(items);
            };
            if !cursors.insert(cursor.to_owned()) {
                return Err(endless(format!("`{method}` gave one cursor twice")));
            }
            if cursors.len() >= MOST_PAGES {
                return Err(endless(format!(
                    "`{method}` has more than {MOST_PAGES} pages"
                )));
            }
            params = json!({"cursor": cursor});
        }
    }
}

impl fmt::Debug for McpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpClient")
            .field("server", &self.info.name)
            .finish_non_exhaustive()
    }
}

/// A tool to be called. It is got from [`McpClient::tool`].
#[derive(Clone)]
#[must_use = "nothing is sent before it is called"]
pub struct ToolCall<'a> {
    client: &'a McpClient,
    name: String,
    progress: Option<ProgressListener>,
}

impl ToolCall<'_> {
    /// Hears how far the tool has come, in order and before its output, if the tool tells. The
    /// listener must not block.
    pub fn on_progress(mut self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(listener));
        self
    }

    /// Calls the tool. `tools/call`
    ///
    /// The arguments are an object as the tool's [`input_schema`](Tool::input_schema) has it, or `()`
    /// for none. A tool that fails says so in its output, see [`ToolOutput::is_error`]: that is for
    /// the model to read.
    ///
    /// # Errors
    ///
    /// As for [`McpClient::request`], and [`Error::is_input`] for arguments that are no object. A call
    /// is never known to be repeatable: if the connection fails midway, [`Error::maybe_applied`] holds.
    pub async fn call(&self, arguments: &(impl Serialize + ?Sized)) -> Result<ToolOutput, Error> {
        let params = named(&self.name, arguments)?;
        let client = self.client;
        let result = client
            .exchange("tools/call", params, self.progress.clone())
            .await?;
        client.read("tools/call", result)
    }
}

impl fmt::Debug for ToolCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ToolCall").field(&self.name).finish()
    }
}

/// The parameters of a request for something that has a name.
fn named(name: &str, arguments: &(impl Serialize + ?Sized)) -> Result<Value, Error> {
    let unusable = |problem: &dyn fmt::Display| Error::input("arguments", &Source::Code, problem);
    let arguments = serde_json::to_value(arguments).map_err(|problem| unusable(&problem))?;
    match arguments {
        Value::Null => Ok(json!({"name": name})),
        Value::Object(arguments) => Ok(json!({"name": name, "arguments": arguments})),
        _ => Err(unusable(&"they are no object")),
    }
}
