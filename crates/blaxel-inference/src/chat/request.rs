//! What to ask a model.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::message::Message;
use super::tool::Tool;

/// What to ask a model.
///
/// ```
/// use blaxel_inference::{ChatRequest, Message};
///
/// let request = ChatRequest::new([Message::user("Why is the sky blue?")])
///     .temperature(0.2)
///     .max_tokens(200)
///     .with("seed", 7);
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
    /// A conversation, to which the model is to say the next message.
    pub fn new(messages: impl IntoIterator<Item = Message>) -> Self {
        Self {
            messages: messages.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The name that the model has for whoever answers, for this one request. See
    /// [`ModelCall::named`](crate::ModelCall::named).
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.model = Some(name.into());
        self
    }

    /// Adds a message.
    pub fn message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// How freely the model chooses its words, from 0 to 2 with most providers.
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// The share of the likeliest words that the model chooses from, from 0 to 1.
    pub fn top_p(mut self, share: f64) -> Self {
        self.top_p = Some(share);
        self
    }

    /// At most so many tokens of answer. Some models want
    /// [`with`](Self::with)`("max_completion_tokens", ...)` instead.
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Ends the answer before this text. Several can be named.
    pub fn stop(mut self, text: impl Into<String>) -> Self {
        self.stop.push(text.into());
        self
    }

    /// Offers the model a tool. Several can be offered.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Which of the tools the model may or must call; as it sees fit unless this is set.
    pub fn tool_choice(mut self, choice: ToolChoice) -> Self {
        self.tool_choice = Some(choice);
        self
    }

    /// The form of the answer; text unless this is set.
    pub fn response_format(mut self, format: ResponseFormat) -> Self {
        self.response_format = Some(format);
        self
    }

    /// Any other parameter that the provider understands.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.other.insert(name.into(), value.into());
        self
    }
}

/// Which tools a model may or must call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolChoice {
    /// As it sees fit.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// The function of that name.
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

/// The form of a model's answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ResponseFormat {
    /// Text.
    Text,
    /// Some JSON object. Providers want the word JSON to stand in the conversation then.
    JsonObject,
    /// JSON of a schema.
    JsonSchema {
        /// What the schema is called.
        name: String,
        /// The schema.
        schema: Value,
        /// Whether the model has to keep to it to the letter.
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

/// A request as it is sent.
#[derive(Serialize)]
pub(crate) struct Wire<'a> {
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

impl<'a> Wire<'a> {
    /// `model` is the name for whoever answers, unless the request has one of its own.
    pub(crate) fn new(model: &'a str, request: &'a ChatRequest, stream: bool) -> Self {
        // What the caller set stands in the request itself, and must not stand there twice.
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

    fn wire(request: &ChatRequest, stream: bool) -> Value {
        serde_json::to_value(Wire::new("fast", request, stream)).unwrap()
    }

    #[test]
    fn a_request_is_written_as_the_providers_expect() {
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
            .with("seed", 7);
        assert_eq!(
            wire(&request, true),
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
        assert_eq!(wire(&bare, false), json!({"model": "fast", "messages": []}));
    }

    /// A member that stands twice is read by each server in its own way.
    #[test]
    fn what_the_caller_sets_is_sent_once() {
        let request = ChatRequest::new([])
            .with("model", "own")
            .with("stream_options", json!({}));
        let text = serde_json::to_string(&Wire::new("fast", &request, true)).unwrap();
        assert_eq!(text.matches("\"model\"").count(), 1, "{text}");
        assert_eq!(text.matches("\"stream_options\"").count(), 1, "{text}");
        assert_eq!(wire(&request.model("mine"), false)["model"], "own");
    }

    #[test]
    fn choices_of_tools_are_words() {
        for (choice, word) in [
            (ToolChoice::Auto, "auto"),
            (ToolChoice::None, "none"),
            (ToolChoice::Required, "required"),
        ] {
            assert_eq!(serde_json::to_value(choice).unwrap(), word);
        }
    }
}
