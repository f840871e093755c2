//! Measures the time of a call, through our stack and through others: `cargo bench -p blaxel-tests
//! --bench transport`.
//!
//! All callers request the same document from the same server with the same headers, and decode it
//! into the same type. All take part in each round, in a different order each time, so that a slow
//! moment of the machine affects all of them alike; the figure is the median of the rounds. Where
//! client and server share a thread, no time is spent on waking a thread.
//!
//! Instructions are counted by valgrind in a process that runs only the client: the difference
//! between a run of 1,000 calls and one of 2,000, per call.
//!
//! Without `--bench`, as under `cargo test`, each caller only makes a few calls.

#[path = "support/callgrind.rs"]
mod callgrind;
mod support;

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Instant;

use blaxel_transport::HttpVersion;
use support::callers::{Caller, Job, Kind};
use support::process::{Server, listen, runtime, serve_until_input_ends};
use support::report::figure;
use support::server::serve;

const ROUNDS: usize = 18;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve"] => serve_until_input_ends(serve),
        ["call", kind, version, address, calls] => {
            callgrind::become_multi_threaded();
            let job = Calls {
                version: match *version {
                    "http2" => HttpVersion::Http2,
                    _ => HttpVersion::Http1,
                },
                apart: true,
                warm_up: 0,
                at_once: 1,
                each: calls.parse().expect("a number of calls"),
            };
            let kind = Kind::ALL.into_iter().find(|known| known.name() == *kind);
            let address = address.parse().expect("an address");
            job.time(kind.expect("a caller"), address);
        }
        _ if words.contains(&"--bench") => bench(ROUNDS, 1),
        _ => bench(1, 100),
    }
}

/// Runs all measurements in `rounds` rounds, with the numbers of calls divided by `divisor`.
fn bench(rounds: usize, divisor: usize) {
    let server = Server::start().expect("a server");
    for (measure, version, apart, at_once, each) in [
        ("one-at-a-time", HttpVersion::Http1, false, 1, 3_000),
        ("64-at-once", HttpVersion::Http1, false, 64, 100),
        ("one-apart", HttpVersion::Http1, true, 1, 3_000),
        ("64-apart", HttpVersion::Http1, true, 64, 100),
        ("h2-one-apart", HttpVersion::Http2, true, 1, 3_000),
        ("h2-64-apart", HttpVersion::Http2, true, 64, 100),
    ] {
        let job = Calls {
            version,
            apart,
            warm_up: 300 / divisor,
            at_once,
            each: (each / divisor).max(1),
        };
        let costs = costs(rounds, &job, server.address);
        for (kind, costs) in Kind::ALL.into_iter().zip(costs) {
            let sorted = |of: fn(&Cost) -> f64| {
                let mut values: Vec<f64> = costs.iter().map(of).collect();
                values.sort_unstable_by(f64::total_cmp);
                values
            };
            let rates = sorted(|cost| cost.rate);
            figure(kind.name(), measure, rates[rounds / 2], Some(rates[0]));
            if apart {
                // With the server on the same thread, its time would be included.
                let times = sorted(|cost| cost.cpu_us);
                let measure = format!("{measure}-cpu-us");
                figure(kind.name(), &measure, times[rounds / 2], Some(times[0]));
            }
        }
    }
    let address = server.address.to_string();
    for (measure, version) in [("instructions", "http1"), ("h2-instructions", "http2")] {
        for kind in Kind::ALL {
            let arguments = ["call", kind.name(), version, &address];
            match callgrind::per_call(&arguments, 1_000 / divisor) {
                Ok(instructions) => figure(kind.name(), measure, instructions, None),
                Err(reason) => callgrind::absent(measure, &reason),
            }
        }
    }
}

/// Returns the costs of each kind of caller in each round.
fn costs(rounds: usize, job: &Calls, address: SocketAddr) -> [Vec<Cost>; Kind::ALL.len()] {
    let mut costs = [const { Vec::new() }; Kind::ALL.len()];
    for round in 0..rounds {
        for offset in 0..Kind::ALL.len() {
            let index = (round + offset) % Kind::ALL.len();
            costs[index].push(job.time(Kind::ALL[index], address));
        }
    }
    costs
}

/// The result of a job.
struct Cost {
    /// Calls per second.
    rate: f64,
    /// Processor time of this thread per call, in microseconds.
    cpu_us: f64,
}

/// A job that makes calls and measures their cost.
#[derive(Clone, Copy)]
struct Calls {
    version: HttpVersion,
    /// `true` if the server is a separate process at the given address; otherwise one runs on the
    /// thread of the calls.
    apart: bool,
    warm_up: usize,
    at_once: usize,
    each: usize,
}

impl Calls {
    /// Makes the calls and returns their cost.
    fn time(self, kind: Kind, address: SocketAddr) -> Cost {
        runtime().block_on(async {
            if self.apart {
                return kind.with(address, self.version, self).await;
            }
            let listener = listen().await;
            let here = listener.local_addr().expect("a bound socket");
            let server = tokio::spawn(serve(listener));
            let cost = kind.with(here, self.version, self).await;
            server.abort();
            cost
        })
    }
}

impl Job for Calls {
    type Output = std::pin::Pin<Box<dyn Future<Output = Cost>>>;

    fn run(self, caller: impl Caller) -> Self::Output {
        Box::pin(async move {
            make(&caller, self.at_once, self.warm_up.div_ceil(self.at_once)).await;
            let (start, cpu) = (Instant::now(), thread_seconds());
            make(&caller, self.at_once, self.each).await;
            let calls = (self.at_once * self.each) as f64;
            Cost {
                rate: calls / start.elapsed().as_secs_f64(),
                cpu_us: (thread_seconds() - cpu) * 1e6 / calls,
            }
        })
    }
}

/// Returns the processor time of this thread; on Linux only.
fn thread_seconds() -> f64 {
    // The system counts up to the last time that the thread gave way.
    std::thread::yield_now();
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = stat.split(' ').next().and_then(|time| time.parse().ok());
    nanoseconds.map_or(0.0, |time: f64| time / 1e9)
}

async fn make(caller: &impl Caller, at_once: usize, each: usize) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..at_once {
        let caller = caller.clone();
        tasks.spawn(async move {
            for _ in 0..each {
                black_box(caller.call("support-assistant").await.weight());
            }
        });
    }
    tasks.join_all().await;
}
