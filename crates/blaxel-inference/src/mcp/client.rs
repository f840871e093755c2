//! A session with a server, and the calls in it.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{CallOptions, Error, Source};
use rmcp::RoleClient;
use rmcp::model::{ClientConfig, ClientRequest, CustomRequest, CustomResult, ServerResult};
use rmcp::service::{PeerRequestOptions, RunningService};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::error;
use super::exchange::{Awaited, Exchange, ExchangeRef, ProgressListener};
use super::model::{
    Listed, Progress, Prompt, PromptOutput, Resource, ResourceContents, ResourceTemplate,
    ServerInfo, Tool, ToolOutput,
};
use super::shared::Shared;

/// Maximum number of pages of a list. More of them are taken for a list without an end.
const MOST_PAGES: usize = 10_000;

/// A session with an MCP server, begun by [`McpServer::connect`](super::McpServer::connect).
///
/// Any number of calls may be in flight at once. Dropping the future of a call cancels it at the server
/// (`notifications/cancelled`). If the server has lost the session, a new one is begun, and the request
/// that was refused for it is sent once more.
///
/// [`close`](Self::close) ends the session at the server. A client that is dropped instead sends nothing
/// more, and its calls in flight end: the server drops the session in its own time.
pub struct McpClient {
    running: RunningService<RoleClient, ClientConfig>,
    shared: Arc<Shared>,
    info: ServerInfo,
    /// Ends every request in flight when it is dropped.
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

    /// Returns what the server says about itself.
    #[must_use]
    pub fn server_info(&self) -> &ServerInfo {
        &self.info
    }

    /// Checks that the server responds. `ping`
    ///
    /// # Errors
    ///
    /// As for [`request`](Self::request).
    pub async fn ping(&self) -> Result<(), Error> {
        self.request("ping", &()).await.map(drop)
    }

    /// Lists the tools of the server, all pages of them. `tools/list`
    ///
    /// # Errors
    ///
    /// As for [`request`](Self::request), and [`ErrorKind::Pagination`](blaxel_core::ErrorKind) if
    /// the server repeats a cursor or gives more than 10,000 pages.
    pub async fn tools(&self) -> Result<Vec<Tool>, Error> {
        self.list("tools/list").await
    }

    /// Lists the resources of the server, all pages of them. `resources/list`
    ///
    /// # Errors
    ///
    /// As for [`tools`](Self::tools).
    pub async fn resources(&self) -> Result<Vec<Resource>, Error> {
        self.list("resources/list").await
    }

    /// Lists the resource templates of the server, all pages of them. `resources/templates/list`
    ///
    /// # Errors
    ///
    /// As for [`tools`](Self::tools).
    pub async fn resource_templates(&self) -> Result<Vec<ResourceTemplate>, Error> {
        self.list("resources/templates/list").await
    }

    /// Lists the prompts of the server, all pages of them. `prompts/list`
    ///
    /// # Errors
    ///
    /// As for [`tools`](Self::tools).
    pub async fn prompts(&self) -> Result<Vec<Prompt>, Error> {
        self.list("prompts/list").await
    }

    /// Returns a handle on the tool of this name. Nothing is sent before it is called.
    ///
    /// ```no_run
    /// # async fn example(mcp: blaxel_inference::mcp::McpClient) -> Result<(), blaxel_core::Error> {
    /// use blaxel_core::CallOptions;
    /// use serde_json::json;
    ///
    /// // A search has no side effects, so it may be repeated after a failure.
    /// let output = mcp
    ///     .tool("search")
    ///     .options(CallOptions::new().with_idempotent(true))
    ///     .on_progress(|progress| println!("{} done", progress.progress))
    ///     .call(&json!({"query": "tower services"}))
    ///     .await?;
    /// println!("{}", output.text());
    /// # Ok(())
    /// # }
    /// ```
    pub fn tool(&self, name: impl Into<String>) -> ToolCall<'_> {
        ToolCall {
            client: self,
            name: name.into(),
            progress: None,
            options: None,
        }
    }

    /// Reads a resource. `resources/read`
    ///
    /// # Errors
    ///
    /// As for [`request`](Self::request); [`JsonRpcError::RESOURCE_NOT_FOUND`] if there is no
    /// resource of this URI.
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

    /// Renders a prompt with arguments. `prompts/get`
    ///
    /// The arguments are an object whose members are strings, or `()` for none.
    ///
    /// # Errors
    ///
    /// As for [`request`](Self::request).
    pub async fn prompt(
        &self,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<PromptOutput, Error> {
        let params = named(name, arguments)?;
        self.ask("prompts/get", params).await
    }

    /// Sends any request of the protocol, such as `completion/complete`, and returns its result as JSON.
    /// The parameters are an object, or `()` for none.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for parameters that are not an object;
    /// [`ErrorKind::Transport`](blaxel_core::ErrorKind) if the connection fails; the gateway's error, or
    /// the server's as a [`JsonRpcError`](super::JsonRpcError); [`Error::is_decode`] if the response
    /// cannot be understood.
    pub async fn request(
        &self,
        method: &str,
        params: &(impl Serialize + ?Sized),
    ) -> Result<Value, Error> {
        let params = object("parameters", params)?.map_or(Value::Null, Value::Object);
        self.exchange(method, params, Exchange::new(None, None))
            .await
    }

    /// Ends the session and waits for the end. `DELETE .../mcp` if the server has given it an id. Calls
    /// in flight end with it. It takes some seconds at most, whatever the server does.
    ///
    /// # Errors
    ///
    /// The error of the request if the server does not end the session. The session cannot be used any
    /// more in either case.
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
        exchange: Arc<Exchange>,
    ) -> Result<Value, Error> {
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
        let exchange = Exchange::new(None, None);
        self.read(method, self.exchange(method, params, exchange).await?)
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
            let exchange = Exchange::new(None, None);
            let mut page = self.exchange(method, params, exchange).await?;
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

/// A handle on a tool. It is obtained from [`McpClient::tool`].
#[derive(Clone)]
#[must_use = "nothing is sent before it is called"]
pub struct ToolCall<'a> {
    client: &'a McpClient,
    name: String,
    progress: Option<ProgressListener>,
    options: Option<CallOptions>,
}

impl ToolCall<'_> {
    /// Calls a function with each progress report of the tool, in order and before its output. The
    /// function must not block. Not every tool reports progress.
    pub fn on_progress(mut self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(listener));
        self
    }

    /// Sets the options of the call. They replace those of the server's handle and of the client.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = Some(options);
        self
    }

    /// Calls the tool. `tools/call`
    ///
    /// The arguments are an object by the tool's [`input_schema`](Tool::input_schema), or `()` for none.
    /// A tool that fails reports it in its output, see [`ToolOutput::is_error`]: that is for the model
    /// to read.
    ///
    /// A call is not idempotent unless its [options](Self::options) say so: if the connection fails
    /// midway, it is not repeated, and [`Error::maybe_applied`] returns `true`.
    ///
    /// # Errors
    ///
    /// As for [`McpClient::request`].
    pub async fn call(&self, arguments: &(impl Serialize + ?Sized)) -> Result<ToolOutput, Error> {
        let params = named(&self.name, arguments)?;
        let exchange = Exchange::new(self.progress.clone(), self.options);
        let result = self.client.exchange("tools/call", params, exchange).await?;
        self.client.read("tools/call", result)
    }
}

impl fmt::Debug for ToolCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ToolCall").field(&self.name).finish()
    }
}

/// Makes the parameters of a request for something that has a name.
fn named(name: &str, arguments: &(impl Serialize + ?Sized)) -> Result<Value, Error> {
    Ok(match object("arguments", arguments)? {
        None => json!({"name": name}),
        Some(arguments) => json!({"name": name, "arguments": arguments}),
    })
}

/// Writes an object as JSON; `None` for null.
fn object(
    input: &'static str,
    value: &(impl Serialize + ?Sized),
) -> Result<Option<Map<String, Value>>, Error> {
    let unusable = |problem: &dyn fmt::Display| Error::input(input, &Source::Code, problem);
    match serde_json::to_value(value).map_err(|problem| unusable(&problem))? {
        Value::Null => Ok(None),
        Value::Object(members) => Ok(Some(members)),
        _ => Err(unusable(&"they are no object")),
    }
}
