//! The fuzz targets of the stream decoders, on changed bodies of the corpus.
//!
//! The targets are tested on random tokens where they are, in `crates/blaxel-inference`. `FUZZ_SECONDS` makes
//! each test longer than a second.

#[path = "../../../crates/blaxel-inference/fuzz/entry.rs"]
mod entry;

use std::time::{Duration, Instant};

use blaxel_tests::random::Random;

use crate::case::cases;

/// Returns a body of the seeds with some changes: bytes replaced, removed and repeated, and the rest of
/// another body.
fn input(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut body = seeds[random.below(seeds.len())].clone();
    for _ in 0..random.below(6) {
        let at = random.below(body.len().max(1));
        let end = (at + random.below(40)).min(body.len());
        match random.below(4) {
            0 if at < body.len() => body[at] = random.below(256) as u8,
            1 => drop(body.drain(at..end)),
            2 => {
                let copy = body[at..end].to_vec();
                body.splice(at..at, copy);
            }
            _ => {
                let other = &seeds[random.below(seeds.len())];
                body.truncate(at);
                body.extend_from_slice(&other[random.below(other.len().max(1))..]);
            }
        }
    }
    let mut input: Vec<u8> = (0..4).map(|_| random.below(256) as u8).collect();
    input.extend(body);
    input
}

fn run(kinds: &[&str], target: fn(&[u8])) {
    let seeds = kinds.iter().flat_map(|kind| cases(kind));
    let seeds: Vec<Vec<u8>> = seeds.map(|case| case.body.to_vec()).collect();
    let seconds = std::env::var("FUZZ_SECONDS").ok();
    let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(1);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let mut inputs = 0_u64;
    while Instant::now() < end {
        let input = input(&mut random, &seeds);
        let outcome = std::panic::catch_unwind(|| target(&input));
        assert!(outcome.is_ok(), "failed on {}", input.escape_ascii());
        inputs += 1;
    }
    assert!(inputs > 100, "only {inputs} inputs were tried");
}

#[test]
fn events_of_the_corpus_do_not_depend_on_the_chunks() {
    run(&["chat-stream", "agent-stream", "mcp"], entry::events);
}

#[test]
fn lines_of_the_corpus_do_not_depend_on_the_chunks() {
    run(&["agent-stream", "chat"], entry::json_lines);
}

#[test]
fn chunks_of_the_corpus_do_not_depend_on_those_of_the_body() {
    run(&["chat-stream", "agent-stream", "errors"], entry::chunks);
}

#[test]
fn chats_of_the_corpus_do_not_depend_on_the_chunks() {
    run(&["chat-stream"], entry::chat);
}

#[test]
fn answers_of_the_corpus_have_choices_that_can_be_told_apart() {
    run(&["chat", "embeddings"], entry::answers);
}
