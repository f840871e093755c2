//! Measures the cost of a streamed chat, through our typed stream and through others: `cargo bench
//! -p blaxel-tests --bench chat`.
//!
//! The server is a separate process and sends all of them the same bytes. Each decodes them into
//! typed chunks, and runs on this thread alone. They take turns, so that a slow moment of the
//! machine affects all of them alike; the figure is the median over the rounds. Memory is counted
//! in separate runs. Without `--bench`, as under `cargo test`, one short round only checks that all
//! read the same text.

#[path = "chat/server.rs"]
mod chat_server;
#[path = "chat/clients.rs"]
mod clients;
#[allow(dead_code)]
mod support;

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use chat_server::{DELAY, Script};
use clients::{AsyncOpenAi, Bare, ChatClient, Own};
use support::process::{Server, runtime, serve_until_input_ends};

/// The number of chunks of a response and the total length of their text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    chunks: usize,
    bytes: usize,
}

impl Totals {
    fn add(&mut self, text: &str) {
        self.chunks += 1;
        self.bytes += black_box(text).len();
    }
}

/// The number of rounds, and the size of the requests.
struct Effort {
    rounds: usize,
    deltas: usize,
    streams: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "serve") {
        return serve_until_input_ends(chat_server::serve);
    }
    let bench = arguments.iter().any(|argument| argument == "--bench");
    let effort = if bench {
        Effort {
            rounds: 15,
            deltas: 50_000,
            streams: 1_000,
        }
    } else {
        Effort {
            rounds: 1,
            deltas: 100,
            streams: 10,
        }
    };
    let server = Server::start().expect("a server");
    let mut runs = [
        Run::of(server.address, Own::new),
        Run::of(server.address, AsyncOpenAi::new),
        Run::of(server.address, Bare::new),
    ];
    for round in 0..effort.rounds {
        // Each runs first, second and last equally often.
        for index in 0..runs.len() {
            let index = (index + round) % runs.len();
            runs[index].run_round(&effort);
        }
    }
    let totals = runs[0].totals;
    for run in runs {
        assert_eq!(run.totals, totals, "{}", run.name);
        run.print(&effort);
    }
}

/// A client and its measurements.
struct Run {
    name: &'static str,
    read: Box<dyn Fn(Script) -> (Totals, Duration, Duration)>,
    hold: Box<dyn Fn(usize) -> Totals>,
    totals: Totals,
    whole: Vec<Duration>,
    first: Vec<Duration>,
}

impl Run {
    fn of<A: ChatClient>(
        address: SocketAddr,
        make: impl Fn(SocketAddr) -> A + Copy + 'static,
    ) -> Self {
        let runtime = runtime();
        let client = make(address);
        let read = move |script| runtime.block_on(read(&client, script));
        let hold = move |streams| {
            let runtime = support::process::runtime();
            runtime.block_on(hold(make(address), streams))
        };
        Self {
            name: A::NAME,
            read: Box::new(read),
            hold: Box::new(hold),
            totals: Totals::default(),
            whole: Vec::new(),
            first: Vec::new(),
        }
    }

    fn run_round(&mut self, effort: &Effort) {
        let (totals, _, whole) = (self.read)(Script::Deltas(effort.deltas));
        self.totals = totals;
        self.whole.push(whole);
        let (_, first, _) = (self.read)(Script::Delayed);
        self.first.push(first.saturating_sub(DELAY));
    }

    fn print(self, effort: &Effort) {
        let figure = |measure: &str, value: f64| println!("{}\t{measure}\t{value:.1}", self.name);
        let seconds = median(self.whole.clone()).as_secs_f64();
        figure("deltas-per-second", self.totals.chunks as f64 / seconds);
        figure(
            "first-delta-us",
            median(self.first.clone()).as_secs_f64() * 1e6,
        );
        let memory = measure(|| {
            black_box((self.read)(Script::Deltas(effort.deltas)));
        });
        let each = memory.count_total as f64 / self.totals.chunks as f64;
        figure("allocations-per-delta", each);
        let held = measure(|| {
            black_box((self.hold)(effort.streams));
        });
        let kibibytes = held.bytes_max as f64 / 1024.0;
        figure("peak-kib-of-held-streams", kibibytes);
        figure("kib-per-held-stream", kibibytes / effort.streams as f64);
    }
}

/// Reads a response to its end. Returns its totals, and the times to the first and to the last
/// chunk.
async fn read<A: ChatClient>(client: &A, script: Script) -> (Totals, Duration, Duration) {
    let mut totals = Totals::default();
    let mut first = None;
    let start = Instant::now();
    client
        .ask(script, |text| {
            first.get_or_insert_with(|| start.elapsed());
            totals.add(text);
        })
        .await;
    (totals, first.unwrap_or_default(), start.elapsed())
}

/// Reads `streams` responses concurrently; the server continues only when all have begun.
async fn hold<A: ChatClient>(client: A, streams: usize) -> Totals {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..streams {
        let client = client.clone();
        tasks.spawn(async move { read(&client, Script::Held(streams)).await.0 });
    }
    let totals = tasks.join_all().await;
    assert!(totals.iter().all(|one| *one == totals[0]));
    totals[0]
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
