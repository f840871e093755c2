//! The decoder of the stream of a run.

use blaxel_core::__private::ErrorParts;
use blaxel_core::Error;
use blaxel_core::stream::{Decode, lines};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::event::{ExecutionError, ExecutionEvent, Printed};

/// The name that the server gives to the failure of a run whose kernel it lost.
const UNEXPECTED_END: &str = "UnexpectedEndOfExecution";

/// A record of the stream.
#[derive(Debug, PartialEq)]
pub(super) enum Record {
    Event {
        event: ExecutionEvent,
        /// The size of the record in the stream, in bytes.
        size: usize,
    },
    /// The server lost the kernel. The code may still run, or it may have ended with a result that is lost.
    KernelLost(String),
    /// The run has ended.
    End,
}

/// Decodes the lines of a stream into records.
///
/// A line that is no record was printed by something else than the code, and is text of the standard output. A last
/// line without a line end is read only if it is a whole record: otherwise it is a part of one.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    lines: lines::Decoder,
    failed: bool,
}

impl Decode for Decoder {
    type Item = Record;

    fn push(&mut self, chunk: Bytes) {
        if !self.failed {
            self.lines.push(chunk);
        }
    }

    fn next_item(&mut self) -> Option<Result<Record, Error>> {
        while !self.failed {
            let line = match self.lines.next_item()? {
                Ok(line) => line,
                Err(error) => return Some(self.fail(error)),
            };
            if line.trim().is_empty() {
                continue;
            }
            let record =
                record(&line).unwrap_or_else(|| Ok(printed(format!("{}\n", line.as_str()))));
            return Some(record.or_else(|error| self.fail(error)));
        }
        None
    }

    fn finish(&mut self) -> Option<Result<Record, Error>> {
        if let Some(item) = self.next_item() {
            return Some(item);
        }
        if self.failed {
            return None;
        }
        // A line that is no record, or no text, is a part of one. The stream has no end mark then, which is an error
        // of its own.
        let line = Decode::finish(&mut self.lines)?.ok()?;
        let record = record(&line)?;
        Some(record.or_else(|error| self.fail(error)))
    }
}

impl Decoder {
    fn fail(&mut self, error: Error) -> Result<Record, Error> {
        self.failed = true;
        Err(error)
    }
}

fn printed(text: String) -> Record {
    Record::Event {
        size: text.len(),
        event: ExecutionEvent::Stdout(Printed {
            text,
            timestamp: None,
        }),
    }
}

/// Decodes a record, or returns `None` for a line that is none.
fn record(line: &str) -> Option<Result<Record, Error>> {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
    }
    let kind = serde_json::from_str::<Kind>(line).ok()?.kind;
    let size = line.len();
    let event = |event| Record::Event { event, size };
    Some(match kind.as_str() {
        "end_of_execution" => Ok(Record::End),
        "unexpected_end_of_execution" => Ok(Record::KernelLost(String::new())),
        "stdout" => read(line).map(ExecutionEvent::Stdout).map(event),
        "stderr" => read(line).map(ExecutionEvent::Stderr).map(event),
        "result" => read(line).map(ExecutionEvent::Result).map(event),
        "error" => read(line).map(|error: ExecutionError| match error.name.as_str() {
            UNEXPECTED_END => Record::KernelLost(error.value),
            _ => event(ExecutionEvent::Error(error)),
        }),
        "number_of_executions" => read(line)
            .map(|Count { execution_count }| ExecutionEvent::ExecutionCount(execution_count))
            .map(event),
        _ => read::<Map<String, Value>>(line)
            .map(ExecutionEvent::Other)
            .map(event),
    })
}

#[derive(Deserialize)]
struct Count {
    execution_count: u64,
}

fn read<T: DeserializeOwned>(line: &str) -> Result<T, Error> {
    serde_json::from_str(line).map_err(|problem| {
        Error::decode("a record of the run is not the expected JSON").caused_by(problem)
    })
}
