//! The tools of the function.

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde::Deserialize;
use serde_json::{Value, json};

/// A function that tells the weather, always with the same luck.
#[derive(Clone)]
pub(crate) struct Weather;

/// The arguments of the tool `forecast`.
#[derive(Deserialize)]
struct Forecast {
    city: String,
    #[serde(default = "one_day")]
    days: u32,
}

fn one_day() -> u32 {
    1
}

impl Forecast {
    const MAX_DAYS: u32 = 14;

    fn definition() -> Value {
        json!({
            "name": "forecast",
            "description": "Returns the weather forecast for a city.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "city": {"type": "string"},
                    "days": {"type": "integer", "minimum": 1, "maximum": Self::MAX_DAYS},
                },
                "required": ["city"],
            },
            "outputSchema": {
                "type": "object",
                "properties": {"days": {"type": "array", "items": {"type": "string"}}},
                "required": ["days"],
            },
            "annotations": {"readOnlyHint": true},
        })
    }

    /// Returns the output for the model. A failure that the model can do something about is an output too.
    fn run(&self) -> CallToolResult {
        let weather = match self.city.as_str() {
            "Oslo" => ["snow", "sun"],
            "Rome" => ["sun", "rain"],
            other => {
                let message = format!("There is no forecast for {other}, only for Oslo and Rome.");
                return CallToolResult::error(vec![ContentBlock::text(message)]);
            }
        };
        let days = weather.into_iter().cycle().take(self.days as usize);
        CallToolResult::structured(json!({"days": days.collect::<Vec<_>>()}))
    }
}

impl ServerHandler for Weather {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("weather", env!("CARGO_PKG_VERSION")))
            .with_instructions("Tells the weather of the next days.")
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = serde_json::from_value(json!([Forecast::definition()]))
            .map_err(|problem| ErrorData::internal_error(problem.to_string(), None))?;
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name != "forecast" {
            let message = format!("There is no tool `{}`", request.name);
            return Err(ErrorData::invalid_params(message, None));
        }
        // Arguments that do not match the schema are an error of the protocol.
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let forecast: Forecast = serde_json::from_value(arguments)
            .map_err(|problem| ErrorData::invalid_params(problem.to_string(), None))?;
        if !(1..=Forecast::MAX_DAYS).contains(&forecast.days) {
            let message = format!("`days` is not in 1..={}", Forecast::MAX_DAYS);
            return Err(ErrorData::invalid_params(message, None));
        }
        Ok(forecast.run().into())
    }
}
