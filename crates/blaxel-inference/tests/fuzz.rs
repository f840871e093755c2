//! The fuzz targets on inputs made by chance, for a second each; `FUZZ_SECONDS` makes it longer.
//!
//! The chance is the same in every run, so an input that fails once fails again. `cargo fuzz` in the
//! directory `fuzz` looks for inputs with more cunning.

#[path = "../fuzz/entry.rs"]
mod entry;

use std::time::{Duration, Instant};

/// What the formats are made of.
const BITS: &[&[u8]] = &[
    b"\n", b"\n", b"\r\n", b"\r", b"\n\n", b"\r\n\r\n", b":", b": keepalive", b" ", b"\0",
    b"data: ", b"data:", b"data", b"event: error", b"id: 1", b"retry: 10", b"[DONE]",
    b"\xEF\xBB\xBF", "é".as_bytes(), "🦀".as_bytes(), b"\xF0\x9F", b"\xFF",
    b"{}", b"{", b"}", b"[", b"]", b"\"", b"null", b"-1", b"1e9", b"\\u00e9", b",",
    br#"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#,
    br#"{"choices":[{"delta":{"tool_calls":[{"index":4294967295,"id":"x","function":{"arguments":"{"}}]}}]}"#,
    br#"{"choices":[],"usage":{"total_tokens":7}}"#,
    br#"{"error":{"message":"no"}}"#,
    b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

/// Marsaglia's xorshift.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    /// A stream of bits, of which some bytes are changed.
    fn input(&mut self) -> Vec<u8> {
        let mut input: Vec<u8> = (0..4).map(|_| self.below(256) as u8).collect();
        for _ in 0..self.below(24) {
            input.extend_from_slice(BITS[self.below(BITS.len())]);
        }
        for _ in 0..self.below(8).saturating_sub(5) {
            let at = self.below(input.len());
            input[at] = self.below(256) as u8;
        }
        input
    }
}

fn run(target: fn(&[u8])) {
    let seconds = std::env::var("FUZZ_SECONDS").ok();
    let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(1);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut chance = Chance(0x2545_F491_4F6C_DD1D);
    let mut inputs = 0_u64;
    while Instant::now() < end {
        let input = chance.input();
        let shown = input.clone();
        let outcome = std::panic::catch_unwind(|| target(&input));
        assert!(
            outcome.is_ok(),
            "failed on {:?}",
            shown.escape_ascii().to_string()
        );
        inputs += 1;
    }
    assert!(inputs > 100, "only {inputs} inputs were tried");
}

#[test]
fn events_are_decoded_alike_under_any_input() {
    run(entry::events);
}

#[test]
fn lines_are_decoded_alike_under_any_input() {
    run(entry::json_lines);
}

#[test]
fn pieces_are_decoded_alike_under_any_input() {
    run(entry::pieces);
}

#[test]
fn chats_are_decoded_alike_under_any_input() {
    run(entry::chat);
}
