//! Rounds in which the clients take turns, and the figures of all rounds.

use std::collections::BTreeMap;

use super::measure::Report;
use super::programs::Program;

/// Calls `turn` for each program in each round, in a different order each round.
pub fn take_turns(rounds: usize, programs: &[Program], mut turn: impl FnMut(&Program)) {
    for round in 0..rounds {
        for offset in 0..programs.len() {
            turn(&programs[(round + offset) % programs.len()]);
        }
    }
}

/// The reports by program and row, with the processor time of the server.
#[derive(Default)]
pub struct Reports(BTreeMap<(&'static str, &'static str), Vec<(Report, f64)>>);

impl Reports {
    pub fn add(&mut self, program: &'static str, row: &'static str, report: Report, server: f64) {
        let reports = self.0.entry((program, row)).or_default();
        reports.push((report, server));
    }

    /// Returns the cells of the table.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        self.0.iter().map(|(&(program, row), reports)| Cell {
            program,
            row,
            reports,
        })
    }
}

/// The reports of a program about a row.
pub struct Cell<'a> {
    program: &'static str,
    pub row: &'static str,
    reports: &'a [(Report, f64)],
}

impl Cell<'_> {
    /// Prints the median of the rounds.
    pub fn median(&self, measure: &str, value: impl Fn(&Report) -> f64) {
        let values = self.reports.iter().map(|(report, _)| value(report));
        self.print_median(measure, values.collect());
    }

    /// Prints the median of a value of a report and of the server's processor time in seconds.
    pub fn server(&self, measure: &str, value: impl Fn(&Report, f64) -> f64) {
        let values = self.reports.iter().map(|(report, cpu)| value(report, *cpu));
        self.print_median(measure, values.collect());
    }

    /// Prints the greatest of the rounds' peaks of memory, in MiB.
    pub fn peak(&self, measure: &str, index: usize) {
        let peaks = self.reports.iter().map(|(report, _)| report.peaks[index]);
        let peak = peaks.max().unwrap_or_default() as f64 / 1024.0;
        self.print(measure, peak);
    }

    fn print_median(&self, measure: &str, mut values: Vec<f64>) {
        values.sort_unstable_by(f64::total_cmp);
        self.print(measure, values[values.len() / 2]);
    }

    fn print(&self, measure: &str, value: f64) {
        let (program, row) = (self.program, self.row);
        println!("{program}\t{row}-{measure}\t{value:.1}");
    }
}
