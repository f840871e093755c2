//! A small gzip file that decompresses to a large one.

use std::sync::LazyLock;

/// The decompressed size, in bytes.
const SIZE: usize = 16 << 20;

/// A gzip file of a zero byte and thousands of repetitions of it.
pub(super) static GZIP: LazyLock<Vec<u8>> = LazyLock::new(gzip);

/// A bit buffer in the order of `deflate`: from the lowest bit of each byte.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << self.used;
        }
        self.used = (self.used + 1) % 8;
    }

    /// Writes a Huffman code, highest bit first.
    fn code(&mut self, code: u16, length: u32) {
        for bit in (0..length).rev() {
            self.push(code >> bit & 1 == 1);
        }
    }
}

fn gzip() -> Vec<u8> {
    let mut bits = Bits::default();
    // The last block, with fixed Huffman codes.
    for bit in [true, true, false] {
        bits.push(bit);
    }
    // A literal zero, then "258 bytes like the one before".
    bits.code(0b0011_0000, 8);
    for _ in 0..SIZE / 258 {
        bits.code(0b1100_0101, 8);
        bits.code(0, 5);
    }
    bits.code(0, 7);
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    file.extend_from_slice(&bits.bytes);
    // The checksum is wrong, but the client stops reading long before it.
    file.extend_from_slice(&[0; 8]);
    file
}
