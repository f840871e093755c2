//! The MCP server of a function.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, GetPromptRequestParams,
    GetPromptResponse, GetPromptResult, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProgressNotificationParam, PromptMessage, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, Resource, ResourceContents, Role, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::definitions;

/// The smallest possible GIF, with a single pixel.
const PICTURE: &str = "R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==";
/// The highest number that `count` accepts.
const MAX_COUNT: u32 = 10_000;

/// A function as an MCP server.
#[derive(Clone)]
pub(crate) struct Function {
    name: String,
    /// The default pause between two steps.
    pause: Duration,
}

impl Function {
    pub(super) fn new(name: &str, pause: Duration) -> Self {
        Self {
            name: name.to_owned(),
            pause,
        }
    }

    async fn count(
        &self,
        arguments: Arguments,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Count {
            to: u32,
            pause_ms: Option<u64>,
        }
        let Count { to, pause_ms } = arguments.read()?;
        if to > MAX_COUNT {
            let message = format!("The number is larger than {MAX_COUNT}");
            return Err(ErrorData::invalid_params(message, None));
        }
        let pause = pause_ms.map_or(self.pause, Duration::from_millis);
        let token = context.meta.get_progress_token();
        for step in 1..=to {
            if let Some(token) = token.clone() {
                let progress = ProgressNotificationParam::new(token, f64::from(step))
                    .with_total(f64::from(to))
                    .with_message(format!("{step} of {to}"));
                // A client that no longer listens is not an error.
                let _ = context.peer.notify_progress(progress).await;
            }
            let resting = async {
                if pause.is_zero() {
                    tokio::task::yield_now().await;
                } else {
                    tokio::time::sleep(pause).await;
                }
            };
            tokio::select! {
                () = resting => {}
                () = context.ct.cancelled() => {
                    return Ok(CallToolResult::error(vec![ContentBlock::text("The call was cancelled.")]));
                }
            }
        }
        Ok(text_result(format!("counted to {to}")))
    }

    fn show_note(&self, arguments: Arguments) -> Result<CallToolResult, ErrorData> {
        #[derive(Deserialize)]
        struct Note {
            number: usize,
        }
        let Note { number } = arguments.read()?;
        let uri = definitions::note_uri(&self.name, number);
        let note = self.note(&uri)?;
        let link = Resource::new(uri, format!("note-{number}"));
        Ok(CallToolResult::success(vec![
            ContentBlock::resource(note),
            ContentBlock::ResourceLink(link),
            ContentBlock::image(PICTURE, "image/gif"),
        ]))
    }

    /// Returns the note with this URI. Notes of even numbers are binary.
    fn note(&self, uri: &str) -> Result<ResourceContents, ErrorData> {
        let number = (1..=definitions::NOTES)
            .find(|number| definitions::note_uri(&self.name, *number) == uri);
        let Some(number) = number else {
            let data = json!({"uri": uri});
            return Err(ErrorData::resource_not_found(
                "There is no such resource",
                Some(data),
            ));
        };
        let text = format!("Note {number} of {}.", self.name);
        Ok(if number % 2 == 0 {
            ResourceContents::blob(BASE64_STANDARD.encode(text), uri)
                .with_mime_type("application/octet-stream")
        } else {
            ResourceContents::text(text, uri)
        })
    }
}

/// The arguments of a tool call.
struct Arguments(Map<String, Value>);

impl Arguments {
    fn new(given: Option<Map<String, Value>>) -> Self {
        Self(given.unwrap_or_default())
    }

    fn read<T: DeserializeOwned>(self) -> Result<T, ErrorData> {
        serde_json::from_value(Value::Object(self.0))
            .map_err(|problem| ErrorData::invalid_params(problem.to_string(), None))
    }

    fn text(&self, name: &str) -> Result<&str, ErrorData> {
        self.0.get(name).and_then(Value::as_str).ok_or_else(|| {
            ErrorData::invalid_params(format!("The argument {name:?} is not a text"), None)
        })
    }

    fn number(&self, name: &str) -> Result<f64, ErrorData> {
        self.0.get(name).and_then(Value::as_f64).ok_or_else(|| {
            ErrorData::invalid_params(format!("The argument {name:?} is not a number"), None)
        })
    }
}

fn text_result(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

fn cursor(request: Option<&PaginatedRequestParams>) -> Option<&str> {
    request?.cursor.as_deref()
}

impl ServerHandler for Function {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_resources()
            .enable_prompts()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new(&self.name, env!("CARGO_PKG_VERSION")))
            .with_instructions(format!("The emulated function {}.", self.name))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let (tools, next) =
            definitions::page(definitions::tools(&self.name), cursor(request.as_ref()))?;
        let mut result = ListToolsResult::with_all_items(tools);
        result.next_cursor = next;
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Arguments::new(request.arguments);
        let about = format!("about_{}", self.name.replace('-', "_"));
        let result = match request.name.as_ref() {
            "echo" => text_result(arguments.text("text")?),
            "add" => {
                let sum = arguments.number("a")? + arguments.number("b")?;
                CallToolResult::structured(json!({"sum": sum}))
            }
            "count" => self.count(arguments, &context).await?,
            "fail" => CallToolResult::error(vec![ContentBlock::text(arguments.text("reason")?)]),
            "show_note" => self.show_note(arguments)?,
            "announce" => {
                let _ = context.peer.notify_tool_list_changed().await;
                text_result("announced")
            }
            name if name == about => text_result(format!("This is the function {}.", self.name)),
            name => {
                let message = format!("There is no tool {name:?}");
                return Err(ErrorData::invalid_params(message, None));
            }
        };
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let all = definitions::resources(&self.name);
        let (resources, next) = definitions::page(all, cursor(request.as_ref()))?;
        let mut result = ListResourcesResult::with_all_items(resources);
        result.next_cursor = next;
        Ok(result)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let all = definitions::resource_templates(&self.name);
        let (templates, next) = definitions::page(all, cursor(request.as_ref()))?;
        let mut result = ListResourceTemplatesResult::with_all_items(templates);
        result.next_cursor = next;
        Ok(result)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        Ok(ReadResourceResult::new(vec![self.note(&request.uri)?]).into())
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let (prompts, next) =
            definitions::page(definitions::prompts(&self.name), cursor(request.as_ref()))?;
        let mut result = ListPromptsResult::with_all_items(prompts);
        result.next_cursor = next;
        Ok(result)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let arguments = Arguments::new(request.arguments);
        let introduce = format!("introduce_{}", self.name.replace('-', "_"));
        let asked = |text: String| vec![PromptMessage::new_text(Role::User, text)];
        let messages = match request.name.as_str() {
            "summarize" => asked(format!("Summarize: {}", arguments.text("text")?)),
            "translate" => {
                let language = arguments.text("language").unwrap_or("English");
                let text = arguments.text("text")?;
                asked(format!("Translate into {language}: {text}"))
            }
            "review_note" => {
                let note = self.note(&definitions::note_uri(&self.name, 1))?;
                let mut messages = asked("Review this note.".to_owned());
                messages.push(PromptMessage::new(Role::User, ContentBlock::resource(note)));
                messages
            }
            name if name == introduce => asked(format!("What is {} good for?", self.name)),
            name => {
                let message = format!("There is no prompt {name:?}");
                return Err(ErrorData::invalid_params(message, None));
            }
        };
        Ok(GetPromptResult::new(messages).into())
    }
}
