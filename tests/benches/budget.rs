//! Measures what the commonest calls cost in our crates, and compares it with `budget.txt`: `cargo
//! bench -p blaxel-tests --bench budget`.
//!
//! The client's transport is in memory, so that figures do not depend on a network. Instructions are
//! counted by valgrind, if it is installed. The allocations are checked by `tests/allocations.rs` as
//! well.

#[path = "support/callgrind.rs"]
mod callgrind;
#[path = "budget/calls.rs"]
mod calls;
#[path = "support/document.rs"]
mod document;
#[path = "support/report.rs"]
mod report;

use std::process::ExitCode;

use calls::{Call, client};
use report::figure;

/// The part of a budget by which instructions may differ between machines and compilers.
const TOLERANCE: f64 = 0.02;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["call", name, count] => {
            callgrind::become_multi_threaded();
            let call = Call::ALL.into_iter().find(|call| call.name() == *name);
            make(call.expect("a call"), count.parse().expect("a number"));
            ExitCode::SUCCESS
        }
        _ if words.contains(&"--bench") => bench(1_000),
        _ => {
            Call::ALL.into_iter().for_each(|call| make(call, 3));
            ExitCode::SUCCESS
        }
    }
}

/// Prints the figures of all calls. Fails if one is above its budget.
fn bench(count: usize) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for call in Call::ALL {
        let (name, budget) = (call.name(), call.budget());
        let mut check = |measure: &str, value: f64, most: f64| {
            figure(name, measure, value, None);
            if value > most * (1.0 + TOLERANCE) {
                eprintln!("`{name}` takes {value:.0} {measure}, more than its budget of {most:.0}");
                code = ExitCode::FAILURE;
            }
        };
        make(call, 1);
        let used = allocation_counter::measure(|| make(call, count));
        let once = allocation_counter::measure(|| make(call, 0));
        let allocations = (used.count_total - once.count_total) as f64 / count as f64;
        check("allocations", allocations, budget.allocations as f64);
        match callgrind::per_call(&["call", name], count) {
            Ok(instructions) => check("instructions", instructions, budget.instructions),
            Err(reason) => callgrind::absent("instructions", &reason),
        }
    }
    code
}

fn make(call: Call, count: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(call.make(&client(), count));
}
