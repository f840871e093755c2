//! What it costs in memory to walk a list, item by item through our stack and by hand:
//! `cargo bench -p blaxel-tests --bench walk_memory`.
//!
//! The walkers, the server and the list are those of the benchmark `walk`. Only the client is in this
//! process, so what is counted is its own, from before its first connection to after its last item.
//! The peak shows whether a list that is ten times as long takes more room. This is a program apart
//! because counting takes time.

mod walk_support;

use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use walk_support::list::{List, serve};
use walk_support::process::{Server, runtime, serve_until_input_ends};
use walk_support::report::figure;
use walk_support::walkers::Kind;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "serve") {
        return serve_until_input_ends(serve);
    }
    let bench = arguments.iter().any(|argument| argument == "--bench");
    let (shorter, longer, rounds) = if bench { (50, 500, 9) } else { (1, 3, 1) };
    let server = Server::start().expect("a server");
    for kind in Kind::ALL {
        let of_pages = |pages| {
            let list = List::of_pages(server.address, pages);
            let walks: Vec<_> = (0..rounds).map(|_| of_walk(kind, list)).collect();
            let each = |total| total as f64 / f64::from(list.items());
            (
                median(&walks, |used| used.bytes_max as f64 / 1024.0),
                median(&walks, |used| each(used.count_total)),
            )
        };
        let (peak, _) = of_pages(shorter);
        figure(kind.name(), "peak-of-shorter-kib", peak, None);
        let (peak, allocations) = of_pages(longer);
        figure(kind.name(), "peak-of-longer-kib", peak, None);
        figure(kind.name(), "allocations", allocations, None);
    }
}

/// What a walk over a list uses.
fn of_walk(kind: Kind, list: List) -> AllocationInfo {
    let runtime = runtime();
    measure(|| runtime.block_on(kind.over(list).walk(Duration::ZERO)))
}

fn median(walks: &[AllocationInfo], of: impl Fn(&AllocationInfo) -> f64) -> f64 {
    let mut values: Vec<f64> = walks.iter().map(of).collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
