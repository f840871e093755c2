//! A completed run.

use std::future::poll_fn;

use blaxel_core::Error;
use serde::{Deserialize, Serialize};

use super::event::{ExecutionError, ExecutionEvent};
use super::rich_result::RichResult;
use super::stream::ExecutionStream;

/// A completed run: what the code printed, displayed and ended with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Execution {
    /// The values that the code displayed or ended with, in order.
    #[serde(default)]
    pub results: Vec<RichResult>,
    /// The text that the code printed to its standard output.
    #[serde(default)]
    pub stdout: String,
    /// The text that the code printed to its standard error.
    #[serde(default)]
    pub stderr: String,
    /// The failure of the code, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ExecutionError>,
    /// The number of the run in its context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_count: Option<u64>,
}

impl Execution {
    /// Returns the value of the last expression.
    #[must_use]
    pub fn main_result(&self) -> Option<&RichResult> {
        self.results.iter().rev().find(|it| it.is_main_result)
    }

    /// Returns the value of the last expression as text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.main_result()?.text.as_deref()
    }

    /// Reads a stream to its end. `limit` is the maximum size of all events, in bytes.
    pub(super) async fn read(mut stream: ExecutionStream, limit: usize) -> Result<Self, Error> {
        let mut execution = Self::default();
        let mut total = 0_usize;
        while let Some((event, size)) = poll_fn(|cx| stream.poll_event(cx)).await.transpose()? {
            total = total.saturating_add(size);
            if total > limit {
                return Err(Error::decode(format!(
                    "the output of the run is larger than the limit of {limit} bytes"
                )));
            }
            execution.add(event);
        }
        Ok(execution)
    }

    fn add(&mut self, event: ExecutionEvent) {
        match event {
            ExecutionEvent::ExecutionCount(count) => self.execution_count = Some(count),
            ExecutionEvent::Stdout(printed) => self.stdout += &printed.text,
            ExecutionEvent::Stderr(printed) => self.stderr += &printed.text,
            ExecutionEvent::Result(result) => self.results.push(*result),
            ExecutionEvent::Error(error) => {
                // A later one is a consequence.
                self.error.get_or_insert(error);
            }
            ExecutionEvent::Other(_) => {}
        }
    }
}
