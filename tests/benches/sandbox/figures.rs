//! The figures of all rounds.

use super::measure::Report;
use super::rounds::Reports;
use super::work::Effort;

pub fn print(reports: &Reports, effort: &Effort) {
    // The aim: the table divides the peaks by it.
    println!("limit\tpeak-mib\t32.0");
    for cell in reports.cells() {
        if cell.row == "start" {
            cell.median("p50-us", |report| quantile(report, 0.5) * 1e6);
            cell.median("p99-us", |report| quantile(report, 0.99) * 1e6);
            let calls = |report: &Report| report.seconds.len() as f64;
            cell.median("cpu-us", |report| report.cpu * 1e6 / calls(report));
        } else {
            let amount = effort.amount(cell.row);
            cell.median("rate", |report| amount / report.total());
            cell.median("cpu-ms", |report| report.cpu * 1e3);
        }
        cell.peak("first-peak-mib", 0);
        cell.peak("peak-mib", 1);
        cell.server("server-ms", |_, cpu| cpu * 1e3);
    }
}

fn quantile(report: &Report, share: f64) -> f64 {
    let mut all = report.seconds.clone();
    all.sort_unstable_by(f64::total_cmp);
    all[((all.len() - 1) as f64 * share).round() as usize]
}
