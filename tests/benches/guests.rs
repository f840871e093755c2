//! Measures the emulator's own costs with simulated sandboxes: `cargo xtask bench guests`.
//!
//! The emulator is a process of its own, and so is the client, which is plain hyper. The rounds are
//! repeated, each with a new emulator. A figure is the median of the rounds; the memory of a load is
//! that of the round in which it grew most.
//!
//! Without `--bench`, as under `cargo test`, one short round checks that no call fails and that all
//! processes end as they should.

#[path = "guests/api.rs"]
mod api;
#[path = "support/emulator.rs"]
mod emulator;
#[path = "guests/figures.rs"]
mod figures;
#[path = "guests/load.rs"]
mod load;
#[path = "guests/many.rs"]
mod many;
#[path = "guests/mix.rs"]
mod mix;
#[path = "support/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "guests/serve.rs"]
mod serve;
#[path = "guests/start.rs"]
mod start;

use std::time::Instant;

use emulator::Emulator;
use figures::{Figures, quantile};
use load::{Load, Loaded};
use many::{Many, Started};
use start::{Begun, Starts};

/// The limits that the table divides by.
const LIMITS: [(&str, f64); 3] = [("start-us", 5000.0), ("start-mib", 5.0), ("none", 0.0)];

/// The sizes of the measurements.
struct Effort {
    rounds: usize,
    /// The starts of an emulator.
    starts: usize,
    /// The starts of a process with an emulator.
    programs: usize,
    many: Many,
    load: Load,
}

impl Effort {
    fn full() -> Self {
        Self {
            rounds: 3,
            starts: 1000,
            programs: 100,
            many: Many {
                sandboxes: 100,
                processes: 10,
            },
            load: Load {
                connections: 200,
                sandboxes: 8,
                // As many as a sandbox remembers: from then on, it forgets one for each new one.
                ended: 4096,
                seconds: 60.0,
            },
        }
    }

    fn short() -> Self {
        Self {
            rounds: 1,
            starts: 5,
            programs: 1,
            many: Many {
                sandboxes: 10,
                processes: 10,
            },
            load: Load {
                connections: 50,
                sandboxes: 4,
                ended: 5,
                seconds: 0.5,
            },
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve"] => serve::serve(),
        ["start", effort @ ..] => figures::report(start::run(&Starts::parse(effort))),
        ["many", effort @ ..] => figures::report(many::run(&Many::parse(effort))),
        ["load", effort @ ..] => figures::report(load::run(&Load::parse(effort))),
        _ if words.contains(&"--bench") => bench(&Effort::full()),
        _ => bench(&Effort::short()),
    }
}

/// Measures everything and prints the figures.
fn bench(effort: &Effort) {
    let mut figures = Figures::default();
    for _ in 0..effort.rounds {
        begin(effort, &mut figures);
        start_many(&effort.many, &mut figures);
        bear_load(&effort.load, &mut figures);
    }
    figures.print(&LIMITS);
}

/// Measures the start of an emulator.
fn begin(effort: &Effort, figures: &mut Figures) {
    let begun: Begun = figures::ask("start", &Starts(effort.starts).words(), None);
    figures.quantiles("start-us", &begun.starts);
    figures.quantiles("first-command-us", &begun.commands);
    figures.add("emulator", "first-mib", begun.first_mib);
    figures.add("emulator", "further-mib", begun.further_mib);
    figures.add("emulator", "machine-kib", begun.machine_kib);

    let (mut seconds, mut sizes) = (Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..effort.programs {
        let started = Instant::now();
        let emulator = Emulator::start().expect("an emulator");
        process::runtime().block_on(api::list_models(&emulator.variables));
        seconds.push(started.elapsed().as_secs_f64());
        let pid = emulator.pid();
        let memory = [serve::memory(&pid), serve::memory_with_file(&pid)];
        for (sizes, size) in sizes.iter_mut().zip(memory) {
            sizes.push(size);
        }
    }
    figures.quantiles("program-us", &seconds);
    for (measure, sizes) in ["program-mib", "program-file-mib"].iter().zip(&mut sizes) {
        sizes.sort_unstable_by(f64::total_cmp);
        figures.add("emulator", measure, quantile(sizes, 0.5));
    }
}

/// Measures many processes that run at the same time in many sandboxes.
fn start_many(many: &Many, figures: &mut Figures) {
    let emulator = Emulator::start().expect("an emulator");
    let started: Started = figures::ask("many", &many.words(), Some(&emulator));
    assert_eq!(
        started.wrong, 0,
        "processes that did not end as they should"
    );
    figures.add("emulator", "many-start-ms", started.start_seconds * 1e3);
    figures.add("emulator", "many-end-ms", started.end_seconds * 1e3);
    figures.add("emulator", "many-wrong", started.wrong as f64);
    let sandboxes = many.sandboxes as f64;
    figures.add("emulator", "many-kib", started.mib * 1024.0 / sandboxes);
}

/// Measures mixed calls of many connections.
fn bear_load(load: &Load, figures: &mut Figures) {
    let emulator = Emulator::start().expect("an emulator");
    let loaded: Loaded = figures::ask("load", &load.words(), Some(&emulator));
    if let Some(error) = &loaded.first_error {
        eprintln!("{} errors, such as: {error}", loaded.errors);
    }
    let is_measured = load.seconds > 1.0;
    assert!(is_measured || loaded.errors == 0, "calls failed");
    assert!(loaded.calls > 0, "no call was made");
    figures.add(
        "emulator",
        "load-rate",
        loaded.calls as f64 / loaded.seconds,
    );
    figures.add("emulator", "load-errors", loaded.errors as f64);
    figures.add(
        "emulator",
        "load-cpu-us",
        loaded.cpu * 1e6 / loaded.calls as f64,
    );
    for (operation, [p50, p99]) in &loaded.quantiles {
        figures.add("p50", &format!("{operation}-us"), p50 * 1e6);
        figures.add("p99", &format!("{operation}-us"), p99 * 1e6);
    }
    figures.add_growth("load-quarter-mib", "load-end-mib", loaded.memory);
}
