//! The figures of all rounds, and the reports of the processes that measure.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::emulator::Emulator;

/// The values of the rounds by subject and measure.
#[derive(Default)]
pub struct Figures {
    values: BTreeMap<(String, String), Vec<f64>>,
    /// The measures of memory before and after, with the values of the round of most growth.
    growth: BTreeMap<(&'static str, &'static str), [f64; 2]>,
}

impl Figures {
    pub fn add(&mut self, subject: &str, measure: &str, value: f64) {
        let key = (subject.to_owned(), measure.to_owned());
        self.values.entry(key).or_default().push(value);
    }

    /// Adds two quantiles of times in seconds, as microseconds.
    pub fn quantiles(&mut self, measure: &str, seconds: &[f64]) {
        let mut sorted = seconds.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        self.add("p50", measure, quantile(&sorted, 0.5) * 1e6);
        self.add("p99", measure, quantile(&sorted, 0.99) * 1e6);
    }

    /// Adds the memory before and after. The round with most growth counts.
    pub fn add_growth(&mut self, before: &'static str, after: &'static str, values: [f64; 2]) {
        let worst = self.growth.entry((before, after)).or_insert(values);
        if values[1] * worst[0] > worst[1] * values[0] {
            *worst = values;
        }
    }

    /// Prints the median of the rounds, and the limits that the table divides by.
    pub fn print(&mut self, limits: &[(&str, f64)]) {
        for ((subject, measure), values) in &mut self.values {
            values.sort_unstable_by(f64::total_cmp);
            println!("{subject}\t{measure}\t{:.1}", values[values.len() / 2]);
        }
        for ((before, after), values) in &self.growth {
            println!("emulator\t{before}\t{:.1}", values[0]);
            println!("emulator\t{after}\t{:.1}", values[1]);
        }
        for (measure, limit) in limits {
            println!("limit\t{measure}\t{limit:.1}");
        }
    }
}

/// Returns the value below which a share of sorted values lies.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let index = (last as f64 * share).round() as usize;
    sorted.get(index).copied().unwrap_or_default()
}

/// Starts this program with arguments, and returns what it reports.
pub fn ask<T: DeserializeOwned>(role: &str, words: &[String], emulator: Option<&Emulator>) -> T {
    let mut command = Command::new(std::env::current_exe().expect("the path of this program"));
    command.arg(role).args(words).stderr(Stdio::inherit());
    if let Some(emulator) = emulator {
        command.envs(emulator.variables.iter().cloned());
    }
    let output = command.output().expect(role);
    assert!(output.status.success(), "{role} failed");
    serde_json::from_slice(&output.stdout).expect("a report")
}

/// Prints a report for [`ask`].
pub fn report(report: impl Serialize) {
    let report = serde_json::to_string(&report).expect("a report");
    println!("{report}");
}
