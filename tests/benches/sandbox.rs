//! Measures commands and files in a sandbox, with our facade, the platform's own SDKs and a bare loop
//! on hyper: `cargo xtask bench sandbox`, which also installs the SDKs.
//!
//! The server is the emulator, in a process of its own. Each client is a process too, which measures
//! itself and prints one line: see [`measure`]. The clients take turns, in a different order each
//! round, each with a new sandbox. A figure is the median of the rounds; peaks are the greatest.
//!
//! Without `--bench`, as under `cargo test`, one short round only checks that all clients work. An SDK
//! that is not installed is left out.

#[path = "sandbox/bare.rs"]
mod bare;
#[path = "support/emulator.rs"]
mod emulator;
#[path = "sandbox/figures.rs"]
mod figures;
#[path = "sandbox/machine.rs"]
mod machine;
#[path = "support/measure.rs"]
#[allow(dead_code)]
mod measure;
#[path = "sandbox/own.rs"]
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
#[path = "sandbox/serve.rs"]
mod serve;
#[path = "sandbox/work.rs"]
mod work;

use emulator::{Emulator, cpu_seconds};
use programs::Program;
use rounds::{Reports, take_turns};
use work::{Effort, Local, ROWS, Task};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve"] => serve::serve(),
        ["own", task @ ..] => measure::run(own::run, &Task::parse(task)),
        ["bare", task @ ..] => measure::run(bare::run, &Task::parse(task)),
        _ if words.contains(&"--bench") => bench(&Effort::full()),
        _ => bench(&Effort::short()),
    }
}

/// Runs all rows with all programs, and prints the figures.
fn bench(effort: &Effort) {
    let local = Local::create(effort).expect("local files");
    let mut reports = Reports::default();
    take_turns(effort.rounds, &Program::all("sandbox"), |program| {
        // A new process for each: what one client leaves behind does not slow down the next.
        let emulator = Emulator::start().expect("an emulator");
        for row in ROWS {
            let task = Task::new(row, effort.repetitions(row), &local);
            let before = cpu_seconds(&emulator.pid());
            let report = program.run(&task.arguments(), local.path(), &emulator.variables);
            let server = cpu_seconds(&emulator.pid()) - before;
            local.check(row).expect(program.name);
            reports.add(program.name, row, report, server);
        }
    });
    figures::print(&reports, effort);
    for (name, reason) in Program::absent("sandbox") {
        println!("{name} is left out: {reason}");
    }
}
