//! The agent that is observed.

use std::time::Instant;

use blaxel::inference::{ChatRequest, Message};
use blaxel::{Client, Inference};
use opentelemetry::metrics::{Counter, Histogram, Meter};
use serde_json::json;
use tracing::Instrument;

use crate::{Failure, spans};

/// The model that the agent asks.
pub(crate) const MODEL: &str = "sandbox-openai";
/// The function whose tools the agent calls.
const FUNCTION: &str = "search";

/// An agent that calls a tool and a model.
pub(crate) struct Agent {
    inference: Inference,
    runs: Counter<u64>,
    duration: Histogram<f64>,
}

impl Agent {
    pub(crate) fn new(client: Client, meter: &Meter) -> Self {
        Self {
            inference: Inference::new(client),
            runs: meter.u64_counter("agent.runs").build(),
            duration: meter.f64_histogram("agent.duration").with_unit("s").build(),
        }
    }

    /// Answers a question, within a span and measured.
    pub(crate) async fn answer(&self, question: &str) -> Result<String, Failure> {
        let start = Instant::now();
        let answer = self
            .think(question)
            .instrument(spans::agent_run("support-bot"))
            .await;
        self.runs.add(1, &[]);
        self.duration.record(start.elapsed().as_secs_f64(), &[]);
        answer
    }

    async fn think(&self, question: &str) -> Result<String, Failure> {
        let function = self.inference.function(FUNCTION);
        let connecting = function.connect();
        let mcp = connecting
            .instrument(spans::mcp_message("initialize"))
            .await?;
        let listing = async {
            mcp.tools()
                .instrument(spans::mcp_message("tools/list"))
                .await
        };
        let tools = listing.instrument(spans::tool_list(FUNCTION)).await?;
        tracing::info!(count = tools.len(), "the agent has tools");

        let calling = async {
            let (echo, arguments) = (mcp.tool("echo"), json!({"text": question}));
            let call = echo.call(&arguments);
            call.instrument(spans::mcp_message("tools/call")).await
        };
        let found = calling
            .instrument(spans::tool_call(FUNCTION, "echo"))
            .await?;

        let messages = [Message::user(found.text())];
        let model = self.inference.model(MODEL);
        let answer = model.chat(&ChatRequest::new(messages)).await?;
        tracing::info!("the agent has answered");
        mcp.close().await?;
        Ok(answer.text().unwrap_or_default().to_owned())
    }
}
