//! [`Sandbox`], the MCP server of a sandbox.

use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Map, Value};

use super::arguments::Outcome;
use super::tools::{Definition, TOOLS};
use super::{code, files, grep, processes, schema};
use crate::files::Files;
use crate::router::call::Call;
use crate::router::codegen::Provider;
use crate::router::path::Paths;
use crate::router::respond::Refusal;
use crate::state::State;

/// The server of a single request.
#[derive(Clone)]
pub(super) struct Sandbox(pub(super) Arc<State>);

impl Sandbox {
    /// Returns the tools that the server has now.
    fn tools(&self) -> impl Iterator<Item = &'static Definition> {
        let has_provider = Provider::of(&self.0).is_some();
        let tools = TOOLS.iter();
        tools.filter(move |tool| has_provider || !tool.needs_provider)
    }

    async fn call(&self, tool: &str, arguments: Value) -> Outcome {
        let state = &self.0;
        match tool {
            "processesList" => processes::list(state),
            "processExecute" => processes::execute(state, arguments).await,
            "processGet" => processes::get(state, arguments),
            "processGetLogs" => processes::logs(state, arguments),
            "processStop" => processes::stop(state, arguments).await,
            "processKill" => processes::kill(state, arguments).await,
            "fsGetWorkingDirectory" => Ok(serde_json::json!({"path": state.working_dir})),
            "fsListDirectory" => self.on_files(arguments, files::list_directory).await,
            "fsReadFile" => self.on_files(arguments, files::read_file).await,
            "fsWriteFile" => self.on_files(arguments, files::write).await,
            "fsEditFile" => self.on_files(arguments, files::edit).await,
            "fsDeleteFileOrDirectory" => self.on_files(arguments, files::delete).await,
            "codegenCodebaseSearch" => code::search_meanings(arguments),
            "codegenFileSearch" => self.on_files(arguments, code::search_names).await,
            "codegenGrepSearch" => grep::search(state, arguments).await,
            "codegenListDir" => self.on_files(arguments, code::list_directory).await,
            "codegenReadFileRange" => self.on_files(arguments, code::read_lines).await,
            "codegenReapply" => code::missing(tool),
            "codegenParallelApply" => code::missing(tool),
            "codegenEditFile" => self.on_files(arguments, code::edit).await,
            "codegenRerank" => match Provider::of(state) {
                Some(provider) => {
                    let rank = move |files: &dyn Files, paths: &Paths, arguments| {
                        code::rank(files, paths, provider, arguments)
                    };
                    self.on_files(arguments, rank).await
                }
                None => Err("failed to create codegen client: there is no key".into()),
            },
            name => Err(format!("unknown tool {name:?}").into()),
        }
    }

    /// Runs a tool on the files of the guest.
    async fn on_files(
        &self,
        arguments: Value,
        tool: impl FnOnce(&dyn Files, &Paths, Value) -> Outcome + Send + 'static,
    ) -> Outcome {
        let paths = Paths::of(&self.0);
        let done = Call::with_files(&self.0, move |files| {
            tool(files, &paths, arguments)
                .map_err(|failure| Refusal::unprocessable(failure.to_string()))
        });
        Ok(done.await?)
    }
}

impl ServerHandler for Sandbox {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        let info = Implementation::new("Sandbox API Server", "1.0.0");
        ServerConfig::new(capabilities).with_server_info(info)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let version = self.0.version();
        let tools = self.tools().map(|tool| tool.describe(version));
        Ok(ListToolsResult::with_all_items(
            tools.collect::<Vec<Tool>>(),
        ))
    }

    // The other lists are empty.

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(Vec::new()))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(Vec::new()))
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(Vec::new()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = self.tools().find(|tool| tool.name == request.name);
        let Some(tool) = tool else {
            let message = format!("unknown tool {:?}", request.name);
            return Err(ErrorData::invalid_params(message, None));
        };
        let arguments: Map<String, Value> = request.arguments.unwrap_or_default();
        if let Err(problem) = schema::check(&arguments, tool.takes) {
            return Ok(failed(format!("validating \"arguments\": {problem}")).into());
        }
        tokio::select! {
            outcome = self.call(tool.name, schema::with_integers(arguments.into())) => Ok(match outcome {
                Ok(result) => succeeded(result),
                Err(failure) => failed(failure.to_string()),
            }.into()),
            // The client has gone. A wait must not keep the sandbox.
            () = context.ct.cancelled() => Ok(failed("the call was cancelled".to_owned()).into()),
        }
    }
}

fn succeeded(result: Value) -> CallToolResult {
    let mut result = CallToolResult::structured(result);
    // It is only there for errors.
    result.is_error = None;
    result
}

fn failed(message: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(message)])
}
