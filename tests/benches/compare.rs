//! Measures calls of the API with our facades, the platform's own SDKs and a bare loop on hyper:
//! `cargo xtask bench compare`, which also installs the SDKs.
//!
//! The server is a process of its own, which sends prepared responses. Each client is a process too,
//! which measures itself and prints one line: see [`measure`]. It makes calls for a while without
//! measuring, and then until a time is over. The clients take turns, in a different order each round.
//! A figure is the median of the rounds; peaks are the greatest.
//!
//! Without `--bench`, as under `cargo test`, one short round only checks that all clients work. An SDK
//! that is not installed is left out.

#[path = "compare/bare.rs"]
mod bare;
#[path = "support/document.rs"]
mod document;
#[path = "support/emulator.rs"]
mod emulator;
#[path = "walk_support/list.rs"]
#[allow(dead_code)]
mod list;
#[path = "support/measure.rs"]
mod measure;
#[path = "compare/own.rs"]
mod own;
#[path = "support/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "support/programs.rs"]
mod programs;
#[path = "support/rounds.rs"]
mod rounds;
#[path = "support/scratch.rs"]
mod scratch;
#[path = "compare/serve.rs"]
mod serve;
#[path = "compare/work.rs"]
mod work;

use std::time::Duration;

// The process of the server, which is none of an emulator here.
use emulator::{Emulator as Server, cpu_seconds};
use measure::Report;
use programs::Program;
use rounds::{Reports, take_turns};
use scratch::Scratch;
use work::{Row, Task};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve"] => serve::serve(),
        ["own", task @ ..] => measure::run(own::run, &Task::parse(task)),
        ["bare", task @ ..] => measure::run(bare::run, &Task::parse(task)),
        // A script makes a thousand calls before it is measured, and is compiled by then.
        _ if words.contains(&"--bench") => bench(5, 320, Duration::from_secs(1)),
        _ => bench(1, 64, Duration::ZERO),
    }
}

/// Runs all rows with all programs, and prints the figures. A client makes calls until the time is
/// over, and so many at least.
fn bench(rounds: usize, calls: usize, time: Duration) {
    let directory = Scratch::create().expect("a directory");
    let server = Server::start().expect("a server");
    let mut reports = Reports::default();
    take_turns(rounds, &Program::all("compare"), |program| {
        for row in Row::ALL {
            let task = Task { row, calls, time };
            let before = cpu_seconds(&server.pid());
            let report = program.run(&task.arguments(), directory.path(), &server.variables);
            let server = cpu_seconds(&server.pid()) - before;
            reports.add(program.name, row.name(), report, server);
        }
    });
    for cell in reports.cells() {
        let made = |report: &Report| (report.seconds.len() * calls) as f64;
        cell.median("rate", |report| made(report) / report.total());
        cell.median("cpu-us", |report| report.cpu * 1e6 / made(report));
        cell.median("per-core", |report| made(report) / report.cpu);
        cell.peak("peak-mib", 1);
        // It serves the warm-up too, which takes as long.
        cell.server("server-percent", |report, cpu| {
            cpu / (2.0 * report.total()) * 100.0
        });
    }
    for (name, reason) in Program::absent("compare") {
        println!("{name} is left out: {reason}");
    }
}
