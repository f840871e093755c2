//! The outcomes of calls as JSON, in the form of the files with the expectations.

use blaxel_core::{Error, ErrorOrigin};
use blaxel_inference::mcp::JsonRpcError;
use blaxel_inference::{ChatCompletion, ToolCall};
use serde_json::{Map, Value, json};

/// The member of an error that has its one-line text.
pub(crate) const DISPLAY: &str = "display";

/// Describes an error.
pub(crate) fn error(error: &Error) -> Value {
    let api = error.api();
    let mut out = Map::new();
    let mut set = |name: &str, value: Value| out.insert(name.to_owned(), value);
    set("kind", format!("{:?}", error.kind()).to_lowercase().into());
    set(DISPLAY, error.to_string().into());
    set(
        "status",
        error.status().map(|status| status.as_u16()).into(),
    );
    set("code", error.code().into());
    set("message", api.and_then(|api| api.message()).into());
    set("origin", api.map(|api| origin(api.origin())).into());
    set("action", api.and_then(|api| api.action()).into());
    set("docs_url", api.and_then(|api| api.docs_url()).into());
    set("reason", api.and_then(|api| api.reason()).into());
    set("transient", error.is_transient().into());
    set("is_not_found", error.is_not_found().into());
    let wait = error.retry_after().map(|wait| wait.as_secs_f64());
    set("retry_after", wait.into());
    set("request_id", error.request_id().into());
    let refusal = JsonRpcError::of(error).map(|refusal| refusal.code);
    set("json_rpc", refusal.into());
    out.retain(|_, value| !value.is_null());
    Value::Object(out)
}

fn origin(origin: ErrorOrigin) -> &'static str {
    match origin {
        ErrorOrigin::ControlPlane => "control_plane",
        ErrorOrigin::Gateway => "gateway",
        ErrorOrigin::Workload => "workload",
        ErrorOrigin::OAuth => "oauth",
        ErrorOrigin::Edge => "edge",
        ErrorOrigin::Storage => "storage",
        _ => "unknown",
    }
}

/// Describes an answer of a model.
pub(crate) fn answer(answer: &ChatCompletion) -> Value {
    let first = answer.choices.first();
    let texts = answer.choices.iter().map(|choice| choice.message.text());
    json!({
        "id": answer.id,
        "model": answer.model,
        "text": answer.text(),
        "texts": texts.collect::<Vec<_>>(),
        "role": first.map(|choice| &choice.message.role),
        "finish_reason": first.map(|choice| &choice.finish_reason),
        "tool_calls": answer.tool_calls().iter().map(call).collect::<Vec<_>>(),
        "message": first.map(|choice| &choice.message),
        "usage": answer.usage,
        "other": answer.other,
    })
}

fn call(call: &ToolCall) -> Value {
    let arguments = call.arguments::<Value>().ok();
    json!({
        "id": call.id,
        "name": call.function.name,
        "arguments": arguments.unwrap_or_else(|| call.function.arguments.clone().into()),
        "other": call.other,
    })
}
