//! The check of received output against the end of the output that the server reports as text.

use super::info::ProcessInfo;

/// Size of a text below which it is the whole output. Servers report the last 64 KiB.
const WHOLE: usize = 60_000;

/// Number of bytes that are kept of each stream.
const KEPT: usize = 4096;

/// The start of the line that replaces text that is left out.
const MARK: &str = "[... truncated";

/// Returns the text if it is the whole output, byte by byte.
///
/// A longer text may be a part. Characters that replace bytes, and the lines that the server adds for a restart, are not
/// what the process has written.
pub(super) fn whole(text: Option<&str>, info: &ProcessInfo) -> Option<String> {
    let text = text.filter(|_| info.restart_count == 0)?;
    whole_below(text, WHOLE)
}

/// Returns the text if it is shorter than `limit`, from its start and without replaced bytes.
pub(super) fn whole_below(text: &str, limit: usize) -> Option<String> {
    let is_exact = text.len() < limit
        && !text.starts_with(MARK)
        && !text.contains(char::REPLACEMENT_CHARACTER);
    is_exact.then(|| text.to_owned())
}

/// The last bytes of a stream.
#[derive(Debug, Default)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(KEPT)..];
        let excess = (self.0.len() + bytes.len()).saturating_sub(KEPT);
        self.0.drain(..excess.min(self.0.len()));
        self.0.extend_from_slice(bytes);
    }

    /// Returns `true` if a text that the server reports ends like the received bytes.
    pub(super) fn is_end_of(&self, text: &str) -> bool {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let mut ours = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            ours.push_str(chunk.valid());
            // The server replaces every single byte.
            ours.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
        }
        let ours = ours.strip_suffix('\n').unwrap_or(&ours);
        // The first character may be cut.
        let skipped = ours
            .char_indices()
            .nth(4)
            .map_or(ours.len(), |(index, _)| index);
        let ours = &ours[skipped..];
        if ours.is_empty() {
            return text.is_empty();
        }
        let length = ours.len().min(text.len());
        let start = (ours.len() - length..=ours.len()).find(|at| ours.is_char_boundary(*at));
        start.is_some_and(|start| text.ends_with(&ours[start..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(chunks: &[&[u8]]) -> Tail {
        let mut tail = Tail::default();
        chunks.iter().for_each(|chunk| tail.push(chunk));
        tail
    }

    #[test]
    fn the_end_is_compared_with_replaced_bytes() {
        let long = "0123456789".repeat(1000);
        for (bytes, text, expected) in [
            (long.as_bytes(), long.clone(), true),
            (long.as_bytes(), long[..9999].to_owned(), false),
            (long.as_bytes(), format!("{long}0"), false),
            (
                b"abcdefgh\xff\xe2\x82i",
                "abcdefgh\u{fffd}\u{fffd}\u{fffd}i".to_owned(),
                true,
            ),
            (
                "\u{20ac}".repeat(3000).as_bytes(),
                "\u{20ac}".repeat(9000),
                true,
            ),
            (b"", String::new(), true),
            (b"", "a".to_owned(), false),
        ] {
            for size in [1, 7, 5000, 20_000] {
                let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
                assert_eq!(
                    tail(&chunks).is_end_of(&text),
                    expected,
                    "{size} {text:.20}"
                );
            }
        }
    }
}
