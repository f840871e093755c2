//! The start of a body, which is kept until its first item: without an item it is the only clue to what the
//! server sent in place of a stream.

use crate::split::BYTE_ORDER_MARK;

/// Maximum number of bytes that are kept. Errors and pages are smaller.
const LIMIT: usize = 64 * 1024;

/// The number of bytes by which most formats can be told apart.
const ENOUGH: usize = 64;

/// The first bytes of a body.
pub(crate) struct BodyStart {
    bytes: Vec<u8>,
    limit: usize,
    checked: bool,
}

impl BodyStart {
    /// Sets the maximum number of bytes, for bodies that are read as a whole.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Adds a chunk, up to the limit. Returns `true` if there are enough bytes to check the format, once.
    pub(crate) fn add(&mut self, chunk: &[u8]) -> bool {
        let space = self.limit.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(&chunk[..chunk.len().min(space)]);
        let enough = !self.checked && self.bytes.len() >= ENOUGH;
        self.checked |= enough;
        enough
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= self.limit
    }

    /// Returns the bytes without a byte order mark, and without white space around them.
    pub(crate) fn text(&self) -> &[u8] {
        let text = self.bytes.strip_prefix(BYTE_ORDER_MARK);
        text.unwrap_or(&self.bytes).trim_ascii()
    }

    /// Returns the first line of the text.
    pub(crate) fn first_line(text: &[u8]) -> &[u8] {
        let end = memchr::memchr2(b'\r', b'\n', text);
        &text[..end.unwrap_or(text.len())]
    }
}

impl Default for BodyStart {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            limit: LIMIT,
            checked: false,
        }
    }
}
