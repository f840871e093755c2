//! Measures what a request to the emulator costs: `cargo xtask bench emulator`.
//!
//! The emulator is a process of its own, as its program is. The client is as cheap as possible: its
//! requests are written before, it runs on one thread, and it does not decode responses. The rounds are
//! repeated, each with a new emulator for each operation; a figure is the median of the rounds.
//!
//! The load of many connections takes `BENCH_LOAD_SECONDS`, by default 10.
//!
//! Without `--bench`, as under `cargo test`, one short round checks that no request fails.

#[path = "support/emulator.rs"]
mod emulator;
#[path = "guests/figures.rs"]
#[allow(dead_code)]
mod figures;
#[path = "emulator/instructions.rs"]
mod instructions;
#[path = "emulator/load.rs"]
mod load;
#[path = "emulator/many.rs"]
mod many;
#[path = "support/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "emulator/rate.rs"]
mod rate;
#[path = "emulator/requests.rs"]
mod requests;
#[path = "guests/serve.rs"]
mod serve;
#[path = "emulator/wire.rs"]
mod wire;

use std::time::Instant;

use emulator::{Emulator, cpu_seconds};
use figures::{Figures, quantile};
use load::Load;
use many::Many;
use process::runtime;
use requests::{OPERATIONS, Requests};
use wire::Wire;

/// The aims, in the units of the figures.
const AIMS: [(&str, f64); 5] = [
    ("get", 40_000.0),
    ("list", 5_000.0),
    ("start-us", 5_000.0),
    ("start-mib", 5.0),
    ("none", 0.0),
];

/// The sizes of the measurements.
struct Effort {
    rounds: usize,
    /// The starts of a process with an emulator.
    programs: usize,
    /// The requests of each operation.
    requests: [usize; OPERATIONS.len()],
    /// The requests at once.
    at_once: usize,
    load: Load,
    /// The emulators in one process.
    many: usize,
    /// The requests of each operation of which the instructions are counted.
    counted: usize,
}

impl Effort {
    fn full() -> Self {
        let seconds = std::env::var("BENCH_LOAD_SECONDS").ok();
        let seconds = seconds.map(|text| text.parse().expect("a number of seconds"));
        Self {
            rounds: 5,
            programs: 20,
            requests: [100_000, 20_000, 10_000, 40_000, 20_000],
            at_once: 64,
            load: Load {
                connections: 200,
                // As many as a sandbox remembers: from then on, it forgets one for each new one.
                ended: 4096,
                seconds: seconds.unwrap_or(10.0),
            },
            many: 200,
            counted: 500,
        }
    }

    fn short() -> Self {
        Self {
            rounds: 1,
            programs: 1,
            requests: [200; OPERATIONS.len()],
            at_once: 8,
            load: Load {
                connections: 20,
                ended: 10,
                seconds: 0.3,
            },
            many: 5,
            counted: 0,
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve"] => serve::serve(),
        ["many", count] => figures::report(many::run(count.parse().expect("a number"))),
        _ if words.contains(&"--bench") => bench(&Effort::full()),
        _ => bench(&Effort::short()),
    }
}

/// Measures everything and prints the figures.
fn bench(effort: &Effort) {
    let mut figures = Figures::default();
    for _ in 0..effort.rounds {
        begin(effort.programs, &mut figures);
        for (operation, count) in OPERATIONS.into_iter().zip(effort.requests) {
            send(operation, count, effort.at_once, &mut figures);
        }
        bear(&effort.load, &mut figures);
        let many: Many = figures::ask("many", &[effort.many.to_string()], None);
        figures.add("emulator", "many-us", many.us);
        figures.add("emulator", "many-kib", many.kib);
    }
    figures.print(&AIMS);
    if effort.counted > 0 {
        instructions::print(effort.counted);
    }
}

/// Measures the start of a process with an emulator until its first response, and its memory then.
fn begin(programs: usize, figures: &mut Figures) {
    let (mut times, mut sizes) = (Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..programs {
        let started = Instant::now();
        let emulator = Emulator::start().expect("an emulator");
        runtime().block_on(first_response(&Requests::of(emulator.variables.clone())));
        times.push(started.elapsed().as_secs_f64() * 1e6);
        let pid = emulator.pid();
        sizes[0].push(serve::memory(&pid));
        sizes[1].push(serve::memory_with_file(&pid));
    }
    let [anonymous, whole] = &mut sizes;
    let all = [
        ("start-us", &mut times),
        ("start-mib", anonymous),
        ("start-file-mib", whole),
    ];
    for (measure, values) in all {
        values.sort_unstable_by(f64::total_cmp);
        figures.add("emulator", measure, quantile(values, 0.5));
    }
}

async fn first_response(requests: &Requests) {
    let wire = Wire::connect(&requests.authority).await;
    let mut wire = wire.expect("a connection");
    wire.call(&requests.request("list", 0))
        .await
        .expect("a list");
}

/// Measures the requests of one operation.
fn send(operation: &'static str, count: usize, at_once: usize, figures: &mut Figures) {
    let emulator = Emulator::start().expect("an emulator");
    let (pid, requests) = (emulator.pid(), Requests::of(emulator.variables.clone()));
    let (seconds, cpu) = runtime().block_on(async {
        rate::prepare(&requests).await;
        let before = cpu_seconds(&pid);
        let seconds = rate::send(&requests, operation, count, at_once).await;
        (seconds, cpu_seconds(&pid) - before)
    });
    let count = count as f64;
    figures.add(operation, "rate", count / seconds);
    figures.add(operation, "cpu-us", cpu * 1e6 / count);
    figures.add(operation, "mib", serve::memory(&pid));
}

/// Measures mixed requests of many connections.
fn bear(load: &Load, figures: &mut Figures) {
    let emulator = Emulator::start().expect("an emulator");
    let (pid, requests) = (emulator.pid(), Requests::of(emulator.variables.clone()));
    let loaded = runtime().block_on(async {
        rate::prepare(&requests).await;
        load.bear(&requests, &pid).await
    });
    if let Some(error) = loaded.errors.first() {
        eprintln!(
            "{} connections gave up, such as: {error}",
            loaded.errors.len()
        );
    }
    let is_measured = load.seconds > 1.0;
    assert!(is_measured || loaded.errors.is_empty(), "requests failed");
    assert!(loaded.requests > 0, "no request was made");
    let rate = loaded.requests as f64 / load.seconds;
    figures.add("emulator", "load-rate", rate);
    figures.add("emulator", "load-seconds", load.seconds);
    figures.add("emulator", "load-errors", loaded.errors.len() as f64);
    figures.add_growth("load-quarter-mib", "load-end-mib", loaded.memory);
}
