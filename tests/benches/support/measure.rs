//! The line of JSON that a client prints: the seconds of each repetition, the seconds of the processor
//! for all of them, and the peaks of memory after the first and after the last one, in KiB.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::emulator::{cpu_seconds, size_kib};

/// The peak of the resident memory in the status of a process.
const PEAK: &str = "VmHWM:";

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Report {
    pub seconds: Vec<f64>,
    pub cpu: f64,
    pub peaks: [u64; 2],
}

impl Report {
    /// Returns the seconds of all repetitions together.
    pub fn total(&self) -> f64 {
        self.seconds.iter().sum()
    }
}

/// Measures the repetitions of a task.
pub struct Measure {
    started: Instant,
    cpu: f64,
    report: Report,
}

impl Measure {
    /// Starts the first repetition.
    pub fn start() -> Self {
        Self {
            cpu: cpu_seconds("self"),
            report: Report::default(),
            started: Instant::now(),
        }
    }

    /// Ends a repetition and starts the next one.
    pub fn lap(&mut self) {
        self.report
            .seconds
            .push(self.started.elapsed().as_secs_f64());
        if self.report.seconds.len() == 1 {
            self.report.peaks[0] = size_kib("self", PEAK);
        }
        self.started = Instant::now();
    }

    /// Returns the report so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    fn end(mut self) -> Report {
        self.report.cpu = cpu_seconds("self") - self.cpu;
        self.report.peaks[1] = size_kib("self", PEAK);
        self.report
    }
}

/// Runs a client of this program and prints its report.
pub fn run<T, F: AsyncFnOnce(&T) -> Measure>(client: F, task: &T) {
    let measure = super::process::runtime().block_on(client(task));
    let report = serde_json::to_string(&measure.end()).expect("a report");
    println!("{report}");
}
