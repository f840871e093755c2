//! The spans around what a workload does, with the types that the platform's own SDKs give them.

use tracing::{Span, info_span};

/// Creates the span of one run of an agent.
pub(crate) fn agent_run(name: &str) -> Span {
    info_span!("agent.run", "span.type" = "agent.run", "agent.name" = name)
}

/// Creates the span of one task of a job. The body of `blaxel::job::run` goes into it.
#[allow(
    dead_code,
    reason = "the program observes an agent; a job uses it in the same way"
)]
pub(crate) fn job_run(index: usize) -> Span {
    info_span!("job.run", "span.type" = "job.run", "task.index" = index)
}

/// Creates the span of a list of the tools of a function.
pub(crate) fn tool_list(function: &str) -> Span {
    info_span!(
        "tool.list",
        "span.type" = "tool.list",
        "function.name" = function
    )
}

/// Creates the span of a tool call.
pub(crate) fn tool_call(function: &str, tool: &str) -> Span {
    info_span!(
        "tool.call",
        "span.type" = "tool.call",
        "function.name" = function,
        "tool.name" = tool
    )
}

/// Creates the span of one message of the protocol MCP, and of its response.
pub(crate) fn mcp_message(method: &str) -> Span {
    info_span!(
        "mcp.message",
        "span.type" = "mcp.message",
        "mcp.method" = method
    )
}
