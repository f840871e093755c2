//! The figures of all rounds.

use std::collections::BTreeMap;

use super::report::Report;
use super::work::{Effort, ROWS};

/// The reports by program and row, with the processor time of the server.
#[derive(Default)]
pub struct Figures(BTreeMap<(&'static str, &'static str), Vec<(Report, f64)>>);

impl Figures {
    pub fn add(&mut self, program: &'static str, row: &'static str, report: &Report, server: f64) {
        let report = Report {
            seconds: report.seconds.clone(),
            ..*report
        };
        self.0
            .entry((program, row))
            .or_default()
            .push((report, server));
    }

    pub fn print(&self, effort: &Effort) {
        // The aim: the table divides the peaks by it.
        figure("limit", "peak-mib", &[32.0]);
        for ((program, row), reports) in &self.0 {
            assert!(ROWS.contains(row));
            let each = |value: &dyn Fn(&Report) -> f64| -> Vec<f64> {
                reports.iter().map(|(report, _)| value(report)).collect()
            };
            let named = |measure: &str| format!("{row}-{measure}");
            let total = |report: &Report| report.seconds.iter().sum::<f64>();
            if *row == "start" {
                let quantile = |share: f64| {
                    each(&|report| {
                        let mut all = report.seconds.clone();
                        all.sort_unstable_by(f64::total_cmp);
                        all[((all.len() - 1) as f64 * share).round() as usize] * 1e6
                    })
                };
                figure(program, "start-p50-us", &quantile(0.5));
                figure(program, "start-p99-us", &quantile(0.99));
                let calls = |report: &Report| report.cpu * 1e6 / report.seconds.len() as f64;
                figure(program, "start-cpu-us", &each(&calls));
            } else {
                let amount = effort.amount(row);
                figure(program, &named("rate"), &each(&|it| amount / total(it)));
                figure(program, &named("cpu-ms"), &each(&|it| it.cpu * 1e3));
            }
            let peak = |index: usize| {
                let peaks = each(&|it| it.peaks[index] as f64 / 1024.0);
                [peaks.into_iter().fold(0.0, f64::max)]
            };
            figure(program, &named("first-peak-mib"), &peak(0));
            figure(program, &named("peak-mib"), &peak(1));
            let server: Vec<f64> = reports.iter().map(|(_, server)| server * 1e3).collect();
            figure(program, &named("server-ms"), &server);
        }
    }
}

/// Prints the median of the rounds.
fn figure(program: &str, measure: &str, values: &[f64]) {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    println!("{program}\t{measure}\t{:.1}", values[values.len() / 2]);
}
