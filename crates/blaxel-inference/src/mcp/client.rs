//! A session with a server, and the calls in it.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{CallOptions, Error, Source};
use rmcp::RoleClient;
use rmcp::model::{ClientConfig, ClientRequest, CustomRequest};
use rmcp::service::{PeerRequestOptions, RunningService};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::error;
use super::exchange::{Exchange, ExchangeRef, PendingResult, ProgressListener};
use super::lenient;
use super::model::{
    Listed, Progress, Prompt, Resource, ResourceContents, ResourceTemplate, ServerInfo, Tool,
};
use super::output::{PromptOutput, ToolOutput};
use super::shared::Shared;

/// The maximum number of pages of a list. A list with more pages is assumed to be endless.
const MAX_PAGES: usize = 10_000;

/// A session with an MCP server, created by [`McpServer::connect`](super::McpServer::connect).
///
/// Any number of calls may be in flight at once. Dropping the future of a call cancels it at the server
/// (`notifications/cancelled`). If the server has lost a session over HTTP, a new one is started, and the request
/// that was refused for this reason is sent once more. A session by WebSocket ends with its connection.
///
/// Every call ends within its time limit, whatever the server does: the deadline of its
/// [options](CallOptions::with_deadline), otherwise the client's limit on calls to workloads, which is 15 minutes by
/// default. It covers all of the call, including the wait for the rest of a streamed or resumed response.
///
/// [`close`](Self::close) ends the session at the server. A client that is dropped sends nothing more, and its
/// calls in flight end; the server then ends the session after its own timeout.
///
/// ```no_run
/// # async fn example(mcp: blaxel_inference::mcp::McpClient) -> Result<(), blaxel_core::Error> {
/// use serde_json::json;
///
/// let tools = mcp.tools().await?;
/// println!("{} tools of {}", tools.len(), mcp.server_info().name);
/// for template in mcp.resource_templates().await? {
///     println!("{}", template.uri_template);
/// }
/// let output = mcp.tool("add").call(&json!({"a": 2, "b": 40})).await?;
/// println!("{}", output.text());
/// mcp.close().await?;
/// # Ok(())
/// # }
/// ```
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
        info: ServerInfo,
    ) -> Self {
        Self {
            running,
            shared,
            info,
            _owner: owner,
        }
    }

    /// Returns the information that the server gives about itself.
    ///
    /// ```no_run
    /// # async fn example(mcp: blaxel_inference::mcp::McpClient) -> Result<(), blaxel_core::Error> {
    /// let info = mcp.server_info();
    /// println!("{} {} ({})", info.name, info.version, info.protocol_version);
    /// if info.capabilities.contains_key("prompts") {
    ///     println!("{} prompts", mcp.prompts().await?.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn server_info(&self) -> &ServerInfo {
        &self.info
    }

    /// Checks that the server responds (`ping`).
    ///
    /// ```no_run
    /// # async fn example(mcp: blaxel_inference::mcp::McpClient) -> Result<(), blaxel_core::Error> {
    /// mcp.ping().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`request`](Self::request).
    pub async fn ping(&self) -> Result<(), Error> {
        self.request("ping", &()).await.map(drop)
    }

    /// Lists all tools of the server, over all pages (`tools/list`).
    ///
    /// A tool without a usable name cannot be called. It is left out, and reported as a `tracing` event of the
    /// level `WARN`. The other lists do the same.
    ///
    /// ```no_run
    /// # async fn example(mcp: blaxel_inference::mcp::McpClient) -> Result<(), blaxel_core::Error> {
    /// for tool in mcp.tools().await? {
    ///     println!("{}: {}", tool.name, tool.input_schema);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`request`](Self::request), and [`ErrorKind::Pagination`](blaxel_core::ErrorKind) if
    /// the server repeats a cursor or returns more than 10,000 pages.
    pub async fn tools(&self) -> Result<Vec<Tool>, Error> {
        self.list("tools/list").await
    }

    /// Lists all resources of the server, over all pages (`resources/list`).
    ///
    /// # Errors
    ///
    /// Those of [`tools`](Self::tools).
    pub async fn resources(&self) -> Result<Vec<Resource>, Error> {
        self.list("resources/list").await
    }

    /// Lists all resource templates of the server, over all pages (`resources/templates/list`).
    ///
    /// # Errors
    ///
    /// Those of [`tools`](Self::tools).
    pub async fn resource_templates(&self) -> Result<Vec<ResourceTemplate>, Error> {
        self.list("resources/templates/list").await
    }

    /// Lists all prompts of the server, over all pages (`prompts/list`).
    ///
    /// # Errors
    ///
    /// Those of [`tools`](Self::tools).
    pub async fn prompts(&self) -> Result<Vec<Prompt>, Error> {
        self.list("prompts/list").await
    }

    /// Returns a handle on the tool `name`. Nothing is sent before it is called.
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

    /// Reads a resource (`resources/read`).
    ///
    /// ```no_run
    /// # async fn example(mcp: blaxel_inference::mcp::McpClient) -> Result<(), blaxel_core::Error> {
    /// for resource in mcp.resources().await? {
    ///     for contents in mcp.read_resource(&resource.uri).await? {
    ///         println!("{}", contents.text.unwrap_or_default());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`request`](Self::request); [`JsonRpcError::RESOURCE_NOT_FOUND`] if there is no
    /// resource with this URI.
    ///
    /// [`JsonRpcError::RESOURCE_NOT_FOUND`]: super::JsonRpcError::RESOURCE_NOT_FOUND
    pub async fn read_resource(&self, uri: &str) -> Result<Vec<ResourceContents>, Error> {
        #[derive(Deserialize)]
        struct Read {
            #[serde(default, deserialize_with = "lenient::list")]
            contents: Vec<ResourceContents>,
        }
        let read: Read = self
            .request_as("resources/read", json!({"uri": uri}))
            .await?;
        Ok(read.contents)
    }

    /// Renders a prompt with arguments (`prompts/get`).
    ///
    /// The arguments are an object whose members are strings, or `()` for none.
    ///
    /// ```no_run
    /// # async fn example(mcp: blaxel_inference::mcp::McpClient) -> Result<(), blaxel_core::Error> {
    /// use serde_json::json;
    ///
    /// let arguments = json!({"text": "Guten Tag", "language": "Welsh"});
    /// for message in mcp.prompt("translate", &arguments).await?.messages {
    ///     println!("{}: {}", message.role, message.content.text().unwrap_or_default());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`request`](Self::request).
    pub async fn prompt(
        &self,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<PromptOutput, Error> {
        let params = named_params(name, arguments)?;
        self.request_as("prompts/get", params).await
    }

    /// Sends any request of the protocol, such as `completion/complete`, and returns its result as JSON.
    /// The parameters are an object, or `()` for none.
    ///
    /// ```no_run
    /// # async fn example(mcp: blaxel_inference::mcp::McpClient) -> Result<(), blaxel_core::Error> {
    /// use serde_json::json;
    ///
    /// let reference = json!({"type": "ref/prompt", "name": "translate"});
    /// let argument = json!({"name": "language", "value": "We"});
    /// let params = json!({"ref": reference, "argument": argument});
    /// let completed = mcp.request("completion/complete", &params).await?;
    /// println!("{}", completed["completion"]["values"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for parameters that are not an object;
    /// [`ErrorKind::Transport`](blaxel_core::ErrorKind) if the connection fails, or the response ends without a
    /// result; [`Error::is_timeout`] if the time limit on the call expires before the result arrives; the gateway's
    /// error, or the server's as a [`JsonRpcError`](super::JsonRpcError); [`Error::is_decode`] if the response is
    /// malformed or belongs to another request.
    pub async fn request(
        &self,
        method: &str,
        params: &(impl Serialize + ?Sized),
    ) -> Result<Value, Error> {
        let params = object("parameters", params)?.map_or(Value::Null, Value::Object);
        self.exchange(method, params, self.new_exchange()).await
    }

    /// Ends the session and waits for the end (`DELETE .../mcp`, if the server has assigned a session id). Calls
    /// in flight end with it. It takes a few seconds at most, whatever the server does.
    ///
    /// ```no_run
    /// # async fn example(mcp: blaxel_inference::mcp::McpClient) -> Result<(), blaxel_core::Error> {
    /// mcp.close().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the request if the server does not end the session. The session is not usable any more in
    /// either case.
    pub async fn close(mut self) -> Result<(), Error> {
        self.shared.take_failure();
        // An aborted task has ended too, so the result does not matter.
        let _ = self.running.close().await;
        match self.shared.take_failure() {
            Some(failure) => Err(error::in_operation(failure, &self.shared.operations.end)),
            None => Ok(()),
        }
    }

    /// Creates the state of a request with the options of the server's handle.
    fn new_exchange(&self) -> Arc<Exchange> {
        Exchange::new(None, self.shared.target.options())
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
        let round_trip = async {
            let options = PeerRequestOptions::no_options();
            let sent = self.running.send_cancellable_request(request, options);
            let outcome = match sent.await {
                Ok(handle) => PendingResult::new(handle).await,
                Err(problem) => Err(problem),
            };
            match (exchange.take_outcome(), outcome) {
                (Some(outcome), _) => outcome,
                (None, Ok(_)) => Err(error::unexpected_result(method)),
                (None, Err(problem)) => Err(match self.shared.end() {
                    // The session ended before the request.
                    Some(reason) => error::ended(reason),
                    None => error::from_service_error(problem),
                }),
            }
        };
        let _registration = self.shared.pending.registration(&exchange);
        let outcome = match exchange.within_limit(round_trip).await {
            // A response that has just arrived takes precedence over the time limit.
            Err(error) => match exchange.take_outcome() {
                Some(Ok(result)) => Ok(result),
                _ => Err(error),
            },
            outcome => outcome,
        };
        outcome.map_err(|error| error::in_operation(error, &self.shared.operations.call))
    }

    /// Sends a request and decodes its result.
    async fn request_as<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<T, Error> {
        let exchange = self.new_exchange();
        self.read(method, self.exchange(method, params, exchange).await?)
    }

    fn read<T: DeserializeOwned>(&self, method: &str, result: Value) -> Result<T, Error> {
        T::deserialize(result).map_err(|problem| {
            let error = error::unexpected_result(method).caused_by(problem);
            error::in_operation(error, &self.shared.operations.call)
        })
    }

    async fn list<T: Listed>(&self, method: &str) -> Result<Vec<T>, Error> {
        let pagination_error = |message: String| {
            error::in_operation(Error::pagination(message), &self.shared.operations.call)
        };
        let mut items: Vec<T> = Vec::new();
        let mut cursors = HashSet::new();
        let mut params = Value::Null;
        loop {
            let exchange = self.new_exchange();
            let page = self.exchange(method, params, exchange).await?;
            let (list, cursor) = match page {
                Value::Object(mut page) => {
                    let list = page.remove(T::MEMBER).unwrap_or_default();
                    (list, page.remove("nextCursor"))
                }
                // Some servers send the list itself.
                Value::Array(_) => (page, None),
                _ => {
                    let error = error::unexpected_result(method);
                    return Err(error::in_operation(error, &self.shared.operations.call));
                }
            };
            items.extend(lenient::items(list));
            let cursor = match cursor {
                None | Some(Value::Null | Value::Bool(_)) => return Ok(items),
                Some(Value::String(text)) if text.is_empty() => return Ok(items),
                Some(cursor) => cursor,
            };
            if !cursors.insert(cursor.to_string()) {
                return Err(pagination_error(format!(
                    "`{method}` returned the same cursor twice"
                )));
            }
            if cursors.len() >= MAX_PAGES {
                return Err(pagination_error(format!(
                    "`{method}` has more than {MAX_PAGES} pages"
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
    /// Sets a function that is called with each progress report of the tool, in order and before the output. It
    /// must not block. Not every tool reports progress.
    pub fn on_progress(mut self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(listener));
        self
    }

    /// Sets the options of the call. They replace those of the server's handle and of the client.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = Some(options);
        self
    }

    /// Calls the tool (`tools/call`). See [`McpClient::tool`] for an example.
    ///
    /// The arguments are an object that matches the tool's [`input_schema`](Tool::input_schema), or `()`
    /// for none. A tool that fails reports it in its output, see [`ToolOutput::is_error`]: that is for the
    /// model to read.
    ///
    /// A call is not idempotent unless its [options](Self::options) say so: if the connection fails
    /// midway, it is not repeated, and [`Error::maybe_applied`] returns `true`.
    ///
    /// # Errors
    ///
    /// Those of [`McpClient::request`].
    pub async fn call(&self, arguments: &(impl Serialize + ?Sized)) -> Result<ToolOutput, Error> {
        let params = named_params(&self.name, arguments)?;
        let options = self.options.or(self.client.shared.target.options());
        let exchange = Exchange::new(self.progress.clone(), options);
        let result = self.client.exchange("tools/call", params, exchange).await?;
        Ok(ToolOutput::read(result))
    }
}

impl fmt::Debug for ToolCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ToolCall").field(&self.name).finish()
    }
}

/// Creates the parameters of a request for a named item.
fn named_params(name: &str, arguments: &(impl Serialize + ?Sized)) -> Result<Value, Error> {
    Ok(match object("arguments", arguments)? {
        None => json!({"name": name}),
        Some(arguments) => json!({"name": name, "arguments": arguments}),
    })
}

/// Serializes an object as JSON; `None` for null.
fn object(
    input: &'static str,
    value: &(impl Serialize + ?Sized),
) -> Result<Option<Map<String, Value>>, Error> {
    let invalid = |problem: &dyn fmt::Display| Error::input(input, &Source::Code, problem);
    match serde_json::to_value(value).map_err(|problem| invalid(&problem))? {
        Value::Null => Ok(None),
        Value::Object(members) => Ok(Some(members)),
        _ => Err(invalid(&"the value is not an object")),
    }
}
