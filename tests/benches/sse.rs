//! Compares decoders of server-sent events: `cargo bench -p blaxel-tests --bench sse`.
//!
//! All decoders run in one process and take turns, so that a slow moment of the machine affects all
//! of them alike. The time given is the median over the rounds. Allocations are counted in a
//! separate run. Without `--bench`, as under `cargo test`, one round on smaller events only checks
//! that all decoders agree.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::{Duration, Instant};

use blaxel_inference::sse::Decoder;
use bytes::Bytes;
use eventsource_stream::EventStream;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use sse_stream::SseByteStream;

/// The number of orders in which four candidates can run.
const ROUNDS: usize = 24;
const CHUNK: usize = 8 * 1024;

/// A decoder under test. `run` returns the number of events and the total length of their data.
struct Candidate {
    name: &'static str,
    run: fn(&[Bytes]) -> Totals,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Totals {
    events: usize,
    bytes: usize,
}

impl Totals {
    fn add(&mut self, data: &str) {
        self.events += 1;
        self.bytes += black_box(data).len();
    }
}

const CANDIDATES: [Candidate; 4] = [
    Candidate {
        name: "blaxel-inference",
        run: run_own,
    },
    Candidate {
        name: "sseer",
        run: run_sseer,
    },
    Candidate {
        name: "sse-stream",
        run: run_sse_stream,
    },
    Candidate {
        name: "eventsource-stream",
        run: run_eventsource_stream,
    },
];

fn run_own(chunks: &[Bytes]) -> Totals {
    let mut totals = Totals::default();
    let mut decoder = Decoder::new();
    for chunk in chunks {
        decoder.push(chunk.clone());
        while let Some(event) = decoder.next_event() {
            totals.add(event.expect("a good stream").data());
        }
    }
    totals
}

fn run_sseer(chunks: &[Bytes]) -> Totals {
    let mut totals = Totals::default();
    let mut events = sseer::EventStream::new(body(chunks));
    while let Some(event) = next(&mut events) {
        totals.add(&event.expect("a good stream").data);
    }
    totals
}

fn run_sse_stream(chunks: &[Bytes]) -> Totals {
    let mut totals = Totals::default();
    let mut events = SseByteStream::new(body(chunks));
    while let Some(event) = next(&mut events) {
        totals.add(&event.expect("a good stream").data.expect("data"));
    }
    totals
}

fn run_eventsource_stream(chunks: &[Bytes]) -> Totals {
    let mut totals = Totals::default();
    let mut events = EventStream::new(body(chunks));
    while let Some(event) = next(&mut events) {
        totals.add(&event.expect("a good stream").data);
    }
    totals
}

fn body(chunks: &[Bytes]) -> impl Stream<Item = Result<Bytes, Infallible>> + Unpin {
    stream::iter(chunks.iter().cloned().map(Ok))
}

/// Returns the next item of a stream that is always ready.
fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    stream.next().now_or_never().flatten()
}

/// A stream to decode, cut into chunks.
struct Workload {
    name: String,
    chunks: Vec<Bytes>,
    expected: Totals,
}

impl Workload {
    fn new(name: String, data: impl Iterator<Item = String>) -> Self {
        let mut expected = Totals::default();
        let mut body = String::new();
        for data in data {
            expected.add(&data);
            body.push_str(&format!("data: {data}\n\n"));
        }
        let chunks = body
            .as_bytes()
            .chunks(CHUNK)
            .map(Bytes::copy_from_slice)
            .collect();
        Self {
            name,
            chunks,
            expected,
        }
    }

    /// Creates the response of a chat model, one word at a time.
    fn chat(events: usize) -> Self {
        let delta = |word| {
            format!(
                r#"{{"id":"chatcmpl-8f3a2b1c9d","object":"chat.completion.chunk","created":1760000000,"model":"sandbox-large","choices":[{{"index":0,"delta":{{"content":" word{word:05}"}},"logprobs":null,"finish_reason":null}}]}}"#
            )
        };
        Self::new(
            format!("{events} chat events of {} bytes", delta(0).len()),
            (0..events).map(delta),
        )
    }

    fn large(kibibytes: usize) -> Self {
        let data = format!(r#"{{"b64":"{}"}}"#, "QUJD".repeat(kibibytes * 256));
        Self::new(
            format!("one event of {kibibytes} KiB"),
            std::iter::once(data),
        )
    }
}

struct Figures {
    name: &'static str,
    time: Duration,
    allocations: u64,
    peak: u64,
}

fn measure(workload: &Workload, rounds: usize) -> Vec<Figures> {
    let mut times = [const { Vec::new() }; CANDIDATES.len()];
    for round in 0..rounds {
        for index in order(round) {
            times[index].push(time(&CANDIDATES[index], workload));
        }
    }
    CANDIDATES
        .iter()
        .zip(times)
        .map(|(candidate, times)| figures(candidate, times, workload))
        .collect()
}

/// Runs all orders of the candidates, one each round. A run is affected by the state in which the
/// previous one left the caches and the heap; this way every candidate is affected equally often.
fn order(mut round: usize) -> [usize; CANDIDATES.len()] {
    let mut order = std::array::from_fn(|index| index);
    for place in 1..order.len() {
        order.swap(place, round % (place + 1));
        round /= place + 1;
    }
    order
}

fn time(candidate: &Candidate, workload: &Workload) -> Duration {
    let start = Instant::now();
    let totals = (candidate.run)(&workload.chunks);
    let time = start.elapsed();
    assert_eq!(totals, workload.expected, "{}", candidate.name);
    time
}

fn figures(candidate: &Candidate, times: Vec<Duration>, workload: &Workload) -> Figures {
    let memory = allocation_counter::measure(|| {
        black_box((candidate.run)(&workload.chunks));
    });
    Figures {
        name: candidate.name,
        time: median(times),
        allocations: memory.count_total,
        peak: memory.bytes_max,
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn print(workload: &Workload, figures: &[Figures]) {
    println!("\n{}, in chunks of {} KiB", workload.name, CHUNK / 1024);
    println!(
        "{:<20}{:>14}{:>10}{:>14}{:>14}",
        "", "ns/event", "MB/s", "allocs/event", "peak KiB"
    );
    let events = workload.expected.events as f64;
    for Figures {
        name,
        time,
        allocations,
        peak,
    } in figures
    {
        let nanoseconds = time.as_nanos() as f64;
        let per_event = nanoseconds / events;
        let speed = workload.expected.bytes as f64 * 1000.0 / nanoseconds;
        let allocations = *allocations as f64 / events;
        let peak = *peak as f64 / 1024.0;
        println!("{name:<20}{per_event:>14.0}{speed:>10.0}{allocations:>14.2}{peak:>14.1}");
    }
}

fn main() {
    let bench = std::env::args().any(|argument| argument == "--bench");
    let (rounds, small, large) = if bench {
        (ROUNDS, 1024, 4096)
    } else {
        (1, 16, 64)
    };
    for workload in [
        Workload::chat(5000),
        Workload::large(small),
        Workload::large(large),
    ] {
        print(&workload, &measure(&workload, rounds));
    }
}
