//! Tools that a model may call, and the calls.

use blaxel_core::__private::{ErrorParts, lenient};
use blaxel_core::Error;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

/// A tool that is offered to a model: a function with its name, purpose and parameters.
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
    /// Creates a function named `name`.
    pub fn function(name: impl Into<String>) -> Self {
        let mut tool = Map::new();
        tool.insert("type".to_owned(), "function".into());
        tool.insert("function".to_owned(), json!({"name": name.into()}));
        Self(tool)
    }

    /// Creates a tool of another type, in the form that the provider expects.
    pub fn other(tool: Map<String, Value>) -> Self {
        Self(tool)
    }

    /// Sets the purpose, by which the model decides when to call the function. None by default.
    pub fn description(self, text: impl Into<String>) -> Self {
        self.set("description", text.into())
    }

    /// Sets the JSON Schema of the parameters. None by default: a function without parameters.
    pub fn parameters(self, schema: impl Into<Value>) -> Self {
        self.set("parameters", schema)
    }

    /// Sets whether the arguments must match the schema exactly, for providers that can enforce it. By default
    /// the provider decides.
    pub fn strict(self, strict: bool) -> Self {
        self.set("strict", strict)
    }

    fn set(mut self, member: &str, value: impl Into<Value>) -> Self {
        if let Some(Value::Object(function)) = self.0.get_mut("function") {
            function.insert(member.to_owned(), value.into());
        }
        self
    }
}

/// A tool call that a model requests.
///
/// To answer it, append the model's message to the conversation, and after it the result of each of its calls
/// as a [`Message::tool`](crate::Message::tool).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolCall {
    /// The id, by which the result refers to the call.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub id: String,
    /// The function to call.
    #[serde(default, deserialize_with = "lenient::object")]
    pub function: FunctionCall,
    /// All other members, including `type`.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ToolCall {
    /// Creates a call of a function, without id, name and arguments.
    pub(super) fn new() -> Self {
        let mut other = Map::new();
        other.insert("type".to_owned(), "function".into());
        Self {
            id: String::new(),
            function: FunctionCall::default(),
            other,
        }
    }

    /// Decodes the arguments.
    ///
    /// ```
    /// # fn example(answer: &blaxel_inference::ChatCompletion) -> Result<(), blaxel_core::Error> {
    /// for call in answer.tool_calls() {
    ///     let arguments: serde_json::Value = call.arguments()?;
    ///     println!("{}: {arguments}", call.function.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if they are not the expected JSON. This happens, since a model writes them.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T, Error> {
        // Some models send no arguments at all to a function without parameters.
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

/// A function to call, and its arguments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FunctionCall {
    /// The name.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub name: String,
    /// The arguments as the model wrote them, usually valid JSON.
    #[serde(default, deserialize_with = "json_or_empty")]
    pub arguments: String,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

fn text_or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    lenient::text(deserializer).map(Option::unwrap_or_default)
}

fn json_or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    json_text(deserializer).map(Option::unwrap_or_default)
}

/// Deserializes JSON in a text. Some providers send the value itself.
pub(super) fn json_text<'de, D>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        value => Some(value.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_serialized_as_the_providers_expect() {
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
    fn malformed_arguments_are_an_error_that_names_the_function() {
        let mut call = ToolCall::new();
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
