//! [`Format`], the notations of a stream of output.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::Serialize;

use crate::process::Stream;
use crate::state::{Entry, Read, TRUNCATED, lossy};
use crate::version::ServerVersion;

/// The text in place of output that a reader was too slow for.
const FELL_BEHIND: &str = "[output truncated: the stream fell behind]\n";
/// The sign of life in text.
const KEEPALIVE_TEXT: &str = "[keepalive]\n";

/// A notation of a stream of output.
pub(super) enum Format {
    /// Text with a prefix for each chunk, as the server of August writes it.
    ChunkText {
        /// `true` if the backlog ended within a line.
        is_open: bool,
    },
    /// Text with a prefix for each line.
    LineText {
        /// `true` for standard output and standard error that are within a line.
        is_open: [bool; 2],
    },
    /// Events of `GET /process/{identifier}/logs/stream`.
    Events,
    /// Events of `POST /process`.
    Run(ServerVersion),
}

/// An event, which is a line of JSON.
#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    data: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
}

/// Returns an event as a line.
pub(super) fn event(kind: &str, data: &str) -> Bytes {
    let mut line = Vec::new();
    push_event(&mut line, kind, data, None);
    line.into()
}

fn push_event(line: &mut Vec<u8>, kind: &str, data: &str, encoding: Option<&'static str>) {
    let event = Event {
        kind,
        data,
        encoding,
    };
    // Text can always be written as JSON, and a vector does not refuse bytes.
    let _ = serde_json::to_writer(&mut *line, &event);
    line.push(b'\n');
}

impl Format {
    /// Returns the text format of a version.
    pub(super) fn text(version: ServerVersion) -> Self {
        match version {
            ServerVersion::August => Self::ChunkText { is_open: false },
            ServerVersion::Current => Self::LineText {
                is_open: [false; 2],
            },
        }
    }

    /// Returns the sign of life of every half minute.
    pub(super) fn keepalive(&self) -> Option<Bytes> {
        match self {
            Self::ChunkText { .. } | Self::LineText { .. } => {
                Some(Bytes::from_static(KEEPALIVE_TEXT.as_bytes()))
            }
            Self::Events => Some(event("keepalive", "")),
            // The server of August writes the text of the other stream into this one.
            Self::Run(ServerVersion::August) => Some(event("stdout", KEEPALIVE_TEXT)),
            Self::Run(_) => None,
        }
    }

    /// Returns the event that a stream without output begins with.
    pub(super) fn greeting(&self) -> Option<Bytes> {
        matches!(self, Self::Events).then(|| event("keepalive", ""))
    }

    /// Appends an entry.
    pub(super) fn write(&mut self, read: Read, to: &mut Vec<u8>) {
        let is_live = read.is_live;
        match read.entry {
            Entry::Output(stream, bytes) => self.output(stream, &bytes, is_live, to),
            Entry::Restart(text) => self.restart(&text, is_live, to),
            Entry::Notice(text) => match self {
                Self::ChunkText { .. } | Self::LineText { .. } => {
                    to.extend_from_slice(text.as_bytes());
                }
                // It is not output.
                Self::Events => {}
                Self::Run(_) => push_event(to, "stdout", text, None),
            },
            Entry::Gap => {
                let text = if is_live { FELL_BEHIND } else { TRUNCATED };
                match self {
                    Self::Events => push_event(to, "truncated", text.trim_end(), None),
                    _ => self.output(Stream::Stdout, text.as_bytes(), is_live, to),
                }
            }
        }
    }

    /// Appends what follows the backlog.
    pub(super) fn end_backlog(&mut self, to: &mut Vec<u8>) {
        // The server of August reads the backlog line by line, and ends each with a newline.
        if let Self::ChunkText { is_open } = self
            && std::mem::take(is_open)
        {
            to.push(b'\n');
        }
    }

    fn restart(&mut self, text: &Bytes, is_live: bool, to: &mut Vec<u8>) {
        match self {
            Self::LineText { .. } => to.extend_from_slice(text),
            Self::Events => push_event(to, "restart", lossy(text).trim(), None),
            Self::Run(ServerVersion::Current) => push_event(to, "stdout", &lossy(text), None),
            // The server of August announces it, and then reads it as output of the process.
            Self::ChunkText { .. } => {
                if is_live {
                    to.extend_from_slice(text);
                }
                self.output(Stream::Stdout, text, is_live, to);
            }
            Self::Run(_) => {
                push_event(to, "stdout", &lossy(text), None);
                push_event(to, "stdout", &lossy(text), None);
            }
        }
    }

    fn output(&mut self, stream: Stream, bytes: &[u8], is_live: bool, to: &mut Vec<u8>) {
        let name = match stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        };
        let prefix = |to: &mut Vec<u8>| {
            to.extend_from_slice(name.as_bytes());
            to.push(b':');
        };
        match self {
            Self::ChunkText { .. } if is_live => {
                prefix(to);
                to.extend_from_slice(bytes);
            }
            Self::ChunkText { is_open } => {
                for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                    prefix(to);
                    to.extend_from_slice(line);
                }
                *is_open = !bytes.ends_with(b"\n");
            }
            Self::LineText {
                is_open: [stdout, stderr],
            } => {
                let is_open = match stream {
                    Stream::Stdout => stdout,
                    Stream::Stderr => stderr,
                };
                for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                    if !*is_open {
                        prefix(to);
                    }
                    to.extend_from_slice(line);
                    *is_open = !line.ends_with(b"\n");
                }
            }
            Self::Events => match std::str::from_utf8(bytes) {
                Ok(text) => push_event(to, name, text, None),
                Err(_) => {
                    let encoded = BASE64_STANDARD.encode(bytes);
                    push_event(to, name, &encoded, Some("base64"));
                }
            },
            Self::Run(_) => push_event(to, name, &lossy(bytes), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(format: &mut Format, entries: &[(Entry, bool)]) -> String {
        let mut text = Vec::new();
        for (entry, is_live) in entries {
            let (entry, is_live) = (entry.clone(), *is_live);
            format.write(Read { entry, is_live }, &mut text);
        }
        format.end_backlog(&mut text);
        String::from_utf8(text).unwrap()
    }

    fn out(text: &'static str) -> Entry {
        Entry::Output(Stream::Stdout, Bytes::from(text))
    }

    fn err(text: &'static [u8]) -> Entry {
        Entry::Output(Stream::Stderr, Bytes::from(text))
    }

    #[test]
    fn each_format_writes_prefixes_in_its_own_places() {
        let august = || Format::text(ServerVersion::August);
        let current = || Format::text(ServerVersion::Current);
        let live = [(out("a\nb"), true), (err(b"e\n"), true), (out("c\n"), true)];
        assert_eq!(
            write(&mut august(), &live),
            "stdout:a\nbstderr:e\nstdout:c\n"
        );
        assert_eq!(
            write(&mut current(), &live),
            "stdout:a\nstdout:bstderr:e\nc\n"
        );
        let backlog = [(out("a\nb"), false)];
        assert_eq!(write(&mut august(), &backlog), "stdout:a\nstdout:b\n");
        let restart = [(Entry::Restart(Bytes::from("\nagain\n")), true)];
        assert_eq!(write(&mut august(), &restart), "\nagain\nstdout:\nagain\n");
        assert_eq!(write(&mut current(), &restart), "\nagain\n");
        assert_eq!(
            write(&mut Format::Events, &restart),
            "{\"type\":\"restart\",\"data\":\"again\"}\n"
        );
    }

    #[test]
    fn events_keep_bytes_that_are_not_text() {
        let binary = [(err(b"\xff"), true)];
        assert_eq!(
            write(&mut Format::Events, &binary),
            "{\"type\":\"stderr\",\"data\":\"/w==\",\"encoding\":\"base64\"}\n"
        );
        assert_eq!(
            write(&mut Format::Run(ServerVersion::Current), &binary),
            "{\"type\":\"stderr\",\"data\":\"\u{fffd}\"}\n"
        );
    }
}
