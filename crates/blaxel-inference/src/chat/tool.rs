//! Tools that a model may call.

use blaxel_core::__private::ErrorParts;
use blaxel_core::Error;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A tool that a model may ask to be called: a function by name, what it is for, and what it takes.
///
/// ```
/// use blaxel_inference::Tool;
/// use serde_json::json;
///
/// let weather = Tool::function("weather")
///     .description("Tells the weather of a city.")
///     .parameters(json!({
///         "type": "object",
///         "properties": {"city": {"type": "string"}},
///         "required": ["city"],
///     }));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
#[must_use]
pub struct Tool(Map<String, Value>);

impl Tool {
    /// A function.
    pub fn function(name: impl Into<String>) -> Self {
        let mut tool = Map::new();
        tool.insert("type".to_owned(), "function".into());
        tool.insert("function".to_owned(), json!({"name": name.into()}));
        Self(tool)
    }

    /// A tool of a kind that this version of the SDK has no name for, as the provider wants it.
    pub fn other(tool: Map<String, Value>) -> Self {
        Self(tool)
    }

    /// What it is for; the model decides by that when to call it.
    pub fn description(self, text: impl Into<String>) -> Self {
        self.with("description", text.into())
    }

    /// What it takes, as a JSON schema.
    pub fn parameters(self, schema: impl Into<Value>) -> Self {
        self.with("parameters", schema)
    }

    /// Whether the model has to keep to the schema to the letter, where the provider can see to it.
    pub fn strict(self, strict: bool) -> Self {
        self.with("strict", strict)
    }

    fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        if let Some(Value::Object(function)) = self.0.get_mut("function") {
            function.insert(member.to_owned(), value.into());
        }
        self
    }
}

/// A model's wish that a tool be called.
///
/// Put the message that holds it back into the conversation, and after it one message by
/// [`Message::tool`](crate::Message::tool) for each of its calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolCall {
    /// By which the answer refers to it.
    #[serde(default)]
    pub id: String,
    /// What is to be called.
    #[serde(default)]
    pub function: FunctionCall,
    /// Every other member, `type` among them.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ToolCall {
    pub(super) fn new(id: String) -> Self {
        let mut other = Map::new();
        other.insert("type".to_owned(), "function".into());
        Self {
            id,
            function: FunctionCall::default(),
            other,
        }
    }

    /// The arguments, decoded.
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if they are not the expected JSON: a model writes them, and it errs.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T, Error> {
        // A function without parameters is called by some models with nothing at all.
        let text = match self.function.arguments.trim() {
            "" => "{}",
            text => text,
        };
        serde_json::from_str(text).map_err(|problem| {
            let name = &self.function.name;
            Error::decode(format!(
                "the arguments of the model's call of `{name}` are not the expected JSON"
            ))
            .caused_by(problem)
        })
    }
}

/// A function to be called, and with what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FunctionCall {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its arguments, as the model wrote them: JSON, if the model did not err.
    #[serde(default)]
    pub arguments: String,
    /// Every other member.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_written_as_the_providers_expect() {
        let tool = Tool::function("f")
            .description("d")
            .parameters(json!({"type": "object"}))
            .strict(true);
        assert_eq!(
            serde_json::to_value(&tool).unwrap(),
            json!({"type": "function", "function": {
                "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true}})
        );
    }

    #[test]
    fn arguments_are_decoded_or_told_as_the_model_s_fault() {
        let mut call = ToolCall::new("c".to_owned());
        call.function.name = "f".to_owned();
        assert_eq!(call.arguments::<Value>().unwrap(), json!({}));
        call.function.arguments = r#"{"a":1}"#.to_owned();
        assert_eq!(call.arguments::<Value>().unwrap()["a"], 1);
        call.function.arguments = r#"{"a":"#.to_owned();
        let error = call.arguments::<Value>().unwrap_err();
        assert!(
            error.is_decode() && error.to_string().contains("`f`"),
            "{error}"
        );
    }
}
