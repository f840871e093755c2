//! The programs that run code for the code interpreter of a sandbox, and what they say.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::process::Command;

/// The program for Python.
const DRIVER: &str = include_str!("interpreter/driver.txt");

/// A request to such a program: a line of its standard input.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) id: u64,
    pub(crate) code: String,
    /// Variables for this run only.
    #[serde(default)]
    pub(crate) env: Map<String, Value>,
}

/// A record of a run: a line of the standard output of such a program.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The id of the request.
    pub(crate) id: u64,
    #[serde(flatten)]
    pub(crate) record: Record,
}

/// A part of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Record {
    /// The number of the run; the first record.
    Count {
        count: u64,
    },
    Stdout {
        text: String,
    },
    Stderr {
        text: String,
    },
    Result {
        /// `true` for the value of the last expression, `false` for one that was displayed.
        is_main: bool,
        /// The value in several formats, by their MIME types.
        data: Map<String, Value>,
    },
    Error {
        name: String,
        value: String,
        traceback: String,
    },
    /// The last record.
    End,
}

impl Record {
    /// Returns the record as a line of the program.
    pub(crate) fn line(self, id: u64) -> Vec<u8> {
        // All keys are texts.
        let mut line = serde_json::to_vec(&Line { id, record: self }).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// Divides chunks of bytes into lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pending: Vec<u8>,
    /// The number of pending bytes without a line end.
    searched: usize,
}

impl Lines {
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.pending.extend_from_slice(chunk);
    }

    /// Returns the next whole line.
    pub(crate) fn next_line(&mut self) -> Option<Vec<u8>> {
        let unsearched = self.pending.get(self.searched..)?;
        let Some(end) = unsearched.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.pending.len();
            return None;
        };
        let end = self.searched + end;
        self.searched = 0;
        Some(self.pending.drain(..=end).collect())
    }

    /// Returns the length of the line that is not whole yet.
    pub(crate) fn rest(&self) -> usize {
        self.pending.len()
    }
}

/// Returns the program that runs Python on a machine which has `python3`.
pub(crate) fn python() -> Command {
    Command {
        shell: ["python3", "-u", "-c"].map(str::to_owned).into(),
        text: DRIVER.to_owned(),
        ..Command::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_in_chunks_of_any_size() {
        let text = b"one\n\ntwo\nthr";
        for size in 1..=text.len() {
            let (mut lines, mut found) = (Lines::default(), Vec::new());
            for chunk in text.chunks(size) {
                lines.push(chunk);
                found.extend(std::iter::from_fn(|| lines.next_line()));
            }
            assert_eq!(found, [&b"one\n"[..], b"\n", b"two\n"], "{size}");
            assert_eq!(lines.rest(), 3);
        }
    }
}
