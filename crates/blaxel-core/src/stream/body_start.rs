//! The start of a body, which is kept until its first item: without an item it is the only clue to what the
//! server sent in place of a stream.

use super::split::BYTE_ORDER_MARK;

/// Maximum number of bytes that are kept. Errors and pages are smaller.
const LIMIT: usize = 64 * 1024;

/// The number of bytes by which most formats can be told apart.
const ENOUGH: usize = 64;

/// The first bytes of a body.
pub(crate) struct BodyStart {
    bytes: Vec<u8>,
    limit: usize,
    json_limit: usize,
    checked: bool,
}

impl BodyStart {
    /// Sets the maximum number of bytes of JSON, for answers that are read as a whole.
    pub(crate) fn set_json_limit(&mut self, limit: usize) {
        self.json_limit = limit;
    }

    /// Adds a chunk, up to the limit. Returns `true` if there are enough bytes to check the format, once.
    pub(crate) fn add(&mut self, mut chunk: &[u8]) -> bool {
        if self.bytes.is_empty() {
            // White space may be sent for a long time, to keep the connection.
            chunk = chunk.trim_ascii_start();
            if text(chunk).starts_with(b"{") {
                self.limit = self.json_limit;
            }
        }
        let space = self.limit.saturating_sub(self.bytes.len());
        let chunk = chunk.get(..space).unwrap_or(chunk);
        self.bytes.extend_from_slice(chunk);
        let enough = !self.checked && self.bytes.len() >= ENOUGH;
        self.checked |= enough;
        enough
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= self.limit
    }

    /// Returns the bytes without a byte order mark, and without white space around them.
    pub(crate) fn text(&self) -> &[u8] {
        text(&self.bytes)
    }

    /// Returns the first line of the text.
    pub(crate) fn first_line(text: &[u8]) -> &[u8] {
        let end = memchr::memchr2(b'\r', b'\n', text);
        end.and_then(|end| text.get(..end)).unwrap_or(text)
    }
}

impl Default for BodyStart {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            limit: LIMIT,
            json_limit: LIMIT,
            checked: false,
        }
    }
}

fn text(bytes: &[u8]) -> &[u8] {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK);
    text.unwrap_or(bytes).trim_ascii()
}
