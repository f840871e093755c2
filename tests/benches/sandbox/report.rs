//! The line of JSON that a client prints: the seconds of each repetition, the seconds of the processor
//! for all of them, and the peaks of memory after the first and after the last one, in KiB.

use std::fs;
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::work::Task;

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Report {
    pub seconds: Vec<f64>,
    pub cpu: f64,
    pub peaks: [u64; 2],
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
            cpu: cpu_seconds(Path::new("/proc/self/stat")),
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
            self.report.peaks[0] = peak();
        }
        self.started = Instant::now();
    }

    fn end(mut self) -> Report {
        self.report.cpu = cpu_seconds(Path::new("/proc/self/stat")) - self.cpu;
        self.report.peaks[1] = peak();
        self.report
    }
}

/// Runs a client of this program and prints its report.
pub fn run<F: AsyncFnOnce(&Task) -> Measure>(client: F, task: &Task) {
    let measure = super::process::runtime().block_on(client(task));
    let report = serde_json::to_string(&measure.end()).expect("a report");
    println!("{report}");
}

/// Returns the peak of this process's memory in KiB, or 0 on other systems than Linux.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let size = line.and_then(|line| line.trim().strip_suffix(" kB"));
    size.and_then(|size| size.parse().ok()).unwrap_or_default()
}

/// Returns the processor time of a process, or 0 on other systems than Linux.
pub fn cpu_seconds(stat: &Path) -> f64 {
    let stat = fs::read_to_string(stat).unwrap_or_default();
    // The name in parentheses may hold anything; the field after it is the third one.
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let fields = fields.split_whitespace().skip(14 - 3).take(2);
    let ticks: f64 = fields.flat_map(str::parse::<f64>).sum();
    // Hundredths of a second on every Linux that Rust runs on.
    ticks / 100.0
}
