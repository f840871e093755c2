//! A request for a chat completion.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::message::Message;
use super::tool::Tool;

/// A request for a chat completion: a conversation and its parameters.
///
/// ```
/// use blaxel_inference::{ChatRequest, Message};
///
/// let request = ChatRequest::new([Message::user("Why is the sky blue?")])
///     .temperature(0.2)
///     .max_tokens(200)
///     .seed(7)
///     .parameter("top_k", 40);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[must_use]
pub struct ChatRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    messages: Vec<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat>,
    #[serde(flatten)]
    pub(crate) other: Map<String, Value>,
}

impl ChatRequest {
    /// Creates a request for the next message of a conversation.
    pub fn new(messages: impl IntoIterator<Item = Message>) -> Self {
        Self {
            messages: messages.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Sets the provider's name of the model for this request. It overrides
    /// [`ModelCall::provider_model`](crate::ModelCall::provider_model).
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.model = Some(name.into());
        self
    }

    /// Adds a message to the conversation.
    pub fn message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// Adds several messages to the conversation.
    pub fn messages(mut self, messages: impl IntoIterator<Item = Message>) -> Self {
        self.messages.extend(messages);
        self
    }

    /// Sets the sampling temperature, from 0 to 2 at most providers. By default the provider decides.
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Sets the probability mass for nucleus sampling, from 0 to 1. By default the provider decides.
    pub fn top_p(mut self, share: f64) -> Self {
        self.top_p = Some(share);
        self
    }

    /// Sets the maximum number of tokens in the answer. Some models require
    /// [`max_completion_tokens`](Self::max_completion_tokens) instead. By default the provider decides.
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Sets the maximum number of tokens in the answer and its reasoning, for models that reject
    /// [`max_tokens`](Self::max_tokens). By default the provider decides.
    pub fn max_completion_tokens(self, tokens: u32) -> Self {
        self.parameter("max_completion_tokens", tokens)
    }

    /// Sets the reasoning effort, such as `low`, `medium` or `high`, for models that reason. By default the
    /// provider decides.
    pub fn reasoning_effort(self, effort: impl Into<String>) -> Self {
        self.parameter("reasoning_effort", effort.into())
    }

    /// Sets the penalty on tokens by their frequency in the text so far, from -2 to 2. The default of most
    /// providers is 0.
    pub fn frequency_penalty(self, penalty: f64) -> Self {
        self.parameter("frequency_penalty", penalty)
    }

    /// Sets the penalty on tokens that are present in the text so far, from -2 to 2. The default of most
    /// providers is 0.
    pub fn presence_penalty(self, penalty: f64) -> Self {
        self.parameter("presence_penalty", penalty)
    }

    /// Sets the seed, for sampling that is reproducible as far as the provider supports it. None by default.
    pub fn seed(self, seed: i64) -> Self {
        self.parameter("seed", seed)
    }

    /// Adds a stop sequence: the answer ends before this text. None by default.
    pub fn stop(mut self, text: impl Into<String>) -> Self {
        self.stop.push(text.into());
        self
    }

    /// Adds a tool that the model may call. None by default.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Adds several tools that the model may call.
    pub fn tools(mut self, tools: impl IntoIterator<Item = Tool>) -> Self {
        self.tools.extend(tools);
        self
    }

    /// Sets whether the model may request several tool calls at once. By default the provider decides.
    pub fn parallel_tool_calls(self, parallel: bool) -> Self {
        self.parameter("parallel_tool_calls", parallel)
    }

    /// Sets the tools that the model may or must call. The default is [`ToolChoice::Auto`].
    pub fn tool_choice(mut self, choice: ToolChoice) -> Self {
        self.tool_choice = Some(choice);
        self
    }

    /// Sets the format of the answer. The default is text.
    pub fn response_format(mut self, format: ResponseFormat) -> Self {
        self.response_format = Some(format);
        self
    }

    /// Sets any other parameter that the provider supports. None by default. A parameter of the same name is
    /// replaced.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.other.insert(name.into(), value.into());
        self
    }
}

/// The tools that a model may or must call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// No tool.
    None,
    /// At least one tool.
    Required,
    /// The function with this name.
    Function(String),
}

impl Serialize for ToolChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::None => serializer.serialize_str("none"),
            Self::Required => serializer.serialize_str("required"),
            Self::Function(name) => {
                json!({"type": "function", "function": {"name": name}}).serialize(serializer)
            }
        }
    }
}

/// The format of an answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ResponseFormat {
    /// Text.
    Text,
    /// A JSON object. Providers require the word JSON in the conversation.
    JsonObject,
    /// JSON that matches a schema.
    JsonSchema {
        /// The name of the schema.
        name: String,
        /// The schema.
        schema: Value,
        /// `true` if the answer must match the schema exactly.
        strict: bool,
    },
}

impl Serialize for ResponseFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text => json!({"type": "text"}),
            Self::JsonObject => json!({"type": "json_object"}),
            Self::JsonSchema {
                name,
                schema,
                strict,
            } => json!({
                "type": "json_schema",
                "json_schema": {"name": name, "schema": schema, "strict": strict},
            }),
        }
        .serialize(serializer)
    }
}

/// The body of a request.
#[derive(Serialize)]
pub(crate) struct RequestBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(flatten)]
    request: &'a ChatRequest,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> RequestBody<'a> {
    /// Creates a body. `model` is sent unless the request has its own.
    pub(crate) fn new(model: &'a str, request: &'a ChatRequest, stream: bool) -> Self {
        // A parameter that the caller set is in the request itself, and must not be sent twice.
        let is_open = |member: &str| !request.other.contains_key(member);
        let options = StreamOptions {
            include_usage: true,
        };
        Self {
            model: (request.model.is_none() && is_open("model")).then_some(model),
            request,
            stream: (stream && is_open("stream")).then_some(true),
            stream_options: (stream && is_open("stream_options")).then_some(options),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(request: &ChatRequest, stream: bool) -> Value {
        serde_json::to_value(RequestBody::new("fast", request, stream)).unwrap()
    }

    #[test]
    fn a_request_is_serialized_as_the_providers_expect() {
        let request = ChatRequest::new([Message::system("be brief")])
            .message(Message::user("hi"))
            .temperature(0.5)
            .top_p(0.5)
            .max_tokens(9)
            .stop("END")
            .tool(Tool::function("f"))
            .tool_choice(ToolChoice::Function("f".to_owned()))
            .response_format(ResponseFormat::JsonSchema {
                name: "s".to_owned(),
                schema: json!({}),
                strict: true,
            })
            .parameter("seed", 7);
        assert_eq!(
            body(&request, true),
            json!({
                "model": "fast",
                "messages": [
                    {"role": "system", "content": "be brief"},
                    {"role": "user", "content": "hi"}],
                "temperature": 0.5, "top_p": 0.5, "max_tokens": 9, "stop": ["END"],
                "tools": [{"type": "function", "function": {"name": "f"}}],
                "tool_choice": {"type": "function", "function": {"name": "f"}},
                "response_format": {"type": "json_schema",
                    "json_schema": {"name": "s", "schema": {}, "strict": true}},
                "seed": 7, "stream": true, "stream_options": {"include_usage": true},
            })
        );
        let bare = ChatRequest::new([]);
        assert_eq!(body(&bare, false), json!({"model": "fast", "messages": []}));
    }

    /// Servers differ in how they read a member that is sent twice.
    #[test]
    fn a_parameter_of_the_caller_is_sent_once() {
        let request = ChatRequest::new([])
            .parameter("model", "own")
            .parameter("stream_options", json!({}));
        let text = serde_json::to_string(&RequestBody::new("fast", &request, true)).unwrap();
        assert_eq!(text.matches("\"model\"").count(), 1, "{text}");
        assert_eq!(text.matches("\"stream_options\"").count(), 1, "{text}");
        assert_eq!(body(&request.model("mine"), false)["model"], "own");
    }

    #[test]
    fn tool_choices_are_serialized_as_words() {
        for (choice, word) in [
            (ToolChoice::Auto, "auto"),
            (ToolChoice::None, "none"),
            (ToolChoice::Required, "required"),
        ] {
            assert_eq!(serde_json::to_value(choice).unwrap(), word);
        }
    }
}
