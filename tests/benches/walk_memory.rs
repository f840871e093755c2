//! Measures the memory that walking a list takes, with our stream of items and with a hand-written
//! loop: `cargo bench -p blaxel-tests --bench walk_memory`.
//!
//! The walkers, the server and the list are those of the benchmark `walk`. Only the client runs in
//! this process, so only its own allocations are counted, from before its first connection to after
//! its last item. This is a separate program because counting slows it down.
//!
//! The peak shows whether a list that is ten times as long needs more memory. It depends on how
//! much of a page has arrived when hyper reads, as does the size of hyper's buffers; therefore it
//! is the maximum of several walks, ten times as many for the shorter list.

mod walk_support;

use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use walk_support::list::{List, PAGE, serve};
use walk_support::process::{Server, runtime, serve_until_input_ends};
use walk_support::report::figure;
use walk_support::walkers::Kind;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "serve") {
        return serve_until_input_ends(serve);
    }
    let bench = arguments.iter().any(|argument| argument == "--bench");
    let (shorter, longer, rounds) = if bench { (50, 500, 3) } else { (1, 3, 1) };
    let server = Server::start().expect("a server");
    for kind in Kind::ALL {
        let of_walks = |pages, rounds| {
            let list = List::of_pages(server.address, pages);
            let walks: Vec<_> = (0..rounds).map(|_| of_walk(kind, list)).collect();
            let peak = walks.iter().map(|used| used.bytes_max).max();
            (walks, peak.unwrap_or_default() as f64 / 1024.0)
        };
        // Walk the same number of pages in total.
        let (_, peak) = of_walks(shorter, rounds * longer / shorter);
        figure(kind.name(), "peak-of-shorter-kib", peak, None);
        let (walks, peak) = of_walks(longer, rounds);
        figure(kind.name(), "peak-of-longer-kib", peak, None);
        let allocations = walks.iter().map(|used| used.count_total).min();
        let each = allocations.unwrap_or_default() as f64 / f64::from(longer * PAGE);
        figure(kind.name(), "allocations", each, None);
    }
}

/// Measures one walk over a list, with a consumer that is slow enough for the next page to arrive.
fn of_walk(kind: Kind, list: List) -> AllocationInfo {
    let runtime = runtime();
    measure(|| runtime.block_on(kind.over(list).walk(Duration::from_millis(5))))
}
