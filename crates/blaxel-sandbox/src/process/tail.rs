//! The check of received output against the output that the server reports as text.

use std::borrow::Cow;

use super::info::ProcessInfo;

/// Size of a text below which it is the whole output. Servers report the last 64 KiB.
const WHOLE: usize = 60_000;

/// Number of bytes that are kept of the end of each stream.
const END: usize = 4096;

/// The start of the line that replaces text that is left out.
const MARK: &str = "[... truncated";

/// Returns the text if it is the whole output, byte by byte.
///
/// A longer text may be a part. Characters that replace bytes, and the lines that the server adds for a restart, are
/// not what the process has written.
pub(super) fn whole(text: Option<&str>, info: &ProcessInfo) -> Option<String> {
    let text = text.filter(|_| info.restart_count == 0)?;
    whole_below(text, WHOLE)
}

/// Returns the text if it is shorter than `limit`, from its start and without replaced bytes.
pub(super) fn whole_below(text: &str, limit: usize) -> Option<String> {
    let is_exact = is_whole(text, limit) && !text.contains(char::REPLACEMENT_CHARACTER);
    is_exact.then(|| text.to_owned())
}

fn is_whole(text: &str, limit: usize) -> bool {
    text.len() < limit && !text.starts_with(MARK)
}

/// The relation of the text that a server reports to the received bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Proof {
    /// Some bytes are missing.
    Missing,
    /// The received bytes end like the text.
    SameEnd,
    /// All bytes were received.
    Whole,
}

/// The received bytes of a stream: as many as a report can have, and the last ones.
#[derive(Debug, Default)]
pub(super) struct Received {
    /// The number of bytes that were received earlier, by another program.
    skipped: u64,
    size: u64,
    start: Vec<u8>,
    end: Vec<u8>,
}

impl Received {
    /// Creates the state of a stream of which some bytes were received earlier.
    pub(super) fn after(skipped: u64) -> Self {
        Self {
            skipped,
            ..Self::default()
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        let space = WHOLE - self.start.len();
        self.start
            .extend_from_slice(&bytes[..space.min(bytes.len())]);
        let bytes = &bytes[bytes.len().saturating_sub(END)..];
        let excess = (self.end.len() + bytes.len()).saturating_sub(END);
        self.end.drain(..excess.min(self.end.len()));
        self.end.extend_from_slice(bytes);
    }

    /// Compares the received bytes with a reported text.
    pub(super) fn compare(&self, text: &str) -> Proof {
        if !is_whole(text, WHOLE) {
            return self.compare_end(text);
        }
        let is_same = if self.skipped == 0 {
            self.size == self.start.len() as u64 && replaced(&self.start) == text
        } else if text.contains(char::REPLACEMENT_CHARACTER) {
            return self.compare_end(text);
        } else {
            self.skipped + self.size == text.len() as u64
        };
        if is_same {
            Proof::Whole
        } else {
            Proof::Missing
        }
    }

    fn compare_end(&self, text: &str) -> Proof {
        if self.skipped > 0 && self.size == 0 {
            return Proof::SameEnd;
        }
        let is_cut = self.skipped > 0 || self.size > self.end.len() as u64;
        // The first bytes may be the rest of a character that has begun before them.
        let is_rest = |byte: &&u8| (0x80..0xc0).contains(*byte);
        let rest = self.end.iter().take(3).take_while(is_rest).count();
        let ours = self.end.get(rest..).filter(|_| is_cut);
        let ours = replaced(ours.unwrap_or(&self.end));
        if ours.is_empty() && (is_cut || text.is_empty()) {
            return Proof::SameEnd;
        }
        if text.ends_with(&*ours) && !ours.is_empty() {
            Proof::SameEnd
        } else {
            Proof::Missing
        }
    }
}

/// Returns the bytes as text. Each byte that does not belong to a character is replaced, as the server does it.
fn replaced(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn received_bytes_are_compared_with_the_report() {
        let long = "0123456789".repeat(10_000);
        let report = format!("{MARK}]\n{}", &long[long.len() - 65_536..]);
        let cases: [(&[u8], &str, Proof); 12] = [
            (b"", "", Proof::Whole),
            (b"", "a", Proof::Missing),
            (b"ab", "ab", Proof::Whole),
            (b"ab", "abc", Proof::Missing),
            (
                b"a\xff\xe2\x82i",
                "a\u{fffd}\u{fffd}\u{fffd}i",
                Proof::Whole,
            ),
            (b"a\xff", "a\u{fffd}\u{fffd}", Proof::Missing),
            (b"[... truncated x", "[... truncated x", Proof::SameEnd),
            (b"", "[... truncated x", Proof::Missing),
            (b"[... truncated", "[... truncated x", Proof::Missing),
            (long.as_bytes(), &report, Proof::SameEnd),
            (&long.as_bytes()[..99_999], &report, Proof::Missing),
            (
                &long.as_bytes()[..60_000],
                &report[..50_000],
                Proof::Missing,
            ),
        ];
        for (bytes, text, expected) in cases {
            for size in [1, 7, 5000, 200_000] {
                let mut received = Received::default();
                bytes.chunks(size).for_each(|chunk| received.push(chunk));
                assert_eq!(received.compare(text), expected, "{size} {text:.20}");
            }
        }
    }

    #[test]
    fn bytes_that_were_received_earlier_are_counted() {
        let mut received = Received::after(3);
        assert_eq!(received.compare("abc"), Proof::Whole);
        received.push(b"d");
        assert_eq!(received.compare("abcd"), Proof::Whole);
        assert_eq!(received.compare("abcde"), Proof::Missing);
        assert_eq!(received.compare("ab\u{fffd}d"), Proof::SameEnd);
    }

    #[test]
    fn bytes_may_begin_within_a_character() {
        // The character U+0080 is divided, and the byte behind it does not belong to one.
        let report = "\u{80}\u{fffd}";
        for (skipped, bytes, expected) in [
            (1, &b"\x80\x80"[..], Proof::SameEnd),
            (1, b"\x80\x80a", Proof::Missing),
            (2, b"\x80", Proof::SameEnd),
        ] {
            let mut received = Received::after(skipped);
            received.push(bytes);
            assert_eq!(received.compare(report), expected, "{bytes:?}");
        }
        let mut received = Received::after(1);
        received.push("€".as_bytes().get(1..).unwrap());
        received.push(b"ab\xff");
        assert_eq!(received.compare("€ab\u{fffd}"), Proof::SameEnd);
        assert_eq!(received.compare("€ab\u{fffd}c"), Proof::Missing);
    }
}
