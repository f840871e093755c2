//! Runs the fuzz targets on random inputs, for a second each; `FUZZ_SECONDS` makes it longer.
//!
//! The inputs are the same in every run, so an input that fails once fails again. `cargo fuzz` in the
//! directory `fuzz` searches for inputs by coverage, and `tests/tests/corpus/fuzz.rs` of the repository changes
//! the responses of real servers.

#[path = "../fuzz/entry.rs"]
mod entry;

use std::time::{Duration, Instant};

/// The tokens of the formats.
const TOKENS: &[&[u8]] = &[
    b"\n", b"\n", b"\r\n", b"\r", b"\n\n", b"\r\n\r\n", b":", b": keepalive", b" ", b"\0",
    b"data: ", b"data:", b"data", b"event: error", b"id: 1", b"retry: 10", b"[DONE]",
    b"\xEF\xBB\xBF", "é".as_bytes(), "🦀".as_bytes(), b"\xF0\x9F", b"\xFF",
    b"{}", b"{", b"}", b"[", b"]", b"\"", b"null", b"-1", b"1e9", b"\\u00e9", b",",
    br#"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#,
    br#"{"choices":[{"delta":{"tool_calls":[{"index":4294967295,"id":"x","function":{"arguments":"{"}}]}}]}"#,
    br#"{"choices":[],"usage":{"total_tokens":7}}"#,
    br#"{"error":{"message":"no"}}"#, b"error: ",
    br#"{"choices":[{"index":1,"delta":{"content":[{"text":"a"}]}},{"delta":{"content":"b"}}]}"#,
    br#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f"}},{"id":7,"function":{"arguments":{}}}]}}]}"#,
    br#"{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{}"}}]},"finish_reason":"error"}]}"#,
    b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

/// A random number generator: Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    /// Generates a stream of tokens, of which some bytes are changed.
    fn input(&mut self) -> Vec<u8> {
        let mut input: Vec<u8> = (0..4).map(|_| self.below(256) as u8).collect();
        for _ in 0..self.below(24) {
            input.extend_from_slice(TOKENS[self.below(TOKENS.len())]);
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
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let mut inputs = 0_u64;
    while Instant::now() < end {
        let input = random.input();
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
fn events_do_not_depend_on_the_chunks() {
    run(entry::events);
}

#[test]
fn lines_do_not_depend_on_the_chunks() {
    run(entry::json_lines);
}

#[test]
fn chunks_of_each_format_do_not_depend_on_those_of_the_body() {
    run(entry::chunks);
}

/// Generates JSON that is like an answer: members and values that providers write, in random places.
fn document(random: &mut Random, depth: usize) -> String {
    const NAMES: [&str; 12] = [
        "choices",
        "index",
        "message",
        "delta",
        "content",
        "tool_calls",
        "function",
        "arguments",
        "data",
        "embedding",
        "error",
        "text",
    ];
    const VALUES: [&str; 10] = [
        "0",
        "1",
        "-1",
        "1.0",
        "null",
        "\"a\"",
        "\"\"",
        "true",
        "\"AACAPw==\"",
        "[1]",
    ];
    let form = if depth == 0 { 9 } else { random.below(10) };
    match form {
        0..=5 => {
            let member = |random: &mut Random| {
                let name = NAMES[random.below(NAMES.len())];
                format!("\"{name}\":{}", document(random, depth - 1))
            };
            let members: Vec<String> = (0..random.below(5)).map(|_| member(random)).collect();
            format!("{{{}}}", members.join(","))
        }
        6..=7 => {
            let items = (0..random.below(4)).map(|_| document(random, depth - 1));
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        }
        _ => VALUES[random.below(VALUES.len())].to_owned(),
    }
}

#[test]
fn no_document_breaks_the_readers_of_answers() {
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    for _ in 0..4_000 {
        let (name, inner) = (
            ["choices", "data"][random.below(2)],
            document(&mut random, 5),
        );
        let text = format!("{{\"{name}\":[{inner}]}}");
        entry::answers(text.as_bytes());
        entry::answers(&text.as_bytes()[..random.below(text.len())]);
        entry::chat(format!("dataxxxxdata: {text}\n\n{text}\ndata: [DONE]").as_bytes());
    }
}

#[test]
fn chats_do_not_depend_on_the_chunks() {
    run(entry::chat);
}
