//! [`Execution`], a run of code and the lines that tell of it.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::{OwnedMutexGuard, mpsc};

use super::launch::launch;
use crate::interpreter::Record;
use crate::state::{Context, Contexts, State};

/// The members of a result for the MIME types that have one.
const MEMBERS: [(&str, &str); 12] = [
    ("text/plain", "text"),
    ("text/html", "html"),
    ("text/markdown", "markdown"),
    ("image/svg+xml", "svg"),
    ("image/png", "png"),
    ("image/jpeg", "jpeg"),
    ("application/pdf", "pdf"),
    ("text/latex", "latex"),
    ("application/json", "json"),
    ("application/javascript", "javascript"),
    ("blaxel/data", "data"),
    ("blaxel/chart", "chart"),
];

/// A run of code.
pub(super) struct Execution {
    state: Arc<State>,
    contexts: Arc<Contexts>,
    step: Step,
}

enum Step {
    /// It waits for the runs before it.
    Waiting(Arc<Context>, String, Map<String, Value>),
    Running {
        records: mpsc::Receiver<Record>,
        /// Ends the turn of the run.
        _turn: OwnedMutexGuard<()>,
    },
    Done,
}

impl Execution {
    pub(super) fn new(
        state: Arc<State>,
        contexts: Arc<Contexts>,
        context: Arc<Context>,
        code: String,
        env: Map<String, Value>,
    ) -> Self {
        Self {
            state,
            contexts,
            step: Step::Waiting(context, code, env),
        }
    }

    /// Returns the next line or lines.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            match &mut self.step {
                Step::Waiting(context, code, env) => {
                    let turn = Arc::clone(&context.turn).lock_owned().await;
                    if context.is_over() && self.contexts.has(context) {
                        let again = launch(&self.state, &context.language, &context.cwd).await;
                        if let Ok(process) = again {
                            self.contexts.restart(context, process);
                        }
                    }
                    let records = context.execute(code, std::mem::take(env)).await;
                    match records {
                        Some(records) => {
                            self.step = Step::Running {
                                records,
                                _turn: turn,
                            }
                        }
                        None => return self.lose(),
                    }
                }
                Step::Running { records, .. } => match records.recv().await {
                    Some(Record::End) => {
                        self.step = Step::Done;
                        return Some(line(&end()));
                    }
                    Some(record) => return Some(self.line(record)),
                    None => return self.lose(),
                },
                Step::Done => return None,
            }
        }
    }

    /// Ends a run whose program is not there any more.
    fn lose(&mut self) -> Option<Bytes> {
        self.step = Step::Done;
        let error = |name: &str, value: &str| json!({"type": "error", "name": name, "value": value, "traceback": ""});
        let lines = [
            error("WebSocketError", "the program of the context was ended"),
            error(
                "UnexpectedEndOfExecution",
                "the program was ended before the run was",
            ),
            end(),
        ];
        Some(lines.iter().flat_map(line).collect())
    }

    fn line(&self, record: Record) -> Bytes {
        let printed = |kind: &str, text: String| {
            let now = self.state.guest.clock().now();
            json!({"type": kind, "text": text, "timestamp": now.as_str()})
        };
        line(&match record {
            Record::Count { count } => {
                json!({"type": "number_of_executions", "execution_count": count})
            }
            Record::Stdout { text } => printed("stdout", text),
            Record::Stderr { text } => printed("stderr", text),
            Record::Result { is_main, data } => result(is_main, data),
            Record::Error {
                name,
                value,
                traceback,
            } => json!({"type": "error", "name": name, "value": value, "traceback": traceback}),
            Record::End => end(),
        })
    }
}

fn end() -> Value {
    json!({"type": "end_of_execution"})
}

fn result(is_main: bool, mut data: Map<String, Value>) -> Value {
    let mut result = json!({"type": "result", "is_main_result": is_main});
    for (mime, member) in MEMBERS {
        match data.remove(mime) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if member == "text" => {
                result[member] = without_quotes(&text).into();
            }
            Some(value) => result[member] = value,
        }
    }
    result["extra"] = data.into();
    result
}

/// Removes the quotes around a text.
fn without_quotes(text: &str) -> &str {
    let inner = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('\'').or_else(|| inner('"')).unwrap_or(text)
}

fn line(record: &Value) -> Bytes {
    format!("{record}\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_a_member_for_each_known_format() {
        let data = json!({
            "text/plain": "'it''s'", "text/html": "<b>", "application/json": {"a": 1},
            "image/png": null, "model/gltf": "x",
        });
        let Value::Object(data) = data else { panic!() };
        assert_eq!(
            result(true, data),
            json!({
                "type": "result", "is_main_result": true, "text": "it''s", "html": "<b>",
                "json": {"a": 1}, "extra": {"model/gltf": "x"},
            })
        );
        for (text, expected) in [("\"a\"", "a"), ("'a\"", "'a\""), ("'", "'"), ("''", "")] {
            assert_eq!(without_quotes(text), expected);
        }
    }
}
