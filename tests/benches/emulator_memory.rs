//! Counts the allocations of the emulator for a request: `cargo xtask bench emulator`.
//!
//! Emulator and client share one thread. The client is that of the benchmark `emulator`; it makes the
//! requests before, and allocates nothing while it sends them. This is a program of its own because
//! counting takes time.

#[path = "support/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "emulator/requests.rs"]
#[allow(dead_code)]
mod requests;
#[path = "emulator/wire.rs"]
#[allow(dead_code)]
mod wire;

use allocation_counter::AllocationInfo;
use blaxel_emulator::Emulator;
use process::runtime;
use requests::{OPERATIONS, Requests};
use wire::Wire;

fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let count = if is_bench { 1000 } else { 10 };
    for operation in OPERATIONS {
        let used = of_requests(operation, count);
        let each = |total: u64| total as f64 / count as f64;
        println!("{operation}\tallocations\t{:.1}", each(used.count_total));
        println!("{operation}\tbytes\t{:.1}", each(used.bytes_total));
    }
}

/// Counts the allocations of so many requests, after a few others.
fn of_requests(operation: &str, count: usize) -> AllocationInfo {
    let runtime = runtime();
    let start = async {
        let emulator = Emulator::builder().real_clock().start().await;
        let emulator = emulator.expect("an emulator");
        let requests = Requests::of(emulator.variables());
        let mut wire = Wire::connect(&requests.authority)
            .await
            .expect("a connection");
        let warm_up = (count..count + 5).map(|number| requests.request(operation, number));
        for request in requests.preparation().into_iter().chain(warm_up) {
            wire.call(&request).await.expect("a response");
        }
        (emulator, requests, wire)
    };
    let (emulator, requests, mut wire) = runtime.block_on(start);
    let all: Vec<_> = (0..count)
        .map(|number| requests.request(operation, number))
        .collect();
    let used = allocation_counter::measure(|| {
        runtime.block_on(async {
            for request in &all {
                wire.call(request).await.expect(operation);
            }
        });
    });
    drop(emulator);
    used
}
