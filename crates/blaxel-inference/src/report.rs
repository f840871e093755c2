//! Errors that a model reports inside of a successful response.
//!
//! The gateway has sent the status before the provider failed, so the error is in the body: in place of an answer,
//! beside a part of one, or in one of its choices.

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, Plane};
use serde_json::{Map, Value};

/// The value of `finish_reason` for an answer that an error cut off.
const FINISH_ERROR: &str = "error";

/// Members that are in the response of a model, even if it is empty.
const OF_ANSWERS: [&str; 3] = ["choices", "data", "usage"];

/// Members that carry the message of an error, in a response that is not an answer.
const MESSAGES: [&str; 11] = [
    "errorMessage",
    "errorMsg",
    "err",
    "exception",
    "message",
    "Message",
    "msg",
    "error_message",
    "error_msg",
    "error_description",
    "title",
];

/// Members that carry the problems of a request, in a response that is not an answer.
const PROBLEMS: [&str; 4] = ["errors", "detail", "fault", "Error"];

/// Creates the error of a report.
pub(crate) fn error(message: &str, head: &http::response::Parts, report: &[u8]) -> Error {
    Error::failed(message).with_report(Plane::Run, head, report)
}

/// Explains why a body is not the expected answer: by the error that it reports, or by `failure` and what the body
/// says otherwise.
pub(crate) fn explain(failure: Error, head: &http::response::Parts, body: &[u8]) -> Error {
    let text = String::from_utf8_lossy(body);
    let value = serde_json::from_str(json(&text)).unwrap_or(Value::Null);
    match find(&value) {
        Some(report) => error(
            "the model reported an error",
            head,
            report.to_string().as_bytes(),
        ),
        None => failure.with_report(Plane::Run, head, body),
    }
}

/// Returns a text without what some servers put around JSON: blanks and a byte order mark.
pub(crate) fn json(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Returns the part of a body that reports an error, if it does.
pub(crate) fn find(body: &Value) -> Option<&Value> {
    match body {
        Value::Object(members) => find_in(body, members),
        Value::Array(items) => items.iter().find_map(find),
        _ => None,
    }
}

fn find_in<'a>(body: &'a Value, members: &'a Map<String, Value>) -> Option<&'a Value> {
    if states_error(members) {
        return Some(body);
    }
    let choices = match members.get("choices") {
        Some(Value::Array(choices)) => choices.as_slice(),
        Some(choice) => std::slice::from_ref(choice),
        None => &[],
    };
    let mut objects = choices
        .iter()
        .filter_map(|choice| Some((choice, choice.as_object()?)));
    let failed = objects.clone().find(|(_, choice)| states_error(choice));
    if let Some((choice, _)) = failed {
        return Some(choice);
    }
    let cut_off = objects.any(|(_, choice)| finished_by_error(choice.get("finish_reason")));
    (cut_off || is_error(members)).then_some(body)
}

/// Returns `true` if the member `error` of a response or choice is an error.
fn states_error(members: &Map<String, Value>) -> bool {
    members.get("error").is_some_and(is_stated)
}

/// Returns `true` for a member with content. Some servers send an empty `error` with each response.
pub(crate) fn is_stated(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Bool(true) => true,
    }
}

/// Returns `true` unless all members of an error are empty. Some servers send such an error beside each answer.
pub(crate) fn says_something(error: &Value) -> bool {
    match error {
        Value::Array(items) => items.iter().any(says_something),
        Value::Object(members) => members.values().any(says_something),
        other => is_stated(other),
    }
}

/// Returns `true` if a `finish_reason` says that an error cut off the answer.
pub(crate) fn is_finish_error(reason: &str) -> bool {
    reason.eq_ignore_ascii_case(FINISH_ERROR)
}

fn finished_by_error(reason: Option<&Value>) -> bool {
    reason.and_then(Value::as_str).is_some_and(is_finish_error)
}

/// Returns `true` if a response is an error by its members, although none of them is `error`.
fn is_error(members: &Map<String, Value>) -> bool {
    let has = |names: &[&str], is_it: fn(&Value) -> bool| {
        let mut values = names.iter().filter_map(|name| members.get(*name));
        values.any(|value| is_it(value) && is_stated(value))
    };
    let named = |name| members.get(name).and_then(Value::as_str);
    let numbers = ["code", "status", "status_code"];
    let mut numbers = numbers
        .iter()
        .filter_map(|name| members.get(*name)?.as_u64());
    // Some servers send every member, with null for those that are absent.
    let is_present = |name: &&str| members.get(*name).is_some_and(|value| !value.is_null());
    !OF_ANSWERS.iter().any(is_present)
        && (has(&MESSAGES, |message| !message.is_object())
            || has(&PROBLEMS, |_| true)
            || named("type") == Some("error")
            || named("object") == Some("error")
            || matches!(named("status"), Some("error" | "fail" | "failed"))
            || members.get("success") == Some(&Value::Bool(false))
            || numbers.any(|number| number >= 400))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_error_is_found_wherever_providers_put_it() {
        for body in [
            json!({"error": {"message": "gone"}}),
            json!({"error": "gone"}),
            json!({"error": {"code": 502}, "choices": [{"index": 0, "delta": {}}]}),
            json!({"error": true}),
            json!({"choices": [{"delta": {}, "finish_reason": "error"}]}),
            json!({"type": "error", "error": {"type": "overloaded_error"}}),
            json!({"type": "error"}),
            json!({"object": "error", "message": "gone", "code": 400}),
            json!({"message": "gone", "code": "x"}),
            json!({"detail": [{"msg": "gone"}]}),
            json!({"errors": ["gone"]}),
            json!({"status": 503}),
            json!({"success": false}),
            json!({"errorMessage": "Task timed out"}),
            json!({"fault": {"faultstring": "quota"}}),
            json!({"choices": null, "message": "gone", "code": 503}),
            json!({"status": "error", "reason": "gone"}),
            json!({"choices": [{"delta": {}, "finish_reason": "ERROR"}]}),
        ] {
            assert_eq!(find(&body), Some(&body));
            assert_eq!(find(&json!([1, body])), Some(&body));
        }
        let choice = json!({"index": 0, "error": {"message": "gone"}, "finish_reason": "error"});
        assert_eq!(
            find(&json!({"choices": [{"index": 1}, choice]})),
            Some(&choice)
        );
        assert_eq!(find(&json!({"choices": choice})), Some(&choice));
    }

    #[test]
    fn an_answer_is_not_an_error() {
        for body in [
            json!({"choices": [], "error": null}),
            json!({"choices": [], "error": "", "message": "beside an answer"}),
            json!({"data": [], "error": {}, "code": 0}),
            json!({"choices": [{"error": null, "finish_reason": "stop"}]}),
            json!({"usage": {}, "detail": "x"}),
            json!({"id": "c", "object": "chat.completion.chunk"}),
            json!({"sources": ["a"]}),
            json!({"type": "ping"}),
            json!({"message": {"role": "assistant", "content": "another API"}, "done": true}),
            json!({"code": 0, "status": 200, "success": true}),
            json!(["error"]),
            json!("error"),
            json!(null),
        ] {
            assert_eq!(find(&body), None, "{body}");
        }
    }
}
