//! The text form of the log stream, which older servers have only.
//!
//! Every line begins with `stdout:` or `stderr:`; lines without either belong to the stream of the line before. The
//! server writes a prefix before each piece that it reads from the process, and sends pieces without a line end at
//! once. So a prefix can be in the middle of a line, where it cannot be told from output.

use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;

use super::event::OutputStream;

/// Maximum number of bytes that are needed to recognize a line.
const LOOKAHEAD: usize = 128;

/// Maximum number of bytes that are kept of the message of an error.
const MESSAGE: usize = 4096;

const ERROR: &[u8] = br#"{"error":"#;

const NOTICES: &[(&[u8], Notice)] = &[
    (b"[keepalive]", Notice::KeepAlive),
    (
        b"[Process is being gracefully terminated]",
        Notice::KeepAlive,
    ),
    (b"[Process is being forcefully killed]", Notice::KeepAlive),
    (b"[Process failed with exit code ", Notice::Restart),
    (b"[output truncated: ", Notice::Truncated),
    (
        b"[... truncated, see the process log file",
        Notice::Truncated,
    ),
    (ERROR, Notice::Error),
];

#[derive(Clone, Copy, PartialEq)]
enum Notice {
    KeepAlive,
    Restart,
    Truncated,
    Error,
}

/// A unit of the text form.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    Output(OutputStream, Bytes),
    KeepAlive,
    Restart,
    Truncated,
    /// The body of an error, which the server sends with the status 200.
    Error(String),
}

/// Decodes the text form.
pub(super) struct TextForm {
    stream: OutputStream,
    /// The start of a line, until it is long enough to be recognized.
    start: BytesMut,
    /// `true` within a line that was recognized.
    in_line: bool,
    /// `true` if the rest of that line is part of a notice, and not of the output.
    skips: bool,
    is_first: bool,
    pieces: VecDeque<Piece>,
}

impl TextForm {
    pub(super) fn new() -> Self {
        Self {
            stream: OutputStream::Stdout,
            start: BytesMut::new(),
            in_line: false,
            skips: false,
            is_first: true,
            pieces: VecDeque::new(),
        }
    }

    pub(super) fn push(&mut self, mut chunk: Bytes) {
        while !chunk.is_empty() {
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = chunk.split_to(end.map_or(chunk.len(), |end| end + 1));
            if !self.in_line {
                self.start.extend_from_slice(&part);
                let is_error = self.is_first && self.start.starts_with(ERROR);
                let enough = if is_error { MESSAGE } else { LOOKAHEAD };
                if end.is_some() || self.start.len() >= enough {
                    self.recognize();
                }
            } else if !self.skips {
                self.output(part);
            }
            self.in_line &= end.is_none();
        }
    }

    /// Returns the next piece, or `None` if more of the body is needed.
    pub(super) fn next(&mut self) -> Option<Piece> {
        self.pieces.pop_front()
    }

    /// Recognizes what remains at the end of the body.
    pub(super) fn finish(&mut self) {
        if !self.start.is_empty() {
            self.recognize();
        }
    }

    /// Reads the start of a line.
    fn recognize(&mut self) {
        let mut line = self.start.split().freeze();
        let is_first = std::mem::replace(&mut self.is_first, false);
        self.in_line = !line.ends_with(b"\n");
        self.skips = false;
        for (prefix, stream) in [
            (&b"stdout:"[..], OutputStream::Stdout),
            (&b"stderr:"[..], OutputStream::Stderr),
        ] {
            if line.starts_with(prefix) {
                self.stream = stream;
                let _ = line.split_to(prefix.len());
                return self.output(line);
            }
        }
        let notice = NOTICES.iter().find(|(text, _)| line.starts_with(text));
        let piece = match notice {
            Some((_, Notice::KeepAlive)) => Piece::KeepAlive,
            Some((_, Notice::Restart)) => Piece::Restart,
            Some((_, Notice::Truncated)) => Piece::Truncated,
            Some((_, Notice::Error)) if is_first => {
                line.truncate(MESSAGE);
                Piece::Error(String::from_utf8_lossy(&line).into_owned())
            }
            _ => return self.output(line),
        };
        self.skips = true;
        self.pieces.push_back(piece);
    }

    fn output(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.pieces.push_back(Piece::Output(self.stream, bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(chunks: &[&[u8]]) -> (Vec<u8>, Vec<u8>, Vec<Piece>) {
        let mut form = TextForm::new();
        let (mut stdout, mut stderr, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for chunk in chunks {
            form.push(Bytes::copy_from_slice(chunk));
        }
        form.finish();
        while let Some(piece) = form.next() {
            match piece {
                Piece::Output(OutputStream::Stdout, bytes) => stdout.extend_from_slice(&bytes),
                Piece::Output(OutputStream::Stderr, bytes) => stderr.extend_from_slice(&bytes),
                other => others.push(other),
            }
        }
        (stdout, stderr, others)
    }

    const SAMPLE: &[u8] = b"stdout:a\nb\n[keepalive]\nstderr:\xff\nstdout:stdout:c\n\n[Process failed with exit code 1. \
        Attempting restart 1/3...]\nstdout:[keepalive]\n[output truncated: the stream fell behind]\nstderr:end";

    #[test]
    fn output_is_told_from_notices() {
        let (stdout, stderr, others) = decode(&[SAMPLE]);
        assert_eq!(stdout, b"a\nb\nstdout:c\n\n[keepalive]\n");
        assert_eq!(stderr, b"\xff\nend");
        assert_eq!(others, [Piece::KeepAlive, Piece::Restart, Piece::Truncated]);
    }

    #[test]
    fn an_error_is_recognized_only_in_place_of_the_stream() {
        let error = br#"{"error":"process with Identifier x not found"}"#;
        assert!(matches!(decode(&[error]).2[..], [Piece::Error(_)]));
        let (stdout, _, others) = decode(&[b"stdout:a\n", error]);
        assert!(stdout.ends_with(error) && others.is_empty());
    }

    #[test]
    fn the_rest_of_a_long_notice_is_no_output() {
        for notice in ["[output truncated: ", "[keepalive]", r#"{"error":"#] {
            let body = format!("{notice}{}\nstdout:a\n", "x".repeat(2 * MESSAGE));
            let whole = decode(&[body.as_bytes()]);
            assert_eq!((whole.0.as_slice(), whole.2.len()), (&b"a\n"[..], 1));
            for cut in [7, LOOKAHEAD, 200, MESSAGE, MESSAGE + 1] {
                let (start, end) = body.as_bytes().split_at(cut);
                assert_eq!(decode(&[start, end]), whole, "{notice} cut at {cut}");
            }
        }
    }

    proptest! {
        #[test]
        fn chunks_make_no_difference(cuts in prop::collection::vec(0..SAMPLE.len(), 0..12)) {
            let mut cuts = [cuts, vec![0, SAMPLE.len()]].concat();
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &SAMPLE[pair[0]..pair[1]]).collect();
            prop_assert_eq!(decode(&chunks), decode(&[SAMPLE]));
        }
    }
}
