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
        ["call", kind, calls, address] => {
            callgrind::become_multi_threaded();
            let job = Calls {
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
    for (measure, apart, at_once, each) in [
        ("one-at-a-time", false, 1, 3_000),
        ("64-at-once", false, 64, 100),
        ("64-at-once-apart", true, 64, 100),
    ] {
        let job = Calls {
            apart,
            warm_up: 300 / divisor,
            at_once,
            each: (each / divisor).max(1),
        };
        let rates = rates(rounds, &job, server.address);
        for (kind, mut rates) in Kind::ALL.into_iter().zip(rates) {
            rates.sort_unstable_by(f64::total_cmp);
            figure(kind.name(), measure, rates[rates.len() / 2], Some(rates[0]));
        }
    }
    for kind in Kind::ALL {
        match callgrind::per_call(kind.name(), server.address, 1_000 / divisor) {
            Ok(instructions) => figure(kind.name(), "instructions", instructions, None),
            Err(reason) => return callgrind::absent(&reason),
        }
    }
}

/// Returns the calls per second of each kind of caller in each round.
fn rates(rounds: usize, job: &Calls, address: SocketAddr) -> [Vec<f64>; Kind::ALL.len()] {
    let mut rates = [const { Vec::new() }; Kind::ALL.len()];
    for round in 0..rounds {
        for offset in 0..Kind::ALL.len() {
            let index = (round + offset) % Kind::ALL.len();
            rates[index].push(job.time(Kind::ALL[index], address));
        }
    }
    rates
}

/// A job that makes calls and measures their rate.
#[derive(Clone, Copy)]
struct Calls {
    /// `true` if the server is a separate process at the given address; otherwise one runs on the
    /// thread of the calls.
    apart: bool,
    warm_up: usize,
    at_once: usize,
    each: usize,
}

impl Calls {
    /// Makes the calls and returns the number of calls per second.
    fn time(self, kind: Kind, address: SocketAddr) -> f64 {
        runtime().block_on(async {
            if self.apart {
                return kind.with(address, self).await;
            }
            let listener = listen().await;
            let here = listener.local_addr().expect("a bound socket");
            let server = tokio::spawn(serve(listener));
            let rate = kind.with(here, self).await;
            server.abort();
            rate
        })
    }
}

impl Job for Calls {
    type Output = std::pin::Pin<Box<dyn Future<Output = f64>>>;

    fn run(self, caller: impl Caller) -> Self::Output {
        Box::pin(async move {
            make(&caller, self.at_once, self.warm_up.div_ceil(self.at_once)).await;
            let start = Instant::now();
            make(&caller, self.at_once, self.each).await;
            (self.at_once * self.each) as f64 / start.elapsed().as_secs_f64()
        })
    }
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
