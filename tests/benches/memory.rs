//! Measures the memory that a call takes, through our stack and through others: `cargo bench -p
//! blaxel-tests --bench memory`.
//!
//! The callers, the document and the headers are those of the benchmark `transport`. Only the
//! client runs in this process, so only its own allocations are counted: connections, tasks and
//! decoding. This is a separate program because counting takes time, and most for the callers that
//! allocate most.

mod support;

use std::hint::black_box;
use std::net::SocketAddr;

use allocation_counter::{AllocationInfo, measure};
use blaxel_transport::HttpVersion;
use support::callers::{Caller, Job, Kind};
use support::process::{Server, runtime, serve_until_input_ends};
use support::report::figure;
use support::server::{HELD, HELD_CALLS, serve};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "serve") {
        return serve_until_input_ends(serve);
    }
    let bench = arguments.iter().any(|argument| argument == "--bench");
    let (calls, rounds) = if bench { (1_000, 9) } else { (10, 1) };
    let server = Server::start().expect("a server");
    for kind in Kind::ALL {
        let used = of_calls(kind, server.address, calls);
        let each = |total: u64| total as f64 / f64::from(calls);
        figure(kind.name(), "allocations", each(used.count_total), None);
        figure(kind.name(), "bytes", each(used.bytes_total), None);
        let mut peaks: Vec<u64> = (0..rounds)
            .map(|_| of_held_calls(kind, server.address).bytes_max)
            .collect();
        peaks.sort_unstable();
        let peak = peaks[peaks.len() / 2] as f64 / 1024.0;
        figure(kind.name(), "peak-kib", peak, None);
    }
}

/// Measures `calls` sequential calls, after a warm-up of calls whose allocations later ones reuse.
fn of_calls(kind: Kind, address: SocketAddr, calls: u32) -> AllocationInfo {
    struct Calls(u32);

    impl Job for Calls {
        type Output = AllocationInfo;

        fn run(self, caller: impl Caller) -> AllocationInfo {
            let runtime = runtime();
            let make = |calls: u32| {
                runtime.block_on(async {
                    for _ in 0..calls {
                        black_box(caller.call("support-assistant").await.weight());
                    }
                });
            };
            make(100);
            measure(|| make(self.0))
        }
    }

    kind.with(address, HttpVersion::Http1, Calls(calls))
}

/// Measures [`HELD_CALLS`] concurrent calls that the server answers only when all have arrived. The
/// result varies with the order in which connections are made.
fn of_held_calls(kind: Kind, address: SocketAddr) -> AllocationInfo {
    struct Held;

    impl Job for Held {
        type Output = AllocationInfo;

        fn run(self, caller: impl Caller) -> AllocationInfo {
            let runtime = runtime();
            measure(|| {
                runtime.block_on(async {
                    let mut tasks = tokio::task::JoinSet::new();
                    for _ in 0..HELD_CALLS {
                        let caller = caller.clone();
                        tasks.spawn(async move { caller.call(HELD).await.weight() });
                    }
                    black_box(tasks.join_all().await);
                });
            })
        }
    }

    kind.with(address, HttpVersion::Http1, Held)
}
